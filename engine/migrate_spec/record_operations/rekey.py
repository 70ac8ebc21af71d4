"""``rekey``: other keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from migrate_spec.document import Refused
from migrate_spec.errors import Fault
from migrate_spec.record_keys import filled, key_parts, path_faults, required
from migrate_spec.record_operation import Change, Foreign, Made, Record, RecordOperation, Surroundings, Undo
from migrate_spec.templates import Template


@dataclass(frozen=True)
class Keys:
    """The keys before and after, as templates.

    Attributes:
        from_: what the old keys are made of.
        to: what the new keys are made of: parts of the old one, and fields of the document.
    """

    from_: Template
    to: Template


@dataclass(frozen=True)
class Rekey(RecordOperation):
    """Give records other keys, made of parts of the old key and of fields of the document.

    A key that is taken already, or that two records would get, is refused, and nothing is changed.
    """

    keys: Keys

    example: ClassVar[str] = """
        step: {rekey: {from: "task:{id}", to: "project:{project.id}:task:{id}"}}
        before: {"task:7": {title: Write, project: {id: p1}}}
        after: {"project:p1:task:7": {title: Write, project: {id: p1}}}
    """

    def check(self) -> Iterator[Fault]:
        """The old key can be read, the new one be made."""
        old, new = self.keys.from_, self.keys.to
        if not old.readable:
            found = f"the template {old.text!r} was found"
            expected = "one with something between each two placeholders was expected, so that a key can be read"
            yield Fault(found, expected, "", old.place, "template-ambiguous")
        yield from path_faults(new, old.names)
        if old.text == new.text:
            yield Fault(f"{old.text!r} to itself was found", "another key was expected", "", new.place, "no-effect")

    once: ClassVar[bool] = True

    def check_on(self, prefix: str, encoding: str) -> Iterator[Fault]:
        """The template fits the keys that there are."""
        del encoding
        template = self.keys.from_
        if not template.literals[0].startswith(prefix):
            found = f"rekey from {template.text!r} was found"
            expected = f"a template that begins with {prefix!r} was expected, as the keys do"
            yield Fault(found, expected, "", template.place, "prefix-differs")

    def head_after(self, head: str) -> str:
        """The beginning of the new keys."""
        del head
        return self.keys.to.literals[0]

    def change(self, around: Surroundings) -> Change:
        """The record under its new key."""
        del around
        old, new = self.keys.from_, self.keys.to

        def change(record: Record) -> Made:
            key = required(new, key_parts(old, record.key), record.document)
            record.changed |= key != record.key
            record.key = key
            return (record,)

        return change

    def undo(self) -> Undo:
        """The record under its old key, where the new one has all of its parts."""
        old, new = self.keys.from_, self.keys.to

        def undo(record: Record) -> None:
            parts = filled(new, old.names, record.document).read(record.key)
            parts = new.read(record.key) if parts is None and new.readable else parts
            if parts is None:
                raise Foreign(f"the key {record.key!r} was found", f"one like {new.text!r} was expected")
            gone = next((name for name in old.names if name not in parts), None)
            if gone is not None:
                found = f"the key {record.key!r} was found, which does not tell {{{gone}}}"
                raise Refused(found, f"what makes a key like {old.text!r} was expected", place=new.place)
            record.key = old.fill(parts)

        return undo

    def needs_kept(self) -> bool:
        """Whether a part of the old key is gone."""
        return bool(self.losses())

    def ranges(self) -> Sequence[str]:
        """What the new keys begin with."""
        return (self.keys.to.literals[0],)

    def keys_before(self, key: str) -> Sequence[str] | None:
        """The old key, where the new one has all parts of it."""
        old, new = self.keys.from_, self.keys.to
        if not new.readable or any(name not in new.names for name in old.names):
            return None
        parts = new.read(key)
        return () if parts is None else (old.fill(parts),)

    def losses(self) -> Sequence[str]:
        """Nothing where the new key has all parts of the old one."""
        gone = [name for name in self.keys.from_.names if name not in self.keys.to.names]
        return (f"the part {', '.join(gone)} of the key",) if gone else ()
