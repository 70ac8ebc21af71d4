"""The long runs: faults at every point of every scene, and the model for an hour.

``python -m tests.faults.run points [SCENE…]`` plays all faults at all points; ``python -m tests.faults.run model
SECONDS`` lets the model run for so long. Both end at the first finding, and say how far they have come.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import ExitStack

from tests.faults_cases import CASES, play_of
from tests.faults_scenes import SCENES, Stage
from tests.faults_support import FAULTS, new_tools
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
    if sys.argv[1:2] == ["model"]:
        model(float(sys.argv[2]))
    else:
        points(sys.argv[2:])
