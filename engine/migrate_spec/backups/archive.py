"""A backup as one file: a tar archive, compressed with Zstandard, of the manifest and the files of the database.

Nothing in an archive is believed: it holds plain files of known places and nothing else, and what comes out of it is
verified like any other backup before it counts as one.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from migrate_spec.backup import DATABASE, MANIFEST, Backup, backups_folder, permissions, read_manifest, sync_path
from migrate_spec.backups.unfinished import name_finished, refuse_existing, unfinished
from migrate_spec.backups.verify import check
from migrate_spec.errors import BackupError
from migrate_spec.history import timestamp
from migrate_spec.progress import OnProgress, Tracker
from migrate_spec.stores.rocks_faults import SpeakingOf
from migrate_spec.trusted import refuse_untrusted

__all__ = ["export_backup", "import_backup"]

NOT_TAKEN = ("LOCK", "LOG")
LARGEST_MANIFEST = 64 << 20
BYTES_A_READ = 1 << 20
PACKED_A_READ = 4 << 10
"""Few, as a file that was made to do harm becomes many thousand times as large in memory."""

LARGEST_WINDOW = 1 << 27
"""Bytes of memory that an archive may ask for."""

_NAME = re.compile(r"_backup_[0-9]{8}_[0-9]{6}(_[0-9]{1,9})?")
_FILE = re.compile(rf"{DATABASE}/([A-Za-z0-9][A-Za-z0-9._-]*)")
_KINDS = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.DIRTYPE: "a folder",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


def export_backup(backup: Backup, target: Path, on_progress: OnProgress | None) -> None:
    """Write a backup into an archive, after it is verified.

    Args:
        backup: the backup.
        target: the file, which must not exist.
        on_progress: is told of every record, and then of every byte.

    Raises:
        BackupError: something is at ``target``, or the backup is damaged.
        DatabaseError: the backup cannot be read, or the file not be written.
    """
    refuse_existing(target)
    check(backup, on_progress)
    with SpeakingOf(target), unfinished(target) as folder:
        files = [file for file in sorted(backup.database.iterdir()) if not file.name.startswith(NOT_TAKEN)]
        tracker = Tracker(on_progress, sum(file.stat().st_size for file in files))
        replace(backup, path=None).write(folder)
        with (folder / "archive").open("wb") as out:
            compressor = ZstdCompressor(write_checksum=True)
            with (
                compressor.stream_writer(out, closefd=False) as stream,
                tarfile.open(fileobj=stream, mode="w|") as archive,
            ):
                _add(archive, folder / MANIFEST, MANIFEST, tracker)
                for file in files:
                    _add(archive, file, f"{DATABASE}/{file.name}", tracker)
            out.flush()
            os.fsync(out.fileno())
        (folder / "archive").chmod(permissions(backup.database.parent.parent) & 0o666)
        name_finished(folder / "archive", target)
        tracker.finish()


def import_backup(database: Path, source: Path, on_progress: OnProgress | None) -> Backup:
    """Make what an archive holds a backup of a database, which may be lost. It counts as one when it is verified.

    Args:
        database: the database's folder.
        source: the file.
        on_progress: is told of every byte, and then of every record.

    Raises:
        BackupError: it is no archive of a backup, there is a backup of this name already, or it is damaged.
        UntrustedFolder: somebody else has put something where the backups are to lie.
        DatabaseError: the files cannot be written.
    """
    place = backups_folder(database)
    with SpeakingOf(source), source.open("rb") as file:
        tracker = Tracker(on_progress, os.fstat(file.fileno()).st_size)
        with SpeakingOf(place):
            with suppress(FileExistsError):
                place.mkdir(permissions(database))
            refuse_untrusted(database, [place])  # now, as nobody can get in between any more
        try:
            with SpeakingOf(place), unfinished(place / "import") as folder:
                return _unpack(source, _Unpacked(file, lambda size: tracker.advance("reading", size)), folder, database)
        finally:
            tracker.finish()
            with suppress(OSError):
                place.rmdir()  # where no backup is in it


def _add(archive: tarfile.TarFile, file: Path, name: str, tracker: Tracker) -> None:
    """Put a file into an archive, with nothing of its owner."""
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = file.stat().st_size, int(file.stat().st_mtime), 0o600
    with file.open("rb") as content:
        archive.addfile(member, _Told(content, lambda size: tracker.advance("writing", size)))


class _Told:
    """A file that tells how many bytes were read from it."""

    def __init__(self, file: BinaryIO, tell: Callable[[int], None]) -> None:
        self._file = file
        self._tell = tell

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes."""
        content = self._file.read(size)
        self._tell(len(content))
        return content


class _Unpacked:
    """What a compressed file holds, read once from its beginning to its proven end."""

    def __init__(self, file: BinaryIO, tell: Callable[[int], None]) -> None:
        self._file = _Told(file, tell)
        self._stream = ZstdDecompressor(max_window_size=LARGEST_WINDOW).decompressobj()
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Read so many bytes; less at the end.

        Raises:
            BackupError: the file ends too early.
            ZstdError: it is not compressed, or damaged.
        """
        parts = [self._rest[:size]]
        missing, self._rest = size - len(parts[0]), self._rest[size:]
        while missing > 0 and not self._stream.eof:
            packed = self._file.read(PACKED_A_READ)
            if not packed:
                raise ZstdError("it ends too early")
            content = self._stream.decompress(packed)
            parts.append(content[:missing])
            missing, self._rest = missing - len(parts[-1]), content[missing:]
        return b"".join(parts)


def _unpack(source: Path, content: _Unpacked, folder: Path, database: Path) -> Backup:
    """Unpack an archive into a folder, verify what is there, and make it a backup."""
    made = folder / "backup"
    (made / DATABASE).mkdir(parents=True)
    backup: Backup | None = None
    with _reading(source), tarfile.open(fileobj=content, mode="r|") as archive:  # type: ignore[call-overload]
        for member in archive:
            if backup is None:
                backup = _manifest(archive, member, made, source, database)
                continue
            found = _FILE.fullmatch(member.name)
            if found is None or member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
                raise _refused(member, source, f"a file in {DATABASE}/")
            _extract(archive, member, made / DATABASE / found[1])
        while content.read(BYTES_A_READ):
            pass  # to the checksum at the end
    if backup is None:
        raise BackupError("an empty archive was found", "a backup was expected", where=str(source))
    sync_path(made / DATABASE)
    check(replace(backup, path=made), None)
    target = backups_folder(database) / backup.name
    backup = replace(backup, path=target, verified_at=timestamp())
    backup.write(made)
    name_finished(made, target)
    return backup


def _manifest(archive: tarfile.TarFile, member: tarfile.TarInfo, made: Path, source: Path, database: Path) -> Backup:
    """The manifest of an archive, which must be the first file in it.

    Raises:
        BackupError: it is not, or cannot be understood, or there is a backup of this name.
    """
    if member.name != MANIFEST or member.type != tarfile.REGTYPE:
        raise _refused(member, source, f"the file {MANIFEST} first")
    if member.size > LARGEST_MANIFEST:
        found, expected = (
            f"a manifest of {member.size:,} bytes was found",
            f"at most {LARGEST_MANIFEST:,} were expected",
        )
        raise BackupError(found, expected, "nothing was imported", where=str(source))
    _extract(archive, member, made / MANIFEST)
    backup = read_manifest(made)
    if backup is None or not _NAME.fullmatch(backup.name):
        raise BackupError(
            "a manifest that cannot be read was found", "what the backup holds was expected in it", where=str(source)
        )
    refuse_existing(backups_folder(database) / backup.name)
    return backup


def _refused(member: tarfile.TarInfo, source: Path, expected: str) -> BackupError:
    kind = _KINDS.get(member.type, "the file" if member.isreg() else "something else")
    name = member.name.encode("unicode_escape").decode()
    return BackupError(
        f"{kind} {name} was found", f"{expected} was expected", "nothing was imported", where=str(source)
    )


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write a file of an archive, so that it is on the disk when this returns."""
    content = archive.extractfile(member)
    assert content is not None  # noqa: S101 - it is a file
    with content, target.open("xb") as file:
        shutil.copyfileobj(content, file, BYTES_A_READ)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _reading(source: Path) -> Iterator[None]:
    """A block in which what is wrong with an archive is told as such."""
    try:
        yield
    except FileExistsError as error:
        name = Path(error.filename).name
        raise BackupError(f"{name} was found twice", "each file was expected once", where=str(source)) from error
    except (ZstdError, tarfile.TarError, EOFError) as error:
        raise BackupError(
            f"no archive was found, or one that is damaged ({error})",
            "one that `migrate-spec backup export` made was expected",
            "nothing was imported",
            where=str(source),
        ) from error
