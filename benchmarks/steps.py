"""A project of five version steps: the one of Meridian's tasks that ships, and four more of a few changes each."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.rounds import ROOT

__all__ = ["DROPPED", "LAST", "write_dropping", "write_project"]

DROPPED = ("description", "estimated_hours", "commit_hash")
"""Fields of version 1 that the project of :func:`write_dropping` takes away."""


@dataclass(frozen=True)
class Step:
    """What one step changes.

    Attributes:
        renames: fields, with their new names.
        adds: new fields, with their value in every record.
    """

    renames: dict[str, str] = field(default_factory=dict)
    adds: dict[str, Any] = field(default_factory=dict)


STEPS = {
    2: Step({"title": "headline"}, {"watchers": [], "reviewed": False}),
    3: Step({"commit_hash": "commit", "spec_ref": "origin"}, {"points": 1}),
    4: Step({"session_id": "session"}, {"labels": [], "locale": "en", "archived": False}),
    5: Step({"headline": "summary", "watchers": "followers"}, {"visibility": "team"}),
}
"""By the version from which they start."""

LAST = max(STEPS) + 1
"""The newest version."""


def write_project(folder: Path) -> None:
    """Write the specs and schemas of all five steps into the folders ``specs`` and ``schemas`` of ``folder``."""
    specs, schemas = folder / "specs/task", folder / "schemas/task"
    shutil.copytree(ROOT / "specs/task", specs)
    shutil.copytree(ROOT / "schemas/task", schemas)
    schema = json.loads((schemas / "v2.json").read_text("utf-8"))
    for version, step in STEPS.items():
        spec = {
            "collection": "task",
            "prefix": "task:",
            "from": version,
            "to": version + 1,
            "steps": [{"rename": step.renames}, {"add": step.adds}],
        }
        (specs / f"v{version}_to_v{version + 1}.yaml").write_text(json.dumps(spec), "utf-8")
        schema = _changed(schema, step)
        (schemas / f"v{version + 1}.json").write_text(json.dumps(schema), "utf-8")


def write_dropping(folder: Path) -> None:
    """Write the specs and schemas of one step that takes fields away into the folders ``specs`` and ``schemas``."""
    specs, schemas = folder / "specs/task", folder / "schemas/task"
    specs.mkdir(parents=True)
    schemas.mkdir(parents=True)
    spec = {"collection": "task", "prefix": "task:", "from": 1, "to": 2, "steps": [{"remove": [*DROPPED]}]}
    (specs / "v1_to_v2.yaml").write_text(json.dumps(spec), "utf-8")
    schema = json.loads((ROOT / "schemas/task/v1.json").read_text("utf-8"))
    (schemas / "v1.json").write_text(json.dumps(schema), "utf-8")
    properties = {name: part for name, part in schema["properties"].items() if name not in DROPPED}
    required = [name for name in schema["required"] if name not in DROPPED]
    (schemas / "v2.json").write_text(json.dumps(schema | {"properties": properties, "required": required}), "utf-8")


def _changed(schema: dict[str, Any], step: Step) -> dict[str, Any]:
    """The schema after a step."""
    properties = {step.renames.get(name, name): part for name, part in schema["properties"].items()}
    required = [step.renames.get(name, name) for name in schema["required"]]
    added = {name: {"type": _type(value)} for name, value in step.adds.items()}
    return schema | {"properties": properties | added, "required": [*required, *added]}


def _type(value: Any) -> str:
    return {bool: "boolean", int: "integer", str: "string", list: "array"}[type(value)]
