"""Column families: the parts of a RocksDB, each with keys of its own, by their names."""

from __future__ import annotations

__all__ = ["DEFAULT_FAMILY", "named"]

DEFAULT_FAMILY = "default"
"""That every database has. What the system keeps for itself is there."""


def named(family: str) -> str:
    """The column family for a sentence; nothing where it is the default one, which goes without saying."""
    return "" if family == DEFAULT_FAMILY else f"column family {family!r}"
