"""The sorter: what goes in comes out sorted, as ``sorted`` would, however little memory it may take."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migrate_spec.sorter import ENTRY_OVERHEAD, MOST_FILES, Entry, Sorter
from tests.test_laws import LAW

KEYS = st.one_of(st.sampled_from([b"", b"a", b"a\x00", b"ab", b"b", b"\xff", b"\xff\xff"]), st.binary(max_size=3))
VALUES = st.one_of(st.none(), st.just(b""), st.binary(max_size=300))
ENTRIES = st.lists(st.builds(Entry, KEYS, KEYS, VALUES), max_size=40)

Groups = list[tuple[bytes, list[Entry]]]


def expected(entries: Iterable[Entry]) -> Groups:
    """What comes out, by Python's own sort, which keeps the order of those with the same key."""
    ordered = sorted(entries, key=lambda entry: entry.key)
    return [(key, list(group)) for key, group in groupby(ordered, key=lambda entry: entry.key)]


def filled(sorter: Sorter, entries: Iterable[Entry]) -> Sorter:
    """A sorter that has taken entries."""
    for entry in entries:
        sorter.add(entry.key, entry.source, entry.value)
    return sorter


def open_files(folder: Path) -> list[str]:
    """The files in a folder that this process has open."""
    numbers = Path("/proc/self/fd")
    if not numbers.is_dir():
        pytest.skip("this system does not say which files a process has open")
    found = []
    for number in numbers.iterdir():
        try:
            found.append(str(number.readlink()))
        except FileNotFoundError:  # the one that listed them
            continue
    return [file for file in found if file.startswith(str(folder))]


@LAW
@given(ENTRIES, st.sampled_from([0, ENTRY_OVERHEAD, 700, 2000, 10**6]))
@example([Entry(b"", b"", None), Entry(b"", b"", b""), Entry(b"", b"x", None)], 0)
def test_as_sorted(entries: list[Entry], buffer: int) -> None:
    """For any entries and any bound of memory the result is that of ``sorted``, each time that it is asked for."""
    with TemporaryDirectory() as folder, Sorter(Path(folder), buffer) as sorter:
        filled(sorter, entries)
        assert list(sorter.groups()) == expected(entries)
        assert list(sorter.groups()) == expected(entries)


@LAW
@given(ENTRIES, ENTRIES)
def test_going_on(first: list[Entry], second: list[Entry]) -> None:
    """What is added after the result was asked for is in the next one."""
    with TemporaryDirectory() as folder, Sorter(Path(folder), 500) as sorter:
        assert list(filled(sorter, first).groups()) == expected(first)
        assert list(filled(sorter, second).groups()) == expected([*first, *second])


def test_several_in_one_folder(tmp_path: Path) -> None:
    """Two sorters in the same folder do not meet."""
    one = [Entry(b"%d" % number, b"one", b"") for number in range(20)]
    other = [Entry(b"%d" % number, b"other", None) for number in range(20)]
    with Sorter(tmp_path, 0) as first, Sorter(tmp_path, 0) as second:
        for pair in zip(one, other, strict=True):
            filled(first, pair[:1])
            filled(second, pair[1:])
        assert list(first.groups()) == expected(one)
        assert list(second.groups()) == expected(other)


def test_more_files_than_are_merged_at_once(tmp_path: Path) -> None:
    """Many files become one before there are too many to have open; the order of entries with the same key stays."""
    chance = random.Random(7)  # noqa: S311
    count = 2 * MOST_FILES + 100
    entries = [Entry(b"%d" % chance.randrange(50), b"%d" % number, None) for number in range(count)]
    with Sorter(tmp_path, 0) as sorter:
        most = 0
        for entry in entries:
            sorter.add(entry.key, entry.source, entry.value)
            most = max(most, len(list(tmp_path.iterdir())))
        assert most == MOST_FILES - 1
        assert len(list(tmp_path.iterdir())) < MOST_FILES
        assert open_files(tmp_path) == []
        assert list(sorter.groups()) == expected(entries)


def test_nothing(tmp_path: Path) -> None:
    """Without entries nothing comes out, and no file is written."""
    with Sorter(tmp_path, 0) as sorter:
        assert list(sorter.groups()) == []
    assert list(tmp_path.iterdir()) == []


def test_what_fits_into_memory_is_not_written(tmp_path: Path) -> None:
    """Files are written only where the bound is passed."""
    entries = [Entry(b"k", b"s", b"v" * (1000 - ENTRY_OVERHEAD - 2))] * 10
    with Sorter(tmp_path, 10_000) as sorter:
        filled(sorter, entries)
        assert list(tmp_path.iterdir()) == []
        filled(sorter, entries[:1])
        assert len(list(tmp_path.iterdir())) == 1
        assert list(sorter.groups()) == expected([*entries, entries[0]])


def test_left_in_the_middle(tmp_path: Path) -> None:
    """A sorter that is closed before all has come out leaves no file open, and its folder can go."""
    folder = tmp_path / "sorting"
    folder.mkdir()
    with TemporaryDirectory(dir=folder) as place:
        with Sorter(Path(place), 0) as sorter:
            groups = filled(sorter, [Entry(b"%d" % number, b"", b"x") for number in range(10)]).groups()
            assert next(groups)[0] == b"0"
            assert len(open_files(folder)) == 10
        assert open_files(folder) == []
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    """Where a file cannot be written that is an error, and not a loss."""
    with Sorter(tmp_path / "missing", 0) as sorter, pytest.raises(FileNotFoundError):
        sorter.add(b"k", b"s", b"v")


def test_memory_is_bounded(tmp_path: Path) -> None:
    """Ten times as many entries take no more memory, neither when they go in nor when they come out."""

    def peak(count: int) -> int:
        chance = random.Random(count)  # noqa: S311
        tracemalloc.start()
        try:
            with Sorter(tmp_path, 2**20) as sorter:
                for number in range(count):
                    sorter.add(b"%09d" % chance.randrange(10**9), b"%d" % number, chance.randbytes(4000))
                inside = tracemalloc.get_traced_memory()[1]
                assert inside < 4 * 2**20
                assert sum(len(entries) for _, entries in sorter.groups()) == count
                return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(500), peak(5000)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) > 20 * 10**6
    assert many < few + 8 * 2**20
