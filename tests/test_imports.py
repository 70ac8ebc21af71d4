"""What is imported only by who needs it, so that the command line answers at once."""

from __future__ import annotations

import pytest

import migrate_spec as ms
from tests.cli_support import MERIDIAN
from tests.conftest import python

SLOW = {"asyncio", "hypothesis", "jsonschema", "multiprocessing", "pydantic", "rich", "rocksdict", "ruamel"}
"""What no command imports that only reads files without fault."""

OF_SPECS = {"jsonschema_rs", "msgspec", "re2", "yaml"}
"""What specs are read with."""

RUN = """
import sys
from migrate_spec.cli import run
sys.stdout = sys.stderr
code = run(sys.argv[1:])
sys.__stdout__.write(" ".join([str(code), *sys.modules]))
"""


def imported(code: str, *words: str) -> set[str]:
    """The names that are printed, without what stands behind a dot."""
    return {name.partition(".")[0] for name in python(code, *words).split()}


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [(["--help"], SLOW | OF_SPECS), (["--version"], SLOW | OF_SPECS), (["validate", *MERIDIAN], SLOW)],
    ids=lambda words: words[0] if isinstance(words, list) else "",
)
def test_of_a_command(words: list[str], unwanted: set[str]) -> None:
    """A command imports what it needs."""
    found = imported(RUN, *words)
    assert "0" in found
    assert unwanted & found == set()


def test_of_the_package() -> None:
    """Who marks a hook imports no database and no library of schemas; all other names are there all the same."""
    code = "import sys, migrate_spec; migrate_spec.hook; print(*sys.modules)"
    assert {*SLOW, "jsonschema_rs", "re2", "yaml"} & imported(code) == set()


@pytest.mark.parametrize("name", ms.__all__)
def test_each_name(name: str) -> None:
    """Each name of the interface is there, and is told to who lists them."""
    assert getattr(ms, name) is not None
    assert name in dir(ms)


def test_no_other_name() -> None:
    """A name that the package does not have is missing in the words that Python has for it."""
    with pytest.raises(AttributeError, match=r"^module 'migrate_spec' has no attribute 'lode'$"):
        _ = ms.lode  # type: ignore[attr-defined]
