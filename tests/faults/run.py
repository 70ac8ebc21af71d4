"""The long runs: faults at every point of every scene, kills at random, and the model for an hour.

``python -m tests.faults.run points [SCENE…]`` plays all faults at all points; ``python -m tests.faults.run kills COUNT
[SCENE…]`` kills each scene so often, at points drawn at random; ``python -m tests.faults.run power [SCENE…]`` has the
power fail at every moment; ``python -m tests.faults.run model SECONDS`` lets the model run for so long. All end at the
first finding, and say how far they have come.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import Counter
from contextlib import ExitStack

from tests.faults_cases import CASES, play_of
from tests.faults_scenes import SCENES, Stage
from tests.faults_support import CHANGES, FAULTS, new_tools
from tests.power_support import after, losses
from tests.test_model import check_model

EXAMPLES, STEPS = 50, 50


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def points(names: list[str]) -> None:
    """Play scenes with every fault at every point."""
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        tools = new_tools(stack)
        stages: dict[str, Stage] = {}
        for name in names or [*SCENES, *CASES]:
            play = play_of(name, tools, stages)
            for title, fault in FAULTS.items():
                said: Counter[str] = Counter()
                there = play.points(fault.kind)
                for point in there:
                    try:
                        outcome, seen = play.with_fault(fault, point.number)
                    except AssertionError:
                        say(f"{name}: {title} at {point}")
                        raise
                    said[f"{outcome.code} → {seen if isinstance(seen, str) else seen.version}"] += 1
                counts["kills" if fault.kills else "failures"] += len(there)
                say(f"{name}: {title} at {len(there)} points: {dict(said)}; so far {dict(counts)}")


def kills(count: int, names: list[str]) -> None:
    """Kill the command of each scene so often, at points drawn at random."""
    chance, total = random.Random(), 0  # noqa: S311
    with ExitStack() as stack:
        tools = new_tools(stack)
        stages: dict[str, Stage] = {}
        for name in names or [*SCENES, *CASES]:
            play = play_of(name, tools, stages)
            last = len(play.points(CHANGES))
            said: Counter[str] = Counter()
            for _ in range(count):
                title, point = chance.choice([one for one in FAULTS if FAULTS[one].kills]), chance.randint(1, last)
                try:
                    outcome, seen = play.with_fault(FAULTS[title], point)
                except AssertionError:
                    say(f"{name}: {title} at {point} of {last}")
                    raise
                said[f"{outcome.code} → {seen if isinstance(seen, str) else seen.version}"] += 1
            total += count
            say(f"{name}: killed {count} times at {last} points: {dict(said)}; so far {total}")


def power(names: list[str]) -> None:
    """Play scenes with a loss of power at every moment."""
    with ExitStack() as stack:
        tools = new_tools(stack)
        stages: dict[str, Stage] = {}
        for name in names or [*SCENES, *CASES]:
            said: Counter[str] = Counter()
            played = play_of(name, tools, stages)
            for loss in losses(played, tools):
                try:
                    said[after(loss, played)] += 1
                except AssertionError:
                    say(f"{name}: {loss}")
                    raise
            say(f"{name}: {dict(said)}")


def model(seconds: float) -> None:
    """Let the model run."""
    end, count = time.monotonic() + seconds, 0
    with ExitStack() as stack:
        tools = new_tools(stack)
        while time.monotonic() < end:
            check_model(tools, EXAMPLES, STEPS)
            count += EXAMPLES * STEPS
            say(f"about {count} steps, no finding; {end - time.monotonic():.0f} s to go")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell has ignored in the background
    if sys.argv[1:2] == ["model"]:
        model(float(sys.argv[2]))
    elif sys.argv[1:2] == ["kills"]:
        kills(int(sys.argv[2]), sys.argv[3:])
    elif sys.argv[1:2] == ["power"]:
        power(sys.argv[2:])
    else:
        points(sys.argv[2:])
