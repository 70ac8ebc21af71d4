"""What a record costs in databases of other sizes, and how much memory a run takes there: whole processes, in turns.

python -m benchmarks.scale [--records N] [--large] [--rounds N] [--json FILE]

The sizes are a hundredth, a tenth and all of the records; with `--large` five times as many, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.apply import PROJECT
from benchmarks.results import Result, Row, parser, publish, spelled
from benchmarks.rounds import COMMAND, DATABASE, Contender, in_turns
from benchmarks.tasks import build, tasks

__all__ = ["main"]


def contender(folder: Path, count: int) -> Contender:
    """`apply` on a database of so many records."""
    pristine = folder / f"pristine-{count}"
    build(pristine, tasks(count))
    return Contender(f"{count:,} records", (COMMAND, "apply", DATABASE, "--to", "2", *PROJECT), pristine)


def _further(row: Row, smaller: Row) -> str:
    """What each record beyond those of a smaller database costs, without what the start takes."""
    return f"{spelled((row.median - smaller.median) / (row.units - smaller.units))} for each beyond {smaller.name}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure in turns and print the medians."""
    words = parser(__doc__, rounds=3, records=1_000_000)
    words.add_argument("--large", action="store_true", help="measure five times as many records, too")
    options = words.parse_args(arguments)
    sizes = [options.records // 100, options.records // 10, options.records]
    if options.large:
        sizes.append(5 * options.records)
    with TemporaryDirectory() as folder:
        chosen = [contender(Path(folder), size) for size in sizes]
        measured = in_turns(chosen, options.rounds)
    first = chosen[0].name
    found = [
        Row(one.name, of_one.seconds, size, first, of_one.processor, of_one.peak)
        for one, of_one, size in zip(chosen, measured, sizes, strict=True)
    ]
    notes = ["", *(_further(row, smaller) for smaller, row in pairwise(found))]
    found = [replace(row, note=note) for row, note in zip(found, notes, strict=True)]
    title = "What a record costs in databases of other sizes"
    about = (
        "`migrate-spec apply` from version 1 to 2. The ratio is of the cost a record, of which the start takes the "
        "more the fewer there are; what each further one takes stands behind it."
    )
    publish(Result(title, about, "record", found), options.json)


if __name__ == "__main__":
    main()
