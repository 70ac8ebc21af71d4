"""Hooks: where they are looked for, what is refused, and how a hook that fails is told."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import migrate_spec as ms
from migrate_spec.project import load
from tests.cli_support import cli, refusal
from tests.conftest import compact, data, make, write

RATES = '''
"""Hooks of a shop."""

from migrate_spec import hook

RATE = {"EUR": 2, "USD": 3}


@hook
def in_cents(price):
    """Takes an amount."""
    return {"cents": price["amount"] * RATE[price["currency"]], "currency": price["currency"]}


@hook
def in_units(price):
    """Gives it back."""
    return {"amount": price["cents"] // RATE[price["currency"]], "currency": price["currency"]}


def helper(price):
    """No hook."""
'''

SPEC = """
collection: item
prefix: "item:"
from: 1
to: 2
steps:
  - call: {price: "HOOK"}
    reverse: "rates:in_units"
examples:
  - before: {price: {amount: 5, currency: EUR}}
    after: {schema_version: 2, price: {cents: 10, currency: EUR}}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a hook, in the current folder; and a database ``db`` of two items."""
    monkeypatch.chdir(tmp_path)
    project(tmp_path, "rates:in_cents", RATES)
    for version in (1, 2):
        file = tmp_path / f"schemas/item/v{version}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}", encoding="utf-8")
    make(tmp_path / "db", {b"item:1": compact({"price": {"amount": 5, "currency": "EUR"}}), b"item:2": b'{"n":1}'})
    return tmp_path


def project(folder: Path, hook: str, module: str) -> None:
    """Write the spec with a hook, and the module of hooks."""
    (folder / "specs/item").mkdir(parents=True, exist_ok=True)
    (folder / "specs/item/v1_to_v2.yaml").write_text(SPEC.replace("HOOK", hook).lstrip(), encoding="utf-8")
    (folder / "hooks").mkdir(exist_ok=True)
    (folder / "hooks/rates.py").write_text(module, encoding="utf-8")


def faults() -> list[str]:
    """All that is wrong with the project in the current folder."""
    with pytest.raises(ms.SpecError) as caught:
        load()
    return [str(fault) for fault in caught.value.faults]


def test_a_hook_of_the_project_runs(shop: Path) -> None:
    """A module in the folder beside the specs carries records over, and back by the backup and by its reverse."""
    before = data(shop / "db")
    manager = ms.MigrationManager(shop / "db", load())
    assert manager.apply().collections == {"item": {"scanned": 2, "migrated": 1, "unchanged": 1, "quarantined": 0}}
    after = data(shop / "db")
    assert after[b"item:1"] == b'{"schema_version":2,"price":{"cents":10,"currency":"EUR"}}'
    migration = load().registry["item", 1]
    assert migration.downgrade_item(b"item:1", after[b"item:1"]) == before[b"item:1"]
    assert manager.rollback().later_writes == 0
    assert data(shop / "db") == before


def test_a_rollback_from_the_command_line_knows_the_hooks(shop: Path) -> None:
    """The command tells what was written since with the project's hooks; without a project it counts all as written."""
    assert cli("apply", "db").code == 0
    (shop / "specs").rename(shop / "elsewhere")
    assert refusal("rollback", "db")["code"] == "later-writes"
    (shop / "elsewhere").rename(shop / "specs")
    assert cli("rollback", "db").code == 0


def test_a_migration_with_a_hook_can_be_sent_to_another_process(shop: Path) -> None:
    """What is sent is the hook's name and folder; the other process loads it."""
    del shop
    value = b'{"price":{"amount":5,"currency":"USD"}}'
    migration = pickle.loads(pickle.dumps(load().registry["item", 1]))  # noqa: S301 - our own
    assert migration.migrate_item(b"item:1", value) == b'{"schema_version":2,"price":{"cents":15,"currency":"USD"}}'


@pytest.mark.parametrize(
    ("hook", "module", "sentence"),
    [
        (
            "rate:in_cents",
            RATES,
            "no module 'rate' was found, {folder}/hooks/rate.py or a module that can be imported was expected",
        ),
        ("rates:in_cent", RATES, "no function 'in_cent' was found in {folder}/hooks/rates.py, one was expected"),
        (
            "rates:helper",
            RATES,
            "the function 'helper' of {folder}/hooks/rates.py was found, which is not marked as a hook, "
            "`@migrate_spec.hook` was expected above it",
        ),
        (
            "os:remove",
            RATES,
            "the function 'remove' of {os} was found, which is not marked as a hook, "
            "`@migrate_spec.hook` was expected above it",
        ),
        (
            "rates:in_cents",
            RATES + "\n1 / 0\n",
            "the module of the hook 'rates:in_cents' was found, which fails when it is imported "
            "(ZeroDivisionError: division by zero), a module was expected",
        ),
        (
            "rates:in_cents",
            "import no_such_module\n" + RATES,
            "the module of the hook 'rates:in_cents' was found, which fails when it is imported "
            "(ModuleNotFoundError: No module named 'no_such_module'), a module was expected",
        ),
    ],
)
def test_a_hook_that_there_is_not(shop: Path, hook: str, module: str, sentence: str) -> None:
    """A hook that cannot be called is a fault of the spec, at its line, before any database is opened."""
    import os  # noqa: PLC0415 - only for the name of its file

    project(shop, hook, module)
    found = faults()[0]
    assert found == "specs/item/v1_to_v2.yaml:6:19: " + sentence.format(folder=shop, os=os.__file__)


def test_without_hooks(shop: Path) -> None:
    """``--no-hooks`` refuses a spec that calls one, and runs no module."""
    (shop / "hooks/rates.py").write_text("raise SystemExit(7)", encoding="utf-8")
    done = cli("validate", "--no-hooks")
    assert (done.code, done.out) == (
        1,
        "specs/item/v1_to_v2.yaml:6:19: error: the hook 'rates:in_cents' was found, no hooks were expected; "
        "leave out --no-hooks [hook]\n"
        "specs/item/v1_to_v2.yaml:7:14: error: the hook 'rates:in_units' was found, no hooks were expected; "
        "leave out --no-hooks [hook]\n",
    )
    assert cli("apply", "db", "--no-hooks").code == 1


def test_a_hook_that_raises_names_the_record(shop: Path) -> None:
    """Record, path, line of the spec and of the hook are told; the traceback only when it is asked for."""
    before = data(shop / "db")
    wrong = {b"item:3": compact({"price": {"amount": 5, "currency": "GBP"}})}
    write(shop / "db", wrong)
    done = cli("apply", "db")
    assert done.code == 1
    assert done.err.split("\n")[1] == (
        "  item:3, item v1→v2, price: specs/item/v1_to_v2.yaml:6:19: KeyError: 'GBP' was raised by the hook "
        "'rates:in_cents', in line 12, a new value was expected; `--debug` shows the traceback"
    )
    assert "Traceback" not in done.err
    told = cli("apply", "db", "--debug")
    assert 'RATE[price["currency"]]' in told.err
    assert data(shop / "db") == before | wrong
