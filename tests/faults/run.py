"""The long runs: faults at the points of every scene, kills at random, losses of power, and the model for an hour.

``python -m tests.faults.run points [SCENE…]`` plays faults at points that are no repetition of others, as
``tests/faults_choice.py`` says; ``python -m tests.faults.run all-points [SCENE…]`` plays each fault at each point;
``python -m tests.faults.run kills COUNT [SCENE…]`` kills each scene so often, at points drawn at random; ``python -m
tests.faults.run power [SCENE…]`` has the power fail at every moment. They tell of each wrong state, and end with a line
that counts them all. ``python -m tests.faults.run model SECONDS`` lets the model run for so long, or up to a finding.
"""

from __future__ import annotations

import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack

from tests.faults_cases import CASES, Trial, play_of
from tests.faults_choice import Choice
from tests.faults_scenes import SCENES, Play, Seen, Stage
from tests.faults_support import CHANGES, FAULTS, OPENINGS, Point, Tools, new_tools
from tests.power_support import Loss, after, losses
from tests.test_model import check_model

EXAMPLES, STEPS = 50, 50

Played = tuple[str, Point]
"""The name of a fault, and the point at which it is played."""


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def used() -> float:
    """The processor time of this process and of those that have ended, in seconds."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


class Tally:
    """What was played, and what came of it.

    Attributes:
        tools: what plays it.
        counts: of all scenes so far.
    """

    def __init__(self, names: list[str], tools: Tools) -> None:
        """Take the names of the scenes; none: all of them."""
        self.tools, self.counts = tools, Counter[str]()
        self._names = names or [*SCENES, *CASES]
        self._said = Counter[str]()

    def scenes(self) -> Iterator[Play | Trial]:
        """One after the other, each of which is told of when the next one is asked for."""
        stages: dict[str, Stage] = {}
        for name in self._names:
            self._name, self._said = name, Counter()
            yield play_of(name, self.tools, stages)
            self.counts["scenes"] += 1
            say(f"{name}: {dict(sorted(self._said.items()))}")

    def note(self, what: str, kind: str, play: Callable[[], str]) -> None:
        """Play something, and count it and what it says; a wrong state is told.

        Args:
            what: it, in words.
            kind: as what it counts.
            play: plays it.
        """
        self.counts[kind] += 1
        try:
            self._said[play()] += 1
        except AssertionError as wrong:
            self.counts["wrong states"] += 1
            self._said["wrong"] += 1
            say(f"{self._name}: {what}: {wrong}")

    def end(self) -> None:
        """Tell all of it; where a state was wrong, end with 1."""
        kinds = ("scenes", "points", "kills", "failures", "losses of power", "wrong states")
        told = [f"{self.counts[kind]} {kind}" for kind in kinds if self.counts[kind] or kind == "wrong states"]
        say(f"{', '.join(told)}, in {used():.0f} s of processor time")
        sys.exit(bool(self.counts["wrong states"]))


def state_of(seen: Seen | str) -> str:
    """What became of a database, in a word."""
    return seen if isinstance(seen, str) else f"version {seen.version}"


def play_at(tally: Tally, play: Play | Trial, chosen: Iterable[Played]) -> None:
    """Play a scene with faults at points."""
    for title, point in chosen:

        def with_fault(title: str = title, point: Point = point) -> str:
            outcome, seen = play.with_fault(FAULTS[title], point.number)
            return f"{outcome.code} → {state_of(seen)}"

        tally.note(f"{title} at {point}", "kills" if FAULTS[title].kills else "failures", with_fault)


def points(tally: Tally) -> None:
    """Play scenes with faults at those points that are no repetition of others."""
    choice = Choice()
    for play in tally.scenes():
        changes, openings = play.points(CHANGES), play.points(OPENINGS)
        chosen = list(choice.of(play.command, changes, openings))
        tally.counts["points"] += len({point for _, point in chosen})
        play_at(tally, play, chosen)


def all_points(tally: Tally) -> None:
    """Play scenes with every fault at every point."""
    for play in tally.scenes():
        there = {kind: play.points(kind) for kind in (CHANGES, OPENINGS)}
        tally.counts["points"] += sum(map(len, there.values()))
        play_at(tally, play, ((title, point) for title, fault in FAULTS.items() for point in there[fault.kind]))


def kills(tally: Tally, count: int) -> None:
    """Kill the command of each scene so often, at points drawn at random."""
    chance = random.Random()  # noqa: S311
    ways = [title for title, fault in FAULTS.items() if fault.kills]
    for play in tally.scenes():
        there = play.points(CHANGES)
        tally.counts["points"] += len(there)
        play_at(tally, play, [(chance.choice(ways), chance.choice(there)) for _ in range(count)])


def power(tally: Tally) -> None:
    """Play scenes with a loss of power at every moment."""
    for play in tally.scenes():
        for loss in losses(play, tally.tools):

            def lose(loss: Loss = loss, play: Play | Trial = play) -> str:
                return after(loss, play)

            tally.note(str(loss), "losses of power", lose)


def model(seconds: float) -> None:
    """Let the model run."""
    end, count = time.monotonic() + seconds, 0
    with ExitStack() as stack:
        tools = new_tools(stack)
        while time.monotonic() < end:
            check_model(tools, EXAMPLES, STEPS)
            count += EXAMPLES * STEPS
            say(f"about {count} steps, no finding; {end - time.monotonic():.0f} s to go")


def main(what: str, *words: str) -> None:
    """Play what is asked for."""
    if what == "model":
        model(float(words[0]))
        return
    with ExitStack() as stack:
        tools = new_tools(stack)
        if what == "kills":
            tally = Tally([*words[1:]], tools)
            kills(tally, int(words[0]))
        else:
            tally = Tally([*words], tools)
            {"points": points, "all-points": all_points, "power": power}[what](tally)
    tally.end()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell has ignored in the background
    main(*sys.argv[1:])
