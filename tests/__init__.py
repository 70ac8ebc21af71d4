"""The tests. What several of them need stands here."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from migrate_spec.spec import Spec, parse_spec
from migrate_spec.yaml_nodes import Node, ScalarKey
from migrate_spec.yaml_text import parse

SPEC_FILE = "specs/task/v1_to_v2.yaml"


def spec_text(steps: Any, **keys: Any) -> str:
    """A spec of the collection ``task`` as YAML, one key a line; ``steps`` stand in line 5."""
    whole = {"collection": "task", "prefix": "task:", "from": 1, "to": 2, "steps": steps} | keys
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in whole.items())


def spec_of(steps: Any, **keys: Any) -> Spec:
    """The spec with these steps, which must have no fault."""
    return parsed(spec_text(steps, **keys))


def yaml(text: str, file: str) -> Any:
    """YAML as JSON values, read by the rules of specs."""
    node, faults = parse(text, file)
    assert faults == []
    assert node is not None
    return as_json(node)


def as_json(node: Node) -> Any:
    """A node as JSON that means the same to a spec: a table with keys that are no texts as a list of pairs."""
    if isinstance(node.value, list):
        return [as_json(part) for part in node.value]
    if not isinstance(node.value, dict):
        return node.value
    if not any(isinstance(key, ScalarKey) for key in node.value):
        return {key: as_json(part) for key, part in node.value.items()}
    return [[key.value if isinstance(key, ScalarKey) else key, as_json(part)] for key, part in node.value.items()]


@cache
def rows_of(file: Path) -> list[dict[str, Any]]:
    """The rows of a table of cases. It is read once, as that takes long, and must not be changed."""
    rows: list[dict[str, Any]] = yaml(file.read_text(encoding="utf-8"), str(file))
    return rows


@cache
def parsed(text: str) -> Spec:
    """The spec that a text says, which must have no fault."""
    spec, faults = parse_spec(text, SPEC_FILE)
    assert [str(fault) for fault in faults] == []
    assert spec is not None
    return spec
