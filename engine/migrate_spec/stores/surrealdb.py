"""A RocksDB that is SurrealDB's, known by its keys: their values are in a form of its own, and it indexes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from migrate_spec.errors import ForeignDatabase
from migrate_spec.stores.rocks_middle import Keys

__all__ = ["is_surrealdb", "surrealdb"]

# All its keys begin with a slash and a sign for what they are of (the root, a node, an access, a namespace by its name
# or number), but for the one that holds the version of its storage, in two bytes.
_VERSION, _KEY = b"!v", re.compile(rb"/[!$&*+].*", re.DOTALL)

# Whoever opens it registers as a node, and to hold anything it needs a namespace.
_ROOT = re.compile(rb"/!(nd.{16}|ns.+\0.*|(ni|ac|us|hb).*)", re.DOTALL)


def is_surrealdb(keys: Keys, get: Callable[[bytes], Any]) -> bool:
    """Whether a database is SurrealDB's.

    Args:
        keys: an iterator over all of its keys.
        get: gives the value of a key, or ``None``.
    """
    keys.seek(b"")
    if not keys.valid() or not (keys.key() == _VERSION or _KEY.fullmatch(keys.key())):
        return False
    keys.seek_to_last()
    if not keys.valid() or not (keys.key() == _VERSION or _KEY.fullmatch(keys.key())):
        return False
    version = get(_VERSION)
    if version is not None:
        return len(version) == len(_VERSION) and version[0] == 0
    keys.seek(b"/!")
    return keys.valid() and _ROOT.fullmatch(keys.key()) is not None


def surrealdb(path: Path) -> ForeignDatabase:
    """The error for such a database."""
    return ForeignDatabase(
        "it is a database of SurrealDB, as Meridian's later storage is",
        "records as plain keys and values were expected",
        "export it with SurrealDB",
        where=str(path),
    )
