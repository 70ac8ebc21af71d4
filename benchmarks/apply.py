"""`migrate-spec apply` against what one would write by hand: whole processes on the same data, in turns.

python -m benchmarks.apply [--records N] [--rounds N] [--json FILE] [NAME …]

Prints the median seconds of each and their ratio; with names, of the contenders whose names begin with one. `apply`
checks every record against its schema, keeps a backup and is all or nothing; no other does any of that, but the seed's
algorithm, which keeps a backup.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.compiled import WAYS, about_cpp, program
from benchmarks.results import Result, parser, publish, rows
from benchmarks.rounds import COMMAND, DATABASE, ROOT, Contender, in_turns
from benchmarks.tasks import build, tasks

__all__ = ["PROJECT", "contenders", "main"]

ABOUT = (
    "`apply` checks each record against its schema, keeps a backup, notes what it did, and is all or nothing. Of the "
    "others only the seed's algorithm keeps a backup, and none does more than to change the records: a kill leaves "
    "half of them changed, but for C++ with an SST. All leave the same records behind, which a test sees to; the copy "
    "changes nothing and is the limit of what moving the bytes takes."
)

PROJECT = ("--specs", str(ROOT / "specs"), "--schemas", str(ROOT / "schemas"))


def contenders(pristine: Path) -> list[Contender]:
    """All contenders; ours come first, and those in C++ only where they can be compiled."""
    apply = (COMMAND, "apply", DATABASE, "--to", "2", *PROJECT)
    commands: dict[str, Sequence[str]] = {
        "migrate-spec apply": apply,
        "migrate-spec apply --no-validate": (*apply, "--no-validate"),
        "Python, json": (sys.executable, "-m", "benchmarks.handwritten", DATABASE),
        "Python, orjson": (sys.executable, "-m", "benchmarks.handwritten", "--orjson", DATABASE),
        "Python, the seed's algorithm": (sys.executable, "-m", "benchmarks.seed", DATABASE),
    }
    compiled = program()
    if compiled:
        commands |= {name: (str(compiled), way, DATABASE) for way, name in WAYS.items()}
    return [Contender(name, command, pristine) for name, command in commands.items()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure in turns and print the medians."""
    words = parser(__doc__, rounds=3, records=1_000_000)
    words.add_argument("names", nargs="*", default=[""], metavar="NAME")
    options = words.parse_args(arguments)
    with TemporaryDirectory() as folder:
        pristine = Path(folder, "pristine")
        size = build(pristine, tasks(options.records))
        chosen = [one for one in contenders(pristine) if one.name.startswith(tuple(options.names))]
        measured = in_turns(chosen, options.rounds)
    about = (
        f"{options.records:,} tasks of {size / options.records:.0f} bytes, from version 1 to 2. {ABOUT} {about_cpp()}"
    )
    title = "`migrate-spec apply` against what one would write by hand"
    publish(Result(title, about, "record", rows(chosen, measured, options.records)), options.json)


if __name__ == "__main__":
    main()
