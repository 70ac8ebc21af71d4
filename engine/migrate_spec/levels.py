"""Fields one level further in or out: what ``nest`` and ``flatten`` share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from migrate_spec.codec import Document, Json
from migrate_spec.document import Change, Refused, describe, open_in
from migrate_spec.errors import Fault
from migrate_spec.operation import overlaps
from migrate_spec.path import Name, Path, str_of
from migrate_spec.shapes.merging import few, joined
from migrate_spec.shapes.shape import NOTHING, ObjectShape, Shape
from migrate_spec.shapes.walking import changed_at

__all__ = ["beside", "check_levels", "down", "shape_down", "shape_up", "up"]

Groups = Mapping[Path, Sequence[str]]
"""Objects, each with the names of the fields that are in it on one side and beside it on the other."""


def beside(path: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """The paths of the fields with these names beside an object."""
    return tuple(Path((*path.parent.segments, Name(name)), path.place) for name in names)


def check_levels(groups: Groups) -> Iterator[Fault]:
    """A fault for what is named twice; an object may have the name of one of its own fields."""
    for path, names in groups.items():
        yield from overlaps(beside(path, names))
    places = [[path, *beside(path, names)] for path, names in groups.items()]
    for index, mine in enumerate(places):
        for theirs in places[:index]:
            meeting = next(((one, other) for one in mine for other in theirs if one.meets(other)), None)
            yield from overlaps(meeting[::-1]) if meeting else ()


def down(objects: Sequence[tuple[str, Sequence[str], Path]]) -> Change:
    """The change of a parent that puts fields into a new object each group, at the place of the first that is there."""
    homes = {name: home for home, names, _ in objects for name in names}
    free = [(home, path) for home, names, path in objects if home not in names]

    def change(parent: Document) -> bool:
        for home, path in free:
            if home in parent:
                raise Refused(
                    f"{describe(parent[home])} was found",
                    "no such field was expected, as a new object is made there",
                    "`move` puts fields into an object that is there",
                    path=str(Name(home)),
                    place=path.place,
                )
        if not parent.keys() & homes.keys():
            return False
        rebuilt: Document = {}
        for name, value in parent.items():
            if name in homes:
                rebuilt.setdefault(homes[name], {})[name] = value
            else:
                rebuilt[name] = value
        parent.clear()
        parent.update(rebuilt)
        return True

    return change


def up(objects: Sequence[tuple[str, Sequence[str] | None, Path]]) -> Change:
    """The change of a parent that puts the fields of objects in their place.

    Where names are given an object has no other fields, and none of the names may be beside it already.
    """
    free = [(name, home, path) for home, names, path in objects for name in names or () if name != home]

    def change(parent: Document) -> bool:
        for name, home, path in free:
            if name in parent:
                raise _taken(parent[name], name, home, path)
        inside = {home: (_fields(parent, home, names, path), path) for home, names, path in objects if home in parent}
        if not inside:
            return False
        rebuilt = _rebuilt(parent, inside)
        parent.clear()
        parent.update(rebuilt)
        return True

    return change


def _rebuilt(parent: Document, inside: Mapping[str, tuple[Document, Path]]) -> Document:
    """An object with the fields of objects in their place, which are given by name with their fields and paths."""
    stays = parent.keys() - inside.keys()
    rebuilt: Document = {}
    for home, value in parent.items():
        if home not in inside:
            rebuilt[home] = value
            continue
        fields, path = inside[home]
        for name, part in fields.items():
            if name in stays:
                raise _taken(parent[name], name, home, path)
            if name in rebuilt:
                other = next(other for other in inside if other != home and name in inside[other][0])
                raise _taken(part, name, other, path, home)
            rebuilt[name] = part
    return rebuilt


def _fields(parent: Document, home: str, names: Sequence[str] | None, path: Path) -> Document:
    """What is in an object, which has no fields but those named."""
    value = open_in(parent, home)
    if type(value) is not dict:
        raise Refused(f"{describe(value)} was found", "an object was expected", path=str(Name(home)), place=path.place)
    other = next((name for name in value if names is not None and name not in names), None)
    if other is not None:
        raise Refused(
            f"{describe(value[other])} was found",
            f"no field but {', '.join(map(repr, names or ()))} was expected",
            "add its name, or remove it first",
            path=_inside(home, other),
            place=path.place,
        )
    return value


def _taken(value: Json, name: str, home: str, path: Path, other: str = "") -> Refused:
    """The refusal of a field, beside an object or in another one, whose name a field of an object gets."""
    return Refused(
        f"{describe(value)} was found",
        f"no such field was expected, as {_inside(home, name)!r} gets that name",
        "rename one of the two first",
        path=_inside(other, name) if other else str(Name(name)),
        place=path.place,
    )


def _inside(home: str, name: str) -> str:
    return str(Path((Name(home), Name(name))))


def shape_down(shape: Shape, groups: Groups) -> Shape:
    """The shape of objects of which :func:`down` puts fields into new objects."""
    for home, names in groups.items():
        new = str_of(home.last)

        def change(one: ObjectShape, new: str = new, names: Sequence[str] = names) -> Iterator[ObjectShape]:
            free = one.absent(new) if new not in names else (one,)
            return (made for found in free for made in _nested(found, new, names))

        shape = changed_at(shape, home.parent, lambda parent, change=change: parent.of_objects(change))  # type: ignore[misc]
    return shape


def _nested(one: ObjectShape, home: str, names: Sequence[str]) -> Iterator[ObjectShape]:
    fields = {name: known for name in names if (known := one.field(name)).shape is not NOTHING}
    if not fields:
        yield one
        return
    needed = any(known.needed for known in fields.values())
    inside = ObjectShape(fields, NOTHING, least=0 if needed else 1)
    for found in _without(one, names):
        yield from found.having(home, Shape((inside,)), needed=needed)


def _without(one: ObjectShape, names: Iterable[str]) -> Sequence[ObjectShape]:
    found = [one]
    for name in names:
        found = [made for part in found for made in part.without(name)]
    return found


def shape_up(shape: Shape, groups: Mapping[Path, Sequence[str] | None]) -> Shape:
    """The shape of objects of which :func:`up` puts the fields of objects in their place."""
    parents: dict[Path, dict[str, Sequence[str] | None]] = {}
    for home, names in groups.items():
        parents.setdefault(home.parent, {})[str_of(home.last)] = names
    for parent, homes in parents.items():

        def change(one: ObjectShape, homes: Mapping[str, Sequence[str] | None] = homes) -> Iterator[ObjectShape]:
            return few(Shape(tuple(_raised(one, homes)))).objects()

        shape = changed_at(shape, parent, lambda value, change=change: few(value.of_objects(change)))  # type: ignore[misc]
    return shape


def _raised(one: ObjectShape, homes: Mapping[str, Sequence[str] | None]) -> Iterator[ObjectShape]:
    free = [one]
    for home, names in homes.items():
        for name in names or ():
            free = [made for part in free for made in part.absent(name)] if name != home else free
    waiting = [(part, list[ObjectShape]()) for part in free]
    for home, names in homes.items():
        there = [(part, inside) for whole, inside in waiting for part in whole.present(home)]
        waiting = [(part, inside) for whole, inside in waiting for part in whole.absent(home)]
        for whole, inside in there:
            fields = [part for kind in whole.field(home).shape.objects() for part in _named(kind, names)]
            waiting += [(rest, [*inside, part]) for part in fields for rest in whole.without(home)]
    for whole, inside in waiting:
        found = [whole]
        for part in inside:
            found = [made for each in found for made in joined(each, part, "fail")]
        yield from found


def _named(one: ObjectShape, names: Sequence[str] | None) -> Iterator[ObjectShape]:
    """Those of the objects that have no fields but these."""
    if names is None:
        yield one
    elif not any(known.needed and name not in names for name, known in one.fields.items()):
        yield ObjectShape({name: one.field(name) for name in names}, NOTHING, least=one.least, most=one.most)
