"""The tests. What several of them need stands here."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from migrate_spec.spec import Spec, parse_spec

SPEC_FILE = "specs/task/v1_to_v2.yaml"


def spec_text(steps: Any, **keys: Any) -> str:
    """A spec of the collection ``task`` as YAML, one key a line; ``steps`` stand in line 5."""
    whole = {"collection": "task", "prefix": "task:", "from": 1, "to": 2, "steps": steps} | keys
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in whole.items())


def spec_of(steps: Any, **keys: Any) -> Spec:
    """The spec with these steps, which must have no fault."""
    return parsed(spec_text(steps, **keys))


@cache
def parsed(text: str) -> Spec:
    """The spec that a text says, which must have no fault."""
    spec, faults = parse_spec(text, SPEC_FILE)
    assert [str(fault) for fault in faults] == []
    assert spec is not None
    return spec
