"""How long small things take: whole processes in turns, then calls in one process, in turns, too.

python -m benchmarks.startup [--records N] [--rounds N] [--json FILE]

`import and open` is a process that imports what `apply` imports and opens the database, and does nothing else.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rocksdict import Options, Rdict

import migrate_spec as ms
from benchmarks.apply import PROJECT
from benchmarks.results import Result, Row, parser, publish
from benchmarks.rounds import COMMAND, DATABASE, ROOT, Contender, fresh, in_turns
from benchmarks.tasks import build, tasks

__all__ = ["main"]

MODULES = """
import sys
before = set(sys.modules)
from migrate_spec.cli import run
code = run(sys.argv[1:])
# Not those that a program makes of nothing, which cannot be imported.
found = [name for name, module in sys.modules.items() if name not in before and getattr(module, "__spec__", None)]
print("import " + ", ".join(found), file=sys.stderr)
sys.exit(code)
"""
"""Runs our own command, and prints how to import what it has imported."""

OPEN = """
import sys
from rocksdict import Options, Rdict
Rdict(sys.argv[1], Options(raw_mode=True)).close()
"""

AGAINST = {"migrate-spec apply": "import and open"}
"""What processes are compared with that do more than start."""

OPENED, SETTLED = "one open, in the process", "check_and_migrate on a current database, in the process"


def imports(pristine: Path, words: Sequence[str]) -> str:
    """The line of Python that imports what a command of ours imports."""
    with fresh(pristine) as copy:
        command = [sys.executable, "-c", MODULES, *(str(copy) if word == DATABASE else word for word in words)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    return done.stderr.splitlines()[-1]


def contenders(pristine: Path) -> list[Contender]:
    """The processes; the first one does nothing."""
    apply = ("apply", DATABASE, *PROJECT)
    commands = {
        "python -c pass": (sys.executable, "-c", "pass"),
        "migrate-spec --help": (COMMAND, "--help"),
        "migrate-spec status": (COMMAND, "status", DATABASE, *PROJECT),
        "import and open": (sys.executable, "-c", imports(pristine, apply) + OPEN, DATABASE),
        "migrate-spec apply": (COMMAND, *apply),
    }
    return [Contender(name, command, pristine) for name, command in commands.items()]


def in_process(pristine: Path, rounds: int) -> list[Row]:
    """A call at the start of a program, and what it costs to open the database only."""
    project = ms.load(ROOT / "specs", ROOT / "schemas")
    with fresh(pristine) as copy:
        ms.check_and_migrate(copy, project)
        calls: dict[str, Callable[[], object]] = {
            OPENED: lambda: Rdict(str(copy), Options(raw_mode=True)).close(),
            SETTLED: lambda: ms.check_and_migrate(copy, project),
        }
        found: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(rounds):
            for name, call in calls.items():
                start = time.perf_counter()
                call()
                found[name].append(time.perf_counter() - start)
    return [Row(name, seconds, 1, OPENED) for name, seconds in found.items()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure in turns and print the medians."""
    options = parser(__doc__, rounds=20, records=1000).parse_args(arguments)
    with TemporaryDirectory() as folder:
        pristine = Path(folder, "pristine")
        build(pristine, tasks(options.records))
        chosen = contenders(pristine)
        measured = in_turns(chosen, options.rounds)
        found = [
            Row(one.name, of_one.seconds, 1, AGAINST.get(one.name, "python -c pass"), of_one.processor)
            for one, of_one in zip(chosen, measured, strict=True)
        ]
        found += in_process(pristine, options.rounds)
    title = "How long small things take"
    about = (
        f"A database of {options.records:,} tasks. `import and open` is a process that imports what "
        "`migrate-spec apply` imports and opens the database. The last two rows are calls within a process that runs "
        "already."
    )
    publish(Result(title, about, "call", found), options.json)


if __name__ == "__main__":
    main()
