"""The display of progress: a bar on a terminal, a line every few seconds elsewhere, nothing for short work."""

from __future__ import annotations

import os
import pty
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from pathlib import Path

import pytest

from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.progress import Progress, Tracker
from tests.cli_support import MERIDIAN, on_terminal
from tests.conftest import make, task

STARTED = Progress("started", "", 0, 100_000, 0.0)
FINISHED = Progress("finished", "migrating task", 100_000, 100_000, 12.5)


def at(seconds: float, done: int) -> Progress:
    """An event in the middle of the work."""
    return Progress("advanced", "migrating task", done, 100_000, seconds)


def show(*events: Progress) -> None:
    """Display events."""
    with ProgressDisplay() as display:
        for event in events:
            display(event)


@contextmanager
def terminal() -> Iterator[list[str]]:
    """A block in which standard error is a terminal; afterwards the list has what was drawn there."""
    master, slave = pty.openpty()
    drawn: list[str] = []
    with os.fdopen(slave, "w", encoding="utf-8") as screen:
        with redirect_stderr(screen):
            yield drawn
        screen.write("END")
        screen.flush()
        seen = b""
        while not seen.endswith(b"END"):
            seen += os.read(master, 65536)
    os.close(master)
    drawn.append(seen.decode().removesuffix("END"))


@pytest.fixture(autouse=True)
def hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal has room for the bar, and colours."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def frames(drawn: str) -> list[str]:
    """What a person saw on the one line of the bar, without colours, one after the other."""
    seen = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame).strip() for frame in re.split(r"[\r\n]+", drawn)]
    return [re.sub(r"[━╸╺]+", "BAR", frame) for frame in seen if frame]


class TestWithoutATerminal:
    """Lines on standard error."""

    def test_a_line_every_few_seconds(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The first line comes after five seconds, each further one five seconds later, and none at the end."""
        show(STARTED, at(0.1, 10), at(4.9, 40), at(5.0, 50_000), at(9.9, 60_000), at(10.0, 80_000), FINISHED)
        out, err = capsys.readouterr()
        assert out == ""
        assert err == (
            "migrating task: 50,000 of 100,000 records (50 %), 10,000 a second, 5 s left\n"
            "migrating task: 80,000 of 100,000 records (80 %), 8,000 a second, 2 s left\n"
        )

    def test_the_clock_counts_from_the_last_line(self, capsys: pytest.CaptureFixture[str]) -> None:
        """After a long pause the next line waits its five seconds, too."""
        show(STARTED, at(60.0, 1), at(64.0, 2), at(65.0, 650))
        assert capsys.readouterr().err == (
            "migrating task: 1 of 100,000 records (0 %), 0 a second, 5999940 s left\n"
            "migrating task: 650 of 100,000 records (0 %), 10 a second, 9935 s left\n"
        )

    def test_nothing_for_short_work(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Work of less than five seconds leaves no line."""
        show(STARTED, at(4.0, 90_000), FINISHED)
        assert capsys.readouterr() == ("", "")

    def test_nothing_to_count(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Where the total is not known and nothing is done yet, no share and no rest is made up."""
        show(Progress("advanced", "putting task back", 0, 0, 6.0))
        assert capsys.readouterr().err == "putting task back: 0 of 0 records, 0 a second\n"


class TestOnATerminal:
    """A bar on standard error."""

    def test_bar(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The bar shows the work, how much of it is behind, how fast it goes, and ends full."""
        with terminal() as drawn:
            show(STARTED, at(0.4, 1), at(5.0, 50_000), at(10.0, 80_000), FINISHED)
        first, *_, last = frames(drawn[0])
        assert re.fullmatch(r"migrating task BAR 50,000/100,000 10,000/s (-:--:--|0:\d\d:\d\d)", first)
        assert re.fullmatch(r"migrating task BAR 100,000/100,000 8,000/s 0:00:00", last)
        assert capsys.readouterr() == ("", "")

    def test_nothing_for_short_work(self) -> None:
        """Work of less than half a second draws nothing, and neither does the end of it."""
        with terminal() as drawn:
            show(STARTED, at(0.4, 99_000), FINISHED)
        assert drawn == [""]

    def test_the_cursor_comes_back(self) -> None:
        """Also after an error the cursor is shown again, and what follows begins on a new line."""
        with terminal() as drawn, suppress(ZeroDivisionError), ProgressDisplay() as display:
            display(at(5.0, 50_000))
            raise ZeroDivisionError
        assert drawn[0].endswith("\n\x1b[?25h")

    def test_no_colour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With NO_COLOR the bar has none."""
        for value, coloured in (("", True), ("1", False)):
            monkeypatch.setenv("NO_COLOR", value)
            with terminal() as drawn:
                show(at(5.0, 50_000))
            assert ("\x1b[3" in drawn[0]) == coloured


class TestTracker:
    """What the display is told."""

    def test_events(self) -> None:
        """There is a first and a last event, however short the work; the last knows the true total."""
        events: list[Progress] = []
        tracker = Tracker(events.append, 3)
        tracker.advance("counting", 5)
        tracker.finish()
        shown = [(event.phase, event.work, event.done, event.total) for event in events]
        assert (shown[0], shown[-1]) == (("started", "", 0, 3), ("finished", "counting", 5, 5))

    def test_estimates(self) -> None:
        """Rate and rest follow from what was done; before anything was, there are none."""
        assert (at(5.0, 50_000).rate, at(5.0, 50_000).seconds_left) == (10_000, 5)
        assert (STARTED.rate, STARTED.seconds_left) == (0, None)


def test_short_work_of_a_command(tmp_path: Path) -> None:
    """A command on a terminal whose work is short shows its result and nothing else."""
    path = make(tmp_path / "db", {b"task:1": task("1")})
    done = on_terminal("apply", path, *MERIDIAN, "--no-backup", NO_COLOR="1")
    assert re.sub(r"\d+\.\d\ds", "S.SSs", done.out) == (
        "v1 -> v2: 1 items migrated in S.SSs\n"
        "v2 -> v3: 0 items migrated in S.SSs\n"
        "   task: 1 scanned, 1 migrated, 0 unchanged\n"
        "   episode: 0 scanned, 0 migrated, 0 unchanged\n"
        "   symbol: 0 scanned, 0 migrated, 0 unchanged\n"
        "✓ Schema is at version 3\n"
    )
