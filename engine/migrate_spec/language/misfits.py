"""Where a node of YAML does not fit a schema of the language."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from migrate_spec.errors import Fault
from migrate_spec.schema import Mismatch, Schema
from migrate_spec.yaml_nodes import Node

__all__ = ["faults_of"]


def faults_of(judge: Schema, node: Node) -> Iterator[Fault]:
    """Where a node does not fit a schema of the language, each at its own line and column."""
    document = node.plain()
    mismatches = [] if judge.is_valid(document) else judge.mismatches(document)
    yield from dict.fromkeys(fault for mismatch in mismatches for fault in _located(mismatch, node))


def _located(mismatch: Mismatch, node: Node) -> Iterator[Fault]:
    if mismatch.keyword == "anyOf":
        yield from _nearest(mismatch, node)
        return
    inside = node.at(list(mismatch.path))
    if mismatch.keyword == "required":  # one mismatch a name, none of which says its own
        for name in mismatch.argument:
            if name not in mismatch.value:
                yield dataclasses.replace(mismatch, argument=[name]).fault(inside.place, "spec-required")
        return
    if mismatch.keyword != "additionalProperties" or not isinstance(mismatch.value, dict):
        yield mismatch.fault(inside.place, f"spec-{mismatch.keyword}")
        return
    for extra in sorted(set(mismatch.value) - set(mismatch.properties)):
        known = {name: None for name in mismatch.properties if name not in mismatch.value}
        one = dataclasses.replace(mismatch, value={extra: None}, properties=tuple(known) or mismatch.properties)
        yield one.fault(inside.keys.get(extra, inside.place), "unknown-key")


def _nearest(mismatch: Mismatch, node: Node) -> Iterator[Fault]:
    """The faults of the alternative that was meant: the one whose type fits, else all types as one choice."""
    wrong = {inner.branch for inner in mismatch.context if inner.keyword == "type" and inner.path == mismatch.path}
    typed = [inner for inner in mismatch.context if inner.branch not in wrong]
    if typed:
        for inner in typed:
            yield from _located(inner, node)
        return
    wanted = [inner.argument for inner in mismatch.context if isinstance(inner.argument, str)]
    one = dataclasses.replace(mismatch, keyword="type", argument=wanted, context=())
    yield from _located(one, node)
