"""`migrate-spec validate` against the least that one could do: whole processes on the same files, in turns.

python -m benchmarks.validate [--specs N] [--rounds N] [--json FILE]

Prints the median seconds of each and their ratio. The least is a process that reads each YAML file with libyaml and
checks it against the JSON Schema of the language with jsonschema-rs: no lines and columns, no paths, patterns,
conditions and schemas looked into, no examples carried over, nothing said of what several files must agree on.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.results import Result, parser, publish, rows
from benchmarks.rounds import COMMAND, ROOT, Contender, in_turns

__all__ = ["main"]

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


def contenders(folder: Path) -> list[Contender]:
    """The commands; the first is ours."""
    commands = {
        "migrate-spec validate": (COMMAND, "validate"),
        "the least": (sys.executable, "-c", LEAST, str(ROOT / "schemas/spec.schema.json")),
        "Python alone": (sys.executable, "-c", "pass"),
    }
    return [Contender(name, command, folder=folder) for name, command in commands.items()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure in turns and print the medians."""
    options = parser(__doc__, rounds=7, specs=100).parse_args(arguments)
    with TemporaryDirectory() as folder:
        size = build(Path(folder), options.specs)
        chosen = contenders(Path(folder))
        measured = in_turns(chosen, options.rounds)
    title = "`migrate-spec validate` against the least that one could do"
    about = f"{options.specs:,} specs of {size / options.specs:,.0f} bytes."
    publish(Result(title, about, "spec", rows(chosen, measured, options.specs)), options.json)


if __name__ == "__main__":
    main()
