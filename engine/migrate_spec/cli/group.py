"""The group of commands: each is a module of its own name below ``commands/``, imported when it is called."""

from __future__ import annotations

import re
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import click

from migrate_spec.cli import commands
from migrate_spec.cli.options import debug_option, folder_type
from migrate_spec.version import VERSION

__all__ = ["cli"]


_HELP = re.compile(r'^def command\(.*?^    r?"""(.*?)"""', re.MULTILINE | re.DOTALL)
"""The docstring of a command; to parse the files as Python would be half of the time that the help takes."""


class Commands(click.Group):
    """Finds commands by walking a folder; importing one only when it runs keeps the start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in alphabetical order."""
        del ctx
        return sorted(module.name for module in iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, or ``None``."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"{commands.__name__}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help; none of them is imported for it."""
        names = self.list_commands(ctx)
        room = formatter.width - 6 - max(map(len, names))
        rows = [(name, click.Command(name, help=_help_of(name)).get_short_help_str(room)) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a "did you mean" for a mistyped name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from migrate_spec.schema import did_you_mean  # noqa: PLC0415 - only for bad news

            near = did_you_mean(args[0], self.list_commands(ctx))
            if not near:
                raise
            raise click.UsageError(f"{error.message} {near[0].upper()}{near[1:]}", ctx) from None


def _help_of(name: str) -> str:
    """The docstring of a command, from its source."""
    source = Path(commands.__path__[0], f"{name}.py").read_text("utf-8")
    words = _HELP.search(source)
    return cleandoc(words[1]) if words else ""


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "MIGRATE_SPEC"},
    epilog="--specs and --schemas may stand before or after the command, and come from the environment "
    "(MIGRATE_SPEC_SPECS, MIGRATE_SPEC_SCHEMAS) or from [tool.migrate-spec] in pyproject.toml; a flag counts before "
    "the environment, and that before the file.",
)
@click.option("--specs", type=folder_type, metavar="DIR", help="The folder of specs.  [default: specs]")
@click.option("--schemas", type=folder_type, metavar="DIR", help="The folder of schemas.  [default: schemas]")
@debug_option
@click.version_option(VERSION, prog_name="migrate-spec")
def cli(**folders: Any) -> None:
    """Change the shape of JSON documents in RocksDB by specs.

    A spec says in YAML what one version step changes; between two versions of a JSON Schema it carries every record
    over, all or nothing, and back again.
    """
    del folders  # `with_project` reads them, once it is known what stands behind the command's name
