"""The databases that are meant by the words of a command line."""

from __future__ import annotations

from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path

from migrate_spec.errors import NotADatabase

__all__ = ["databases_of", "is_pattern"]

COMPANIONS = (".backups", ".staging")
"""The folders that lie beside a database, and are none."""


def is_pattern(word: str | Path) -> bool:
    """Whether a word is a glob pattern, and not the path of a folder that is there."""
    return has_magic(str(word)) and not Path(word).exists()


def databases_of(words: Iterable[str | Path]) -> list[Path]:
    """The databases that paths and glob patterns name, in their order, each of them once.

    Folders with backups, and those of runs, are left out where their database is among the others, as a shell that
    expands a pattern names them, too.

    Raises:
        NotADatabase: a pattern matches no folder.
    """
    found: dict[Path, Path] = {}
    for word in words:
        for path in _matches(str(word)) if is_pattern(word) else [Path(word)]:
            found.setdefault(path.resolve(), path)
    beside = {path.with_name(path.name + suffix) for path in found for suffix in COMPANIONS}
    return [path for resolved, path in found.items() if resolved not in beside]


def _matches(pattern: str) -> list[Path]:
    names = glob(pattern, recursive=True)  # noqa: PTH207 - that of `Path` knows no absolute patterns
    paths = [path for path in map(Path, sorted(names)) if path.is_dir()]
    if not paths:
        found, expected = "no folder that matches this pattern was found", "one or more were expected"
        raise NotADatabase(found, expected, where=pattern)
    return paths
