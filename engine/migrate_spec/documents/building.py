"""From a schema to the unit that makes its documents.

The schema is read in the normal form of jsonschema-rs, in which ``if``, ``not``, ``allOf``, ``dependentRequired``,
``unevaluatedProperties`` and the like are told in simpler words: types, bounds, properties, items, choices. What the
normal form cannot say so is made more freely, and made anew where it does not fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from types import SimpleNamespace
from typing import Any

from migrate_spec.codec import Json
from migrate_spec.documents.cases import simplified
from migrate_spec.documents.forms import ANYTHING, Form, is_nothing, kind_of, met, resolved, test_of, without
from migrate_spec.documents.lists import Array, Items
from migrate_spec.documents.objects import Field, Object, Others
from migrate_spec.documents.patterns import Unreadable, samples
from migrate_spec.documents.scalars import constants, enumerated, numbers, texts
from migrate_spec.documents.units import (
    UNSETTLED,
    Choice,
    Guarded,
    Impossible,
    Leaf,
    Nested,
    Stuck,
    Test,
    Unit,
    simplest,
)
from migrate_spec.schema import Schema

__all__ = ["freely", "unit_of"]

TRIALS = 20
"""Documents that are looked at to see whether they fit."""
MOST_BRANCHES = 256
"""Of a choice; of more, so many are taken, evenly."""
MOST_NAMES = 100
"""That a field may have which the schema does not name."""
USUAL_OTHERS, MOST_OTHERS = 2, 12
"""Fields of an object that the schema does not name: how many there are at most, unless it asks for more."""

NAMES = ["x", "", "a.b", "é", "$id", "-1", "X", "a b", "[0]", "*", "x1", "x2"]
"""Names of fields that no schema knows."""

_VALUES: list[Json] = [
    *(None, False, True, 0, 1, -1, 0.5, 1.0, -0.0, 10**20, "", "a", "1", "é", "😀"),
    *([], {}, [None], [[]], ["a", "a"], [1, "a", None], {"a": 1}, {"": None}, {"a": {"b": [{}]}}, [{"a": 1}, {"a": 2}]),
]
_TYPES = ["null", "boolean", "number", "string", "array", "object"]
_BOUNDS = ("minimum", "maximum", "min_length", "max_length", "excludes_integers")
_UNBOUND = SimpleNamespace(multiple_of=(), patterns=(), formats=(), **dict.fromkeys(_BOUNDS))
"""What the normal form says of a number or a text that is only asked to be one."""


def unit_of(schema: Schema, names: Sequence[str] = ()) -> Unit:
    """The unit that makes the documents of a schema.

    Args:
        schema: the schema.
        names: names to try for fields that the schema does not know.

    Raises:
        ValueError: it is no schema, nothing fits it, or no way to make what does is known.
    """
    try:
        _ = schema.is_valid
    except ValueError as error:
        fault = str(error).split("\n")[0]
        raise ValueError(f"{fault}, a JSON Schema was expected") from None
    try:
        unit = _unit_of(schema, names)
    except RecursionError:
        raise ValueError("a schema nested too deep was found, fewer levels were expected") from None
    if unit.least is UNSETTLED:
        raise ValueError(unit.why or "a schema that nothing fits was found, one that documents fit was expected")
    return unit


def _unit_of(schema: Schema, names: Sequence[str]) -> Unit:
    """What the schema says, and where that is not all, what fits of it."""
    unit, left_out = freely(schema, names)
    if left_out or not _keeps(unit, schema.is_valid):
        unit = Guarded(unit, schema.is_valid, _unable(left_out or ["$ref"]))
        unit.settle()
    return unit


def freely(schema: Schema, names: Sequence[str] = ()) -> tuple[Unit, list[str]]:
    """The unit that makes what the normal form of a schema says, and the keywords that are left out of that."""
    form, left_out = simplified(schema)
    builder = _Builder(schema.content, names)
    unit = builder.whole(form)
    builder.settle()
    for part in builder.units:
        part.finish()
    return unit, left_out


def _keeps(unit: Unit, fits: Test) -> bool:
    """Whether what a unit makes fits, as far as a few values show."""
    random = Random(0)  # noqa: S311 - it chooses values
    try:
        return unit.least is UNSETTLED or all(map(fits, (unit.least, *(unit.sample(random) for _ in range(TRIALS)))))
    except Stuck:
        return False


def _unable(keywords: Iterable[str]) -> str:
    words = " and ".join(map(repr, keywords))
    return f"the keyword {words} was found, one that a value could be made for was expected"


@dataclass(frozen=True)
class _Fields:
    """What the normal form says of the fields of an object.

    Attributes:
        names: what their names fit; ``None``: any name does.
        patterns: the patterns that it says something about.
        value_of: what the value of the field of a name fits; ``None``: any value does.
        named: the names that it says.
    """

    names: Form | None = None
    patterns: Sequence[str] = ()
    value_of: Callable[[str], Form | None] = lambda _: None
    named: Sequence[str] = ()

    @property
    def allows(self) -> Callable[[str], bool]:
        """Whether a field may have a name."""
        return (lambda _: True) if self.names is None else test_of(self.names)


class _Builder:
    """Builds units, each part of the normal form once.

    Attributes:
        units: all of them.
    """

    def __init__(self, content: Json, names: Sequence[str]) -> None:
        self.said = constants(content)
        self.names = names
        self.units: list[Unit] = []
        self.known: dict[Form, Unit | None] = {}
        self.later: dict[Form, list[Nested]] = {}
        pool = [*_VALUES, *({name: 1} for name in names[:3])]
        self.anything = self.kept(Leaf(pool, [lambda number: number or None]))

    def kept(self, unit: Unit) -> Unit:
        """The same unit, which is now one of all."""
        self.units.append(unit)
        return unit

    def settle(self) -> None:
        """Find the simplest value of each unit, and then of those that hold it, until no more are found."""
        waiting = [unit for unit in self.units if unit.least is UNSETTLED]
        while waiting:
            still = [unit for unit in waiting if not unit.settle()]
            if len(still) == len(waiting):
                return
            waiting = still

    def whole(self, form: Form) -> Unit:
        """The unit of a whole document: where that may be anything, of more variety than a part of one."""
        return self.kept(self._of_types(_TYPES)) if kind_of(form) == "True" else self.unit(form)

    def unit(self, form: Form | None) -> Unit:
        """The unit of a part of the normal form; ``None``: of anything."""
        if form is None:
            return self.anything
        if form not in self.known:
            self.known[form] = None
            found = self.known[form] = self.kept(self._unit(form))
            for nested in self.later.pop(form, ()):
                nested.unit = found
        found_before = self.known[form]
        if found_before is None:  # it is being built further out
            nested = Nested(Impossible())
            self.later.setdefault(form, []).append(nested)
            return nested
        return found_before

    def _unit(self, form: Form) -> Unit:
        build = getattr(self, f"_of_{kind_of(form).lower()}", None)
        return self._guarded(form, self.anything) if build is None else build(form, form.view())

    def _guarded(self, form: Form, unit: Unit) -> Unit:
        """What a unit makes that also fits a part of the normal form."""
        said = form.to_json_schema()
        return Guarded(self.kept(unit), test_of(form), _unable(sorted(set(said) - {"$schema", "$defs", "type"})))

    # ------------------------------------------------------------------------------------- what has no parts

    def _of_true(self, _form: Form, _view: Any) -> Unit:
        return self.anything

    def _of_false(self, _form: Form, _view: Any) -> Unit:
        return Impossible()

    def _of_const(self, _form: Form, view: Any) -> Unit:
        return enumerated([view.value], self.said)

    def _of_enum(self, _form: Form, view: Any) -> Unit:
        return enumerated(view.values, self.said)

    def _of_string(self, form: Form, view: Any) -> Unit:
        return texts(view, self.said, test_of(form))

    def _of_integer(self, form: Form, view: Any) -> Unit:
        return numbers(view, self.said, test_of(form), whole=True)

    def _of_number(self, form: Form, view: Any) -> Unit:
        return numbers(view, self.said, test_of(form), whole=False)

    def _of_multitype(self, _form: Form, view: Any) -> Unit:
        return self._of_types(view.types)

    def _of_types(self, types: Sequence[str]) -> Unit:
        units = [self._of_type(name) for name in types]
        return units[0] if len(units) == 1 else Choice([self.kept(unit) for unit in units])

    def _of_type(self, name: str) -> Unit:
        fits = Schema({"type": name}).is_valid
        if name == "object":
            return Object([], self._others(_Fields(), 0, None))
        if name == "array":
            return Array([], [Items(self.anything)], lengths=self.said.lengths)
        if name == "string":
            return texts(_UNBOUND, self.said, fits)
        if name in {"integer", "number"}:
            return numbers(_UNBOUND, self.said, fits, whole=name == "integer")
        return Leaf([None] if name == "null" else [False, True])

    # ------------------------------------------------------------------------------------------ combinations

    def _of_reference(self, form: Form, view: Any) -> Unit:
        return self.unit(form.definition(view.uri))

    def _of_typedgroup(self, form: Form, view: Any) -> Unit:
        both = met(Schema({"type": view.type_name}).canonical, resolved(view.body))
        return self._guarded(form, self.unit(view.body)) if both is None else self.unit(both)

    def _of_anyof(self, _form: Form, view: Any) -> Unit:
        branches = view.branches
        return Choice([self.unit(branch) for branch in branches[:: -(-len(branches) // MOST_BRANCHES)]])

    def _of_allof(self, form: Form, view: Any) -> Unit:
        both = met(*map(resolved, view.branches))
        return self._guarded(form, self.unit(view.branches[0])) if both is None or both == form else self.unit(both)

    def _of_oneof(self, form: Form, view: Any) -> Unit:
        """Each branch without the others; where that cannot be said, what fits of all that they make."""
        units, is_exact = [], True
        for branch in view.branches:
            found = resolved(branch)
            for other in view.branches:
                if other is not branch:
                    rest = without(found, other)
                    is_exact = is_exact and rest is not None
                    found = found if rest is None else rest
            units.append(self.unit(found))
        return Choice(units) if is_exact else self._guarded(form, Choice(units))

    def _of_not(self, form: Form, view: Any) -> Unit:
        rest = without(ANYTHING, view.schema)
        return self._guarded(form, self.whole(ANYTHING)) if rest is None or rest == form else self.unit(rest)

    # ----------------------------------------------------------------------------------------------- objects

    def _of_object(self, form: Form, view: Any) -> Unit:
        says = _said_of_fields(view)
        order = {name: place for place, name in enumerate(self.said.names)}
        allowed, fields = says.allows, []
        for name in sorted(says.named, key=lambda name: (order.get(name, len(order)), name)):
            value, needed = says.value_of(name), name in view.required
            if not allowed(name):
                fields += [Field(name, Impossible(), needed)] if needed else []
            elif needed or value is None or not is_nothing(value):
                fields.append(Field(name, self.unit(value), needed))
        least, most = view.min_properties or 0, view.max_properties
        demanded = [self._demanded(violation, says) for violation in view.violations]
        wanted = MOST_OTHERS if most is None else min(most - len(fields), MOST_OTHERS)
        others = self._others(says, least - len(fields), wanted if most is not None else None)
        unit = Object(fields, [*(other for other in demanded if other), *others], least, most)
        return self._guarded(form, unit) if demanded else unit

    def _others(self, says: _Fields, least: int, most: int | None) -> list[Others]:
        """Fields that the schema does not name: as many of each kind of value as there may be, or a few."""
        groups: dict[Form | None, list[str]] = {}
        for name in self._free_names(says, least):
            value = says.value_of(name)
            if value is None or not is_nothing(value):
                groups.setdefault(value, []).append(name)
        found = []
        for value, names in groups.items():
            usual = USUAL_OTHERS if says.named or len(groups) > 1 else USUAL_OTHERS + 1
            count = max(usual, least, most or 0, min(len(self.names), MOST_OTHERS // 2))
            given = [name for name in names if name in self.names]
            names_once = names[:MOST_NAMES]
            often = given * (len(names_once) // len(given)) + names_once if given else names_once
            unit = self.unit(value)
            found += [Others(often, unit) for _ in range(min(count, len(names)))]
        return found

    def _free_names(self, says: _Fields, least: int, patterns: Sequence[str] = ()) -> list[str]:
        """Names to try for fields that the schema does not name."""
        allows = says.allows
        found = dict.fromkeys(self._names(says, least, patterns))
        return [name for name in found if name not in says.named and allows(name)]

    def _names(self, says: _Fields, least: int, patterns: Sequence[str]) -> Iterator[str]:
        yield from (*self.names, *NAMES, *self.said.names)
        for pattern in (*patterns, *says.patterns):
            try:
                yield from samples(pattern, 0, 30)
            except Unreadable:
                continue
        if says.names is not None:
            unit = self.unit(says.names)
            self.settle()
            random = Random(0)  # noqa: S311 - it chooses names
            for turn in range(MOST_NAMES):
                try:
                    yield unit.sample(random) if turn else simplest(unit)
                except Stuck:
                    continue
        yield from (f"x{number}" for number in range(3, least + 10))

    def _demanded(self, violation: Any, says: _Fields) -> Others | None:
        """A field that must be there as something is said not to hold of every field; ``None`` where none is known."""
        kind, fails, value = type(violation).__name__, None, None
        if kind == "NameFailsView":
            fits = test_of(violation.schema)
            names = [name for name in self._free_names(says, 0) if not fits(name)]
        elif kind == "PatternValueFailsView":
            fails = violation.schema
            matches = Schema({"pattern": violation.pattern}).is_valid
            names = [name for name in self._free_names(says, 0, [violation.pattern]) if matches(name)]
        else:
            fails = violation.additional
            known = Schema({"anyOf": [{"enum": violation.names}, *({"pattern": one} for one in violation.patterns)]})
            names = [name for name in self._free_names(says, 0) if not known.is_valid(name)]
        if names:
            value = says.value_of(names[0])
        if fails is not None:
            value = without(ANYTHING if value is None else value, fails)
            if value is None:
                return None
        return Others(names, self.unit(value), needed=True) if names else None

    # ------------------------------------------------------------------------------------------------- lists

    def _of_array(self, form: Form, view: Any) -> Unit:
        first = list(view.prefix_items[: view.max_items])
        rest = ANYTHING if view.items is None else view.items
        kinds = [kind for wanted in view.contains if (kind := self._contained(wanted, rest, view.contains))]
        if not any(kind.least for kind in kinds):
            for wanted in view.contains:
                _put_in_front(first, wanted.schema)
        others, is_exact = rest, len(view.contains) + bool(first) < 2  # noqa: PLR2004 - or one gets in another's way
        for wanted in view.contains:
            if wanted.max_contains is not None:
                left = without(others, wanted.schema)
                others, is_exact = (others, False) if left is None else (left, is_exact)
        if not is_nothing(others):
            kinds.append(Items(self.unit(others)))
        distinct = {"all_distinct": True, "some_repeated": False}.get(view.distinctness.value)
        units = [self.unit(one) for one in first]
        unit = Array(units, kinds, view.min_items or 0, view.max_items, unique=distinct, lengths=self.said.lengths)
        return self._guarded(form, unit) if (view.contains and not is_exact) or distinct is False else unit

    def _contained(self, wanted: Any, rest: Form, all_wanted: Sequence[Any]) -> Items | None:
        """Items such as a list is to contain, which are none of the others of which it is to contain few."""
        found = met(rest, wanted.schema)
        for other in all_wanted:
            if found is not None and other is not wanted and other.max_contains is not None:
                found = without(found, other.schema) or found
        if found is None or is_nothing(found):
            return None
        least = 1 if wanted.min_contains is None else wanted.min_contains
        return Items(self.unit(found), least, wanted.max_contains)


def _put_in_front(first: list[Form], wanted: Form) -> None:
    """Ask of the first item that may be so that it is what a list is to contain."""
    for place, form in enumerate(first):
        both = met(form, wanted)
        if both is not None and not is_nothing(both):
            first[place] = both
            return


def _said_of_fields(view: Any) -> _Fields:
    patterns = view.pattern_properties
    tests = {pattern: Schema({"pattern": pattern}).is_valid for pattern in patterns}

    @cache
    def value_of(name: str) -> Form | None:
        forms = [view.properties[name]] if name in view.properties else []
        forms += [patterns[pattern] for pattern, test in tests.items() if test(name)]
        return (met(*forms) or forms[0]) if forms else view.additional_properties

    return _Fields(
        view.property_names, list(patterns), value_of, list(dict.fromkeys([*view.properties, *view.required]))
    )
