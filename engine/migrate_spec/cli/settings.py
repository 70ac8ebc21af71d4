"""Where a command finds its files: flags, the environment, and ``[tool.migrate-spec]`` in ``pyproject.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import update_wrapper
from pathlib import Path
from typing import Any, TypeVar

import click

from migrate_spec.errors import Fault, Place, SpecError

__all__ = ["Settings", "read_settings", "with_project"]

KNOWN = ("specs", "schemas")

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Settings:
    """The folders of a project."""

    specs: Path
    schemas: Path


def read_settings(folder: Path) -> dict[str, str]:
    """The settings of the nearest ``pyproject.toml`` at or above a folder; empty where it has none.

    Folders in it are meant from where the file lies.

    Raises:
        SpecError: it has a setting that is not known, or of the wrong type.
    """
    for parent in (folder, *folder.parents):
        file = parent / "pyproject.toml"
        if file.is_file():
            return _settings_of(file)
    return {}


def _settings_of(file: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("migrate-spec", {})
    except (OSError, ValueError) as error:
        raise SpecError([Fault(str(error), "TOML was expected", "", Place(str(file)), "settings")]) from None
    faults = [_fault(file, name, value) for name, value in table.items() if name not in KNOWN or type(value) is not str]
    if faults:
        raise SpecError(faults)
    return {name: str(file.parent / value) for name, value in table.items()}


def _fault(file: Path, name: str, value: object) -> Fault:
    if name in KNOWN:
        found, expected, remedy = f"{name} = {value!r} in [tool.migrate-spec] was found", "a text was expected", ""
    else:
        from migrate_spec.schema import did_you_mean  # noqa: PLC0415 - only for bad news

        found = f"the unknown setting {name!r} in [tool.migrate-spec] was found"
        expected, remedy = f"one of {', '.join(KNOWN)} was expected", did_you_mean(name, KNOWN)
    return Fault(found, expected, remedy, Place(str(file)), "settings")


def with_project(command: Command) -> Command:
    """Give a command ``--specs``, ``--schemas`` and ``--debug``, too, so that they may stand before or after its name."""

    @click.option("--specs", type=click.Path(path_type=Path), help="The folder of specs.  [default: specs]")
    @click.option("--schemas", type=click.Path(path_type=Path), help="The folder of schemas.  [default: schemas]")
    @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
    @click.pass_context
    def wrapped(ctx: click.Context, /, specs: Path | None, schemas: Path | None, *, debug: bool, **rest: Any) -> Any:
        del debug  # read by main
        given = {name: value for name, value in (("specs", specs), ("schemas", schemas)) if value is not None}
        return ctx.invoke(command, replace(ctx.obj, **given), **rest)

    return update_wrapper(wrapped, command)  # type: ignore[return-value]  # click's decorators keep the command's type
