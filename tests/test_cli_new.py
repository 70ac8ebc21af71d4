"""``migrate-spec new``: the file it writes, what it asks on a terminal, and schemas that are made of classes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli_support import Done, Terminal, cli, document, place, refusal
from tests.conftest import Folder, compact, dump, make
from tests.families_support import make as families

V1: dict[str, Any] = {
    "type": "object",
    "properties": {"titel": {"type": "string"}, "draft": {"type": "boolean"}},
    "required": ["titel"],
}
V2: dict[str, Any] = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "tags": {"type": "array"}, "owner": {"type": "string"}},
    "required": ["title", "tags", "owner"],
}
TEXT = """\
# yaml-language-server: $schema=../../schemas/spec.schema.json
collection: task
prefix: "task:"
from: 1
to: 2
description: Rename titel to title; remove draft; add tags and owner.
steps:
  - rename: {titel: title}
  - remove: [draft]
  - add: {tags: []}
  # TODO: owner must be there, and its schema names no default
  - add: {owner: ""}
"""
FILE = Path("specs/task/v1_to_v2.yaml")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Each test is in a project of its own, with two schemas and no spec."""
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path).schema("task", 1, V1).schema("task", 2, V2)


def snapshot(folder: Path) -> dict[str, bytes]:
    """All files in a folder with what is in them."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


class TestSpec:
    """The spec that is written."""

    def test_is_written_and_judged(self) -> None:
        """The file, what is left to decide, and the verdict."""
        done = cli("new", "task")
        assert (done.code, done.err) == (0, "")
        first, *findings, last = done.out.splitlines(keepends=True)[2:]
        assert done.out.startswith("✓ specs/task/v1_to_v2.yaml written\n! 1 thing left for you to decide:\n")
        assert first == "   owner must be there, and its schema names no default\n"
        assert [finding.split(" ")[0] for finding in findings] == ["specs/task/v1_to_v2.yaml:9:14:"]
        assert last == "✓ proved: what it makes of a valid record is valid\n"
        assert FILE.read_text("utf-8") == TEXT

    def test_is_without_fault(self, here: Folder) -> None:
        """Where nothing is lost or left to decide, `validate` has nothing to say of it."""
        tags = {"tags": {"type": "array"}}
        here.schema("task", 2, V1 | {"properties": V1["properties"] | tags, "required": ["titel", "tags"]})
        assert cli("new", "task").out == (
            "✓ specs/task/v1_to_v2.yaml written\n✓ proved: what it makes of a valid record is valid\n"
        )
        assert cli("validate").code == 0

    def test_dry_run(self, tmp_path: Path) -> None:
        """It is printed and not written."""
        before = snapshot(tmp_path)
        assert cli("new", "task", "--dry-run") == Done(0, TEXT)
        assert snapshot(tmp_path) == before

    def test_as_json(self) -> None:
        """All of it as one document."""
        found = document("new", "task")
        findings = found.pop("findings")
        assert [(finding["code"], finding["line"]) for finding in findings] == [("loss", 9)]
        assert found == {
            "written": True,
            "files": [{"file": str(FILE), "text": TEXT}],
            "todo": ["owner must be there, and its schema names no default"],
            "verdicts": {"up": "proved", "down": "irreversible"},
        }

    def test_dry_run_as_json(self, tmp_path: Path) -> None:
        """The same document, which says that nothing was written."""
        before = snapshot(tmp_path)
        found = document("new", "task", "--dry-run")
        assert (found["written"], found["files"]) == (False, [{"file": str(FILE), "text": TEXT}])
        assert snapshot(tmp_path) == before

    def test_a_draft_that_is_refuted(self, here: Folder) -> None:
        """What a draft leaves open shows in its verdict, with the document and the line."""
        here.schema("task", 2, V1 | {"properties": V1["properties"] | {"draft": {"const": True}}})
        done = cli("new", "task")
        assert done.code == 0
        assert "error: " in done.out
        assert "[refuted]" in done.out
        assert "proved" not in done.out
        assert document("new", "task", "--dry-run", code=1)["error"]["details"][0]["code"] == "exists"

    def test_renames_that_were_said(self) -> None:
        """`--rename` may come several times."""
        cli("new", "task", "--rename", "draft=owner", "--rename", "titel=title")
        assert "  - rename: {titel: title, draft: owner}\n" in FILE.read_text("utf-8")

    def test_the_prefix(self) -> None:
        """The prefix of the first spec can be said."""
        cli("new", "task", "--prefix", "t/")
        assert "prefix: t/\n" in FILE.read_text("utf-8")

    def test_the_next_spec_goes_on_where_the_last_one_ends(self, here: Folder) -> None:
        """The prefix, the stamp and the encoding are those of the spec before, as its steps left them."""
        rekey = {"rekey": {"from": "t:{rest}", "to": "task:{rest}"}}
        records = [rekey, {"recode": {"from": "json", "to": "msgpack"}}]
        here.spec("task", 1, {"rename": {"titel": "title"}}, prefix="t:", stamp="meta.v", records=records)
        here.schema("task", 3, V2 | {"required": ["title"]})
        text = cli("new", "task", "--dry-run").out
        assert text.split("description")[0] == (
            "# yaml-language-server: $schema=../../schemas/spec.schema.json\n"
            'collection: task\nprefix: "task:"\nfrom: 2\nto: 3\n'
        )
        assert text.endswith("stamp: meta.v\nencoding: msgpack\nsteps: []\n")

    def test_a_schema_that_stays_for_several_versions(self, here: Folder) -> None:
        """The step starts from the version before, whatever older schema is in force there."""
        (here.schemas / "task/v2.json").rename(here.schemas / "task/v5.json")
        assert [file["file"] for file in document("new", "task")["files"]] == ["specs/task/v4_to_v5.yaml"]

    def test_the_newest_of_several(self, here: Folder) -> None:
        """Where several schemas have no spec, the newest comes first; called again, the one before it."""
        here.schema("task", 3, V2)
        assert [document("new", "task")["files"][0]["file"] for _ in range(2)] == [
            "specs/task/v2_to_v3.yaml",
            "specs/task/v1_to_v2.yaml",
        ]

    def test_other_folders(self, here: Folder, tmp_path: Path) -> None:
        """The line for editors leads from the spec to the folder of schemas, wherever they are."""
        here.schemas.rename(tmp_path / "shapes")
        done = cli("new", "task", "--schemas", "shapes", "--specs", "a/b", "--dry-run")
        assert done.out.splitlines()[0] == "# yaml-language-server: $schema=../../../shapes/spec.schema.json"


class TestRefused:
    """What there is nothing to draft for."""

    def test_no_newer_schema(self) -> None:
        """Each schema has its spec, which is not overwritten."""
        cli("new", "task")
        FILE.write_text(f"# mine\n{FILE.read_text('utf-8')}", "utf-8")
        sentence = (
            "specs/task/v1_to_v2.yaml was found, which leads to the newest schema, schemas/task/v2.json, "
            "a newer schema was expected; write schemas/task/v3.json first"
        )
        assert cli("new", "task") == Done(1, "", f"✗ {sentence}\n")
        assert refusal("new", "task")["details"] == [{"code": "exists", "message": sentence, "where": place()}]
        assert FILE.read_text("utf-8").startswith("# mine\n")

    def test_one_schema(self, here: Folder) -> None:
        """The first schema needs no spec."""
        (here.schemas / "task/v2.json").unlink()
        assert cli("new", "task") == Done(
            1,
            "",
            "✗ only schemas/task/v1.json was found, a second schema was expected; write schemas/task/v2.json first\n",
        )

    def test_unknown_collection(self) -> None:
        """A collection without a schema; one that is near is named."""
        assert cli("new", "tasks") == Done(
            1, "", "✗ no schema of the collection 'tasks' was found, task was expected; did you mean 'task'?\n"
        )

    def test_no_schema_at_all(self, here: Folder) -> None:
        """A project without any."""
        for file in here.schemas.glob("task/*"):
            file.unlink()
        assert cli("new", "task") == Done(
            1,
            "",
            "✗ no schema was found in schemas, <collection>/vN.json was expected; "
            "write the JSON Schema of each version, or `--from-model module:Class`\n",
        )

    def test_a_schema_with_faults(self, here: Folder) -> None:
        """They are told as `validate` tells them, and nothing is written."""
        (here.schemas / "task/v2.json").write_text("{", "utf-8")
        done = cli("new", "task")
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("✗ schemas/task/v2.json:1:2: text that cannot be read was found")
        assert not FILE.exists()

    def test_a_spec_before_with_faults(self, here: Folder) -> None:
        """What is taken over from the spec before must be known."""
        here.spec("task", 1, {"renam": {}})
        here.schema("task", 3, V2)
        assert cli("new", "task").err.startswith("✗ specs/task/v1_to_v2.yaml:1:")

    def test_a_rename_that_there_is_not(self) -> None:
        """A field that no schema has."""
        assert cli("new", "task", "--rename", "titl=title") == Done(
            1,
            "",
            "✗ schemas/task/v1.json: the field 'titl' was found in --rename, "
            "a field of the older version was expected; did you mean 'titel'?\n",
        )
        assert not FILE.exists()

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["--rename", "titel"], "Invalid value for '--rename': 'titel' was found, OLD=NEW was expected."),
            (
                ["--rename", "titel=title", "--rename", "draft=title"],
                "Invalid value for '--rename': 'draft=title' names a field that another one names, too.",
            ),
            (
                ["--to", "3"],
                "--to is for --from-model; else the file of the newest schema says which version it is.",
            ),
        ],
    )
    def test_used_wrongly(self, words: list[str], sentence: str) -> None:
        """A wrong use has its own exit code."""
        done = cli("new", "task", *words)
        assert (done.code, done.err.splitlines()[-1]) == (2, f"Error: {sentence}")


class TestCheck:
    """`--check`, for CI."""

    def test_a_spec_is_missing(self, tmp_path: Path) -> None:
        """A schema without its spec."""
        before = snapshot(tmp_path)
        sentence = (
            "the schema schemas/task/v2.json was found, the spec specs/task/v1_to_v2.yaml was expected, which leads to "
            "it; `migrate-spec new task` drafts it"
        )
        assert cli("new", "task", "--check") == Done(1, "", f"✗ {sentence}\n")
        assert document("new", "task", "--check", code=1) == {
            "ok": False,
            "findings": [{"code": "spec-missing", "message": sentence, "where": place()}],
        }
        assert snapshot(tmp_path) == before

    def test_nothing_is_missing(self) -> None:
        """Each schema has its spec."""
        cli("new", "task")
        assert cli("new", "task", "--check") == Done(0, "✓ task: each has its spec\n")
        assert document("new", "task", "--check") == {"ok": True, "findings": []}


class TestDatabase:
    """`--db`: what is stored decides."""

    def test_stored_values(self, here: Folder, tmp_path: Path) -> None:
        """Records of the older version are looked at, all over the keys; the database stays as it is."""
        here.schema("task", 1, {"properties": {"made": {"type": "string"}, "note": {"type": "string"}}})
        here.schema("task", 2, {"properties": {"made_at": {"type": "string", "format": "date-time"}}})
        records = {b"task:%d" % number: compact({"made": "2024-01-01T00:00:00Z"}) for number in range(2000)}
        records |= {b"task:x": compact({"schema_version": 2, "made": "never"}), b"task:y": b"no document", b"u": b"{}"}
        records[b"task:z"] = compact({"made": "2024-01-01T00:00:00Z", "note": "Hi"})
        path = make(tmp_path / "db", records)
        before = dump(path)
        steps = cli("new", "task", "--db", path, "--dry-run").out.partition("steps:\n")[2].splitlines()
        assert steps[0] == "  - rename: {made: made_at}"
        assert steps[2] == "  - remove: [note]"
        assert steps[1].startswith("  # 1 of the 99")
        assert steps[1].endswith(" records looked at has note")
        assert dump(path) == before

    def test_a_column_family(self, here: Folder, tmp_path: Path) -> None:
        """What the spec before says of the column family stays, and the records in it are looked at."""
        here.spec("task", 1, {"rename": {"a": "made"}}, column_family="cold")
        here.schema("task", 2, {"properties": {"made": {"type": "string"}, "note": {"type": "string"}}})
        here.schema("task", 3, {"properties": {"made_at": {"type": "string", "format": "date-time"}}})
        moment = {"schema_version": 2, "made": "2024-01-01T00:00:00Z"}
        other = {b"task:%d" % number: compact({"schema_version": 2, "made": "no moment"}) for number in range(20)}
        path = families(tmp_path / "db", {"default": other, "cold": {b"task:1": compact(moment)}})
        drafted = cli("new", "task", "--db", path, "--dry-run").out
        assert '\nprefix: "task:"\ncolumn_family: cold\nfrom: 2\n' in drafted
        assert "  - rename: {made: made_at}\n" in drafted
        missing = cli("new", "task", "--db", make(tmp_path / "other", {}), "--dry-run")
        assert (missing.code, missing.out) == (1, "")
        assert "no column family 'cold' was found" in missing.err

    def test_no_database(self, tmp_path: Path) -> None:
        """A folder without one is told, and nothing is written."""
        done = cli("new", "task", "--db", tmp_path / "none")
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith(f"✗ {tmp_path / 'none'}: ")
        assert not FILE.exists()


class TestTerminal:
    """What is asked."""

    def test_questions(self, here: Folder) -> None:
        """Each field that may be another, each value that nobody knows, and what changes, in a sentence."""
        state = {"state": {"enum": ["open", "archived"]}}
        here.schema("task", 1, {"properties": {"titel": {"type": "string"}, "writer": {"type": "string"}, **state}})
        state = {"state": {"enum": ["open", "done"]}}
        here.schema("task", 2, {"properties": {"title": {"type": "string"}, "author": {"type": "string"}, **state}})
        with Terminal("new", "task") as terminal:
            terminal.wait_for("Is title what titel was? [Y/n]: ")
            terminal.type("\n")
            terminal.wait_for("Is author what writer was? [y/N]: ")
            terminal.type("y\n")
            terminal.wait_for("What becomes of archived in state? (open, done; Enter leaves it open): ")
            terminal.type("dne\n")
            terminal.wait_for("'dne' is none of them.")
            terminal.type("done\n")
            terminal.wait_for(
                "What changes, in a sentence [Rename titel to title and writer to author; map the values of state.]: "
            )
            terminal.type("Tasks have authors.\n")
            done = terminal.finish()
        assert done.code == 0
        assert FILE.read_text("utf-8").partition("description: ")[2] == (
            "Tasks have authors.\n"
            "steps:\n"
            "  - rename: {titel: title, writer: author}\n"
            "  - map: {state: {archived: done}}\n"
            "    else: keep\n"
        )

    def test_left_open(self, here: Folder) -> None:
        """The Enter key takes what is likely, and leaves the rest open."""
        here.schema("task", 1, {"properties": {"writer": {"type": "string"}}})
        here.schema("task", 2, {"properties": {"author": {"type": "string"}}})
        with Terminal("new", "task") as terminal:
            terminal.wait_for("Is author what writer was? [y/N]: ")
            terminal.type("\n")
            terminal.wait_for("What changes, in a sentence [Remove writer.]: ")
            terminal.type("\n")
            assert terminal.finish().code == 0
        assert FILE.read_text("utf-8").partition("description: ")[2] == (
            "Remove writer.\nsteps:\n  # if writer is author now: --rename writer=author\n  - remove: [writer]\n"
        )

    def test_interrupted(self) -> None:
        """Nothing is written where the questions are not answered to the end."""
        with Terminal("new", "task") as terminal:
            terminal.wait_for("Is title what titel was? [Y/n]: ")
            terminal.process.send_signal(signal.SIGINT)
            terminal.type("\n")  # Python hears of a signal that comes just before it reads only when it has read
            assert terminal.finish().code == 130
        assert not FILE.exists()

    def test_nothing_is_asked_for_json(self) -> None:
        """Programs that read the answer have no hands."""
        with Terminal("new", "task", "--json") as terminal:
            assert json.loads(terminal.finish().out)["written"]


HEADS = {
    "dataclass": ("from dataclasses import dataclass, field", "@dataclass\n", ""),
    "attrs": ("from attrs import define, field", "@define\n", ""),
    "struct": ("from msgspec import Struct, field", "", "(Struct)"),
    "pydantic": ("from pydantic import BaseModel, Field as field", "", "(BaseModel)"),
}
"""For each kind of class: what a module imports, and what stands around the name."""
EMPTY = {"dataclass": "field(default_factory=list)", "attrs": "field(factory=list)"}


def model(kind: str, number: int, *lines: str) -> str:
    """Write a module with a class ``Task`` of a kind, and return what names it."""
    name = f"models_{kind}_{number}_{os.getpid()}"
    imports, before, after = HEADS[kind]
    note = f"{before}class Note{after}:\n    text: str\n"
    fields = "".join(f"    {line}\n" for line in lines)
    Path(f"{name}.py").write_text(f"{imports}\n{note}{before}class Task{after}:\n{fields}", "utf-8")
    return f"{name}:Task"


def schema(version: int) -> Any:
    """The schema of a version, as it was written."""
    return json.loads(Path(f"schemas/item/v{version}.json").read_text("utf-8"))


class TestModels:
    """Schemas that are made of classes."""

    @pytest.mark.parametrize("kind", HEADS)
    def test_from_the_first_version_to_the_next(self, kind: str) -> None:
        """The first schema, a check that finds no change, then one that does, and the step to it."""
        empty = EMPTY.get(kind, "field(default_factory=list)")
        first = model(kind, 1, "titel: str", "count: int = 0", f"notes: list[Note] = {empty}")
        second = model(kind, 2, "title: str", "rank: float", "count: int = 0", f"notes: list[Note] = {empty}")
        assert cli("new", "item", "--from-model", first) == Done(0, "✓ schemas/item/v1.json written\n")
        assert schema(1) == {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Task",
            "type": "object",
            "properties": {
                "schema_version": {"type": "integer", "const": 1},
                "titel": {"type": "string"},
                "count": {"type": "integer", "default": 0},
                "notes": {"type": "array", "items": {"$ref": "#/$defs/Note"}, "default": []},
            },
            "required": ["schema_version", "titel"],
            "additionalProperties": False,
            "$defs": {
                "Note": {
                    "title": "Note",
                    "type": "object",
                    "properties": {"text": {"type": "string"}},
                    "required": ["text"],
                    "additionalProperties": False,
                }
            },
        }
        same = f"✓ item: its newest schema is what {first} says, and each has its spec\n"
        assert cli("new", "item", "--check", "--from-model", first) == Done(0, same)
        assert cli("new", "item", "--check", "--from-model", second) == Done(
            1,
            "",
            f"✗ {second} was found to have changed since schemas/item/v1.json, schemas/item/v2.json and "
            f"specs/item/v1_to_v2.yaml were expected; `migrate-spec new item --from-model {second}` writes them\n",
        )
        done = cli("new", "item", "--from-model", second)
        assert done.out.startswith("✓ schemas/item/v2.json written\n✓ specs/item/v1_to_v2.yaml written\n")
        assert done.out.endswith("✓ proved: what it makes of a valid record is valid\n")
        assert Path("specs/item/v1_to_v2.yaml").read_text("utf-8").partition("steps:\n")[2] == (
            "  - rename: {titel: title}\n"
            "  # TODO: rank must be there, and its schema names no default\n"
            "  - add: {rank: 0}\n"
        )
        assert cli("new", "item", "--from-model", second) == Done(
            0, f"✓ item: nothing to do, as its newest schema says what {second} says\n"
        )

    def test_a_typed_dict(self) -> None:
        """A TypedDict has no defaults; what is not required may be absent."""
        lines = (
            "from typing import NotRequired, TypedDict\n"
            "class Task(TypedDict):\n    a: int\n    b: NotRequired[str | None]\n"
        )
        Path("typed_model.py").write_text(lines, "utf-8")
        cli("new", "item", "--from-model", "typed_model:Task")
        assert schema(1)["properties"]["b"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
        assert schema(1)["required"] == ["schema_version", "a"]

    @pytest.mark.parametrize(
        ("extra", "closed"),
        [("forbid", {"additionalProperties": False}), ("ignore", {"additionalProperties": False}), ("allow", {})],
    )
    def test_what_a_model_of_pydantic_writes(self, extra: str, closed: Mapping[str, Any]) -> None:
        """A model that keeps other fields writes them; one that ignores them does not. Aliases are what is written."""
        text = (
            "from pydantic import BaseModel, ConfigDict, Field\nclass Task(BaseModel):\n"
            f"    model_config = ConfigDict(extra={extra!r})\n    a: int = Field(alias='A', ge=1)\n"
        )
        Path(f"extra_{extra}.py").write_text(text, "utf-8")
        cli("new", "item", "--from-model", f"extra_{extra}:Task")
        found = schema(1)
        assert found["properties"]["A"] == {"type": "integer", "minimum": 1}
        assert {key: found[key] for key in found if key == "additionalProperties"} == closed

    def test_a_class_that_holds_its_own_kind(self) -> None:
        """Only the record itself has the version; those inside of it have none."""
        text = (
            "from __future__ import annotations\nfrom dataclasses import dataclass\n"
            "@dataclass\nclass Task:\n    parts: list[Task]\n"
        )
        Path("own_kind.py").write_text(text, "utf-8")
        cli("new", "item", "--from-model", "own_kind:Task")
        found = schema(1)
        assert list(found["properties"]) == ["schema_version", "parts"]
        assert list(found["$defs"]["Task"]["properties"]) == ["parts"]

    def test_the_version_after_all_others(self, here: Folder) -> None:
        """The next version is that of the project, as a database has one version for all; another one can be said."""
        here.spec("other", 6)
        here.spec("item", 1)
        name = model("struct", 3, "title: str")
        assert [file["file"] for file in document("new", "item", "--from-model", name, "--dry-run")["files"]] == [
            "schemas/item/v8.json",
            "specs/item/v7_to_v8.yaml",
        ]
        found = document("new", "item", "--from-model", name, "--to", "7")["files"]
        assert [file["file"] for file in found] == ["schemas/item/v7.json", "specs/item/v6_to_v7.yaml"]
        assert json.loads(found[0]["text"])["properties"]["schema_version"] == {"type": "integer", "const": 7}

    def test_a_version_that_is_there(self, here: Folder) -> None:
        """A schema is never overwritten."""
        here.spec("item", 1)
        name = model("struct", 4, "title: str")
        assert cli("new", "item", "--from-model", name, "--to", "2") == Done(
            1, "", "✗ --to 2 was found, a version after 2 was expected, which is that of schemas/item/v2.json\n"
        )

    def test_a_stamp_of_another_name(self, here: Folder) -> None:
        """The field with the version is the one that the collection's specs name."""
        here.spec("item", 1, stamp={"path": "v", "as": "string"})
        name = model("struct", 5, "title: str")
        cli("new", "item", "--from-model", name)
        assert schema(3)["properties"]["v"] == {"type": "string", "const": "3"}

    def test_a_schema_that_waits_for_its_spec(self, here: Folder) -> None:
        """It is drafted where it is what the class says; else the two must be told apart first."""
        name = model("struct", 6, "title: str")
        cli("new", "item", "--from-model", name)
        text = Path("schemas/item/v1.json").read_text("utf-8")
        Path("schemas/item/v2.json").write_text(text.replace('"const": 1', '"const": 2'), "utf-8")
        files = document("new", "item", "--from-model", name, "--dry-run")["files"]
        assert [file["file"] for file in files] == ["specs/item/v1_to_v2.yaml"]
        here.schema("item", 2, V1)
        assert cli("new", "item", "--from-model", name) == Done(
            1,
            "",
            "✗ schemas/item/v2.json was found, which has no spec yet and is not what the class says, "
            "a spec that leads to it was expected; "
            "draft specs/item/v1_to_v2.yaml without --from-model, or delete that schema\n",
        )

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("Task", "--from-model Task was found, module:Class was expected"),
            ("json:Tasc", "no class 'Tasc' was found in json, the name of a class was expected"),
            (
                "json:JSONDecodr",
                "no class 'JSONDecodr' was found in json, the name of a class was expected; "
                "did you mean 'JSONDecoder'?",
            ),
            (
                "json:JSONDecoder",
                "the class JSONDecoder was found, "
                "a pydantic model, dataclass, attrs class, TypedDict or msgspec Struct was expected",
            ),
            (
                "no_such_module:Task",
                "the module 'no_such_module' could not be imported (ModuleNotFoundError: No module named "
                "'no_such_module'), one that $HERE or Python's path has was expected",
            ),
        ],
    )
    def test_no_model(self, tmp_path: Path, name: str, sentence: str) -> None:
        """What names no class, or one that cannot be frozen."""
        assert cli("new", "item", "--from-model", name) == Done(
            1, "", f"✗ {sentence.replace('$HERE', str(tmp_path))}\n"
        )

    def test_a_field_that_json_cannot_hold(self) -> None:
        """The library's own reason is told."""
        done = cli("new", "item", "--from-model", model("struct", 7, "title: complex"))
        assert done.code == 1
        assert done.err.startswith("✗ the class Task was found (")
        assert done.err.endswith("), fields that JSON can hold were expected\n")

    def test_a_module_that_fails(self) -> None:
        """Whatever a module raises is told in a sentence."""
        Path("failing_model.py").write_text("1 / 0\n", "utf-8")
        assert "(ZeroDivisionError: division by zero)" in cli("new", "item", "--from-model", "failing_model:Task").err
