"""``recode``: another encoding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from migrate_spec.codec import NotADocument, encode_msgpack, plain
from migrate_spec.document import Refused
from migrate_spec.errors import Fault
from migrate_spec.record_operation import Change, Made, Record, RecordOperation, Surroundings

Encoding = Literal["json", "msgpack"]


@dataclass(frozen=True)
class Encodings:
    """The encoding before and after.

    Attributes:
        from_: the one before.
        to: the one after.
    """

    from_: Encoding
    to: Encoding


@dataclass(frozen=True)
class Recode(RecordOperation):
    """Store documents in another encoding: `json` (RFC 8259) or `msgpack` (MessagePack)."""

    encodings: Encodings

    example: ClassVar[str] = """
        step: {recode: {from: json, to: msgpack}}
        before: {"task:7": {title: Write}}
        after: {"task:7": {title: Write}}
    """

    def check(self) -> Iterator[Fault]:
        """The two differ."""
        if self.encodings.from_ == self.encodings.to:
            found = f"{self.encodings.from_} to itself was found"
            yield Fault(found, "another encoding was expected", "", None, "no-effect")

    def check_on(self, prefix: str, encoding: str) -> Iterator[Fault]:
        """The records are encoded as it says."""
        del prefix
        if self.encodings.from_ != encoding:
            found = f"recode from {self.encodings.from_} was found"
            expected = f"from {encoding} was expected, as the records are stored so"
            yield Fault(found, expected, "", None, "encoding-differs")

    def encoding_after(self, encoding: str) -> str:
        """The new one."""
        del encoding
        return self.encodings.to

    def change(self, around: Surroundings) -> Change:
        """Every record is written anew; the encoding is the collection's from then on."""
        del around
        to_msgpack = self.encodings.to == "msgpack"

        def change(record: Record) -> Made:
            if to_msgpack:  # now and not at the end of the way, where it may be JSON again
                try:
                    record.document = plain(encode_msgpack(record.document))
                except NotADocument as error:
                    raise Refused(error.found, error.expected) from None
            record.changed = True
            return (record,)

        return change

    def losses(self) -> Sequence[str]:
        """How the values were spelled."""
        return ("how values were spelled that are not written the usual way",)
