"""Hooks: functions in Python for what no operation can say.

A spec names one as ``module:function``. The module is a file in the folder ``hooks/`` beside the folder of specs, or
else one that Python can import; a spec cannot name a path. The function must be marked as a hook, so that no spec can
call what was not written to be called::

    from migrate_spec import hook


    @hook
    def initials(name: str) -> str: ...
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from migrate_spec.document import Unbound
from migrate_spec.errors import Fault, Place

__all__ = ["Hook", "hook"]

Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "__migrate_spec_hook__"


def hook(function: Function) -> Function:
    """Mark a function as one that specs may call.

    It must be pure: the same result for the same argument, and no effect besides. It is given a copy of the value, and
    returns the new one, made of what JSON has: ``dict`` with ``str`` keys, ``list``, ``str``, ``int``, ``float``,
    ``bool`` and ``None``.
    """
    setattr(function, _MARK, True)
    return function


@dataclass(frozen=True)
class Hook:
    """A hook as a spec names it.

    Attributes:
        name: ``module:function``.
        place: where in the spec it stands.
        folder: where its module is looked for first.
    """

    name: str
    place: Place | None = field(default=None, compare=False)
    folder: Path | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.name

    def bound(self, folder: Path) -> tuple[Hook, Fault | None]:
        """The hook with its folder, and what is wrong with it, if something is."""
        found = replace(self, folder=folder)
        try:
            found.load()
        except Unbound as missing:
            return found, Fault(missing.found, missing.expected, "", self.place, "hook-missing")
        except Exception as error:  # noqa: BLE001 - whatever a module does when it is imported
            words = f"{type(error).__name__}: {error}"
            said = f"the module of the hook {self.name!r} was found, which fails when it is imported ({words})"
            return found, Fault(said, "a module was expected", "", self.place, "hook-broken")
        return found, None

    def load(self) -> Callable[[Any], Any]:
        """The function. Its module is run once in a process.

        Raises:
            Unbound: there is no such module, or no such hook in it.
        """
        module_name, _, name = self.name.partition(":")
        module = self._module(module_name)
        function = getattr(module, name, None)
        if not callable(function):
            raise Unbound(f"no function {name!r} was found in {module.__file__}", "one was expected")
        if not getattr(function, _MARK, False):
            raise Unbound(
                f"the function {name!r} of {module.__file__} was found, which is not marked as a hook",
                "`@migrate_spec.hook` was expected above it",
            )
        result: Callable[[Any], Any] = function
        return result

    def _module(self, name: str) -> ModuleType:
        file = self.folder / f"{name}.py" if self.folder else None
        if file is None or not file.is_file():
            try:
                return import_module(name)
            except ModuleNotFoundError as error:
                if error.name not in {name, name.partition(".")[0]}:
                    raise  # it is there, and misses another one
                looked = f"{self.folder}/{name}.py or a module that can be imported was expected"
                raise Unbound(f"no module {name!r} was found", looked) from None
        known = f"migrate_spec_hooks:{file.resolve()}"
        if known not in sys.modules:
            found = spec_from_file_location(known, file)
            assert found is not None  # noqa: S101 - of a file that ends in .py
            assert found.loader is not None  # noqa: S101 - as above
            module = module_from_spec(found)
            found.loader.exec_module(module)
            sys.modules[known] = module
        return sys.modules[known]
