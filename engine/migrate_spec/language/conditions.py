"""The reader of conditions: nodes of YAML → what ``where`` and its like ask."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_spec.condition import COMBINED, ITSELF, NAME, Condition, Test
from migrate_spec.errors import Fault, Place
from migrate_spec.language.parts import distinct, odd_keys, read_literal, read_pattern, read_place
from migrate_spec.path import Path
from migrate_spec.yaml_nodes import Node

__all__ = ["nameless", "read_condition"]


def read_condition(node: Node, faults: list[Fault]) -> Condition:
    """Read a condition that fits its schema."""
    given = {key: part for key, part in node.value.items() if key not in COMBINED}
    faults.extend(odd_keys(node))
    pairs = [(_read_asked(key, node.keys[key], faults), _read_tests(part, faults)) for key, part in given.items()]
    several = {
        name: tuple(read_condition(part, faults) for part in node.value[name].value) if name in node.value else ()
        for name in ("all", "any")
    }
    none = read_condition(node.value["not"], faults) if "not" in node.value else None
    return Condition(distinct(pairs, faults), several["all"], several["any"], none)


def nameless(condition: Condition, node: Node) -> Iterator[Fault]:
    """The fault of a condition that asks for the name of what has none."""
    if condition.asks_name:
        found, remedy = f"the path {NAME!r} was found", "only where entries of an object are chosen it is their name"
        yield Fault(found, "a path into the document was expected", remedy, node.place, "path-invalid")


def _read_asked(key: str, place: Place, faults: list[Fault]) -> Path | str | None:
    """What a test of a condition asks for: a path, the value itself, or the name of the entry."""
    if key == NAME:
        return key
    return ITSELF if key == "." else read_place(Node(key, place, {}), faults, field=False)


def _read_tests(node: Node, faults: list[Fault]) -> tuple[Test, ...]:
    if type(node.value) is not dict:
        return (Test("eq", read_literal(node, faults)),)
    return tuple(_read_test(name, part, faults) for name, part in node.value.items())


def _read_test(name: str, node: Node, faults: list[Fault]) -> Test:
    if name == "not":
        return Test(name, _read_tests(node, faults))
    if name in COMBINED:
        return Test(name, tuple(_read_tests(part, faults) for part in node.value))
    return Test(name, read_pattern(node, faults) if name == "matches" else read_literal(node, faults))
