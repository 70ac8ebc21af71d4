"""How findings are shown: to people and their editors, to programs, and to GitHub."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from migrate_spec.cli.output import bad, counted, faint, remark, warn
from migrate_spec.errors import Fault, Place, Severity

__all__ = ["as_github", "as_json", "as_text", "tally"]

_COLOURS: dict[Severity, Callable[[str], str]] = {"error": bad, "warning": warn, "info": remark}
_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}


def as_text(fault: Fault) -> str:
    """A finding as compilers print theirs, which editors read: ``file:line:column: error: sentence [code]``."""
    where = f"{fault.where}: " if fault.where else ""
    code = faint(f" [{fault.code}]") if fault.code else ""
    return f"{where}{_COLOURS[fault.severity](f'{fault.severity}:')} {_sentence(fault)}{code}"


def as_json(fault: Fault) -> dict[str, Any]:
    """A finding for programs."""
    place = _place(fault)
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "code": fault.code,
        "severity": fault.severity,
        "message": _sentence(fault),
    }


def as_github(fault: Fault) -> str:
    """A finding as a workflow command, which GitHub shows beside the line that it is about."""
    place = _place(fault)
    properties = {
        "file": _in_workspace(place.file) if place.file else "",
        "line": place.line if place.file else "",
        "col": place.column if place.file else "",
        "title": fault.code,
    }
    told = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in properties.items() if value)
    return f"::{_COMMANDS[fault.severity]}{' ' if told else ''}{told}::{_escaped(_sentence(fault))}"


def tally(faults: Iterable[Fault]) -> str:
    """How many findings of each severity there are: ``2 errors, 1 warning``; empty where there are none."""
    counts = Counter(fault.severity for fault in faults)
    nouns: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "remark"}
    return ", ".join(counted(counts[severity], noun) for severity, noun in nouns.items() if counts[severity])


def _sentence(fault: Fault) -> str:
    return fault.sentence


def _place(fault: Fault) -> Place:
    return fault.where if isinstance(fault.where, Place) else Place(str(fault.where or ""))


def _in_workspace(file: str) -> str:
    """A file's path from the root of the repository that GitHub runs in, whatever folder the command runs in."""
    workspace, path = os.environ.get("GITHUB_WORKSPACE"), Path(file).resolve()
    inside = workspace and path.is_relative_to(Path(workspace).resolve())
    return path.relative_to(Path(workspace).resolve()).as_posix() if workspace and inside else file


def _escaped(text: str, also: str = "") -> str:
    return "".join(f"%{ord(char):02X}" if char in "%\r\n" + also else char for char in text)
