"""Objects whose names get other names by a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from migrate_spec.codec import Json
from migrate_spec.schema import Schema
from migrate_spec.shapes.shape import NOTHING, Field, ObjectShape, Shape, union

__all__ = ["Rule", "prefixed", "renamed", "unprefixed"]


@dataclass(frozen=True)
class Rule:
    """What names become.

    Attributes:
        rename: what a name becomes.
        restore: what that becomes on the way back; ``None`` where it is not asked.
        keep: whether a name that does not come back stays; else it is refused.
        known: names of which the rule speaks.
        others_stay: whether all other names stay.
        made: else, what these become: from a JSON Schema of theirs to one of the new ones.
        taken: a pattern in a schema of the names of which others are refused; empty where any name is taken.
    """

    rename: Callable[[str], str]
    restore: Callable[[str], str] | None
    keep: bool
    known: Sequence[str] = ()
    others_stay: bool = False
    made: Callable[[Json], Json] = lambda _: True
    taken: str = ""

    def targets(self, names: Iterable[str]) -> Mapping[str, str]:
        """What becomes of each of these names; those that are refused are left out."""
        found = {}
        for name in names:
            new = self.rename(name)
            comes_back = self.restore is None or self.restore(new) == name
            if comes_back or self.keep:
                found[name] = new if comes_back else name
        return found


def prefixed(prefix: str, names: Json) -> Json:
    """A JSON Schema of names that get a prefix, which is given as a pattern."""
    return {"pattern": f"^{prefix}{_rest_of_pattern('', names)}"}


def unprefixed(prefix: str, names: Json) -> Json:
    """A JSON Schema of names from which a prefix is taken away."""
    rest = _rest_of_pattern(prefix, names)
    return {"pattern": f"^{rest}"} if rest else True


def _rest_of_pattern(prefix: str, names: Json) -> str:
    """What the pattern of names says behind a prefix."""
    pattern = str(names.get("pattern", "")) if isinstance(names, dict) else ""
    rest = pattern.removeprefix(f"^{prefix}")
    is_plain = rest != pattern and "|" not in rest and rest[:1] not in {"*", "+", "?", "{"}
    return rest if is_plain else ""


def renamed(rule: Rule, one: ObjectShape) -> Iterator[ObjectShape]:
    """What becomes of objects; where two names become one they are refused."""
    old = {name: one.field(name) for name in dict.fromkeys([*one.fields, *rule.known])}
    if one.closed():
        old = {name: known for name, known in old.items() if known.shape is not NOTHING}
    new = rule.targets(old)
    if any(known.needed for name, known in old.items() if name not in new):
        return
    if all(new.get(name) == name for name in old) and (rule.others_stay or one.closed()):
        yield one
        return
    fields: dict[str, Field] = {}
    for target in dict.fromkeys(new.values()):
        field = _merged([old[name] for name in old if new.get(name) == target], _unnamed(rule, one, old, target))
        if field is None:
            return
        fields[target] = field
    if not rule.others_stay:
        yield from _with_others(
            replace(one, fields=fields, others=_rest(rule, one), patterns=(), names=True, more={}), rule.made(one.names)
        )
        return
    gone = {} if one.closed() else {name: Field(NOTHING) for name in old if name not in fields}
    patterns = tuple((pattern, _widened(pattern, shape, fields)) for pattern, shape in one.patterns)
    yield replace(one, fields={**fields, **gone}, patterns=patterns, more={})


def _merged(sources: Sequence[Field], unnamed: Shape) -> Field | None:
    """A field that one of several becomes, or another; ``None`` where there are always two of them."""
    needed = [known for known in sources if known.needed]
    if needed:
        return needed[0] if len(needed) == 1 else None
    return Field(union([*(known.shape for known in sources), unnamed]))


def _unnamed(rule: Rule, one: ObjectShape, old: Mapping[str, Field], target: str) -> Shape:
    """The values of a new name that another field may have got, of which nothing but its values is known."""
    if rule.others_stay or one.closed():
        return NOTHING
    if rule.restore is None:
        return _rest(rule, one)
    others = [name for name in dict.fromkeys([target, rule.restore(target)]) if name not in old]
    return union(one.field(name).shape for name in others if rule.targets([name]).get(name) == target)


def _widened(pattern: str, shape: Shape, fields: Mapping[str, Field]) -> Shape:
    """What a pattern says of names, with what it has to allow for the new ones."""
    matches = Schema({"pattern": pattern}).is_valid
    return union([shape, *(known.shape for name, known in fields.items() if matches(name))])


def _rest(rule: Rule, one: ObjectShape) -> Shape:
    """The values of the fields of which only that is known."""
    under = [shape for pattern, shape in one.patterns if pattern == rule.taken]
    return under[0] if under else union([one.others, *(shape for _, shape in one.patterns)])


def _with_others(one: ObjectShape, made: Json) -> Iterator[ObjectShape]:
    """The objects with what is known of the names of other fields, as patterns where these say it."""
    if one.others is NOTHING or not isinstance(made, dict):
        yield one
        return
    is_made = Schema(made).is_valid
    named = [known.shape for name, known in one.fields.items() if is_made(name) is ("pattern" in made)]
    if "pattern" in made and all(shape is one.others or shape is NOTHING for shape in named):
        yield replace(one, others=NOTHING, patterns=((str(made["pattern"]), one.others),))
    elif "not" in made and all(shape is NOTHING for shape in named):
        yield replace(one, patterns=((str(made["not"]["pattern"]), NOTHING),))
    else:
        yield replace(one, names=made)
