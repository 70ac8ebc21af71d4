"""What is released stays as it is: which schemas and specs changed since.

Released is what a file ``released.json`` beside the folders has recorded; where there is none, what git's last tag has.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrate_spec.errors import Fault, Place, SpecError
from migrate_spec.meaning import meaning
from migrate_spec.project import SCHEMA_NAME
from migrate_spec.registry import MigrationRegistry
from migrate_spec.spec import Spec, parse_spec

__all__ = ["FILE", "changed", "record"]

FILE = "released.json"
PATIENCE = 10.0
"""Seconds that git is given."""


@dataclass(frozen=True)
class _Folders:
    """Where a project is.

    Attributes:
        specs, schemas: its folders.
        specs_read: the specs in the one, by their files.
    """

    specs: Path
    schemas: Path
    specs_read: Mapping[str, Spec]

    @property
    def lock(self) -> Path:
        """The file of what is released."""
        return self.specs.parent / FILE

    def name(self, file: Path) -> str:
        """How a file is called in :attr:`lock`, and for git: as seen from there."""
        return Path(os.path.relpath(file, self.specs.parent)).as_posix()

    def files(self) -> Iterator[Path]:
        """All schemas and specs."""
        yield from sorted(file for file in self.schemas.glob("*/*.json") if SCHEMA_NAME.fullmatch(file.name))
        yield from sorted(map(Path, self.specs_read))

    def digest(self, file: Path) -> str:
        """The digest of what a file says."""
        spec = self.specs_read.get(str(file))
        return spec.checksum if spec is not None else _digest_of_schema(file.read_text(encoding="utf-8"))

    def place(self, file: Path) -> Place:
        """Where a change of a file is told."""
        spec = self.specs_read.get(str(file))
        return Place(str(file)) if spec is None else spec.place("from")


def record(registry: MigrationRegistry, specs: Path, schemas: Path) -> tuple[Path, int]:
    """Record all schemas and specs as released.

    Args:
        registry: the migrations.
        specs: the folder that the specs are from.
        schemas: the folder of schemas.

    Returns:
        The file that was written, and how many files it has recorded.
    """
    folders = _folders(registry, specs, schemas)
    files = {folders.name(file): folders.digest(file) for file in folders.files()}
    content = {"version": registry.latest, "files": files}
    folders.lock.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return folders.lock, len(files)


def changed(registry: MigrationRegistry, specs: Path, schemas: Path) -> Iterator[Fault]:
    """A finding for each released schema and spec that says something else now.

    Args:
        registry: the migrations.
        specs: the folder that the specs are from.
        schemas: the folder of schemas.

    Raises:
        SpecError: the file of what is released cannot be read.
    """
    folders = _folders(registry, specs, schemas)
    since, differs = _by_lock(folders) if folders.lock.is_file() else _by_git(folders)
    for file in filter(differs, folders.files() if since else ()):
        found = f"{folders.name(file)} was found to say something else than in {since}"
        expected = "it was expected to stay as it is, as its version is released"
        remedy = "put it back, and write the next version"
        yield Fault(found, expected, remedy, folders.place(file), "released-changed")


def _folders(registry: MigrationRegistry, specs: Path, schemas: Path) -> _Folders:
    return _Folders(specs, schemas, {migration.spec.place().file: migration.spec for migration in registry})


def _digest_of_schema(text: str) -> str:
    shown = json.dumps(meaning(json.loads(text)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(shown.encode()).hexdigest()


# ------------------------------------------------------------------------------------------------ by released.json


def _by_lock(folders: _Folders) -> tuple[str, Callable[[Path], bool]]:
    digests = _recorded(folders.lock)
    return FILE, lambda file: digests.get(folders.name(file), digest := folders.digest(file)) != digest


def _recorded(lock: Path) -> Mapping[str, str]:
    """The digests that a file has recorded.

    Raises:
        SpecError: it cannot be read.
    """
    try:
        content = json.loads(lock.read_text(encoding="utf-8"))
        files: Any = content["files"]
        if isinstance(files, dict):
            return files
    except (ValueError, TypeError, KeyError):
        pass
    found, remedy = "a text that cannot be understood was found", f"put {FILE} back as it was"
    expected = "what `migrate-spec release` writes was expected"
    raise SpecError([Fault(found, expected, remedy, Place(str(lock)), "released-invalid")])


# ---------------------------------------------------------------------------------------------------------- by git


def _by_git(folders: _Folders) -> tuple[str, Callable[[Path], bool]]:
    """The last tag, and what tells whether a file changed since; an empty text where there is no tag, or no git."""
    top = folders.specs.parent
    tag = _git(top, "describe", "--tags", "--abbrev=0").strip() if _has_tags(top.resolve()) else ""
    paths = [folders.name(folder) for folder in (folders.specs, folders.schemas)]
    listed = _git(top, "diff", "--name-only", "--relative", "--diff-filter=M", "-z", tag, "--", *paths) if tag else ""
    names = frozenset(filter(None, listed.split("\0")))

    def differs(file: Path) -> bool:
        name = folders.name(file)
        now = folders.digest(file) if name in names else ""
        return now not in {"", _digest(file, _git(top, "show", f"{tag}:./{name}")) or now}

    return tag if names else "", differs


def _digest(file: Path, text: str) -> str:
    """The digest of what a file said; empty where that cannot be read any more."""
    if file.suffix == ".json":
        try:
            return _digest_of_schema(text)
        except ValueError:
            return ""
    spec, _ = parse_spec(text, str(file))
    return spec.checksum if spec is not None else ""


def _has_tags(folder: Path) -> bool:
    """Whether a folder can be in a repository that has tags; to look costs less than to start git."""
    for parent in (folder, *folder.parents):
        repository = parent / ".git"
        if repository.is_dir():
            packed = repository / "packed-refs"
            return any((repository / "refs/tags").glob("*")) or (
                packed.is_file() and b" refs/tags/" in packed.read_bytes()
            )
        if repository.is_file():  # a work tree of its own, or a submodule
            return True
    return False


def _git(folder: Path, *arguments: str) -> str:
    """What git says; nothing where it fails or is not there."""
    call = ["git", "-C", str(folder), "--no-optional-locks", *arguments]
    try:
        done = subprocess.run(call, capture_output=True, check=True, timeout=PATIENCE)  # noqa: S603 - our own words
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "surrogateescape")
