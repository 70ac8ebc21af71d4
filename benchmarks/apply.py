"""`migrate-spec apply` against the script that one would write by hand: whole processes on the same data, in turns.

python -m benchmarks.apply [--records N] [--rounds N]

Prints the median seconds of each and their ratio. `apply` checks every record against its schema, keeps a backup and
is all or nothing; the script does none of that.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.tasks import build

ROOT = Path(__file__).parent.parent


def contenders(database: Path) -> dict[str, list[str]]:
    """The commands, by name; the first is ours."""
    project = ["--specs", str(ROOT / "specs"), "--schemas", str(ROOT / "schemas")]
    command = str(Path(sys.executable).with_name("migrate-spec"))
    return {
        "migrate-spec apply": [command, "apply", str(database), "--to", "2", *project],
        "hand-written script": [sys.executable, "-m", "benchmarks.handwritten", str(database)],
    }


def measure(pristine: Path, name: str, folder: Path) -> float:
    """The seconds that a contender takes on a fresh copy of the database."""
    database = folder / "database"
    shutil.copytree(pristine, database)
    command = contenders(database)[name]
    start = time.perf_counter()
    subprocess.run(  # noqa: S603 - our own commands
        command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - start
    for left in folder.glob("database*"):
        shutil.rmtree(left)
    return seconds


def main() -> None:
    """Measure in turns and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pristine = folder / "pristine"
        size = build(pristine, options.records)
        print(f"{options.records:,} tasks of {size / options.records:.0f} bytes, {options.rounds} rounds in turns")
        names = list(contenders(pristine))
        seconds: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(options.rounds):
            for name in names:
                seconds[name].append(measure(pristine, name, folder))
    ours = statistics.median(seconds[names[0]])
    for name in names:
        median = statistics.median(seconds[name])
        print(f"{name:22} {median:7.2f} s  {1e6 * median / options.records:6.2f} µs a record  {median / ours:5.2f} x")


if __name__ == "__main__":
    main()
