"""What is imported only by who needs it, so that the command line answers at once."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import pytest

import migrate_spec as ms
from tests.cli_support import MERIDIAN
from tests.conftest import python

SLOW = {
    "asyncio",
    "http",
    "hypothesis",
    "importlib.metadata",
    "jsonschema",
    "multiprocessing",
    "pydantic",
    "re2",
    "rich",
    "ruamel",
    "urllib.request",
}
"""What nothing imports that finds no fault, has no pattern and takes half a second at most."""

OF_SPECS = {"jsonschema_rs", "migrate_spec.project", "msgspec", "yaml"}
"""What specs are read with."""

OF_OTHERS = {"migrate_spec.operations.convert", "migrate_spec.record_operations.rekey", "fractions"}
"""What operations need that no spec here names."""

OF_RUNS = {"concurrent.futures", "migrate_spec.apply", "migrate_spec.rollback", "migrate_spec.runner"}
"""What changes a database."""

OF_THE_TERMINAL = {"click", "migrate_spec.cli"}

RUN = """
import sys
from migrate_spec.cli import run
sys.stdout = sys.stderr
code = run(sys.argv[1:])
sys.__stdout__.write(" ".join([str(code), *sys.modules]))
"""


def imported(code: str, *words: object) -> set[str]:
    """The names that are printed, and the beginnings of them up to each dot."""
    names = python(code, *words).split()
    return {begin for name in names for begin in accumulate(name.split("."), "{}.{}".format)}


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (["--help"], SLOW | OF_SPECS | OF_RUNS | {"rocksdict"}),
        (["--version"], SLOW | OF_SPECS | OF_RUNS | {"rocksdict"}),
        (["validate", *MERIDIAN], SLOW | OF_RUNS | {"rocksdict"}),
        (["status", *MERIDIAN, "DB"], SLOW | OF_RUNS | OF_OTHERS | {"hashlib"}),
        (["apply", *MERIDIAN, "DB"], SLOW | OF_OTHERS),
    ],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_of_a_command(words: list[str], unwanted: set[str], meridian: Path) -> None:
    """A command imports what it needs."""
    found = imported(RUN, *(meridian if word == "DB" else word for word in words))
    assert "0" in found
    assert unwanted & found == set()


def test_of_a_worker() -> None:
    """A process that only carries records needs no command line, and nothing that tells a person what is wrong."""
    found = imported("import sys, migrate_spec.runner; print(*sys.modules)")
    assert "migrate_spec.compiler" in found
    assert (SLOW | OF_OTHERS | OF_THE_TERMINAL | {"yaml"}) & found == set()


def test_of_the_package() -> None:
    """Who marks a hook imports no database and no library of schemas; all other names are there all the same."""
    code = "import sys, migrate_spec; migrate_spec.hook; print(*sys.modules)"
    assert (SLOW | OF_RUNS | {"jsonschema_rs", "rocksdict", "yaml"}) & imported(code) == set()


@pytest.mark.parametrize("name", ms.__all__)
def test_each_name(name: str) -> None:
    """Each name of the interface is there, and is told to who lists them."""
    assert getattr(ms, name) is not None
    assert name in dir(ms)


def test_no_other_name() -> None:
    """A name that the package does not have is missing in the words that Python has for it."""
    with pytest.raises(AttributeError, match=r"^module 'migrate_spec' has no attribute 'lode'$"):
        _ = ms.lode  # type: ignore[attr-defined]
