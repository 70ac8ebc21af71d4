"""What a schema says, without its remarks."""

from __future__ import annotations

from typing import Any

import pytest

from migrate_spec.meaning import meaning

SAME: list[tuple[Any, Any]] = [
    ({"type": "string", "title": "A", "description": "b"}, {"type": "string"}),
    ({"required": ["b", "a"]}, {"required": ["a", "b"]}),
]
DIFFERENT: list[tuple[Any, Any]] = [
    ({"properties": {"title": {"type": "string"}}}, {"properties": {}}),
    ({"dependentRequired": {"title": ["a"]}}, {"dependentRequired": {}}),
    ({"const": {"title": "A"}}, {"const": {}}),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_remarks_mean_nothing(one: Any, other: Any) -> None:
    """Nor does the order of required names."""
    assert meaning(one) == meaning(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_a_name_or_a_value_is_no_remark(one: Any, other: Any) -> None:
    """Even where it is spelled as one is."""
    assert meaning(one) != meaning(other)
