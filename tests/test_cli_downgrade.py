"""``downgrade``, ``plan`` for it, ``losses`` and ``complement``: what a person sees of the way back."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from migrate_spec.forgetting import forgetting
from migrate_spec.losses import LossCount
from tests import spec_of
from tests.cli_support import Done, Terminal, cli, document, place, plain, plain_json, process, refusal, text
from tests.conftest import HISTORY, Folder, compact, data, dump, files, make, write

KEYS = [b"note:%d" % number for number in range(5)]
OLD = {key: compact({"mail": f"{number}@b.c", "txt": "x" * number}) for number, key in enumerate(KEYS)}
EDITED = {"schema_version": 3, "text": "edited", "size": 7, "state": "open"}
NEW = {"schema_version": 3, "text": "new", "size": 3, "state": "done"}

PLAN = """\
Plan: v3 -> v1
1. note v2→v3
2. note v1→v2

To read, at most about
   note: N records, N bytes on disk
   what is kept of records: N bytes on disk

How each step is undone
   note v2→v3, exactly, by what is kept of each record: state
   note v1→v2, exactly, by what is kept of each record: mail

"""
COUNTS = "   note: 6 scanned, 6 carried back (5 exactly), 0 unchanged\n"
TABLE = """
What records lose
   note v2→v1  mail  1  a value is made up, as nothing was kept

What goes, and is kept for the way up
   note v3→v2  size  2

"""
STEPS = "v3 -> v2: 6 items carried back in S.SSs\nv2 -> v1: 6 items carried back in S.SSs\n"
RESTORE = "Backup: _backup_NAME (`migrate-spec backup restore $TMP/db _backup_NAME`)\n"
DONE = f"{STEPS}{COUNTS}{TABLE}✓ Schema is at version 1\n{RESTORE}"
REFUSED = (
    "losses at 1 path that are not accepted were found, none were expected; nothing was changed; "
    "--accept-loss mail accepts these"
)
LOST = LossCount("note", 2, 1, "mail", "placeholder", 1)
KEPT = LossCount("note", 3, 2, "size", "kept", 2)
WORDS = "note v2→v1, mail: a value is made up, as nothing was kept, in 1 record"


@pytest.fixture(scope="module")
def used_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project, and its database at version 3, in which one record was edited and one added since."""
    path = tmp_path_factory.mktemp("used")
    notes = Folder(path).spec("note", 1, {"remove": {"mail": {"restore": ""}}}, {"rename": {"txt": "text"}})
    notes.spec("note", 2, {"add": {"size": 1}}, {"default": {"state": "open"}})
    ms.MigrationManager(make(path / "db", OLD), notes.load()).apply(backup=False)
    write(path / "db", {KEYS[1]: compact(EDITED), b"note:new": compact(NEW)})
    return path


@pytest.fixture
def used(used_once: Path, tmp_path: Path) -> Path:
    """The folder of the project and of its database."""
    shutil.copytree(used_once, tmp_path, dirs_exist_ok=True)
    return tmp_path


def options(path: Path) -> tuple[str, ...]:
    """What names the database, specs and schemas of a project."""
    return (str(path / "db"), "--specs", str(path / "specs"), "--schemas", str(path / "schemas"))


def down(path: Path, *words: str) -> Done:
    """What `downgrade` does."""
    return text(cli("downgrade", *options(path), *words), path)


def losses(*counts: LossCount) -> list[dict[str, Any]]:
    """Losses as JSON."""
    return [one.to_json() for one in counts]


class TestDowngrade:
    """The command."""

    def test_refuses_what_nobody_has_accepted(self, used: Path) -> None:
        """A value that would be made up is told with the option that accepts it, and nothing is changed."""
        before = dump(used / "db")
        sentence = f"{used / 'db'}: {REFUSED}"
        assert process("downgrade", *options(used), "--to", "1") == Done(1, "", f"✗ {sentence}\n  {WORDS}\n")
        detail = {"code": "loss-placeholder", "message": WORDS, "where": place(), **LOST.to_json()}
        assert refusal("downgrade", *options(used), "--to", "1") == {
            "code": "loss-refused",
            "message": sentence,
            "where": place(used / "db"),
            "details": [detail],
        }
        assert dump(used / "db") == before

    def test_accepted(self, used: Path) -> None:
        """What is unchanged is the old bytes, an edit stays; all that is lost is told, and noted in the history."""
        assert down(used, "--to", "1", "--accept-loss", "mail") == Done(0, DONE)
        made_up = {KEYS[1]: compact({"mail": "1@b.c", "txt": "edited"})}
        new = {b"note:new": compact({"txt": "new", "state": "done", "mail": ""})}
        assert data(used / "db") == OLD | made_up | new
        assert down(used, "--to", "1") == Done(0, "✓ Schema is at version 1\n")
        ledger = document("losses", used / "db")
        assert [{k: v for k, v in one.items() if k != "at"} for one in ledger["lost"]] == losses(KEPT, LOST)

    def test_up_again(self, used: Path) -> None:
        """What the way down kept is there again after the way up; what it could not put back is told."""
        newest = data(used / "db")
        down(used, "--to", "1", "--accept-loss", "mail")
        write(used / "db", {b"note:new": compact({"txt": "new", "state": "done", "mail": "", "size": 9})})
        done = cli("apply", *options(used))
        assert done.code == 1, done.out
        write(used / "db", {b"note:new": compact({"txt": "new", "state": "done", "mail": ""})})
        assert cli("apply", *options(used)).code == 0
        assert data(used / "db") == newest

    def test_as_json(self, used: Path) -> None:
        """The report as one document; the trial says the same, and writes nothing."""
        before = files(used)
        words = ("downgrade", *options(used), "--to", "1", "--accept-loss", "mail")
        tried = plain_json(document(*words, "--dry-run"), used)
        assert files(used) == before
        counts = {"scanned": 6, "migrated": 6, "unchanged": 0, "quarantined": 0, "exact": 5}
        assert tried == {
            "database": "$TMP/db",
            "from_version": 3,
            "to_version": 1,
            "collections": {"note": counts},
            "steps": [
                {"from_version": 3, "to_version": 2, "items_migrated": 6},
                {"from_version": 2, "to_version": 1, "items_migrated": 6},
            ],
            "seconds": 0,
            "backup": None,
            "dry_run": True,
            "pruned": [],
            "rejected": None,
            "in_place": False,
            "resumed": False,
            "losses": losses(KEPT, LOST),
        }
        done = plain_json(document(*words), used)
        assert done == tried | {"dry_run": False, "backup": "_backup_NAME"}

    def test_tried(self, used: Path) -> None:
        """`--dry-run` says what would be done, and refuses what would be refused."""
        assert down(used, "--to", "2", "--dry-run") == Done(
            0,
            "v3 -> v2: 6 items would be carried back, tried in S.SSs\n"
            "   note: 6 scanned, 6 to carry back (6 exactly), 0 unchanged\n\n"
            "What goes, and is kept for the way up\n   note v3→v2  size  2\n\n"
            "✓ Every record can go back to version 2; nothing was written\n",
        )
        assert down(used, "--to", "1", "--dry-run") == Done(1, "", f"✗ $TMP/db: {REFUSED}\n  {WORDS}\n")

    @pytest.mark.parametrize(("keys", "agreed"), [("y\n", True), ("\n", False)])
    def test_a_person_is_asked(self, used: Path, keys: str, agreed: bool) -> None:  # noqa: FBT001 - a parameter
        """On a terminal what would be lost is shown, and only `y` goes on."""
        before = dump(used / "db")
        with Terminal("downgrade", *options(used), "--to", "1", NO_COLOR="1") as terminal:
            terminal.wait_for("[y/N]: ")
            terminal.type(keys)
            done = terminal.finish()
        asked = f"⚠ {WORDS}\nGo down all the same? [y/N]: "
        if agreed:
            assert (done.code, plain(done.out, used)) == (0, f"{asked}y\n{DONE}")
        else:
            assert (done.code, done.out) == (1, f"{asked}\nNothing was changed.\n")
            assert dump(used / "db") == before

    def test_without_complements(self, used: Path) -> None:
        """What the newer version alone has goes for good then, and that must be accepted, too."""
        done = down(used, "--to", "2", "--no-complements")
        told = "note v3→v2, size: what was there is not kept, and does not come back, in 2 records"
        assert done.code == 1
        assert told in done.err
        assert down(used, "--to", "2", "--no-complements", "--accept-loss", "size").code == 0
        assert {run["from_version"] for run in document("complement", "list", used / "db")} == {1}

    def test_refused_records(self, used: Path) -> None:
        """Records that cannot be carried back are told together with what others would lose."""
        write(used / "db", {b"note:odd": b'{"schema_version": 3, "text": "", "txt": 1, "size": 1}'})
        before = dump(used / "db")
        done = down(used, "--to", "1")
        assert done.code == 1
        first, record, besides, lost = done.err.splitlines()
        assert first.startswith("✗ $TMP/db: 1 record cannot be migrated; ")
        assert record.startswith("  note:odd, note v1→v2 backwards, txt: ")
        assert (besides, lost) == ("  besides, losses would be refused:", f"  {WORDS}")
        details = refusal("downgrade", *options(used), "--to", "1")["details"]
        assert [one["code"] for one in details] == ["refused", "loss-placeholder"]
        assert dump(used / "db") == before

    @pytest.mark.parametrize(
        ("to", "sentence"),
        [
            ("4", "at most 3 was expected, the version of the database; `migrate-spec apply` leads upwards"),
            ("1", "the old program is gone"),
        ],
    )
    def test_no_way(self, used: Path, to: str, sentence: str) -> None:
        """A version that lies ahead; and a step that refuses, with its reason and the ways out."""
        if to == "1":
            shutil.rmtree(used / "specs")
            shutil.rmtree(used / "db")
            make(used / "db", {b"note:1": b"{}", b"_schema_version": b"3"})
            notes = Folder.__new__(Folder)
            notes.specs, notes.schemas = used / "specs", used / "schemas"
            notes.specs.mkdir()
            notes.spec("note", 1, {"set": {"a": 1}}, downgrade={"refuse": sentence}).spec("note", 2)
            file = notes.file("note", 1)
            told = (
                f"{file}:1:79: note v1→v2 was found, which cannot be undone (a step that refuses to be undone was "
                f"found, {sentence}), steps that can be undone were expected; `migrate-spec rollback` puts a backup "
                "back, without what was written since and --to 2 stops before this step"
            )
            found = refusal("downgrade", *options(used), "--to", "1")
            assert (found["code"], re.sub(r":1:\d+:", ":1:79:", found["message"])) == ("irreversible", told)
            done = document("plan", *options(used), "--to", "2")
            assert done["way_back"] == {"note v2→v3": {"kind": "exact", "paths": [], "why": ""}}
            return
        found = refusal("downgrade", *options(used), "--to", to)
        assert (found["code"], found["message"]) == ("plan-error", f"the target version {to} was found, {sentence}")


class TestPlan:
    """``plan --to`` with an earlier version."""

    def test_from_the_specs(self, used: Path) -> None:
        """How each step is undone; nothing is written."""
        before = files(used)
        hint = "`--scan` counts the records of which nothing was kept, and what they lose.\n"
        assert planned(used) == Done(0, PLAN + hint)
        shown = document("plan", *options(used), "--to", "1")
        assert shown["way_back"] == {
            "note v2→v3": {"kind": "kept", "paths": ["state"], "why": ""},
            "note v1→v2": {"kind": "kept", "paths": ["mail"], "why": ""},
        }
        assert files(used) == before

    def test_from_the_database(self, used: Path) -> None:
        """With `--scan` how many records lose what; nothing is refused for that, and nothing is written."""
        before = files(used)
        counts = COUNTS.replace("carried", "to carry")
        assert planned(used, "--scan") == Done(
            0, f"{PLAN}All records, tried\n{counts}{TABLE}✓ Every record can be carried back\n"
        )
        assert document("plan", *options(used), "--to", "1", "--scan")["scan"]["losses"] == losses(KEPT, LOST)
        assert files(used) == before


def planned(path: Path, *words: str) -> Done:
    """What `plan` prints for the way down, without sizes."""
    done = text(cli("plan", *options(path), "--to", "1", *words), path)
    return Done(done.code, re.sub(r"\d+ records, N bytes", "N records, N bytes", done.out), done.err)


class TestLosses:
    """``losses`` and ``complement``."""

    def test_what_is_kept(self, used: Path) -> None:
        """Step, path, number and way of all that is kept, with the keys where they are asked for."""
        done = cli("losses", used / "db")
        lines = [
            "Kept now",
            "   note v1→v2  (the whole)  5  the fields had another order",
            "   note v1→v2  mail         5  another value stands there",
            "   note v2→v3  state        5  nothing was there",
        ]
        assert done == Done(0, "\n".join([*lines, ""]))
        keys = [key.decode() for key in KEYS]
        assert [one["keys"] for one in document("losses", used / "db", "--keys")["kept"]] == [keys, keys, keys]
        assert cli("losses", used / "db", "--keys").out.count("      note:4\n") == 3

    def test_nothing(self, tmp_path: Path) -> None:
        """A database that was never migrated has lost nothing."""
        path = make(tmp_path / "db", {b"note:1": b"{}"})
        assert cli("losses", path) == Done(0, "Nothing was lost, and nothing is kept\n")
        assert cli("complement", "list", path) == Done(0, "Nothing is kept\n")

    def test_pruned(self, used: Path) -> None:
        """What is old enough goes, as does what a killed call left; the way down says then that it makes values up."""
        path = str(used / "db")
        none = "Nothing that is kept need be removed\n"
        (used / "db.staging").mkdir()
        assert cli("complement", "prune", path, "--older-than", "1h") == Done(0, none)
        assert not (used / "db.staging").exists()
        (used / "pyproject.toml").write_text('[tool.migrate-spec.complements]\nolder-than = "1w"\n')
        assert process("complement", "prune", path, cwd=used) == Done(0, none)
        before = dump(used / "db")
        shown = document("complement", "prune", path, "--all", "--dry-run")
        assert [(run["from_version"], run["records"]) for run in shown["removed"]] == [(1, 5), (2, 5)]
        assert dump(used / "db") == before
        done = cli("complement", "prune", path, "--all")
        assert re.fullmatch(
            r"(note v\d→v\d  kept by the run of \S+: 5 records, \d+ bytes\n){2}✓ \d+ bytes removed\n", done.out
        )
        left = dump(used / "db") | {HISTORY: before[HISTORY]}
        assert left == {k: v for k, v in before.items() if not k.startswith(b"_complement:")}
        gone = [(one["from_version"], one["path"], one["kind"]) for one in document("losses", path)["lost"]]
        assert gone == [(1, "mail", "dropped"), (2, "state", "dropped")]
        assert "   note v1→v2, not wholly, as what it took is not kept, or not all of it: mail\n" in planned(used).out
        assert document("plan", *options(used), "--to", "1", "--scan")["scan"]["losses"][-1]["records"] == 6

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            ((), "neither --older-than nor --all was found, nor older-than in"),
            (("--all", "--older-than", "1d"), "--all and --older-than were found, one of them was expected"),
        ],
    )
    def test_used_wrongly(self, used: Path, words: tuple[str, ...], sentence: str) -> None:
        """Nobody removes all of it by leaving out an option."""
        done = cli("complement", "prune", used / "db", *words)
        assert (done.code, sentence in done.err) == (2, True)

    def test_a_project_that_keeps_nothing(self, used: Path) -> None:
        """``keep = false`` holds for `apply` and `downgrade`, and `plan` says so."""
        (used / "pyproject.toml").write_text("[tool.migrate-spec.complements]\nkeep = false\n")
        shutil.rmtree(used / "db")
        make(used / "db", OLD)
        shown = process("plan", *options(used), cwd=used).out
        assert "   note v1→v2, not wholly, as nothing is kept in this project: mail\n" in shown
        assert process("apply", *options(used), cwd=used).code == 0
        assert document("complement", "list", used / "db") == []
        assert document("status", *options(used))["complements"] == {"bytes": 0}


class TestForget:
    """``forget: true`` beside a step."""

    STEPS = (
        {"rename": {"mail": "email"}},
        {"set": {"state": "new"}},
        {"remove": ["email"], "forget": True},
    )

    def test_nothing_of_it_is_kept(self, tmp_path: Path, folder: Folder) -> None:
        """No byte of what the step took stays, whatever its name was before; other steps are undone; it is told."""
        folder.spec("note", 1, *self.STEPS)
        rows = {b"note:%d" % n: compact({"mail": f"secret{n}", "state": f"s{n}"}) for n in range(3)}
        rows[b"note:odd"] = b'{"mail":  "secret", "state": "s"}'
        manager = ms.MigrationManager(make(tmp_path / "db", rows), folder.load())
        manager.apply(backup=False)
        assert not any(b"secret" in value for value in dump(manager.path).values())
        told = LossCount("note", 2, 1, "email", "forgotten", 4)
        assert manager.downgrade(1).losses == [told]
        noted = [one.loss for one in manager.losses().lost]
        assert noted == [LossCount("note", 1, 2, "email", "forgotten", 4), told]
        assert data(manager.path) == {
            **{b"note:%d" % n: compact({"state": f"s{n}"}) for n in range(3)},
            b"note:odd": compact({"state": "s"}),
        }

    def test_downwards(self, tmp_path: Path, folder: Folder) -> None:
        """What goes on the way down is not kept either."""
        folder.spec("note", 1, {"add": {"email": ""}, "forget": True})
        manager = ms.MigrationManager(make(tmp_path / "db", {b"note:1": b'{"n":1}'}), folder.load())
        manager.apply(backup=False)
        write(manager.path, {b"note:1": compact({"schema_version": 2, "n": 1, "email": "secret"})})
        report = manager.downgrade(1, accept_loss=["email"], backup=False)
        assert report.losses == [LossCount("note", 2, 1, "email", "dropped", 1)]
        assert not any(b"secret" in value for value in dump(manager.path).values())

    def test_inside_of_others(self) -> None:
        """All that the outermost step takes is forgotten; of specs that do not say it, nothing is."""
        inside = spec_of([{"at": "a", "do": [{"remove": ["b"], "forget": True}, {"remove": ["c"]}]}, {"remove": ["d"]}])
        forget = forgetting(inside.steps, down=False)
        assert forget is not None
        assert forget({"a": {"b": 1, "c": 2}, "d": 3, "e": 4}) == {"a": {}, "e": 4, "d": 3}
        assert forgetting(spec_of([{"remove": ["d"]}]).steps, down=False) is None

    def test_is_no_part_of_the_meaning(self) -> None:
        """A spec that is applied already can be told to forget."""
        bare, forgets = (spec_of([{"remove": ["a"]} | more]) for more in ({}, {"forget": True}))
        assert (bare, bare.text, bare.checksum) == (forgets, forgets.text, forgets.checksum)
