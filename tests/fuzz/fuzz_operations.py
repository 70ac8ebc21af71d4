"""Fuzzes the operations: whatever the record, a step of the tables carries it over or refuses it, there and back.

The first two bytes choose the steps, the rest is the record. Run with ``make fuzz``; what it finds becomes a row of a
table.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import atheris

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "engine"), str(ROOT / "examples"), str(ROOT / "examples/hooks")]

with atheris.instrument_imports(include=["migrate_spec"]):
    from migrate_spec.codec import NotADocument, decode, encode, read
    from migrate_spec.compiler import RecordRefused, Route, Transform, compile_downgrade
    from migrate_spec.errors import Irreversible
    from tests.test_operations import rows, spec_in

Way = tuple[Transform, Callable[[bytes], bytes] | None, bool]

WAYS: list[Way] = []
"""For the steps of each row: the way up, the way down where there is one, and whether they claim to lose nothing."""

for param in rows():
    row = param.values[0]
    if {"before", "before_text"} & row.keys():
        spec = spec_in(row)
        down: Callable[[bytes], bytes] | None
        try:
            down = compile_downgrade(spec, None)
        except Irreversible:
            down = None
        lossless = not any(step.losses() for step in spec.steps)
        WAYS.append((Transform(Route((spec,), None, 2)), down, lossless))


def one_input(data: bytes) -> None:
    """Carry a record up, and down again."""
    if len(data) < 3:
        return
    up, down, lossless = WAYS[int.from_bytes(data[:2], "big") % len(WAYS)]
    value = data[2:]
    try:
        result = up(value)
    except RecordRefused:
        return
    result = value if result is None else result
    read(result)
    if down is None:
        return
    try:
        back = down(result)
    except RecordRefused:
        assert not lossless
        return
    if lossless:
        try:
            document, _ = read(value)
        except NotADocument:
            return
        assert encode(decode(back)) == encode(decode(encode(document)))


SCALARS = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**63,
    10**30,
    0.5,
    -0.0,
    1e300,
    "",
    "a",
    "a-b",
    "ü😀",
    "2024-01-01T00:00:00Z",
    "\\u0000",
]


def altered(value: object, random: Random) -> object:
    """A value with some of its parts replaced, doubled, taken away or wrapped."""
    fate = random.randrange(12)
    if fate == 0:
        return random.choice([*SCALARS, [], {}, [value], {"a": value}, [value, value]])
    if isinstance(value, dict):
        names = [name for name in value if random.randrange(12)]
        found = {name: altered(value[name], random) for name in names}
        return found | {random.choice([*names, "a", "", "x.y"]): random.choice(SCALARS)} if fate == 1 else found
    if isinstance(value, list):
        items = [altered(part, random) for part in value if random.randrange(12)]
        return items + items[-1:] if fate == 1 else items
    return value


def mutated(data: bytes, size: int, seed: int) -> bytes:
    """Other bytes: the steps or the bytes of the record are others, or the record is one of another shape."""
    random = Random(seed)  # noqa: S311 - it only chooses
    if random.randrange(4):
        try:
            document = altered(json.loads(data[2:]), random)
            steps = data[:2] if random.randrange(4) else random.randbytes(2)
            return steps + json.dumps(document, ensure_ascii=bool(random.randrange(2))).encode()[: size - 2]
        except (ValueError, RecursionError):
            pass
    return bytes(atheris.Mutate(data, size))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input, custom_mutator=mutated)
    atheris.Fuzz()
