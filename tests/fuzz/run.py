"""Runs both fuzzers for so many seconds each, from seeds that are the tests' own: the rows of the tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import spec_text
from tests.test_operations import rows, steps_of, texts

HERE = Path(__file__).parent


def seed(specs: Path, records: Path) -> None:
    """Write the seeds of both."""
    specs.mkdir()
    records.mkdir()
    number = 0
    for index, param in enumerate(rows()):
        row = param.values[0]
        (specs / str(index)).write_text(spec_text(steps_of(row), stamp=None), encoding="utf-8")
        if {"before", "before_text"} & row.keys():
            value = next(iter(texts(row, "before").values()))
            (records / str(number)).write_bytes(number.to_bytes(2, "big") + value)
            number += 1


def main(seconds: int) -> int:
    """Run both at the same time; what breaks is left in the current folder.

    Returns:
        The number of fuzzers that found something.
    """
    with TemporaryDirectory() as folder:
        seeds = {"fuzz_specs.py": Path(folder, "specs"), "fuzz_operations.py": Path(folder, "records")}
        seed(*seeds.values())
        runs = [
            subprocess.Popen(
                [sys.executable, str(HERE / name), str(place), f"-max_total_time={seconds}", "-timeout=30"]
            )
            for name, place in seeds.items()
        ]
        return sum(run.wait() != 0 for run in runs)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
