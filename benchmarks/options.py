"""What the options of `migrate-spec apply` cost, and what more steps do: whole processes on the same data, in turns.

python -m benchmarks.options [--records N] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.apply import PROJECT
from benchmarks.results import Result, parser, publish, rows
from benchmarks.rounds import COMMAND, DATABASE, Contender, in_turns
from benchmarks.steps import LAST, write_project
from benchmarks.tasks import build, tasks

__all__ = ["main"]

OPTIONS: dict[str, Sequence[str]] = {
    "as it comes": (),
    "--no-validate": ("--no-validate",),
    "--no-backup": ("--no-backup",),
    "--on-error quarantine": ("--on-error", "quarantine"),
    "--in-place": ("--in-place",),
    "--workers 1": ("--workers", "1"),
    "--workers 1 --no-validate": ("--workers", "1", "--no-validate"),
}

ONE_STEP, ALL_STEPS = f"v1→v2 of {LAST - 1} steps", f"v1→v{LAST}, all {LAST - 1} steps"
QUARANTINE = "--on-error quarantine, 1 % rejected"
AGAINST = {"--workers 1 --no-validate": "--no-validate", ALL_STEPS: ONE_STEP}
"""What rows are compared with, where that is not the first one."""


def spoiled(records: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    """The same records, but that one of a hundred has a status that no schema knows."""
    for number, (key, value) in enumerate(records):
        yield key, value if number % 100 else re.sub(rb'"status":"[a-z_]*"', b'"status":"odd"', value)


def contenders(pristine: Path, rejected: Path, project: Path) -> list[Contender]:
    """`apply` with each of the options, of records of which some are rejected, and of a project of more steps."""
    commands = {name: (COMMAND, "apply", DATABASE, "--to", "2", *PROJECT, *words) for name, words in OPTIONS.items()}
    folders = ("--specs", str(project / "specs"), "--schemas", str(project / "schemas"))
    for name, version in ((ONE_STEP, 2), (ALL_STEPS, LAST)):
        commands[name] = (COMMAND, "apply", DATABASE, "--to", str(version), *folders)
    found = [Contender(name, command, pristine) for name, command in commands.items()]
    return [*found, Contender(QUARANTINE, commands["--on-error quarantine"], rejected)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure in turns and print the medians."""
    options = parser(__doc__, rounds=3, records=1_000_000).parse_args(arguments)
    with TemporaryDirectory() as folder:
        pristine, project = Path(folder, "pristine"), Path(folder, "project")
        size = build(pristine, tasks(options.records))
        rejected = Path(folder, "rejected")
        build(rejected, spoiled(tasks(options.records)))
        write_project(project)
        chosen = contenders(pristine, rejected, project)
        measured = in_turns(chosen, options.rounds)
    about = (
        f"{options.records:,} tasks of {size / options.records:.0f} bytes, from version 1 to 2. The last three rows "
        f"are of a project with {LAST - 1} steps of a few changes each, its first one, and all in one pass; and of "
        "tasks of which one in a hundred is set aside."
    )
    found = [
        replace(row, against=AGAINST.get(row.name, row.against)) for row in rows(chosen, measured, options.records)
    ]
    title = "What the options of `migrate-spec apply` cost"
    publish(Result(title, about, "record", found), options.json)


if __name__ == "__main__":
    main()
