"""Jobs: the records of a collection in ranges of keys, which no record is missing from, and none is in twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import migrate_spec as ms
from migrate_spec.compiler import Route, Transform
from migrate_spec.digest import Digest
from migrate_spec.executors import processes
from migrate_spec.plan import make_plan
from migrate_spec.progress import Tracker
from migrate_spec.ranges import Job, Part, Stopped, carry_job, carry_range, read_notes
from migrate_spec.rejects import SHOWN_REJECTIONS
from migrate_spec.runner import Means, carry
from migrate_spec.store import KeyRange, Store
from migrate_spec.stores.rocks import open_for_reading
from tests.conftest import Folder, compact, make, write
from tests.runner_support import Direct, direct, document, set_jobs, written

NOTES = KeyRange.of_prefix(b"note:")


@pytest.fixture(scope="module")
def route(tmp_path_factory: pytest.TempPathFactory) -> Route:
    """The way of notes."""
    [found] = make_plan(written(Folder(tmp_path_factory.mktemp("project"))), 1).routes
    return found


def note(number: int) -> bytes:
    """A key."""
    return b"note:%05d" % number


@contextmanager
def opened(records: dict[bytes, bytes], *, tables: int = 1) -> Iterator[Store]:
    """A database with these records, open for reading."""
    with TemporaryDirectory() as folder, open_for_reading(make(Path(folder, "db"), records, tables=tables)) as store:
        yield store


def carried(route: Route, frozen: Store, count: int, *, folder: Path | None = None) -> list[tuple[Job, Part]]:
    """The jobs of a run by so many workers, in the order in which they were handed out."""
    executor = Direct()
    carry([route], Means(frozen, folder, Tracker(None, 0), direct(count, executor)))
    return executor.jobs


def check(jobs: Iterable[tuple[Job, Part]], keys: Iterable[bytes]) -> None:
    """See that jobs follow each other without a gap, from the first key of the collection to the last."""
    at, left = NOTES.start, sorted(keys)
    for job, part in sorted(jobs, key=lambda one: (one[0].keys.start, one[0].keys.stop)):
        assert job.keys.start == part.start == at
        if part.rest is not None:
            assert part.rest.stop == job.keys.stop
        at = part.rest.start if part.rest is not None else job.keys.stop or b""
        there, left = [key for key in left if key < at], [key for key in left if key >= at]
        assert part.scanned == len(there)
    assert (at, left) == (NOTES.stop, [])


class TestOfARun:
    """The jobs that a run makes of a collection."""

    @pytest.mark.parametrize("count", [2, 3, 8])
    @pytest.mark.parametrize(("least", "chunk"), [(1, 1), (1, 7), (10, 10), (250, 100), (10_000, 250)])
    def test_numbers(self, count: int, least: int, chunk: int, route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each record is in one job, whatever the size of the jobs and the number of workers."""
        set_jobs(monkeypatch, least=least, chunk=chunk)
        records = {note(number): document(number) for number in range(300)}
        with opened(records, tables=2) as frozen:
            jobs = carried(route, frozen, count)
        check(jobs, records)
        assert len(jobs) > 1 or least >= 250
        assert len(jobs) >= 300 / max(300 / (2 * count), least, chunk) / 2

    @settings(max_examples=25, deadline=None)
    @given(
        keys=st.sets(st.lists(st.sampled_from([b"\0", b"a", b"b", b"\xfe", b"\xff"]), max_size=6).map(b"".join)),
        others=st.sets(st.sampled_from([b"", b"note", b"note9", b"note;", b"z"])),
        sizes=st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(2, 4)),
    )
    def test_any_keys(self, keys: set[bytes], others: set[bytes], sizes: tuple[int, int, int], route: Route) -> None:
        """So it is for any keys, such as those that begin alike, are no text, or are all bytes of 0xFF."""
        least, chunk, count = sizes
        records = {b"note:" + key: document(number) for number, key in enumerate(sorted(keys))}
        with pytest.MonkeyPatch.context() as patch, opened(records | dict.fromkeys(others, b"{}")) as frozen:
            set_jobs(patch, least=least, chunk=chunk)
            jobs = carried(route, frozen, count)
        if jobs:  # with none at all this process does it
            check(jobs, records)

    def test_how_large_they_are(self, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
        """None holds more than its share of what is left, also where one file holds several collections."""
        set_jobs(monkeypatch, least=5, chunk=1)
        names = ["a", "b", "c", "d"]
        routes, executor = make_plan(written(folder, names), 1).routes, Direct()
        with opened({b"%s:%02d" % (name.encode(), number): b"{}" for name in names for number in range(25)}) as frozen:
            carry(routes, Means(frozen, None, Tracker(None, 0), direct(2, executor)))
        most = [job.most for job, _ in executor.jobs]
        assert most == sorted(most, reverse=True)
        assert (most[0], most[-1], sum(part.scanned for _, part in executor.jobs)) == (25, 5, 100)

    def test_more_than_was_thought(self, route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where there are more records than the database's files tell, none is missing either."""
        set_jobs(monkeypatch, least=2, chunk=2)
        records = {note(number): document(number) for number in range(100)}
        with TemporaryDirectory() as folder:
            # Nothing is there to be deleted, which the file does not know.
            write(Path(folder, "db"), records | dict.fromkeys(map(note, range(1000, 1045))))
            with open_for_reading(Path(folder, "db")) as frozen:
                assert frozen.size(NOTES).records < 60
                jobs = carried(route, frozen, 3)
        check(jobs, records)

    def test_after_a_rejection(self, route: Route, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """From the first rejected record on nothing is written any more, and all the others are looked at."""
        set_jobs(monkeypatch, least=10, chunk=5)
        records = {note(number): b"{" if number in {33, 71} else document(number) for number in range(100)}
        with opened(records) as frozen:
            jobs = carried(route, frozen, 2, folder=tmp_path)
        check(jobs, records)
        folders = [job.folder for job, _ in jobs]
        first = next(index for index, (_, part) in enumerate(jobs) if part.rejected)
        assert folders == [tmp_path] * (first + 1) + [None] * (len(jobs) - first - 1)
        assert None in folders
        assert not [file for job, part in jobs for file in part.files if job.folder is None]
        assert sum(part.rejected for _, part in jobs) == 2


def in_one(route: Route, frozen: Store, most: int, folder: Path | None = None) -> tuple[Part, list[int]]:
    """What becomes of a job over all notes, and of how many records it told at a time."""
    told: list[int] = []
    return carry_range(Job(route, NOTES, most, frozen.path, folder), frozen, told.append), told


RECORDS = {note(number): document(number) for number in range(1000)}


class TestOfAJob:
    """One range of keys, carried over."""

    def test_where_it_stops(self, route: Route) -> None:
        """It stops behind the chunk with which it has enough, and says where; at the end there is no rest."""
        with opened(RECORDS) as frozen:
            for most, scanned in ((1, 250), (250, 250), (251, 500), (999, 1000), (1000, 1000)):
                part, told = in_one(route, frozen, most)
                assert (part.scanned, part.start, told) == (scanned, b"note:", [250] * (scanned // 250))
                assert part.rest == KeyRange(note(scanned - 1) + b"\0", b"note;")
            part, told = in_one(route, frozen, 1001)
        assert (part.scanned, part.rest, told) == (1000, None, [250] * 4)

    def test_what_it_counts(self, route: Route, tmp_path: Path) -> None:
        """Records, those written anew, and those that each step changed; digests only where something is written."""
        with opened(RECORDS) as frozen:
            part, _ = in_one(route, frozen, 10_000, tmp_path)
            found, _ = in_one(route, frozen, 10_000)
            assert (found.digest, found.digest_after, found.files) == ("", "", [])
        by_first = [number for number in range(1000) if number % 3]
        by_second = [number for number in range(1000) if number % 4 <= 1]
        assert (part.migrated, part.changed_by) == (
            len({*by_first, *by_second}),
            (len(by_first), len(by_second)),
        )
        transform = Transform(route)
        after = {key: transform(value) or value for key, value in RECORDS.items()}
        for records, digest in ((RECORDS, part.digest), (after, part.digest_after)):
            expected = Digest()
            expected.add(list(records.items()))
            assert digest == expected.hexdigest()

    def test_what_it_names(self, route: Route) -> None:
        """All rejected records are counted, and the first of them named."""
        with opened(dict.fromkeys(RECORDS, b"[]")) as frozen:
            part, _ = in_one(route, frozen, 10_000)
        assert (part.scanned, part.migrated, part.rejected) == (1000, 0, 1000)
        assert [one.key for one in part.rejections] == [note(number) for number in range(SHOWN_REJECTIONS)]

    def test_its_notes(self, route: Route, tmp_path: Path) -> None:
        """How far it is stands in its notes; the file is its caller's to take away."""
        notes = tmp_path / "notes"
        assert read_notes(notes) == 0
        with opened(RECORDS) as frozen:
            notes.touch()
            assert read_notes(notes) == 0
            carry_job(Job(route, NOTES, 500, frozen.path, notes=notes))
            assert read_notes(notes) == 500
            carry_job(Job(route, NOTES, 10_000, frozen.path, notes=notes))
        assert read_notes(notes) == 1000

    def test_one_that_nobody_wants_any_more(self, folder: Folder, tmp_path: Path) -> None:
        """It stops where its notes are taken away, also before it has begun."""
        hooks, notes = folder.specs.parent / "hooks", tmp_path / "notes"
        hooks.mkdir()
        (hooks / "files.py").write_text(
            "import os\nfrom migrate_spec import hook\n@hook\ndef taken(name):\n    os.unlink(name)\n"
        )
        [route] = make_plan(folder.spec("note", 1, {"call": {"file": "files:taken"}}).load(), 1).routes
        with opened(RECORDS | {note(600): compact({"file": str(notes)})}) as frozen:
            notes.touch()
            for _ in range(2):
                with pytest.raises(Stopped):
                    carry_job(Job(route, NOTES, 10_000, frozen.path, notes=notes))
                assert not notes.exists()
            notes.touch()
            assert (
                carry_job(Job(route, KeyRange(note(601), NOTES.stop), 10_000, frozen.path, notes=notes)).scanned == 399
            )

    def test_where_there_is_no_folder_for_notes(self, route: Route, tmp_path: Path) -> None:
        """On a machine that does not see the folder it goes on without."""
        with opened(RECORDS) as frozen:
            part = carry_job(Job(route, NOTES, 10_000, frozen.path, notes=tmp_path / "elsewhere" / "notes"))
        assert part.scanned == 1000
        assert list(tmp_path.iterdir()) == []

    def test_notes_that_cannot_be_written(self, route: Route, tmp_path: Path) -> None:
        """That is an error of the database, as any other file that cannot be written is."""
        (tmp_path / "notes").mkdir()
        with opened(RECORDS) as frozen:
            with pytest.raises(ms.DatabaseError) as caught:
                carry_job(Job(route, NOTES, 10_000, frozen.path, notes=tmp_path / "notes"))
            assert str(caught.value) == (
                f"{frozen.path}: the work on it failed ([Errno 21] Is a directory: '{tmp_path}/notes'); "
                "remove the cause and run again"
            )

    def test_it_can_be_sent(self, route: Route, tmp_path: Path) -> None:
        """Another process makes the same of it."""
        with opened(RECORDS) as frozen:
            job = Job(route, NOTES, 600, frozen.path, tmp_path, tmp_path / "notes")
            (tmp_path / "notes").touch()
            here = carry_job(job)
            with processes(1).start() as executor:
                there = executor.submit(carry_job, job).result()
        [one], [other] = here.files, there.files
        here.files = there.files = []
        assert there == here
        assert one != other
        assert other.parent == tmp_path
