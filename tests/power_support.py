"""What a loss of power leaves of a folder: all that was written is gone, but what had been put on the disk.

``faults/faults.c`` tells in a journal which calls changed names, and which put a file, or the names in a folder, on the
disk. From that follows what is on the disk at each moment. Two disks are thought of: one that has of each folder only
the names that were there when it was last synchronized, and one that has all names at once, but of each file only what
that was last synchronized with; a real one is somewhere between them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.faults_cases import Trial
from tests.faults_scenes import Play
from tests.faults_support import Outcome, Tools

Names = Literal["synchronized", "all"]
BOTH: tuple[Names, Names] = ("synchronized", "all")

MADE = {"open", "open64", "openat", "openat64", "fopen", "fopen64", "symlink", "symlinkat"}
GONE = {"unlink", "unlinkat", "remove", "rmdir"}
OTHER = {"chmod", "fchmodat", "chown", "lchown", "utimensat", "truncate", "truncate64"}
"""Calls that change no names."""

DONE, CUT_OFF = 0, -9
"""How the command has ended by the moment of the loss."""


@dataclass(eq=False)
class File:
    """A file.

    Attributes:
        kept: where a copy is of what the disk has of it; nothing: it is empty there.
    """

    kept: Path | None = None


@dataclass(eq=False)
class Directory:
    """A folder.

    Attributes:
        names: what is in it.
        kept: what the disk has of that.
        like: a folder of which it was made, whose times it has.
    """

    names: dict[str, File | Directory] = field(default_factory=dict)
    kept: dict[str, File | Directory] = field(default_factory=dict)
    like: Path | None = None

    @classmethod
    def of(cls, place: Path) -> Directory:
        """One that has been on the disk for long."""
        found: dict[str, File | Directory] = {
            one.name: cls.of(one) if one.is_dir() else File(one) for one in place.iterdir()
        }
        return cls(found, dict(found), place)


class Disk:
    """A folder on a disk."""

    def __init__(self, place: Path, template: Path) -> None:
        """Take the folder, and one like it, as it was at the beginning."""
        self._place = place
        self._root = Directory.of(template)

    def take(self, line: str, journal: Path) -> None:
        """Take in a line of the journal."""
        call, path, other = line.split("\t")
        if not Path(path).is_relative_to(self._place) or call in OTHER:
            return
        parent, name = self._parent(path), Path(path).name
        if call in {"fsync", "fdatasync"}:
            found = self._root if Path(path) == self._place else parent.names.get(name)
            if isinstance(found, Directory):
                found.kept = dict(found.names)
            elif found is not None:  # else it has no name any more
                found.kept = journal.with_name(f"{journal.name}.{other}")
        elif call in MADE:
            parent.names.setdefault(name, File())
        elif call in {"mkdir", "mkdirat"}:
            parent.names[name] = Directory()
        elif call in GONE:
            del parent.names[name]
        elif call in {"link", "linkat"}:
            parent.names[name] = self._parent(other).names[Path(other).name]
        else:
            assert call.startswith("rename"), line
            parent.names[name] = self._parent(other).names.pop(Path(other).name)

    def _parent(self, path: str) -> Directory:
        found = self._root
        for name in Path(path).relative_to(self._place).parts[:-1]:
            part = found.names[name]
            assert isinstance(part, Directory)
            found = part
        return found

    def left(self, names: Names, of: Directory | None = None) -> dict[str, object]:
        """What is left: each name, with the copy of what is in it."""
        there = of or self._root
        return {
            name: self.left(names, one) if isinstance(one, Directory) else one.kept
            for name, one in sorted((there.kept if names == "synchronized" else there.names).items())
        }

    def write(self, names: Names, target: Path) -> None:
        """Make a folder of what is left."""
        self._write(names, target, self._root, {})

    def _write(self, names: Names, target: Path, of: Directory, written: dict[File, Path]) -> None:
        target.mkdir()
        for name, one in (of.kept if names == "synchronized" else of.names).items():
            place = target / name
            if isinstance(one, Directory):
                self._write(names, place, one, written)
            elif one in written:
                place.hardlink_to(written[one])
            else:
                written[one] = place
                place.touch() if one.kept is None else shutil.copy2(one.kept, place)
        if of.like is not None:
            shutil.copystat(of.like, target)


@dataclass(frozen=True)
class Loss:
    """A loss of power.

    Attributes:
        line: of the journal, behind which it comes.
        names: which names are left.
        code: how the command has ended by then.
    """

    line: str
    names: Names
    code: int

    @property
    def outcome(self) -> Outcome:
        """What is heard of the command by then: nothing, as of one that is killed, or that all is done."""
        return Outcome(self.code, "", "")

    @property
    def is_last(self) -> bool:
        """Whether the command had ended."""
        return self.code == DONE


def losses(played: Play | Trial, tools: Tools) -> Iterator[Loss]:
    """Each loss of power in the course of a command that leaves something else; the folder is then as it leaves it."""
    played.restore()
    home, place = played.home, tools.folder.parent
    template, journal = place / "before", place / "journal"
    for file in place.glob("journal*"):
        file.unlink()
    shutil.rmtree(template, ignore_errors=True)
    shutil.copytree(home, template)
    tools.faults.arm(journal=journal)
    played.run_well()
    tools.faults.disarm()
    disk, known = Disk(home, template), list[object]()
    lines = journal.read_text("utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        disk.take(line, journal)
        code = DONE if number == len(lines) else CUT_OFF
        for names in BOTH:
            left = [names, disk.left(names)]
            if code == DONE or left not in known:
                known.append(left)
                shutil.rmtree(home)
                disk.write(names, home)
                yield Loss(line, names, code)


def after(loss: Loss, played: Play | Trial) -> str:
    """See that all is well after a loss of power, as after a kill; what has become of the command."""
    if isinstance(played, Trial):
        return played.check(loss.outcome, killed=True)
    seen = played.check(loss.outcome, killed=True)
    played.check_next(seen)
    return f"version {seen.version}"
