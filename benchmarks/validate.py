"""`migrate-spec validate` against the least that one could do: whole processes on the same files, in turns.

python -m benchmarks.validate [--specs N] [--rounds N]

Prints the median seconds of each and their ratio. The least is a process that reads each YAML file with libyaml and
checks it against the JSON Schema of the language with jsonschema-rs: no lines and columns, no paths, patterns,
conditions and schemas looked into, no examples carried over, nothing said of what several files must agree on.
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

ROOT = Path(__file__).parent.parent

LEAST = """
import json, pathlib, sys, jsonschema_rs, yaml
schema = json.loads(pathlib.Path(sys.argv[1]).read_text())
judge = jsonschema_rs.Draft202012Validator(schema)
files = pathlib.Path("specs").rglob("*.yaml")
sys.exit(not all(judge.is_valid(yaml.load(file.read_text(), yaml.CSafeLoader)) for file in files))
"""


def build(folder: Path, count: int) -> int:
    """Write a project of so many copies of a spec that ships, each of a collection of its own, with its schemas.

    Returns:
        The bytes of all specs.
    """
    text = (ROOT / "specs/task/v1_to_v2.yaml").read_text("utf-8")
    for number in range(count):
        name = f"task{number}-"
        specs, schemas = folder / "specs" / name, folder / "schemas" / name
        specs.mkdir(parents=True)
        shutil.copytree(ROOT / "schemas/task", schemas)
        text_here = text.replace("collection: task", f"collection: {name}").replace('"task:"', f'"{name}:"')
        (specs / "v1_to_v2.yaml").write_text(text_here, "utf-8")
    return len(text.encode()) * count


def contenders() -> dict[str, list[str]]:
    """The commands, by name; the first is ours."""
    return {
        "migrate-spec validate": [str(Path(sys.executable).with_name("migrate-spec")), "validate"],
        "the least": [sys.executable, "-c", LEAST, str(ROOT / "schemas/spec.schema.json")],
        "python alone": [sys.executable, "-c", "pass"],
    }


def measure(command: list[str], folder: Path) -> float:
    """The seconds that a contender takes in a project's folder."""
    start = time.perf_counter()
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)  # noqa: S603 - our own commands
    return time.perf_counter() - start


def main() -> None:
    """Measure in turns and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--specs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        size = build(folder, options.specs)
        print(f"{options.specs:,} specs of {size / options.specs:,.0f} bytes, {options.rounds} rounds in turns")
        commands = contenders()
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(options.rounds):
            for name, command in commands.items():
                seconds[name].append(measure(command, folder))
    ours = statistics.median(seconds["migrate-spec validate"])
    for name in commands:
        median = statistics.median(seconds[name])
        print(f"{name:22} {median:6.3f} s  {1e3 * median / options.specs:6.2f} ms a spec  {median / ours:5.2f} x")


if __name__ == "__main__":
    main()
