"""What goes wrong is told in one clear sentence, as text and as JSON, and the database is as it was."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli_support import MERIDIAN, Done, cli, document, place, plain, process, refusal
from tests.conftest import (
    HISTORY,
    ROWS,
    SPECS,
    VERSION,
    beside,
    dump,
    files,
    holder,
    in_use,
    make,
    named,
    task,
    unlogged,
)

REJECTED = {
    b"task:\x80\xff": b"{",
    b"task:1": b'{"id":1}',
    b"task:2": b"[]",
    b"task:3": task("3"),
}

CHANGED_SPEC = """\
✗ $TMP/specs/symbol/v2_to_v3.yaml:2:1: another meaning of symbol v2→v3 was found than the one applied on MOMENT, an \
applied spec was expected to stay as it is; undo the change, and write what is new as a further step
    applied: {"collection":"symbol","from":2,"prefix":"symbol:","stamp":"schema_version",\
"steps":[{"default":{"embedding":null}}],"to":3}
    now:     {"collection":"symbol","from":2,"prefix":"symbol:","stamp":"schema_version",\
"steps":[{"default":{"embedding":[]}}],"to":3}
"""


def one_fault(code: str, message: str, where: Any) -> dict[str, Any]:
    """An error that consists of one sentence."""
    return {"code": code, "message": message, "where": where, "details": []}


class TestRejectedRecords:
    """Records that cannot be carried over."""

    def test_all_are_named(self, tmp_path: Path) -> None:
        """Each is named with its key, the step, the place that asked and the reason; nothing was changed."""
        path = make(tmp_path / "db", REJECTED)
        before = dump(path)
        done = process("apply", path, *MERIDIAN)
        assert Done(done.code, done.out, done.err.replace(str(SPECS.parent), "$ROOT")) == Done(
            1,
            "",
            f"✗ {path}: 3 records cannot be migrated; nothing was changed; mend these records or the spec and run "
            "again\n"
            "  task:1, task v1→v2: $ROOT/schemas/task/v2.json: no 'title' was found, it is required\n"
            "  task:2: a list was found, a JSON object was expected\n"
            "  task:\\x80\\xff: '{' was found (expecting property name enclosed in double quotes at offset 1), "
            "JSON was expected\n",
        )
        assert dump(path) == before
        assert beside(path) == []

    def test_as_json(self, tmp_path: Path) -> None:
        """With `--json` each is an entry of `details`, with its key, step and path apart."""
        path = make(tmp_path / "db", {b"task:1": b'{"id":1}', b"task:2": b"[]"})
        error = refusal("apply", path, *MERIDIAN)
        sentence = f"{path}: 2 records cannot be migrated; nothing was changed; mend these records or the spec and run "
        schema = SPECS.parent / "schemas/task/v2.json"
        assert error == {
            "code": "record-rejected",
            "message": f"{sentence}again",
            "where": place(path),
            "details": [
                {
                    "code": "schema",
                    "message": f"task:1, task v1→v2: {schema}: no 'title' was found, it is required",
                    "where": place(schema, key="task:1"),
                    "step": "task v1→v2",
                    "path": "",
                },
                {
                    "code": "not-a-document",
                    "message": "task:2: a list was found, a JSON object was expected",
                    "where": place(key="task:2"),
                    "step": "",
                    "path": "",
                },
            ],
        }

    @pytest.mark.parametrize("words", [["plan", "--scan"], ["apply", "--dry-run"]], ids=" ".join)
    def test_are_found_without_writing(self, tmp_path: Path, words: list[str]) -> None:
        """The trials refuse what `apply` refuses, in the same words, and do not touch a byte."""
        path = make(tmp_path / "db", REJECTED)
        before = files(tmp_path)
        tried, tried_json = cli(*words, path, *MERIDIAN), cli(*words, path, *MERIDIAN, "--json")
        assert files(tmp_path) == before
        assert tried == cli("apply", path, *MERIDIAN)
        assert tried_json == cli("apply", path, *MERIDIAN, "--json")

    def test_plan_without_scan_shows_what_goes_well(self, tmp_path: Path) -> None:
        """The sample of a plan is the first record that can be carried over."""
        path = make(tmp_path / "db", REJECTED)
        assert [shown["key"] for shown in document("plan", path, *MERIDIAN)["samples"].values()] == ["task:3"]


class TestDatabases:
    """Databases that cannot be worked on."""

    @pytest.mark.parametrize(
        "words",
        [
            ["apply", *MERIDIAN],
            ["plan", *MERIDIAN],
            ["status", *MERIDIAN],
            ["history"],
            ["rollback"],
            ["backup", "list"],
        ],
        ids=lambda words: words[0],
    )
    def test_no_database(self, tmp_path: Path, words: list[str]) -> None:
        """Every command refuses a folder that is none, a file, or a folder of something else, and creates nothing."""
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
        for name, found in (
            ("nothing", "there is no such folder"),
            ("file", "it is a file, a database is a folder"),
            ("folder", "there is no file CURRENT in it, every RocksDB has one"),
        ):
            path = tmp_path / name
            sentence = f"{path}: {found}; check the path; nothing was created"
            assert cli(*words, path) == Done(1, "", f"✗ {sentence}\n")
            assert refusal(*words, path) == one_fault("not-a-database", sentence, place(path))
        assert sorted(file.name for file in tmp_path.rglob("*")) == ["file", "folder"]

    def test_held_by_a_running_program(self, meridian: Path) -> None:
        """Beside a running program one can look, and not migrate; the sentence says what to do."""
        with in_use(meridian) as program:
            before = unlogged(meridian.parent)
            sentence = (
                f"{meridian}: {named(program)} has it open for writing, only one process can write to it at a time; "
                "stop that process, or wait for it with --wait"
            )
            assert process("apply", meridian, *MERIDIAN) == Done(1, "", f"✗ {sentence}\n")
            told = document("apply", meridian, *MERIDIAN, code=1)["error"]
            assert told == one_fault("database-locked", sentence, place(meridian)) | {"holder": holder(program)}
            for words in (["status", *MERIDIAN], ["plan", "--scan", *MERIDIAN], ["history"], ["backup", "list"]):
                done = cli(*words, meridian)
                assert (done.code, done.err) == (0, "")
            assert unlogged(meridian.parent) == before

    def test_a_damaged_block(self, tmp_path: Path) -> None:
        """A block that cannot be read is named with its file; what can be read is not migrated."""
        path = make(tmp_path / "db", {b"task:%04d" % number: task(f"{number:04}" * 30) for number in range(2000)})
        (table,) = path.glob("*.sst")
        whole = bytearray(table.read_bytes())
        whole[20_000:20_040] = bytes(byte ^ 255 for byte in whole[20_000:20_040])
        table.write_bytes(whole)
        for command in ("apply", "apply --dry-run", "plan --scan"):
            done = cli(*command.split(), path, *MERIDIAN)
            assert Done(done.code, done.out, re.sub(r"\d+(?=\.sst)|(?<=offset )\d+", "N", done.err)) == Done(
                1,
                "",
                f"✗ {path}: N.sst at offset N cannot be read, every file must be whole; put a backup back, or save "
                "what is left with `migrate-spec salvage`\n",
            )
            assert refusal(*command.split(), path, *MERIDIAN)["code"] == "database-corrupt"
        assert table.read_bytes() == whole
        assert beside(path) == []

    def test_newer_than_the_specs(self, tmp_path: Path) -> None:
        """A database of a later version is not touched, upwards or downwards."""
        path = make(tmp_path / "db", {VERSION: b"9"})
        before = files(tmp_path)
        sentence = (
            "a database of version 9 was found, at most version 3 was expected, the newest these specs know; "
            "use the specs of the program that wrote it"
        )
        for command in ("apply", "plan"):
            done = cli(command, path, *MERIDIAN)
            assert (done.code, done.out) == (1, "")
            assert done.err.startswith("✗ ")
            assert done.err.endswith(f"{sentence}\n")
            assert refusal(command, path, *MERIDIAN)["code"] == "database-too-new"
        assert files(tmp_path) == before

    def test_targets_out_of_reach(self, meridian: Path) -> None:
        """A version beyond the specs or behind the database is refused with the versions that there are."""
        cli("apply", meridian, *MERIDIAN, "--to", "2")
        before = files(meridian.parent)
        newest = "at most 3 was expected, the newest these specs know; write the missing specs"
        behind = (
            "at least 2 was expected, the version of the database; `migrate-spec downgrade` leads downwards, "
            "`migrate-spec rollback` puts a backup back"
        )
        for command, version, sentence in (("apply", "4", newest), ("plan", "4", newest), ("apply", "1", behind)):
            done = cli(command, meridian, *MERIDIAN, "--to", version)
            assert (done.code, done.out) == (1, "")
            assert done.err.endswith(f"the target version {version} was found, {sentence}\n")
        assert files(meridian.parent) == before

    @pytest.mark.parametrize("key", [VERSION, HISTORY], ids=bytes.decode)
    def test_metadata_that_cannot_be_read(self, tmp_path: Path, key: bytes) -> None:
        """A version or a history that is none stops every command, with the key and what is expected there."""
        path = make(tmp_path / "db", {key: b"x"})
        before = files(tmp_path)
        for words in (["apply", *MERIDIAN], ["plan", *MERIDIAN], ["status", *MERIDIAN]):
            done = cli(*words, path)
            assert (done.code, done.out) == (1, "")
            assert done.err.startswith(f"✗ {path}: ")
            assert f" was found under {key.decode()}" in done.err
            assert refusal(*words, path)["code"] == "metadata-invalid"
        assert files(tmp_path) == before

    def test_a_spec_that_was_changed_after_it_was_applied(self, meridian: Path, tmp_path: Path) -> None:
        """The two meanings stand below each other, and nothing is done."""
        cli("apply", meridian, *MERIDIAN)
        before = files(meridian)
        shutil.copytree(SPECS, tmp_path / "specs")
        spec = tmp_path / "specs/symbol/v2_to_v3.yaml"
        spec.write_text(spec.read_text("utf-8").replace("embedding: null}", "embedding: []}").split("examples:")[0])
        done = cli("apply", meridian, *MERIDIAN, "--specs", tmp_path / "specs")
        assert Done(done.code, done.out, plain(done.err, tmp_path)) == Done(1, "", CHANGED_SPEC)
        assert files(meridian) == before

    def test_without_permission(self, meridian: Path, unprivileged: tuple[str, ...]) -> None:
        """A database, or a folder around it, that this user may not write to can be looked at and is not changed."""
        before = dump(meridian)
        denied = (
            "the operating system denies this user access, the work needs the folder and every file in it; "
            "run as their owner or correct their permissions"
        )
        no_room = (
            f"the folder {meridian.parent} that cannot be written was found, room for a staging folder beside the "
            "database was expected; run as the user that owns it"
        )
        for folder, found in ((meridian, denied), (meridian.parent, no_room)):
            mode = folder.stat().st_mode
            folder.chmod(0o555)
            assert process("status", meridian, *MERIDIAN, under=unprivileged).code == 0
            assert process("apply", meridian, *MERIDIAN, under=unprivileged) == Done(1, "", f"✗ {meridian}: {found}\n")
            folder.chmod(mode)
        assert dump(meridian) == before == ROWS
        assert beside(meridian) == []


class TestDebug:
    """A traceback for those who ask for one, and for nobody else."""

    @pytest.mark.parametrize("words", ["--debug history {}", "history --debug {}", "history {} --debug"])
    def test_traceback(self, tmp_path: Path, words: str) -> None:
        """With `--debug`, before or after the command's name, the sentence stands behind the traceback."""
        path = tmp_path / "db"
        sentence = f"{path}: there is no such folder; check the path; nothing was created\n"
        done = cli(*words.format(path).split())
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("Traceback (most recent call last):\n")
        assert done.err.endswith(f"migrate_spec.errors.NotADatabase: {sentence}✗ {sentence}")

    def test_with_json(self, tmp_path: Path) -> None:
        """With `--json` the traceback stands beside the document, which is as ever."""
        plainly, debugged = (cli("history", tmp_path, "--json", *more) for more in ([], ["--debug"]))
        assert (debugged.code, debugged.out) == (plainly.code, plainly.out)
        assert debugged.err.startswith("Traceback (most recent call last):\n")
        assert plainly.err == ""

    def test_a_fault_of_ours(self) -> None:
        """What nobody expected is one sentence, too, and says how to report it."""
        sentence = (
            "an unexpected ValueError was met (embedded null byte), this is a fault of migrate-spec; "
            "run again with --debug and report what it prints"
        )
        assert cli("history", "a\0b") == Done(1, "", f"✗ {sentence}\n")
        assert refusal("history", "a\0b") == one_fault("internal", sentence, place())
        assert cli("history", "a\0b", "--debug").err.startswith("Traceback (most recent call last):\n")
