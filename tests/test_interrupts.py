"""Ctrl-C that is held back: nothing of it comes through before it may, and nothing of it is lost."""

from __future__ import annotations

import signal
import threading

import pytest

from migrate_spec.interrupts import deferred_interrupts, interrupts_until_done, noted_interrupts, uninterrupted


def run(*acts: str) -> list[str]:
    """Do some things while Ctrl-C is held back: it is pressed, or released, or all goes wrong.

    Returns:
        What was done; it is told in the exception, too.
    """
    done: list[str] = []
    try:
        with deferred_interrupts() as release:
            for act in acts:
                if act == "press":
                    signal.raise_signal(signal.SIGINT)
                elif act == "release":
                    release()
                else:
                    int("no number")
                done.append(act)
    except BaseException as error:
        error.add_note(" ".join(done))
        raise
    return done


@pytest.mark.parametrize(
    ("acts", "done"),
    [
        ("release press release press", "release press"),  # not before it is released
        ("press press release", "press press"),
        ("release press", "release press"),  # at the end of the block where nobody releases it
    ],
)
def test_it_comes_when_it_may(acts: str, done: str) -> None:
    """And the block ends with it."""
    with pytest.raises(KeyboardInterrupt) as caught:
        run(*acts.split())
    assert caught.value.__notes__ == [done]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_goes_wrong_goes_before() -> None:
    """Another exception that leaves the block is not replaced."""
    with pytest.raises(ValueError, match="no number") as caught:
        run("press", "fail")
    assert caught.value.__notes__ == ["press"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_handler_around_is_asked_for_each() -> None:
    """The first is noted there, and the second breaks off."""
    told: list[str] = []
    with noted_interrupts(lambda: told.append("noted")) as noted:
        assert run("press", "release", "release") == ["press", "release", "release"]
        assert (noted(), told) == (True, ["noted"])
        with pytest.raises(KeyboardInterrupt):
            run("press", "release")
    assert told == ["noted"]


def test_an_ignored_signal_stays_ignored() -> None:
    """As in a job in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run("press", "release") == ["press", "release"]
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_get_no_signals() -> None:
    """There is nothing to hold back."""
    done: list[object] = []

    def hold() -> None:
        with deferred_interrupts() as release:
            release()
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert done == [signal.default_int_handler]


def test_what_is_done_is_not_interrupted() -> None:
    """A program that makes one change and then says so: none comes after the change, and none is lost before."""
    before = signal.getsignal(signal.SIGINT)
    try:
        interrupts_until_done()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(ValueError, match="no number"), uninterrupted():
            int("no number")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
