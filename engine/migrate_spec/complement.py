"""What a migration loses of a document, kept so that the way back gives it again.

The way back alone gives a document that is like the old one but for what was lost: the *guess*. What is kept is how the
old one differs from that, place by place. If the migrated document is edited meanwhile, the way back of what it is now
differs from the guess only where the edit is, so that everywhere else what was kept can be put back; where both are,
the edit stays, and what was kept is told as a conflict.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import lru_cache

from migrate_spec.codec import Json, Raw, decode, encode, encoder_of, opened, plain, says_the_same
from migrate_spec.differences import Difference, differences, from_json, put_back

__all__ = ["Complement", "Unreadable", "complement_of"]


class Unreadable(ValueError):  # noqa: N818 - it says what is
    """What is stored as a complement is none."""


@dataclass(frozen=True, slots=True)
class Complement:
    """What a document lost in one step.

    Attributes:
        differences: how it differs from what the way back alone gives.
        comes_back: whether the way back gives anything at all; else it is to be taken as it is.
        spelling: the very bytes that it had, where the differences do not give them: blanks, escapes in names.
    """

    differences: tuple[Difference, ...] = ()
    comes_back: bool = True
    spelling: bytes | None = None

    def stored(self) -> bytes:
        """The complement as it is stored."""
        fields: dict[str, Json] = {"lost": [one.to_json() for one in self.differences]}
        if not self.comes_back:
            fields["comes_back"] = False
        if self.spelling is not None:
            fields["spelling"] = b64encode(self.spelling).decode()
        return encode(fields)

    @staticmethod
    @lru_cache(maxsize=100)  # most often many records have the same
    def of(stored: bytes) -> Complement:
        """The complement that was stored.

        Raises:
            Unreadable: it is none.
        """
        try:
            fields = opened(Raw(stored))
            spelling = decode(fields["spelling"]) if "spelling" in fields else None
            return Complement(
                tuple(map(from_json, opened(fields["lost"]))),
                "comes_back" not in fields,
                b64decode(spelling) if spelling is not None else None,
            )
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise Unreadable(str(error) or "it is no complement") from None

    def spelled(self, value: bytes) -> bytes:
        """The document that was put back as these bytes, spelled as it was, if it still says the same."""
        return self.spelling if self.spelling is not None and says_the_same(self.spelling, value) else value


def complement_of(guess: Json, old: Json, value: bytes | None, encoding: str, *, comes_back: bool) -> Complement | None:
    """What the way back alone does not give.

    Args:
        guess: what it gives.
        old: what there was.
        value: the same as bytes; ``None`` where these are not to be kept.
        encoding: of these.
        comes_back: whether the guess comes from the way back.

    Returns:
        It; ``None`` where the guess is all there was, to the byte.
    """
    kept, write = tuple(differences(guess, old)), encoder_of(encoding)
    spelling = None
    if value is not None and write(plain(value)) != value and write(put_back(guess, kept)[0]) != value:
        spelling = value  # where the first is not so, each part of it has the bytes that it is written with
    return Complement(kept, comes_back, spelling) if kept or spelling is not None or not comes_back else None
