"""Who does what is done: the user that this process runs as, and the machine."""

from __future__ import annotations

import os
import sys

__all__ = ["signature"]


def signature() -> dict[str, str]:
    """The ``user`` and the ``host``, as the system tells them, and not as the environment claims."""
    if sys.platform == "win32":
        return {"user": os.environ.get("USERNAME", ""), "host": os.environ.get("COMPUTERNAME", "")}
    import pwd  # noqa: PLC0415 - there is none on Windows

    number = os.geteuid()
    try:
        user = pwd.getpwuid(number).pw_name
    except KeyError:  # a user without a name, as in a container
        user = str(number)
    return {"user": user, "host": os.uname().nodename}
