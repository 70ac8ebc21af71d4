"""Conditions: which documents, items and entries a step is about. A closed set of tests, and no expression language.

A condition is an object of paths, each with its test; all of them must hold::

    where: {status: done, n: {gt: 3}}

A literal is a test of equality; an object holds tests by their names, all of which must hold. ``all``, ``any`` and
``not`` combine conditions, and inside of a test they combine tests. ``.`` is the value itself.

A condition asks and never refuses: what cannot be reached is absent, and of what is absent no test holds but
``exists: false`` and what ``not`` makes of the others. A path with ``[]`` or ``*`` asks whether one of the places fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from migrate_spec.codec import Json, Raw, decode, opened
from migrate_spec.document import ABSENT, Refused, same
from migrate_spec.path import Path
from migrate_spec.pattern import Pattern
from migrate_spec.schema import Schema

__all__ = ["COMBINED", "FORMATS", "ITSELF", "NAME", "TESTS", "TYPES", "Condition", "Test"]

ITSELF = Path(())
"""``.``, the value itself."""

NAME = ".key"
"""The name of an entry, where a condition is about the entries of an object."""

COMBINED = ("all", "any", "not")

_NUMBER = (int, float)

TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: type(value) is bool,
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
    "number": lambda value: type(value) in _NUMBER,
    "string": lambda value: type(value) is str,
    "array": lambda value: type(value) is list,
    "object": lambda value: type(value) is dict,
}
"""The types of JSON Schema 2020-12, for values that are open: 1.0 is an integer there, too."""

FORMATS = (
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "json-pointer",
    "regex",
    "time",
    "uri",
    "uri-reference",
    "uuid",
)
"""The formats of JSON Schema 2020-12 (https://json-schema.org/draft/2020-12/json-schema-validation#section-7.3)."""

Judge = Callable[[Any], bool]


def _compared(holds: Callable[[Any, Any], bool]) -> Callable[[Json], Judge]:
    """A comparison of a number with numbers, or of a text with texts, by their characters' code points."""

    def of(bound: Json) -> Judge:
        kinds = _NUMBER if type(bound) in _NUMBER else (str,)
        return lambda value: type(value) in kinds and holds(value, bound)

    return of


def _equals(wanted: Json) -> Judge:
    if type(wanted) is str or wanted is None:
        return lambda value: value == wanted
    return lambda value: same(value, wanted)


def _one_of(wanted: Sequence[Json]) -> Judge:
    judges = [_equals(one) for one in wanted]
    return lambda value: any(judge(value) for judge in judges)


def _has_type(wanted: str | Sequence[str]) -> Judge:
    judges = [TYPES[name] for name in ([wanted] if isinstance(wanted, str) else wanted)]
    return lambda value: any(judge(value) for judge in judges)


def _has_format(wanted: str) -> Judge:
    fits = Schema({"format": wanted}).is_valid
    return lambda value: type(value) is str and fits(value)


def _matches(pattern: Pattern) -> Judge:
    return lambda value: type(value) is str and pattern.matches(value)


TESTS: Mapping[str, Callable[[Any], Judge]] = {
    "eq": _equals,
    "in": _one_of,
    "type": _has_type,
    "gt": _compared(lambda value, bound: bool(value > bound)),
    "ge": _compared(lambda value, bound: bool(value >= bound)),
    "lt": _compared(lambda value, bound: bool(value < bound)),
    "le": _compared(lambda value, bound: bool(value <= bound)),
    "format": _has_format,
    "matches": _matches,
}
"""The tests of a value that is there, by name: each makes a judge of plain values from what the spec says."""


@dataclass(frozen=True)
class Test:
    """One test of one value.

    Attributes:
        name: a key of :data:`TESTS`, ``exists``, or one of :data:`COMBINED`.
        argument: what the spec says; for ``all`` and ``any`` a tuple of tuples of tests, for ``not`` a tuple of tests.
    """

    name: str
    argument: Any

    def judge(self) -> Judge:
        """The test, compiled: it is given a plain value or :data:`~migrate_spec.document.ABSENT`."""
        if self.name == "exists":
            wanted = self.argument
            return lambda value: (value is not ABSENT) is wanted
        if self.name in COMBINED:
            return _combined(self.name, self.argument, _all_tests)
        holds = TESTS[self.name](self.argument)
        return lambda value: value is not ABSENT and holds(value)


def _all_tests(tests: Sequence[Test]) -> Judge:
    return _all([test.judge() for test in tests])


def _all(judges: Sequence[Judge]) -> Judge:
    if len(judges) == 1:
        return judges[0]
    return lambda value: all(judge(value) for judge in judges)


def _combined(name: str, argument: Any, compiled: Callable[[Any], Judge]) -> Judge:
    if name == "not":
        inner = compiled(argument)
        return lambda value: not inner(value)
    judges = [compiled(part) for part in argument]
    return _all(judges) if name == "all" else (lambda value: any(judge(value) for judge in judges))


@dataclass(frozen=True)
class Condition:
    """A condition, read.

    Attributes:
        tests: for each path its tests, all of which must hold; :data:`NAME` stands for the name of an entry.
        all, any: conditions of which all must hold, and of which one must.
        none: the condition under ``not``, which must not hold.
    """

    tests: Mapping[Path | str, tuple[Test, ...]] = field(default_factory=dict)
    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    none: Condition | None = None

    def judge(self) -> Callable[[Any], bool]:
        """The condition, compiled: it is given a value, open or raw, and changes nothing of it."""
        entry = self.judge_entry()
        return lambda value: entry(("", value))

    def judge_entry(self) -> Callable[[tuple[Any, Any]], bool]:
        """The condition, compiled for an entry of an object: its name and its value."""
        judges: list[Judge] = [_at(path, _all_tests(tests)) for path, tests in self.tests.items()]
        judges += [_combined("all", self.all, Condition.judge_entry)] if self.all else []
        judges += [_combined("any", self.any, Condition.judge_entry)] if self.any else []
        judges += [_combined("not", self.none, Condition.judge_entry)] if self.none else []
        return _all(judges)

    def reads(self) -> Sequence[Path]:
        """The paths whose values decide."""
        return tuple(dict.fromkeys(path for path in self._paths() if isinstance(path, Path)))

    def moved_by(self, touches: Callable[[Path], bool]) -> bool:
        """Whether it may hold otherwise once the places are altered of which ``touches`` says so."""
        own = any(
            isinstance(path, Path) and touches(path) and not (path == ITSELF and _asks_kind(tests))
            for path, tests in self.tests.items()
        )
        return own or any(part.moved_by(touches) for part in self._inside())

    @property
    def asks_name(self) -> bool:
        """Whether it asks for the name of an entry."""
        return NAME in self._paths()

    def _paths(self) -> Iterator[Path | str]:
        yield from self.tests
        for part in self._inside():
            yield from part._paths()  # noqa: SLF001 - a part of the same kind

    def _inside(self) -> Sequence[Condition]:
        return (*self.all, *self.any, *([self.none] if self.none else []))

    def parts(self) -> Iterator[tuple[Condition, Path | None, Json]]:
        """The conditions that must all hold, each with its path, if it has one, and what a spec says of it."""
        for path, tests in self.tests.items():
            if isinstance(path, Path):
                yield Condition({path: tests}), path, _tests_to_json(tests)
        for part in self.all:
            yield from part.parts()
        for rest in (Condition(any=self.any), Condition(none=self.none)):
            if rest.any or rest.none:
                yield rest, None, rest.to_json()

    def to_json(self) -> Json:
        """The condition as a spec says it in full."""
        shown = {_asked(path): _tests_to_json(tests) for path, tests in self.tests.items()}
        shown |= {"all": [part.to_json() for part in self.all]} if self.all else {}
        shown |= {"any": [part.to_json() for part in self.any]} if self.any else {}
        return shown | ({"not": self.none.to_json()} if self.none else {})


def _asked(path: Path | str) -> str:
    """How a spec says what a test asks for; a field may have the name of a combination."""
    text = "." if path == ITSELF else str(path)
    return f'["{text}"]' if text in COMBINED else text


def _asks_kind(tests: Sequence[Test]) -> bool:
    """Whether tests ask only for what no change of an object in its place alters: that it is one."""
    return all(test.name in {"exists", "type"} for test in tests)


def _tests_to_json(tests: Sequence[Test]) -> Json:
    shown: dict[str, Json] = {}
    for test in tests:
        if test.name == "not":
            shown[test.name] = _tests_to_json(test.argument)
        elif test.name in COMBINED:
            shown[test.name] = [_tests_to_json(part) for part in test.argument]
        else:
            shown[test.name] = test.argument.text if isinstance(test.argument, Pattern) else test.argument
    return shown


def _at(path: Path | str, judge: Judge) -> Judge:
    """A judge of the value at a path below an entry's value, or of its name."""
    if not isinstance(path, Path):
        return lambda entry: judge(entry[0])
    if path == ITSELF:
        return lambda entry: judge(_plain(entry[1]))
    if path.base.segments:
        many, one = path.base.segments, path.below(path.base)
        return lambda entry: any(judge(_looked(one.look, value)) for value in _values(entry[1], many))
    look = path.look
    return lambda entry: judge(_looked(look, entry[1]))


def _plain(value: Any) -> Json:
    return decode(value) if type(value) in {Raw, dict, list} else value


def _looked(look: Callable[[Json], Json], value: Any) -> Json:
    try:
        found = look(value)
    except Refused:
        return ABSENT
    return found if found is ABSENT else _plain(found)


def _values(value: Any, segments: Sequence[Any]) -> Iterator[Any]:
    """The values at a path, as they are."""
    if not segments:
        yield value
        return
    parent = opened(value)
    try:
        keys = segments[0].keys(parent)
    except Refused:
        return
    for key in keys:
        yield from _values(parent[key], segments[1:])
