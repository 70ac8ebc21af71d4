"""The text of a spec: YAML as a person writes it, small things in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from migrate_spec.codec import Json

__all__ = ["Drafted", "spec_text"]

WIDTH = 100
"""Of a line that is made; one thing that is longer stays whole."""

_PLAIN = re.compile(r"[^\W\d][\w$/@^<>=()+. -]*(?<! )")
_PLAIN_ALONE = re.compile(r"[^\W\d](?:[\w$/@^<>=()+. ,;!?'-]|\[\]|\.\*)*(?<! )")
"""Texts without quotes: inside of braces or brackets, and outside."""
_WORDS = {"null", "true", "false", "yes", "no", "on", "off"}
"""Texts that some readers of YAML take for something else; this one only for the first three."""


@dataclass(frozen=True)
class Drafted:
    """A step as a spec says it.

    Attributes:
        operation: its operation; empty for a remark alone.
        argument: what stands under the operation.
        options: what stands beside it.
        remarks: lines above it.
        at: the objects inside the document that it is about, as a path; empty for the document.
        where: the condition on them.
        inside: the steps under ``do``, where it has no operation.
    """

    operation: str = ""
    argument: Json = None
    options: Mapping[str, Json] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    at: str = ""
    where: Mapping[str, Json] = field(default_factory=dict)
    inside: tuple[Drafted, ...] = ()

    def all(self) -> Iterator[Drafted]:
        """The step and those inside it."""
        yield self
        for step in self.inside:
            yield from step.all()


def spec_text(first_line: str, head: Mapping[str, Json], steps: Sequence[Drafted]) -> str:
    """The text of a spec.

    Args:
        first_line: a comment, without its ``#``.
        head: the keys before ``steps``.
        steps: the steps.
    """
    lines = [f"# {first_line}"]
    lines += [f"{key}: {_inline(value, flow=False)}" for key, value in head.items()]
    remarks = [f"  # {remark}" for step in steps if not _says(step) for remark in step.remarks]
    said = [step for step in steps if _says(step)]
    if not said:
        return "\n".join([*lines, "steps: []", *remarks]) + "\n"
    body = [line for step in said for line in _step(step)]
    return "\n".join([*lines, "steps:", *(f"  {line}" for line in body), *remarks]) + "\n"


def _says(step: Drafted) -> bool:
    """Whether a step does something, rather than being a remark alone."""
    return bool(step.operation) or any(map(_says, step.inside))


def _step(step: Drafted) -> Iterator[str]:
    yield from (f"# {remark}" for remark in step.remarks)
    lines: list[str] = []
    if step.at:
        lines += _entry("at", step.at)
    if step.where:
        lines += _entry("where", step.where)
    if step.operation:
        lines += _entry(step.operation, step.argument)
        lines += [line for key, value in step.options.items() for line in _entry(key, value)]
    else:
        lines.append("do:")
        lines += [f"  {line}" for inner in step.inside if _says(inner) for line in _step(inner)]
        lines += [f"  # {remark}" for inner in step.inside if not _says(inner) for remark in inner.remarks]
    yield f"- {lines[0]}"
    yield from (f"  {line}" for line in lines[1:])


def _entry(key: str, value: Json) -> list[str]:
    """A key and its value, in one line where there is room."""
    line = f"{_scalar(key, flow=False)}: {_inline(value, flow=False)}"
    if len(line) <= WIDTH or not value or not isinstance(value, dict | list):
        return [line]
    inside = (
        [line for name, part in value.items() for line in _entry(name, part)]
        if isinstance(value, dict)
        else [f"- {_inline(part, flow=False)}" for part in value]
    )
    return [f"{_scalar(key, flow=False)}:", *(f"  {line}" for line in inside)]


def _inline(value: Json, *, flow: bool) -> str:
    """A value in one line; ``flow`` says whether it stands inside of braces or brackets."""
    if isinstance(value, dict):
        return f"{{{_listed(f'{_scalar(key, flow=True)}: {_inline(part, flow=True)}' for key, part in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{_listed(_inline(part, flow=True) for part in value)}]"
    return _scalar(value, flow=flow) if isinstance(value, str) else json.dumps(value)


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _scalar(text: str, *, flow: bool) -> str:
    """A text, in quotes where it would be read as something else."""
    plain = _PLAIN if flow else _PLAIN_ALONE
    if text == "." or (plain.fullmatch(text) and text.lower() not in _WORDS):
        return text
    if not text.isprintable():
        return json.dumps(text)
    if '"' in text and "'" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)
