"""Where a command finds its files: flags, the environment, and ``[tool.migrate-spec]`` in ``pyproject.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from migrate_spec.cli.options import debug_option, folder_type
from migrate_spec.errors import Fault, Place, SpecError

if TYPE_CHECKING:
    from migrate_spec.project import Project
    from migrate_spec.retention import Retention

__all__ = ["Settings", "read_settings", "with_project"]

KNOWN = ("specs", "schemas")
"""The folders of a project."""

BACKUPS = "backups"
COMPLEMENTS = "complements"

Expected = tuple[str, Callable[[Any], bool]]
"""What a setting must be, in words and as what tells whether it is."""

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Settings:
    """Where a project is, whether its hooks may run, and what is kept how long.

    Attributes:
        specs, schemas: its folders.
        hooks: whether its hooks may run.
        retention: how long backups are kept; ``None``: it does not say.
        complements: whether what records lose is kept.
        complements_age: how old that may get; ``None``: it does not say.
    """

    specs: Path = Path("specs")
    schemas: Path = Path("schemas")
    hooks: bool = True
    retention: Retention | None = None
    complements: bool = True
    complements_age: timedelta | None = None

    def project(self) -> Project:
        """The project.

        Raises:
            SpecError: something is wrong with it.
        """
        from migrate_spec.project import load  # noqa: PLC0415 - slow to import, and not needed for help

        return load(self.specs, self.schemas, hooks=self.hooks)

    def known_project(self) -> Project:
        """The project where there is one without faults, else one without any spec: for work that needs none.

        Raises:
            SpecError: a file of it cannot be read now, though it is there.
        """
        from migrate_spec.project import Project  # noqa: PLC0415 - as above
        from migrate_spec.registry import MigrationRegistry  # noqa: PLC0415

        try:
            return self.project()
        except SpecError as error:
            if any(fault.code == "unreadable" for fault in error.faults):
                raise
            return Project(MigrationRegistry())


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings of the nearest ``pyproject.toml`` at or above a folder; empty where it has none.

    Folders in it are meant from where the file lies; the table ``backups`` becomes ``retention``, and the table
    ``complements`` becomes ``complements`` and ``complements_age``.

    Raises:
        SpecError: the file cannot be read, or has a setting that is not known or of the wrong type.
    """
    for parent in (folder, *folder.parents):
        file = parent / "pyproject.toml"
        if file.is_file():
            shown = file.relative_to(folder) if parent == folder else file
            table = _settings_of(file, str(shown))
            found: dict[str, Any] = {name: shown.parent / table[name] for name in KNOWN if name in table}
            found |= {"retention": _retention(table[BACKUPS])} if BACKUPS in table else {}
            return found | _complements(table.get(COMPLEMENTS, {}))
    return {}


def _settings_of(file: Path, shown: str) -> dict[str, Any]:
    try:
        tools = tomllib.loads(file.read_text(encoding="utf-8")).get("tool")
    except OSError as error:
        fault = Fault(error.strerror or str(error), "a readable file was expected", "", shown, "settings")
        raise SpecError([fault]) from None
    except ValueError as error:
        raise SpecError([_syntax_fault(str(error), shown)]) from None
    table = tools.get("migrate-spec", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        found = f"migrate-spec = {table!r} in [tool] was found"
        raise SpecError([Fault(found, "a table [tool.migrate-spec] was expected", "", shown, "settings")])
    faults = list(_faults(shown, "tool.migrate-spec", table, EXPECTED))
    for name, expected in EXPECTED_OF_TABLES.items():
        if type(table.get(name)) is dict:
            faults += _faults(shown, f"tool.migrate-spec.{name}", table[name], expected)
    if faults:
        raise SpecError(faults)
    return table


def _is_age(value: object) -> bool:
    from migrate_spec.retention import age  # noqa: PLC0415 - few have it

    with suppress(ValueError):
        return type(value) is str and bool(age(value))
    return False


TEXT = ("a text", lambda value: type(value) is str)
TABLE = ("a table", lambda value: type(value) is dict)
AGE = ("an age such as 12h, 30d or 4w", _is_age)
EXPECTED: dict[str, Expected] = dict.fromkeys(KNOWN, TEXT) | dict.fromkeys((BACKUPS, COMPLEMENTS), TABLE)
EXPECTED_OF_TABLES: dict[str, dict[str, Expected]] = {
    BACKUPS: {"keep": ("a number from 1 on", lambda value: type(value) is int and value > 0), "older-than": AGE},
    COMPLEMENTS: {"keep": ("true or false", lambda value: type(value) is bool), "older-than": AGE},
}


def _retention(table: dict[str, Any]) -> Retention:
    from migrate_spec.retention import Retention, age  # noqa: PLC0415 - few have it

    return Retention(table.get("keep"), age(table["older-than"]) if "older-than" in table else None)


def _complements(table: dict[str, Any]) -> dict[str, Any]:
    from migrate_spec.retention import age  # noqa: PLC0415 - few have it

    limit = {"complements_age": age(table["older-than"])} if "older-than" in table else {}
    return limit | ({"complements": table["keep"]} if "keep" in table else {})


def _syntax_fault(message: str, file: str) -> Fault:
    """What is wrong with a text that is no TOML; the place stands at the end of the message."""
    at = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    place = Place(file, int(at[1]), int(at[2])) if at else file
    return Fault(f"no TOML was found ({message[: at.start()] if at else message})", "", "", place, "settings")


def _faults(file: str, table: str, values: dict[str, Any], expected: Mapping[str, Expected]) -> Iterator[Fault]:
    """What is wrong with the values of a table."""
    for name, value in values.items():
        if name not in expected:
            from migrate_spec.schema import did_you_mean  # noqa: PLC0415 - only for bad news

            found, remedy = f"the unknown setting {name!r} in [{table}] was found", did_you_mean(name, [*expected])
            yield Fault(found, f"one of {', '.join(expected)} was expected", remedy, file, "settings")
        elif not expected[name][1](value):
            found = f"{name} = {value!r} in [{table}] was found"
            yield Fault(found, f"{expected[name][0]} was expected", "", file, "settings")


def with_project(command: Command) -> Command:
    """Give a command its project's folders, and the options for them, which may stand before or after its name."""

    @click.option("--specs", type=folder_type, metavar="DIR", allow_from_autoenv=False, help=_help("specs"))
    @click.option("--schemas", type=folder_type, metavar="DIR", allow_from_autoenv=False, help=_help("schemas"))
    @click.option("--no-hooks", is_flag=True, allow_from_autoenv=False, help="Refuse specs that call hooks.")
    @debug_option
    @click.pass_context
    def wrapped(ctx: click.Context, /, *, no_hooks: bool, **given: Any) -> Any:
        after = {name: given.pop(name) for name in KNOWN}
        before = ctx.find_root().params  # from the flag or the environment
        found = read_settings(Path.cwd())
        for chosen in (before, after):
            found |= {name: chosen[name] for name in KNOWN if chosen[name] is not None}
        return ctx.invoke(command, Settings(**found, hooks=not no_hooks), **given)

    return update_wrapper(wrapped, command)  # type: ignore[return-value]  # click's decorators keep the command's type


def _help(name: str) -> str:
    return f"The folder of {name}.  [default: {name}]"
