"""The way back: what it costs to keep what a step takes from records, and to put it back. Whole processes, in turns.

python -m benchmarks.downgrade [--records N] [--rounds N] [--json FILE]
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.apply import PROJECT
from benchmarks.results import Result, parser, publish, rows
from benchmarks.rounds import COMMAND, DATABASE, Contender, in_turns
from benchmarks.steps import DROPPED, write_dropping
from benchmarks.tasks import build, tasks

__all__ = ["main"]

NOTHING_KEPT = ("--no-complements",)
KEEPS, KEEPS_NOT = "apply, nothing is dropped", "the same, nothing is kept"
DROPS, DROPS_NOT = (
    f"apply, {len(DROPPED)} fields are dropped",
    f"apply, {len(DROPPED)} fields are dropped, nothing is kept",
)
AGAINST = {DROPS: DROPS_NOT, DROPS_NOT: DROPS_NOT}
"""What rows are compared with, where that is not the first one."""


def migrated(pristine: Path, target: Path, project: Sequence[str]) -> Path:
    """A copy of a database, after `apply`."""
    shutil.copytree(pristine, target)
    command = (COMMAND, "apply", str(target), "--no-backup", "--to", "2", *project)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
    return target


def contenders(folder: Path, pristine: Path) -> list[Contender]:
    """`apply` and `downgrade`, of a step that drops nothing and of one that does."""
    write_dropping(folder)
    dropping = ("--specs", str(folder / "specs"), "--schemas", str(folder / "schemas"))
    up, down = (COMMAND, "apply", DATABASE, "--to", "2"), (COMMAND, "downgrade", DATABASE, "--to", "1")
    return [
        Contender(KEEPS_NOT, (*up, *NOTHING_KEPT, *PROJECT), pristine),
        Contender(KEEPS, (*up, *PROJECT), pristine),
        Contender(DROPS_NOT, (*up, *NOTHING_KEPT, *dropping), pristine),
        Contender(DROPS, (*up, *dropping), pristine),
        Contender("downgrade, nothing was dropped", (*down, *PROJECT), migrated(pristine, folder / "kept", PROJECT)),
        Contender("downgrade, what was dropped", (*down, *dropping), migrated(pristine, folder / "gone", dropping)),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure in turns and print the medians."""
    options = parser(__doc__, rounds=3, records=1_000_000).parse_args(arguments)
    with TemporaryDirectory() as folder:
        pristine = Path(folder, "pristine")
        size = build(pristine, tasks(options.records))
        chosen = contenders(Path(folder), pristine)
        measured = in_turns(chosen, options.rounds)
    about = (
        f"{options.records:,} tasks of {size / options.records:.0f} bytes, from version 1 to 2 and back. The step that "
        f"ships fills fields; the other one takes {', '.join(DROPPED)} away."
    )
    found = [
        replace(row, against=AGAINST.get(row.name, row.against)) for row in rows(chosen, measured, options.records)
    ]
    publish(Result("What the way back costs", about, "record", found), options.json)


if __name__ == "__main__":
    main()
