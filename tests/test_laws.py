"""The laws that every operation, every spec and the codec keep, for documents and steps that Hypothesis makes up.

A step is made up to fit a document: its fields are ones the document has, its new names are ones no document has, so
that most steps do something. What a step refuses is passed over; the tables in ``cases`` show what that is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from migrate_spec.changes import by_parent, take
from migrate_spec.codec import NotADocument, Raw, decode, encode, opened, read
from migrate_spec.compiler import RecordRefused, Route, Transform
from migrate_spec.document import Change, Refused
from migrate_spec.errors import Irreversible
from migrate_spec.grammar import spec_schema
from migrate_spec.operation import Loss
from migrate_spec.operations.add import Add
from migrate_spec.operations.rename import Rename
from migrate_spec.path import Each, EachValue, Index, Name, Path, Segment
from migrate_spec.schema import Schema
from migrate_spec.spec import Spec, parse_spec
from migrate_spec.step import Step, backward, forward
from tests import SPEC_FILE, spec_text

# The same examples each time, so that no run fails by chance; LAWS=20 makes twenty times as many, and others.
TIMES = int(os.environ.get("LAWS", "1"))
LAW = settings(
    derandomize=TIMES == 1,
    database=None,
    deadline=None,
    max_examples=100 * TIMES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
OFTEN = settings(LAW, max_examples=250 * TIMES)
SELDOM = settings(LAW, max_examples=40 * TIMES)  # where each example reads several specs

NAMES = ["a", "b", "c", "x y", "a.b", "-1", "$id", "é", "*", ""]
NEW_NAMES = ["n1", "n.2", "n 3", "#/n4", "ñ5"]

# ---------------------------------------------------------------------------------------------- documents

KEYS = st.sampled_from(NAMES)
SCALARS = st.one_of(
    st.sampled_from([None, True, False, 0, 1, -5, 2**53 + 1, 123456789012345678901234567890, 0.0, -0.0, 1.1, 1e300]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "a", "ü😀", '\u2028\n"\\']),
    st.text(max_size=3),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(KEYS, SCALARS, max_size=2))
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=3)
DEEP = st.one_of(
    OBJECTS, st.lists(OBJECTS, max_size=3), st.lists(VALUES, max_size=2), st.dictionaries(KEYS, OBJECTS, max_size=2)
)
DOCUMENTS = st.dictionaries(KEYS, st.one_of(SCALARS, DEEP), max_size=4)
RANDOM = st.builds(Random, st.integers(0, 2**32))
ANY_BLANKS = Random(1)  # noqa: S311 - it chooses blanks


def objects(value: Any, at: tuple[Segment, ...] = ()) -> list[tuple[Segment, ...]]:
    """The places of all objects in a document, the document itself first."""
    found = [at] if isinstance(value, dict) else []
    if isinstance(value, dict):
        inside: Sequence[tuple[Segment, Any]] = [(Name(name), part) for name, part in value.items()]
    else:
        inside = [(Index(index), part) for index, part in enumerate(value)] if isinstance(value, list) else []
    return found + [place for segment, part in inside for place in objects(part, (*at, segment))]


def value_at(value: Any, at: Sequence[Segment]) -> Any:
    """The value at a place that is there."""
    for segment in at:
        value = value[segment.name if isinstance(segment, Name) else segment.index]  # type: ignore[union-attr]
    return value


def spelled(value: Any, random: Random, twice: int | None = None) -> str:
    """A value as JSON text of an odd spelling; ``twice`` is the identity of an object that gets a key twice."""

    def blank() -> str:
        return random.choice(["", "", " ", "\n\t "])

    if isinstance(value, dict):
        pairs = [(name, spelled(part, random, twice)) for name, part in value.items()]
        if id(value) == twice:
            pairs.insert(random.randrange(len(pairs) + 1), (random.choice(pairs)[0], "0"))
        inside = [f"{blank()}{_text(name, random)}{blank()}:{blank()}{part}{blank()}" for name, part in pairs]
        return "{" + ",".join(inside) + blank() + "}"
    if isinstance(value, list):
        return "[" + ",".join(f"{blank()}{spelled(part, random, twice)}{blank()}" for part in value) + blank() + "]"
    if isinstance(value, str):
        return _text(value, random)
    if isinstance(value, float):
        tries = [repr(value), f"{value:E}", f"{value!r}0" if "e" not in repr(value) else repr(value)]
        return random.choice([number for number in tries if float(number) == value])
    return json.dumps(value)


def _text(text: str, random: Random) -> str:
    escaped = json.dumps(text)
    all_escaped = "".join(f"\\u{unit:04x}" for unit in memoryview(text.encode("utf-16-le")).cast("H"))
    return random.choice([escaped, json.dumps(text, ensure_ascii=False), f'"{all_escaped}"'])


# -------------------------------------------------------------------------------------------------- steps


@st.composite
def steps_for(draw: st.DrawFn, document: Any, kinds: Sequence[str], *, new: bool, most: int = 3) -> list[Any]:
    """Steps as a spec says them, each of which fits what the ones before make of the document.

    Args:
        draw: Hypothesis's own.
        document: the document.
        kinds: the operations.
        new: whether targets are always names that nobody has, and ``if_exists`` is left as it is.
        most: how many steps at most.
    """
    found: list[Any] = []
    for _ in range(draw(st.integers(1, most))):
        step = draw(step_for(document, kinds, new=new))
        spec = spec_at(1, [step], None)
        if spec is None:  # such as two entries at one place
            continue
        copy = decode(encode(document))
        try:
            forward(spec.steps)(copy)
        except Refused:
            continue
        found.append(step)
        document = copy
    assume(found)
    return found


@st.composite
def step_for(draw: st.DrawFn, document: Any, kinds: Sequence[str], *, new: bool) -> Any:
    """One step that names fields of the document."""
    kind = draw(st.sampled_from(kinds))
    place = draw(st.sampled_from(objects(document)))
    there = list(value_at(document, place)) or ["a"]
    many = kind in {"move", "copy"}  # cannot name a place in a list
    parent = Path(tuple(draw(_widened(segment, always=many)) for segment in place))
    inside = Path(()) if draw(st.booleans()) else parent
    fields = draw(st.lists(st.sampled_from(there), min_size=1, max_size=2, unique=True))
    mood = "fail" if new else draw(st.sampled_from(["fail", "keep", "replace"]))
    targets = NEW_NAMES if new or mood == "fail" else NEW_NAMES + there
    named = draw(st.lists(st.sampled_from(targets), min_size=len(fields), max_size=len(fields), unique=True))
    if len(fields) == 2 and draw(st.booleans()):
        named = fields[::-1]  # a swap

    def path(name: str, *between: str) -> str:
        names = tuple(Name(part) for part in (*between, name))
        whole = Path((*inside.segments, *names))
        return str(Path((*inside.base.segments, *names)) if between else whole)

    step: dict[str, Any] = {} if inside.segments or not parent.segments else {"at": str(parent)}
    if kind == "add":
        step |= {"add": {path(name): draw(VALUES) for name in named}}
    elif kind == "default":
        step |= {"default": {path(name): draw(VALUES) for name in (*fields, *NEW_NAMES[:1])}}
        step |= {"also_null": True} if draw(st.booleans()) else {}
    elif kind == "remove":
        step |= {"remove": {path(name): {"restore": draw(VALUES)} for name in fields}}
    elif kind == "rename":
        step |= {"rename": {path(old): name for old, name in zip(fields, named, strict=True)}}
    elif kind == "set":
        step |= {"set": {path(name): draw(VALUES) for name in fields}}
    else:
        inner = [name for name in there if isinstance(value_at(document, place).get(name), dict)] or NEW_NAMES
        between = draw(st.sampled_from([(), (), (NEW_NAMES[0],), (NEW_NAMES[0], "a"), tuple(inner[:1])]))
        pairs = zip(fields, named, strict=True)
        step |= {kind: {path(old): path(name, *between) for old, name in pairs}}
        step |= {"prune": True} if kind == "move" and draw(st.booleans()) else {}
    return step | ({"if_exists": mood} if mood != "fail" and kind in {"add", "rename", "move", "copy"} else {})


def _widened(segment: Segment, *, always: bool) -> st.SearchStrategy[Segment]:
    """A place in a list or an object, or all of them."""
    if isinstance(segment, Index):
        return st.just(Each()) if always else st.sampled_from([segment, Each(), Each()])
    return st.sampled_from([segment, segment, segment, EachValue()])


def spec_at(version: int, steps: Any, stamp: Any) -> Spec | None:
    """A spec from one version to the next; none where the steps are refused."""
    return _spec(spec_text(steps, **{"from": version, "to": version + 1}, stamp=stamp))


@lru_cache
def _spec(text: str) -> Spec | None:
    return parse_spec(text, SPEC_FILE)[0]


def made(steps: Any) -> tuple[Step, ...]:
    """Steps, read as from a spec."""
    spec = spec_at(1, steps, None)
    assert spec is not None
    return spec.steps


KINDS = ["add", "copy", "default", "move", "remove", "rename", "set"]
"""The operations that steps are made up of here; ``test_operation_laws`` puts all others to the same tests."""
BACKWARDS = ["add", "copy", "default", "move", "remove", "rename"]


@st.composite
def work(draw: st.DrawFn, kinds: Sequence[str] = KINDS, *, new: bool = False, most: int = 3) -> tuple[Any, Any]:
    """A document and steps for it."""
    document = draw(DOCUMENTS)
    return document, draw(steps_for(document, kinds, new=new, most=most))


# --------------------------------------------------------------------------------------- there and back


def there_and_back(document: Any, steps: Sequence[Step]) -> None:
    """What comes back is what went, byte for byte outside of what is declared lost."""
    value = encode(document)
    found = decode(value)
    forward(steps)(found)
    losses = [loss for step in steps for loss in step.losses()]
    try:
        backward(steps)(found)
    except Refused:
        assert losses  # what loses nothing goes back from wherever it came
        return
    assert encode(without(found, losses)) == encode(without(decode(value), losses))


def without(value: Any, losses: Sequence[Loss]) -> Any:
    """A value without what is lost of it; of objects that may have been made, only those with nothing else in them."""
    for loss in sorted(losses, key=lambda loss: -len(loss.path.segments)):
        _cut(value, loss.path.segments, empty="with nothing in it" in loss.what)
    return value


def _cut(value: Any, segments: Sequence[Segment], *, empty: bool) -> None:
    if not segments:  # something of the whole document is lost
        value.clear()
        return
    segment, *rest = segments
    try:
        keys = list(segment.keys(value))
    except Refused:
        return
    for key in keys:
        if rest:
            _cut(value[key], rest, empty=empty)
        elif isinstance(value, dict) and (not empty or value[key] == {}):
            del value[key]
        elif isinstance(value, list):
            value[key] = None


@LAW
@given(work(["add", "rename", "copy"], new=True))
def test_there_and_back(given_work: tuple[Any, Any]) -> None:
    """Where no loss is declared, a document comes back byte for byte, through several steps."""
    document, steps = given_work
    assume(not any(step.losses() for step in made(steps)))
    there_and_back(document, made(steps))


@OFTEN
@given(work(BACKWARDS, most=1))
@example(({"a": 1, "b": {}}, [{"move": {"a": "b.c"}}]))
@example(({"a": 1, "b": {}}, [{"copy": {"a": "b.c"}, "if_exists": "keep"}]))
@example(({"a": {"b": 1}, "c": 2}, [{"move": {"a.b": "d"}, "prune": True}]))
def test_losses_are_declared(given_work: tuple[Any, Any]) -> None:
    """What does not come back is declared lost: everything else is the same, in the same order."""
    document, steps = given_work
    there_and_back(document, made(steps))


@LAW
@given(work(most=1))
def test_what_has_no_way_back_declares_a_loss(given_work: tuple[Any, Any]) -> None:
    """A step that cannot be undone says so before any document is touched, and declares what is lost."""
    _, steps = given_work
    try:
        backward(made(steps))
    except Irreversible:
        assert any(step.losses() for step in made(steps))


# ------------------------------------------------------------------------------------------------- frame


def frame(before: bytes, after: bytes, writes: Sequence[Path], at: Path) -> None:
    """What lies outside of ``writes`` has the very same bytes, in the same order."""
    one, other = opened(Raw(before)), opened(Raw(after))
    if isinstance(one, list) and isinstance(other, list):
        assert len(one) == len(other)
        for index, (old, new) in enumerate(zip(one, other, strict=True)):
            _part(old, new, writes, Path((*at.segments, Index(index))))
    elif isinstance(one, dict) and isinstance(other, dict):
        paths = {name: Path((*at.segments, Name(name))) for name in one}
        untouched = [name for name in one if not any(paths[name].meets(path) for path in writes)]
        assert untouched == [name for name in other if name in untouched]
        for name, path in paths.items():
            if name in other:  # an object that is left empty may be pruned
                _part(one[name], other[name], writes, path)
            else:
                assert name not in untouched


def _part(old: Raw, new: Raw, writes: Sequence[Path], path: Path) -> None:
    met = [written for written in writes if path.meets(written)]
    if not met:
        assert bytes(new) == bytes(old)
    elif all(len(written.segments) > len(path.segments) for written in met):
        frame(bytes(old), bytes(new), writes, path)


def keeps_the_frame(document: Any, steps: Sequence[Step], random: Random) -> None:
    """Steps leave what they do not declare to write as it is, in whatever spelling it came."""
    text = spelled(document, random).encode()
    found, _ = read(text)
    if forward(steps)(found):
        frame(text, encode(found), [path for step in steps for path in step.writes()], Path(()))
    else:
        assert encode(decode(found)) == encode(decode(text))


@OFTEN
@given(work(), RANDOM)
def test_the_frame(given_work: tuple[Any, Any], random: Random) -> None:
    """What no step writes keeps its bytes, at the top and beside what is written further in."""
    document, steps = given_work
    keeps_the_frame(document, made(steps), random)


# ------------------------------------------------------------------------------------------ whole records

Outcome = bytes | tuple[str, str, str] | None


def outcome(carry: Callable[[bytes], bytes | None], value: bytes) -> Outcome:
    """What becomes of a record: its bytes, nothing, or the step, place and sentence that refuse it."""
    try:
        return carry(value)
    except RecordRefused as refused:
        return refused.step, refused.path, str(refused.fault)


STAMPS = st.sampled_from(["schema_version", "st.v", {"path": "st", "as": "string"}, None])


def stamped(document: Any, stamp: Any, version: int | None) -> Any:
    """A document with a stamp as a record of that version has it."""
    if version is None or stamp is None:
        return document
    if stamp == "st.v":
        return document | {"st": {"v": version}}
    return document | ({"schema_version": version} if stamp == "schema_version" else {"st": str(version)})


def way(stamp: Any, *steps: Any) -> tuple[Spec, ...]:
    """Specs from version 1 on, none of which touches the stamp."""
    specs = [spec_at(version, one, stamp) for version, one in enumerate(steps, 1)]
    found = tuple(spec for spec in specs if spec is not None)
    assume(len(found) == len(specs))
    return found


@LAW
@given(work(), st.sampled_from([[], [{"add": {"a": 1}}], [{"rename": {"b": "c"}}]]), STAMPS, RANDOM)
def test_the_forms_agree(given_work: Any, more: Any, stamp: Any, random: Random) -> None:
    """A record becomes the same JSON, in the same order, whatever its spelling; or is refused in the same words."""
    document, steps = given_work
    document = stamped(document, stamp, random.choice([None, 1, 2]))
    carry = Transform(Route(way(stamp, [*steps, *more]), None, 2))
    plain = outcome(carry, encode(document))
    odd = outcome(carry, b" " + spelled(document, random).encode())
    assert (encode(decode(odd)) if isinstance(odd, bytes) else odd) == plain


@st.composite
def two_versions(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    """A document and the steps of two versions, made up one after the other or apart from each other."""
    document = draw(DOCUMENTS)
    kinds = [draw(st.sampled_from([KINDS, BACKWARDS, ["default"]])) for _ in range(2)]
    steps = [draw(steps_for(document, some, new=False, most=2)) for some in kinds]
    return document, *(draw(st.sampled_from([one, one, []])) for one in steps)


def in_any_order(result: Outcome) -> Outcome:
    """A record with its keys sorted."""
    return json.dumps(decode(result), sort_keys=True).encode() if isinstance(result, bytes) else result


@LAW
@given(two_versions(), STAMPS, st.sampled_from([None, 1, 2]))
def test_fusion_and_idempotence(given_work: Any, stamp: Any, version: int | None) -> None:
    """From version 1 to 3 in one pass is as in two, stamps and refusals too; a further pass changes nothing."""
    document, first, second = given_work
    specs = way(stamp, first, second)
    value = encode(stamped(document, stamp, version))
    fused = outcome(Transform(Route(specs, None, 3)), value)
    halfway = outcome(Transform(Route(specs[:1], None, 2)), value)
    if isinstance(halfway, tuple):
        assert fused == halfway
        return
    result = outcome(Transform(Route(specs, None, 3, unstamped=2 if stamp is None else 1)), halfway or value)
    result = halfway if result is None else result
    if stamp == "st.v":  # where an object that is made for the stamp stands, depends on when it is made
        fused, result = in_any_order(fused), in_any_order(result)
    assert fused == result
    if not isinstance(fused, tuple):
        assert Transform(Route(specs, None, 3, unstamped=3 if stamp is None else 1))(fused or value) is None


@LAW
@given(work(most=2), st.sampled_from([None, 1]))
def test_a_record_that_stays_is_not_written(given_work: tuple[Any, Any], version: int | None) -> None:
    """Steps that change nothing of a document do not write it, not even for a stamp; those that change it do."""
    document, steps = given_work
    specs = way("schema_version", steps)
    value = encode(stamped(document, "schema_version", version))
    found = decode(value)
    changed = forward(specs[0].steps)(found)
    assert (Transform(Route(specs, None, 2))(value) is not None) == changed
    assert changed or encode(found) == value


@LAW
@given(work(["add", "copy", "default", "remove", "set"], most=1))
def test_a_step_that_leaves_all_as_it_is_says_so(given_work: tuple[Any, Any]) -> None:
    """A step says that it changed something exactly where it did; what it leaves is not written."""
    document, steps = given_work
    found = decode(encode(document))
    assert forward(made(steps))(found) == (encode(found) != encode(document))


# ------------------------------------------------------------------------------------------------- codec


@LAW
@given(DOCUMENTS, RANDOM)
def test_what_is_read_is_written(document: Any, random: Random) -> None:
    """A document in the raw form is written with the bytes of each value; only the blanks around them go."""
    parts = {name: spelled(part, random) for name, part in document.items()}
    text = "{ " + " ,\n".join(f"{json.dumps(name, ensure_ascii=False)} : {part} " for name, part in parts.items()) + "}"
    found, plain = read(text.encode())
    assert not plain
    compact = ",".join(f"{json.dumps(name, ensure_ascii=False)}:{part}" for name, part in parts.items())
    assert encode(found) == f"{{{compact}}}".encode()
    assert decode(encode(found)) == document


@LAW
@given(DOCUMENTS)
def test_canonical_bytes_stay(document: Any) -> None:
    """What was written is read as plain values, and written again as it was."""
    value = encode(document)
    found, plain = read(value)
    assert plain
    assert encode(found) == value


@LAW
@given(DOCUMENTS, RANDOM)
def test_a_key_twice_is_refused(document: Any, random: Random) -> None:
    """A key that an object has twice is refused at any depth, in any spelling."""
    places = [at for at in objects(document) if value_at(document, at)]
    assume(places)
    twice = id(value_at(document, random.choice(places)))
    with pytest.raises(NotADocument, match="was found twice in one object"):
        read(spelled(document, random, twice).encode())


@OFTEN
@given(DOCUMENTS, RANDOM, st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=2)), max_size=2))
def test_what_is_no_json_is_refused(document: Any, random: Random, errors: list[tuple[int, bytes]]) -> None:
    """Bytes are read as JSON or refused as none, as Python's own reader judges; no other error comes of them."""
    value = spelled(document, random).encode()
    for position, error in errors:
        value = value[: position % len(value)] + error + value[position % len(value) + 1 :] if value else error
    try:
        expected = json.loads(value.decode(), parse_constant=_no_constant)
        expected = expected if isinstance(expected, dict) else None
    except (ValueError, UnicodeDecodeError):
        expected = None
    try:
        found = decode(encode(read(value)[0]))
    except NotADocument as error:
        twice_or_half = "twice" in error.found or "surrogate" in error.found or "64-bit" in error.expected
        assert expected is None or twice_or_half
    else:
        assert found == expected


def _no_constant(word: str) -> None:
    raise ValueError(word)


# ------------------------------------------------------------------------------------------------- paths

SEGMENTS: st.SearchStrategy[Segment] = st.one_of(
    st.builds(Name, st.one_of(st.text(), st.sampled_from([*NAMES, *NEW_NAMES, "[]", '"', "\\", "a\nb"]))),
    st.builds(Index, st.integers(0, 999_999_999)),
    st.just(Each()),
    st.just(EachValue()),
)


@LAW
@given(st.lists(SEGMENTS, min_size=1, max_size=5))
def test_a_path_is_read_as_it_is_written(segments: list[Segment]) -> None:
    """Whatever the names in it, a path that was written is read as the same path."""
    path = Path(tuple(segments))
    assert Path.parse(str(path)) == path


# ------------------------------------------------------------------------------------------------- specs


def yaml_of(value: Any, random: Random, indent: int = 0) -> str:
    """A value as YAML in an odd layout: flow or block, keys in any order, remarks between them."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.3:
        written = json.dumps(value, ensure_ascii=False)
        return f" {written if written.isprintable() and random.random() < 0.5 else json.dumps(value)}"
    margin = "\n" + " " * indent

    def remark() -> str:
        return random.choice(["", "", f"{margin}# a remark: {{", "\n"])

    if isinstance(value, list):
        return "".join(f"{remark()}{margin}-{yaml_of(part, random, indent + 2)}" for part in value)
    names = random.sample(list(value), len(value))
    return "".join(f"{remark()}{margin}{json.dumps(name)}:{yaml_of(value[name], random, indent + 2)}" for name in names)


def with_defaults(steps: Any) -> Any:
    """Steps that say what is so anyway, and a remark."""
    said: Any = {"add": {"if_exists": "fail"}, "rename": {"if_exists": "fail"}, "copy": {"if_exists": "fail"}}
    said |= {"move": {"if_exists": "fail", "prune": False}, "default": {"also_null": False}}
    return [
        {**options, **step, "note": "as before"}
        for step in steps
        for options in [said.get(next((name for name in KINDS if name in step), ""), {})]
    ]


def whole(steps: Any, **keys: Any) -> dict[str, Any]:
    """A spec as JSON."""
    return {"collection": "task", "prefix": "task:", "from": 1, "to": 2, "steps": steps, "stamp": "st.v"} | keys


@SELDOM
@given(work(), RANDOM)
def test_what_a_spec_means_does_not_depend_on_its_layout(given_work: tuple[Any, Any], random: Random) -> None:
    """Remarks, the order of keys, the layout and defaults that are said change neither the spec nor its checksum."""
    _, steps = given_work
    base, _ = parse_spec(json.dumps(whole(steps)), SPEC_FILE)
    other, faults = parse_spec(yaml_of(whole(with_defaults(steps), description="New."), random), SPEC_FILE)
    assume(base is not None)  # a step may touch the stamp
    assert base is not None
    assert other is not None, faults
    assert (other, other.checksum, hash(other)) == (base, base.checksum, hash(base))
    again = Spec.from_text(other.text, "history")
    assert (again, again.steps, again.text) == (base, base.steps, base.text)


@SELDOM
@given(work(), RANDOM, VALUES)
def test_what_a_spec_means_is_in_its_checksum(given_work: tuple[Any, Any], random: Random, value: Any) -> None:
    """Any other value of any part gives another spec with another checksum."""
    _, steps = given_work
    base, _ = parse_spec(json.dumps(whole(steps)), SPEC_FILE)
    changed = json.loads(json.dumps(steps))
    holder, key = random.choice(parts(changed))
    assume(json.dumps(holder[key], sort_keys=True) != json.dumps(value, sort_keys=True))
    holder[key] = value
    other, _ = parse_spec(json.dumps(whole(changed)), SPEC_FILE)
    assume(base is not None and other is not None)
    assert base is not None
    assert other is not None
    assert other.checksum != base.checksum
    assert other != base


def parts(value: Any) -> list[tuple[Any, Any]]:
    """All parts of a value, each by its holder and its key there."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [pair for key in keys for pair in [(value, key), *parts(value[key])]]


BEYOND_JSON_SCHEMA = {
    "path-invalid",
    "entries-overlap",
    "no-effect",
    "target-elsewhere",
    "source-in-list",
    "duplicate-key",
    "stamp-written",
    "not-the-next-version",
    "prefix-reserved",
}
EDITOR = Schema(spec_schema())
WORDS = st.sampled_from(
    [*KINDS, "do", "at", "if_exists", "also_null", "prune", "steps", "restore", "frobnicate", "a", ""]
)


@SELDOM
@given(work())
def test_the_editor_takes_what_the_reader_takes(given_work: tuple[Any, Any]) -> None:
    """A spec that can be read is right in an editor; with an unknown key or operation it is wrong in both."""
    _, steps = given_work
    assert EDITOR.is_valid(whole(steps))
    for wrong in (
        whole(steps, frobnicate=1),
        whole([*steps, {"frobnicate": {"a": 1}}]),
        whole([*steps[:-1], steps[-1] | {"frobnicate": 1}]),
        whole([{"at": "x", "do": [steps[0] | {"frobnicate": 1}]}]),
    ):
        assert not EDITOR.is_valid(wrong)
        assert parse_spec(json.dumps(wrong), SPEC_FILE)[0] is None


@OFTEN
@given(work(most=2), RANDOM, st.one_of(VALUES, WORDS), WORDS)
def test_the_editor_and_the_reader_agree(given_work: Any, random: Random, value: Any, word: str) -> None:
    """Whatever is changed in a spec, an editor says no exactly where the reader does, but for what paths mean."""
    _, steps = given_work
    spec = json.loads(json.dumps(whole([*steps, {"at": "x", "do": steps}])))
    holder, key = random.choice(parts(spec))
    if isinstance(holder, dict) and random.random() < 0.5:
        holder[word] = value
    elif random.random() < 0.3:
        del holder[key]
    else:
        holder[key] = value
    read_spec, faults = parse_spec(json.dumps(spec), SPEC_FILE)
    assert (read_spec is None) == bool(faults)
    assert EDITOR.is_valid(spec) == ({fault.code for fault in faults} <= BEYOND_JSON_SCHEMA), faults


# ------------------------------------------------------------------------- the laws themselves, put to test


@dataclass(frozen=True)
class Forgetful(Add):
    """An operation whose way back leaves a field."""

    def backward(self) -> Change:
        """Take all but the last away."""
        return by_parent(dict.fromkeys(list(self.fields)[:-1]), take)


@dataclass(frozen=True)
class Disorderly(Rename):
    """An operation whose way back puts fields at the end."""

    def backward(self) -> Change:
        """Rename without regard to the order."""

        def change(document: Any) -> bool:
            for old, new in self.fields.items():
                if new in document:
                    document[str(old)] = document.pop(new)
            return True

        return change


@dataclass(frozen=True)
class Careless(Add):
    """An operation that touches what it does not declare."""

    def forward(self) -> Change:
        """Spell another field anew."""
        add = super().forward()

        def change(document: Any) -> bool:
            for name in document:
                document[name] = decode(document[name])
            return add(document)

        return change


@pytest.mark.parametrize(
    ("wrong", "law"),
    [
        (Forgetful({Path.parse("n1"): 1, Path.parse("n2"): 2}), there_and_back),
        (Disorderly({Path.parse("a"): "n1"}), there_and_back),
        (Careless({Path.parse("n1"): 1}), lambda document, steps: keeps_the_frame(document, steps, ANY_BLANKS)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_law_catches_who_breaks_it(wrong: Any, law: Callable[[Any, Sequence[Step]], None]) -> None:
    """An operation with a wrong inverse or an undeclared effect does not pass, so the laws can fail."""

    @settings(LAW, report_multiple_bugs=False, print_blob=False)
    @given(DOCUMENTS)
    def keeps(document: Any) -> None:
        law(document, [Step(wrong)])

    with pytest.raises(AssertionError):
        keeps()


def test_the_steps_are_not_idle() -> None:
    """Most steps that are made up change their document, and each operation comes up, so the laws are not vacuous."""
    changed: list[bool] = []
    kinds: set[str] = set()

    @settings(LAW, derandomize=True, max_examples=200)
    @given(work(most=1))
    def look(given_work: tuple[Any, Any]) -> None:
        document, steps = given_work
        changed.append(forward(made(steps))(document))
        kinds.update(key for key in steps[0] if key in KINDS)

    look()
    assert kinds == set(KINDS)
    assert sum(changed) > 0.5 * len(changed)
