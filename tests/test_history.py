"""What was done to a database: read and written in the seed's form, and what it says about specs that changed."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from migrate_spec.digest import Digest
from tests.conftest import (
    DATA,
    HISTORY,
    ROWS,
    VERSION,
    Folder,
    beside,
    compact,
    data,
    dump,
    files,
    make,
    task,
    without_times,
)

SEED = json.loads((DATA / "metadata.json").read_text("utf-8"))["history"]
STORED: bytes = SEED["one_failed_one_done"].encode()


def manager(path: Path, project: ms.Project) -> ms.MigrationManager:
    """A manager of the database at ``path``."""
    return ms.MigrationManager(path, project)


def stored(path: Path) -> list[dict[str, Any]]:
    """The entries of the history as stored."""
    found: dict[str, list[dict[str, Any]]] = json.loads(dump(path)[HISTORY])
    assert list(found) == ["migrations"]
    return found["migrations"]


SIGNED = {"user": pwd.getpwuid(os.geteuid()).pw_name, "host": os.uname().nodename}
"""Who makes the entries of these tests."""


def held(records: Mapping[bytes, bytes], prefix: str) -> dict[str, Any]:
    """What an entry says that a collection held."""
    own = sorted((key, value) for key, value in records.items() if key.startswith(prefix.encode()))
    digest = Digest()
    digest.add(own)
    return {"prefix": prefix, "records": len(own), "digest": digest.hexdigest(), "starts": []}


class TestForm:
    """The form in which the history is kept."""

    def test_the_seeds_own(self, tmp_path: Path, project: ms.Project) -> None:
        """A history that Meridian's system wrote is read, a failure in it included, and reading writes nothing."""
        path = make(tmp_path / "db", {HISTORY: STORED, VERSION: b"2"})
        before = files(tmp_path)
        failed, done = manager(path, project).history().entries
        assert (failed.from_version, failed.to_version, failed.success, failed.backup_key) == (
            1,
            2,
            False,
            "_backup_20251019_120000",
        )
        assert (done.from_version, done.to_version, done.success, done.backup_key) == (
            1,
            2,
            True,
            "_backup_20251019_120500",
        )
        assert (failed.specs, failed.collections) == ([], {})
        assert [entry.fields for entry in (failed, done)] == json.loads(STORED)["migrations"]
        assert manager(path, project).history().standing() == [done]
        assert files(tmp_path) == before

    def test_the_seeds_own_goes_on(self, tmp_path: Path, project: ms.Project) -> None:
        """Ours is written behind the seed's, which keeps every byte, in the seed's form with further fields behind."""
        path = make(tmp_path / "db", ROWS | {HISTORY: STORED, VERSION: b"2"})
        report = manager(path, project).apply()
        assert dump(path)[HISTORY].startswith(STORED.removesuffix(b"]}") + b",")
        [entry] = stored(path)[2:]
        assert list(entry)[: len(SEED["entry_fields"])] == SEED["entry_fields"]
        specs = [project.registry[name, 2].spec for name in ("episode", "symbol")]
        assert json.loads(without_times(json.dumps(entry))) == {
            "from_version": 2,
            "to_version": 3,
            "started_at": "MOMENT",
            "completed_at": "MOMENT",
            "items_migrated": 2,
            "backup_key": report.backup,
            "success": True,
            "error": None,
            "kind": "apply",
            "tool": "migrate-spec 0.1.0",
            "seconds": entry["seconds"],
            "collections": {
                name: {
                    **counts,
                    "prefix": f"{name}:",
                    "before": held(ROWS, f"{name}:"),
                    "after": held(data(path), f"{name}:"),
                }
                for name, counts in (
                    ("episode", {"scanned": 3, "migrated": 1, "unchanged": 2, "quarantined": 0}),
                    ("symbol", {"scanned": 2, "migrated": 1, "unchanged": 1, "quarantined": 0}),
                )
            },
            "specs": [{"collection": spec.collection, "checksum": spec.checksum, "text": spec.text} for spec in specs],
            **SIGNED,
        }
        assert 0 < entry["seconds"] < 600
        assert entry["started_at"] <= entry["completed_at"]

    def test_one_entry_a_step(self, meridian: Path, project: ms.Project) -> None:
        """A run over two steps leaves an entry for each, with its own counts, its own specs and the same backup."""
        report = manager(meridian, project).apply()
        entries = stored(meridian)
        assert [(entry["from_version"], entry["to_version"], entry["items_migrated"]) for entry in entries] == [
            (1, 2, 5),
            (2, 3, 2),
        ]
        assert [entry["backup_key"] for entry in entries] == [report.backup, report.backup]
        assert [[spec["collection"] for spec in entry["specs"]] for entry in entries] == [
            ["task"],
            ["episode", "symbol"],
        ]
        assert [list(entry["collections"]) for entry in entries] == [["task"], ["episode", "symbol"]]

    def test_the_text_of_a_spec(self, tmp_path: Path, folder: Folder) -> None:
        """The text kept is what the spec means, without what goes without saying; the checksum is its SHA-256."""
        folder.spec("note", 1, {"add": {"é": [1.5, None]}, "if_exists": "fail", "note": "why"}, description="what")
        path = make(tmp_path / "db", {b"note:1": b"{}"})
        manager(path, folder.load()).apply()
        [entry] = stored(path)
        [spec] = entry["specs"]
        assert spec["text"] == (
            '{"collection":"note","from":1,"prefix":"note:","stamp":"schema_version",'
            '"steps":[{"add":{"é":[1.5,null]}}],"to":2}'
        )
        assert spec["checksum"] == hashlib.sha256(spec["text"].encode()).hexdigest()

    def test_a_rollback(self, meridian: Path, project: ms.Project) -> None:
        """A rollback is an entry of its own that leads down, names its backup and what it put back."""
        applied = manager(meridian, project).apply()
        migrated = data(meridian)
        manager(meridian, project).rollback()
        entry = stored(meridian)[2]
        assert json.loads(without_times(json.dumps(entry))) == {
            "from_version": 3,
            "to_version": 1,
            "started_at": "MOMENT",
            "completed_at": "MOMENT",
            "items_migrated": 7,
            "backup_key": applied.backup,
            "success": True,
            "error": None,
            "kind": "rollback",
            "tool": "migrate-spec 0.1.0",
            "seconds": entry["seconds"],
            "collections": {
                name: {"prefix": f"{name}:", "before": held(migrated, f"{name}:"), "after": held(ROWS, f"{name}:")}
                for name in ("task", "episode", "symbol")
            },
            **SIGNED,
        }
        assert manager(meridian, project).history().standing() == []

    def test_what_is_in_force(self, meridian: Path, project: ms.Project) -> None:
        """In force is what was carried out and not taken back since, whatever lies between."""
        it = manager(meridian, project)
        for do in (it.apply, it.rollback, it.apply, it.rollback):
            do()
        it.apply(2)
        it.apply(3)
        it.rollback()
        standing = it.history().standing()
        assert [(entry.from_version, entry.to_version) for entry in standing] == [(1, 2)]
        assert [(entry["from_version"], entry["to_version"]) for entry in stored(meridian)] == [
            *[(1, 2), (2, 3), (3, 1)] * 2,
            *[(1, 2), (2, 3), (3, 2)],
        ]


def entry(**changes: Any) -> dict[str, Any]:
    """An entry of the seed's, changed; ``...`` takes a field away."""
    fields: dict[str, Any] = json.loads(STORED)["migrations"][1] | changes
    return {name: value for name, value in fields.items() if value is not ...}


def of(*migrations: dict[str, Any]) -> bytes:
    """A history of these entries as stored."""
    return compact({"migrations": migrations})


class TestInvalid:
    """What stands under the key of the history may be anything."""

    @pytest.mark.parametrize(
        "value",
        [
            SEED["empty"].encode(),
            STORED,
            b' {"migrations" : [ ] }\n',
            b'{"migrations":[],"more":1}',
            of(entry(more={"x": 1}), entry(backup_key=None)),
            of(entry(backup_key=..., error=...)),
        ],
    )
    def test_accepted(self, value: bytes, tmp_path: Path, project: ms.Project) -> None:
        """The seed's form is accepted, also with further fields, and with the two fields absent that may be null."""
        path = make(tmp_path / "db", {HISTORY: value})
        assert [found.fields for found in manager(path, project).history().entries] == json.loads(value)["migrations"]

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (b"", "an empty value was found, a JSON object was expected"),
            (b"[]", "a list was found, a JSON object was expected"),
            (b'{"migrations":[]', "'ations\":[]' was found (expecting ',' delimiter at offset 16), JSON was expected"),
            (
                b'{"migrations":[],"migrations":[]}',
                "the key 'migrations' was found twice in one object, each key was expected once",
            ),
            (b"{}", "no list of migrations is in it"),
            (b'{"migrations":null}', "no list of migrations is in it"),
            (b'{"migrations":{}}', "no list of migrations is in it"),
            (b'{"migrations":""}', "no list of migrations is in it"),
            (b'{"migrations":[1]}', "entry 1: an integer is no entry"),
            (b'{"migrations":["ab"]}', "entry 1: a text is no entry"),
            (b'{"migrations":[{}]}', "entry 1: from_version is absent"),
            (of(entry(), entry(from_version="1")), "entry 2: from_version is a text, not an integer"),
            (of(entry(to_version=True)), "entry 1: to_version is a boolean, not an integer"),
            (of(entry(items_migrated=None)), "entry 1: items_migrated is null, not an integer"),
            (of(entry(items_migrated=...)), "entry 1: items_migrated is absent"),
            (of(entry(started_at=0)), "entry 1: started_at is an integer, not a text"),
            (of(entry(completed_at=...)), "entry 1: completed_at is absent"),
            (of(entry(success="false")), "entry 1: success is a text, not a boolean"),
            (of(entry(success=...)), "entry 1: success is absent"),
            (of(entry(specs=5)), "entry 1: specs is no list of objects with collection, checksum and text"),
            (
                of(entry(specs=[{"collection": "task"}])),
                "entry 1: specs is no list of objects with collection, checksum and text",
            ),
            (of(entry(collections={"task": 1})), "entry 1: collections is no object of objects with a prefix"),
            (of(entry(collections={"task": {}})), "entry 1: collections is no object of objects with a prefix"),
        ],
    )
    def test_refused(self, value: bytes, reason: str, tmp_path: Path, project: ms.Project) -> None:
        """Whatever has another form is refused in one sentence, and is never overwritten."""
        path = make(tmp_path / "db", ROWS | {HISTORY: value})
        before = files(tmp_path)
        it = manager(path, project)
        for do in (it.history, it.status, it.apply, it.scan, it.plan, it.rollback):
            with pytest.raises(ms.MetadataInvalid) as caught:
                do()
            assert str(caught.value) == (
                f"{path}: a history that cannot be read was found under _migration_history ({reason}), "
                'an object {"migrations": […]} was expected; '
                "restore it from a backup, or delete the key and lose the history"
            )
        assert files(tmp_path) == before


class TestChangedSpecs:
    """A spec that was applied must go on meaning what it meant."""

    def applied(self, tmp_path: Path, folder: Folder) -> Path:
        """A database to which ``note`` 1→2 was applied."""
        path = make(tmp_path / "db", {b"note:1": b"{}"})
        manager(path, folder.spec("note", 1, {"add": {"a": 1}}).load()).apply()
        return path

    def test_another_meaning(self, tmp_path: Path, folder: Folder) -> None:
        """A changed meaning is refused with both texts, at every call that plans, and nothing is written."""
        path = self.applied(tmp_path, folder)
        moment = stored(path)[0]["completed_at"]
        project = folder.spec("note", 1, {"add": {"a": 2}}).spec("note", 2).load()
        before = files(tmp_path)
        it = manager(path, project)
        for do in (it.apply, it.scan, it.plan, lambda: ms.check_and_migrate(path, project)):
            with pytest.raises(ms.SpecChanged) as caught:
                do()
            text = (
                '{"collection":"note","from":1,"prefix":"note:","stamp":"schema_version",'
                '"steps":[{"add":{"a":%s}}],"to":2}'
            )
            assert str(caught.value) == (
                f"{folder.file('note', 1)}:1:1: another meaning of note v1→v2 was found than the one applied on "
                f"{moment}, an applied spec was expected to stay as it is; "
                "undo the change, and write what is new as a further step\n"
                f"    applied: {text % 1}\n"
                f"    now:     {text % 2}"
            )
        assert files(tmp_path) == before

    @pytest.mark.parametrize(
        "text",
        [
            "# a remark\nto: 2\nfrom: 1\nprefix: 'note:'\ncollection: note\nsteps: [{add: {a: 1}, note: a remark}]\n",
            (
                "collection: note\nprefix: 'note:'\nfrom: 1\nto: 2\ndescription: new\n"
                "steps: [{if_exists: fail, add: {a: 1}}]\nstamp: schema_version\n"
                "examples: [{before: {}, after: {schema_version: 2, a: 1}}]\n"
            ),
        ],
        ids=["remarks and order", "description, example and what goes without saying"],
    )
    def test_the_same_meaning(self, text: str, tmp_path: Path, folder: Folder) -> None:
        """A remark, another order of keys, an example or an option that says what is so anyway is no change."""
        path = self.applied(tmp_path, folder)
        folder.file("note", 1).write_text(text, "utf-8")
        assert manager(path, folder.load()).apply() == ms.ApplyReport(str(path), 2, 2)
        assert manager(path, folder.spec("note", 2).load()).apply().to_version == 3

    @pytest.mark.parametrize("pending", [False, True], ids=["nothing pending", "a step pending"])
    def test_a_spec_that_came_late(self, tmp_path: Path, folder: Folder, *, pending: bool) -> None:
        """A spec for a step that is behind already is refused, and told which step it must become."""
        path = self.applied(tmp_path, folder)
        moment = stored(path)[0]["completed_at"]
        folder.spec("late", 1, {"add": {"b": 1}})
        if pending:
            folder.spec("note", 2)
        before = files(tmp_path)
        with pytest.raises(ms.SpecChanged) as caught:
            manager(path, folder.load()).apply()
        step = "v3→v4" if pending else "v2→v3"
        assert str(caught.value) == (
            f"{folder.file('late', 1)}:1:1: a spec for late v1→v2 was found, none was expected, "
            f"as this database went to version 2 without it on {moment}; make it the step {step}"
        )
        assert files(tmp_path) == before

    def test_a_spec_that_is_gone(self, tmp_path: Path, folder: Folder) -> None:
        """Applied specs may be deleted once no database needs them any more."""
        path = self.applied(tmp_path, folder)
        folder.file("note", 1).unlink()
        assert manager(path, folder.spec("note", 2, {"add": {"b": 2}}).load()).apply().to_version == 3

    def test_after_a_rollback(self, tmp_path: Path, folder: Folder) -> None:
        """Once a step is taken back its spec may change, and other specs may join it."""
        path = self.applied(tmp_path, folder)
        manager(path, folder.load()).rollback()
        project = folder.spec("note", 1, {"add": {"a": 2}}).spec("late", 1).load()
        report = manager(path, project).apply()
        assert (report.from_version, report.to_version) == (1, 2)
        assert dump(path)[b"note:1"] == b'{"schema_version":2,"a":2}'

    def test_steps_of_the_seed(self, tmp_path: Path, project: ms.Project) -> None:
        """A step that Meridian's system carried out kept no spec: nothing is compared."""
        path = make(tmp_path / "db", {HISTORY: STORED, VERSION: b"2", b"task:a": task("a")})
        assert manager(path, project).apply().to_version == 3

    def test_meridians_step_is_not_taken_back(self, tmp_path: Path, project: ms.Project) -> None:
        """What Meridian's system did is for Meridian's system to take back: nothing says what it touched."""
        path = make(tmp_path / "db", {HISTORY: STORED, VERSION: b"2", b"task:a": task("a")})
        before = files(tmp_path)
        with pytest.raises(ms.BackupError) as caught:
            manager(path, project).rollback()
        assert str(caught.value) == (
            f"{path}: a step v1→v2 that another program carried out was found, "
            "steps of migrate-spec were expected, which say what they touched; use that program to take it back"
        )
        assert files(tmp_path) == before
        assert beside(path) == []
