"""Projects: all specs and schemas, read and checked as a whole from real files."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from migrate_spec.errors import MigrationPathMissing, RecordRejected, SpecError
from migrate_spec.migration import Migration
from migrate_spec.operations.add import Add
from migrate_spec.project import Project, load
from migrate_spec.registry import MigrationRegistry
from migrate_spec.schema import Schema
from tests import spec_of

ANY = {f"schemas/{name}/v{version}.json": "{}" for name in ("task", "note") for version in range(1, 6)}
V1 = '{"required":["id"]}'
V2 = '{"required":["id","n"],"properties":{"n":{"type":"integer"}}}'

Write = Callable[[dict[str, str]], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes the files of a project and makes its folder the current one."""
    monkeypatch.chdir(tmp_path)

    def files(contents: dict[str, str]) -> None:
        for name, content in {"specs/.keep": "", **contents}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode("latin-1" if "\xff" in content else "utf-8"))

    return files


def spec(collection: str = "task", start: int = 1, **keys: Any) -> str:
    """A spec as YAML, one key a line: collection, prefix, from, to, steps, and what else is given."""
    base = {"collection": collection, "prefix": f"{collection}:", "from": start, "to": start + 1, "steps": []}
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in (base | keys).items())


def faults() -> list[str]:
    """All faults of the project in the current folder, in their order."""
    with pytest.raises(SpecError) as caught:
        load()
    assert str(caught.value).split("\n") == [str(fault) for fault in caught.value.faults]
    return [str(fault) for fault in caught.value.faults]


REFUSED: dict[str, tuple[dict[str, str], list[str]]] = {
    "no spec": (ANY, ["specs:1:1: no spec was found, <collection>/vN_to_vM.yaml was expected"]),
    # the files
    "the wrong ending": (
        {"specs/task/v1_to_v2.yml": spec()},
        [
            "specs/task/v1_to_v2.yml:1:1: a file called v1_to_v2.yml was found here, "
            "<collection>/vN_to_vM.yaml was expected; rename or move it"
        ],
    ),
    "misplaced files": (
        {
            "specs/v1_to_v2.yaml": spec(),
            "specs/task/old/v1_to_v2.yaml": spec(),
            "specs/task/v01_to_v2.yaml": spec(),
            "specs/task/v1-v2.yaml": spec(),
            "specs/task/notes.txt": "not looked at",
            "specs/task/.v1_to_v2.yaml": "hidden",
            "specs/.git/config.yaml": "hidden",
        },
        [
            f"specs/{file}:1:1: a file called {file.split('/')[-1]} was found here, "
            "<collection>/vN_to_vM.yaml was expected; rename or move it"
            for file in ("task/old/v1_to_v2.yaml", "task/v01_to_v2.yaml", "task/v1-v2.yaml", "v1_to_v2.yaml")
        ],
    ),
    "not UTF-8": (
        ANY | {"specs/task/v1_to_v2.yaml": "collection: task\nprefix: a\xff\n"},
        ["specs/task/v1_to_v2.yaml:2:10: the byte 0xff was found, UTF-8 text was expected; save the file as UTF-8"],
    ),
    "empty": (
        ANY | {"specs/task/v1_to_v2.yaml": ""},
        ["specs/task/v1_to_v2.yaml:1:1: an empty file was found, a spec was expected"],
    ),
    "remarks only": (
        ANY | {"specs/task/v1_to_v2.yaml": "# later\n"},
        ["specs/task/v1_to_v2.yaml:1:1: no document was found, a spec was expected"],
    ),
    # the name of a file and what it says
    "another collection": (
        ANY | {"specs/task/v1_to_v2.yaml": spec("note")},
        [
            "specs/task/v1_to_v2.yaml:1:13: collection: note was found, collection: task was expected, "
            "as the file is task/v1_to_v2.yaml; rename the file or mend the key"
        ],
    ),
    "other versions": (
        ANY | {"specs/task/v1_to_v2.yaml": spec(start=2)},
        [
            "specs/task/v1_to_v2.yaml:3:7: from: 2 was found, from: 1 was expected, "
            "as the file is task/v1_to_v2.yaml; rename the file or mend the key",
            "specs/task/v1_to_v2.yaml:4:5: to: 3 was found, to: 2 was expected, "
            "as the file is task/v1_to_v2.yaml; rename the file or mend the key",
        ],
    ),
    "a file over two steps": (
        ANY | {"specs/task/v1_to_v3.yaml": spec(to=3)},
        [
            "specs/task/v1_to_v3.yaml:4:5: to: 3 was found, 2 was expected, as the spec starts from 1; "
            "a spec leads to the next version"
        ],
    ),
    # between files
    "two specs for a step": (
        ANY | {"specs/task/v1_to_v2.yaml": spec(), "specs/task/v2_to_v3.yaml": spec()},
        [
            "specs/task/v2_to_v3.yaml:1:1: a second spec for task v1→v2 was found, "
            "one was expected (the other is specs/task/v1_to_v2.yaml); put all steps into one file",
            "specs/task/v2_to_v3.yaml:3:7: from: 1 was found, from: 2 was expected, "
            "as the file is task/v2_to_v3.yaml; rename the file or mend the key",
            "specs/task/v2_to_v3.yaml:4:5: to: 2 was found, to: 3 was expected, "
            "as the file is task/v2_to_v3.yaml; rename the file or mend the key",
        ],
    ),
    "a gap": (
        ANY | {"specs/task/v1_to_v2.yaml": spec(), "specs/task/v3_to_v4.yaml": spec(start=3)},
        [
            "specs/task/v3_to_v4.yaml:3:7: a spec for v3→v4 was found, one for v2→v3 was expected before it, "
            "as another leads to version 2; "
            "a step may have no operations: write `steps: []` where only the version is raised"
        ],
    ),
    "a wide gap, of another collection": (
        ANY | {"specs/task/v1_to_v2.yaml": spec(), "specs/note/v4_to_v5.yaml": spec("note", 4)},
        [
            "specs/note/v4_to_v5.yaml:3:7: a spec for v4→v5 was found, one for each step from v2 to v4 was expected "
            "before it, as another leads to version 2; "
            "a step may have no operations: write `steps: []` where only the version is raised"
        ],
    ),
    "a file with faults leaves no gap": (
        ANY
        | {
            "specs/task/v1_to_v2.yaml": spec(),
            "specs/task/v2_to_v3.yaml": "steps: [",
            "specs/task/v3_to_v4.yaml": spec(start=3),
        },
        ["specs/task/v2_to_v3.yaml:1:9: expected the node content, but found '<stream end>', YAML was expected"],
    ),
    "prefixes one in the other": (
        ANY | {"specs/task/v1_to_v2.yaml": spec(), "specs/note/v1_to_v2.yaml": spec("note", prefix="task:note:")},
        [
            "specs/task/v1_to_v2.yaml:2:9: the prefix 'task:' was found, keys apart from 'task:note:' of "
            "specs/note/v1_to_v2.yaml:2:9 were expected; no record may belong to two collections"
        ],
    ),
    "one prefix for two": (
        ANY | {"specs/task/v1_to_v2.yaml": spec(prefix="x"), "specs/note/v1_to_v2.yaml": spec("note", prefix="x")},
        [
            "specs/task/v1_to_v2.yaml:2:9: the prefix 'x' was found, keys apart from 'x' of "
            "specs/note/v1_to_v2.yaml:2:9 were expected; no record may belong to two collections"
        ],
    ),
    "prefix and stamp change on the way": (
        ANY
        | {
            "specs/task/v1_to_v2.yaml": spec(),
            "specs/task/v2_to_v3.yaml": spec(start=2, prefix="tasks:", stamp={"path": "v", "as": "string"}),
        },
        [
            "specs/task/v2_to_v3.yaml:2:9: prefix: 'tasks:' was found, prefix: 'task:' was expected, "
            "as in specs/task/v1_to_v2.yaml:2:9",
            "specs/task/v2_to_v3.yaml:6:8: stamp: {'path': 'v', 'as': 'string'} was found, "
            "stamp: 'schema_version' was expected, as in specs/task/v1_to_v2.yaml:1:1",
        ],
    ),
    "a reserved prefix": (
        ANY | {"specs/task/v1_to_v2.yaml": spec(prefix="_")},
        [
            "specs/task/v1_to_v2.yaml:2:9: the prefix '_' was found, a prefix apart from _schema_version, "
            "_migration_history, _migration_in_progress, _backup_, _quarantine, "
            "_complement: was expected, which the system keeps "
            "for itself"
        ],
    ),
    # schemas
    "no schemas": (
        {"specs/task/v1_to_v2.yaml": spec()},
        [
            "specs/task/v1_to_v2.yaml:3:7: no schema schemas/task/v1.json was found, one was expected, as this spec "
            "starts from that version; write the JSON Schema of its documents, or of an earlier version",
            "specs/task/v1_to_v2.yaml:4:5: no schema schemas/task/v2.json was found, one was expected, as this spec "
            "leads to that version; write the JSON Schema of its documents",
        ],
    ),
    "a schema of a later version only": (
        {"specs/task/v2_to_v3.yaml": spec(start=2), "schemas/task/v3.json": "{}"},
        [
            "specs/task/v2_to_v3.yaml:3:7: no schema schemas/task/v2.json was found, one was expected, as this spec "
            "starts from that version; write the JSON Schema of its documents, or of an earlier version"
        ],
    ),
    "schemas that are none": (
        {
            "specs/task/v1_to_v2.yaml": spec(),
            "schemas/task/v1.json": '{"$schema": "http://json-schema.org/draft-04/schema#"}',
            "schemas/task/v2.json": '{"type": "objekt"}',
            "schemas/task/v3.json": "{\n",
            "schemas/task/v4.json": "\xff",
            "schemas/task/vier.json": "{}",
            "schemas/task/v04.json": "{}",
            "schemas/spec.schema.json": "for editors: not looked at",
        },
        [
            "schemas/task/v04.json:1:1: a file called v04.json was found here, <collection>/vN.json was expected; "
            "rename or move it",
            'schemas/task/v1.json:1:1: "$schema": "http://json-schema.org/draft-04/schema#" was found, '
            '"$schema": "https://json-schema.org/draft/2020-12/schema" was expected',
            "schemas/task/v2.json:1:1: a text \"objekt\" was found at 'type', one of "
            '"array", "boolean", "integer", "null", "number", "object", "string" was expected; '
            "did you mean 'object'?",
            "schemas/task/v3.json:2:1: text that cannot be read was found "
            "(expecting property name enclosed in double quotes), JSON was expected",
            "schemas/task/v4.json:1:1: a byte that is not UTF-8 was found at offset 0, UTF-8 text was expected",
            "schemas/task/vier.json:1:1: a file called vier.json was found here, <collection>/vN.json was expected; "
            "rename or move it",
        ],
    ),
    # examples
    "an example that does not fit before": (
        {
            "specs/task/v1_to_v2.yaml": spec(steps=[{"add": {"n": 0}}], examples=[{"before": {}, "after": {}}]),
            "schemas/task/v1.json": V1,
            "schemas/task/v2.json": V2,
        },
        [
            "specs/task/v1_to_v2.yaml:6:12: no 'id' was found in `before`, it is required (by schemas/task/v1.json)",
        ],
    ),
    "an example that is refused": (
        {
            "specs/task/v1_to_v2.yaml": spec(
                steps=[{"rename": {"l[].x": "y"}}, {"add": {"n": 0}}],
                examples=[
                    {"before": {"id": 1, "l": [{}, {"x": 1, "y": 2}]}, "after": {}},
                    {"before": {"id": 1, "schema_version": 3}, "after": {}},
                ],
            ),
            "schemas/task/v1.json": V1,
            "schemas/task/v2.json": V2,
        },
        [
            "specs/task/v1_to_v2.yaml:6:12: an integer 2 was found in the example at 'l[1].y', no such field was "
            "expected, as 'l[].x' becomes it; say `if_exists: keep` or `if_exists: replace`, "
            "or remove one of the two first",
            "specs/task/v1_to_v2.yaml:6:77: a record of version 3 was found in the example at 'schema_version', "
            "at most version 2 was expected; it was written by a newer program",
        ],
    ),
    "an example whose result does not fit": (
        {
            "specs/task/v1_to_v2.yaml": spec(
                steps=[{"add": {"n": "0"}}], examples=[{"before": {"id": 1}, "after": {"id": 1, "n": "0"}}]
            ),
            "schemas/task/v1.json": V1,
            "schemas/task/v2.json": V2,
        },
        ["specs/task/v1_to_v2.yaml:6:12: a text \"0\" was found in the example at 'n', an integer was expected"],
    ),
    "examples that come out otherwise": (
        {
            "specs/task/v1_to_v2.yaml": spec(
                steps=[{"add": {"n": 0}}],
                examples=[
                    {"before": {"id": 1}, "after": {"schema_version": 2, "id": 1, "n": 0.0}},
                    {"before": {"id": 1}, "after": {"id": 1, "n": 0}},
                    {"before": {"id": 1}, "after": {"schema_version": 2, "id": 1, "n": 0, "m": None}},
                    {
                        "before": {"id": 1, "a": [{"b": 1}]},
                        "after": {"schema_version": 2, "id": 1, "a": [{"b": 2}], "n": 0},
                    },
                    {"before": {"id": 1, "a": [1]}, "after": {"schema_version": 2, "id": 1, "a": [1, 2], "n": 0}},
                ],
            ),
            "schemas/task/v1.json": V1,
            "schemas/task/v2.json": V2,
        },
        [
            "specs/task/v1_to_v2.yaml:6:12: 0 came out at 'n', 0.0 was expected by `after`; "
            "mend the example or the steps",
            "specs/task/v1_to_v2.yaml:6:86: 2 came out at 'schema_version', nothing was expected by `after`; "
            "mend the example or the steps",
            "specs/task/v1_to_v2.yaml:6:137: nothing came out at 'm', null was expected by `after`; "
            "mend the example or the steps",
            "specs/task/v1_to_v2.yaml:6:220: 1 came out at 'a[0].b', 2 was expected by `after`; "
            "mend the example or the steps",
            "specs/task/v1_to_v2.yaml:6:326: [1] came out at 'a', [1, 2] was expected by `after`; "
            "mend the example or the steps",
        ],
    ),
    # all of it in one go
    "all faults of all files": (
        {
            "specs/task/v1_to_v2.yaml": spec(extra=1, steps=[{"ad": {"a": 1}}, {"add": {}}]),
            "specs/task/v2_to_v3.yaml": "a: [",
            "specs/note/v1_to_v2.yaml": spec("not"),
            "specs/x.yml": "",
            "schemas/note/v1.json": "[]",
        },
        [
            "schemas/note/v1.json:1:1: a list was found, an object was expected",
            "specs/note/v1_to_v2.yaml:1:13: collection: not was found, collection: note was expected, "
            "as the file is note/v1_to_v2.yaml; rename the file or mend the key",
            "specs/note/v1_to_v2.yaml:3:7: no schema schemas/not/v1.json was found, one was expected, as this spec "
            "starts from that version; write the JSON Schema of its documents, or of an earlier version",
            "specs/note/v1_to_v2.yaml:4:5: no schema schemas/not/v2.json was found, one was expected, as this spec "
            "leads to that version; write the JSON Schema of its documents",
            "specs/task/v1_to_v2.yaml:5:10: the unknown operation 'ad' was found, "
            "an operation was expected; did you mean 'add'?",
            "specs/task/v1_to_v2.yaml:5:35: an object with no entries was found, at least 1 was expected",
            "specs/task/v1_to_v2.yaml:6:1: the unknown key 'extra' was found, one of accept, allow, column_family, "
            "description, downgrade, encoding, examples, indexes, records, stamp was expected",
            "specs/task/v2_to_v3.yaml:1:5: expected the node content, but found '<stream end>', YAML was expected",
            "specs/x.yml:1:1: a file called x.yml was found here, <collection>/vN_to_vM.yaml was expected; "
            "rename or move it",
        ],
    ),
}


@pytest.mark.parametrize(("files", "sentences"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_with_a_project(write: Write, files: dict[str, str], sentences: list[str]) -> None:
    """All that is wrong with all files is told in one error, sorted by file, line and column."""
    write(files)
    assert faults() == sentences


def test_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no folder of specs, it is said how to get one."""
    monkeypatch.chdir(tmp_path)
    assert faults() == [
        "specs:1:1: no such folder was found, a folder with <collection>/vN_to_vM.yaml was expected; "
        "`migrate-spec init` makes one, --specs names another"
    ]


def test_nothing_is_written(write: Write, tmp_path: Path) -> None:
    """Reading a project, right or wrong, leaves its folder as it was."""
    write({"specs/task/v1_to_v2.yaml": spec(), "schemas/task/v1.json": "{}"})
    before = sorted(tmp_path.rglob("*"))
    assert len(faults()) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "files",
    [
        ANY | {"specs/task/v1_to_v2.yaml": spec(), "specs/note/v2_to_v3.yaml": spec("note", 2)},
        ANY | {"specs/task/v3_to_v4.yaml": spec(start=3)},
        ANY | {"specs/task/v1_to_v2.yaml": "\ufeff" + spec()},
        ANY | {"specs/task/v1_to_v2.yaml": spec().replace("\n", "\r\n")},
        ANY
        | {"specs/task/v1_to_v2.yaml": spec(), "specs/note/v1_to_v2.yaml": spec("note", prefix="tas")}
        | {"specs/task/v1_to_v2.yaml": spec(prefix="tbsk")},
    ],
    ids=["steps shared by collections", "a later start", "a byte order mark", "Windows", "prefixes that begin alike"],
)
def test_what_is_legal(write: Write, files: dict[str, str]) -> None:
    """A project without fault is read."""
    write(files)
    assert len(load().registry) == sum(name.endswith(".yaml") for name in files)


def test_the_schema_of_an_earlier_version_holds_on(write: Write) -> None:
    """A collection without a schema for a version has the last one before it."""
    write(
        {
            "specs/task/v3_to_v4.yaml": spec(start=3),
            "schemas/task/v1.json": '{"title":"one"}',
            "schemas/task/v2.json": '{"title":"two"}',
            "schemas/task/v4.json": '{"title":"four"}',
        }
    )
    (migration,) = load().registry
    assert (migration.schema_before, migration.schema_after) == (Schema({"title": "two"}), Schema({"title": "four"}))
    assert (migration.schema_before.file, migration.schema_after.file) == (
        "schemas/task/v2.json",
        "schemas/task/v4.json",
    )


def test_other_folders(write: Write, tmp_path: Path) -> None:
    """Specs and schemas may lie anywhere; faults name them as they were given."""
    write({"a/specs/task/v1_to_v2.yaml": spec(start=2), "b/task/v1.json": "{}"})
    with pytest.raises(SpecError) as caught:
        load(tmp_path / "a" / "specs", "b")
    assert [str(fault.where) for fault in caught.value.faults] == [
        f"{tmp_path}/a/specs/task/v1_to_v2.yaml:3:7",
        f"{tmp_path}/a/specs/task/v1_to_v2.yaml:4:5",
        f"{tmp_path}/a/specs/task/v1_to_v2.yaml:4:5",
    ]


@pytest.fixture
def project(write: Write) -> Project:
    """Tasks from version 1 to 3, notes from 2 to 3."""
    write(
        {
            "specs/task/v1_to_v2.yaml": spec(steps=[{"add": {"a": 1}}]),
            "specs/task/v2_to_v3.yaml": spec(start=2, steps=[{"rename": {"a": "b"}}]),
            "specs/note/v2_to_v3.yaml": spec("note", 2, steps=[{"add": {"n": 1}}], stamp=None),
            "schemas/task/v1.json": "{}",
            "schemas/task/v2.json": '{"required":["a"]}',
            "schemas/task/v3.json": '{"required":["b"]}',
            "schemas/note/v1.json": "{}",
            "schemas/note/v3.json": "{}",
        }
    )
    return load()


class TestAProject:
    """What a program asks of a project."""

    def test_its_migrations(self, project: Project) -> None:
        """The migrations are in the order of collections and versions, and found by both."""
        registry = project.registry
        assert [found.name for found in registry] == ["note v2→v3", "task v1→v2", "task v2→v3"]
        assert (project.version, registry.latest, registry.earliest, len(registry)) == (3, 3, 1, 3)
        assert registry.collections == ("note", "task")
        assert registry["task", 2].name == "task v2→v3"
        assert [found.name for found in registry.step(2)] == ["note v2→v3", "task v2→v3"]
        assert [found.name for found in registry.of("task", 2)] == ["task v1→v2"]

    def test_the_way_between_two_versions(self, project: Project) -> None:
        """A way has for each step the migrations of all collections that it touches."""
        path = project.registry.path(1, 3)
        assert [[found.name for found in step] for step in path] == [["task v1→v2"], ["note v2→v3", "task v2→v3"]]
        assert project.registry.path(2, 2) == ()

    @pytest.mark.parametrize(
        ("start", "end", "found", "expected"),
        [
            (3, 4, "no spec for v3→v4", "one was expected on the way from version 3 to 4"),
            (1, 5, "no spec for v3→v4, v4→v5", "one was expected on the way from version 1 to 5"),
            (2, 7, "no spec for v3→v4, v4→v5, v5→v6, …", "one was expected on the way from version 2 to 7"),
            (
                1,
                4294967295,
                "no spec for v3→v4, v4→v5, v5→v6, …",
                "one was expected on the way from version 1 to 4294967295",
            ),
        ],
    )
    def test_a_way_that_is_missing(self, project: Project, start: int, end: int, found: str, expected: str) -> None:
        """The first steps that no spec covers are named, at once."""
        with pytest.raises(MigrationPathMissing) as caught:
            project.registry.path(start, end)
        assert str(caught.value) == (
            f"{found} was found, {expected} (there are: v1→v2, v2→v3); "
            "add the missing spec, or pass the folder that has it with --specs"
        )

    def test_an_empty_registry(self) -> None:
        """Without migrations there is version 1, and a way to nowhere else."""
        registry = MigrationRegistry()
        assert (registry.earliest, registry.latest, len(registry), registry.path(1, 1)) == (1, 1, 0, ())

    @pytest.mark.parametrize(
        ("value", "after"),
        [
            (b"{}", b'{"schema_version":3,"b":1}'),
            (b'{"schema_version":2,"a":5}', b'{"schema_version":3,"b":5}'),
            (b'{"schema_version":3,"b":5}', None),
        ],
    )
    def test_upgrade(self, project: Project, value: bytes, after: bytes | None) -> None:
        """One record goes from its own version to the newest; one that is there stays the same object."""
        for _ in range(2):
            result = project.upgrade("task", value)
            assert result is value if after is None else result == after

    def test_upgrade_refuses(self, project: Project) -> None:
        """A record that does not fit is refused."""
        with pytest.raises(RecordRejected) as caught:
            project.upgrade("task", b'{"schema_version":3}')
        assert str(caught.value) == (
            "1 record cannot be migrated; nothing was changed; mend these records or the spec and run again\n"
            "  task v2→v3: schemas/task/v3.json: no 'b' was found, it is required"
        )

    def test_no_such_collection(self, project: Project) -> None:
        """A collection without specs is not known."""
        with pytest.raises(MigrationPathMissing) as caught:
            project.upgrade("user", b"{}")
        assert str(caught.value) == "no spec of the collection 'user' was found, one of note, task was expected"

    def test_it_travels(self, project: Project) -> None:
        """A project that was used goes to another process all the same."""
        project.upgrade("task", b"{}")
        sent = pickle.loads(pickle.dumps(project))  # noqa: S301 - our own bytes
        assert sent.upgrade("task", b"{}") == b'{"schema_version":3,"b":1}'
        assert [found.spec for found in sent.registry] == [found.spec for found in project.registry]


def test_a_registry_is_filled_from_data_alone() -> None:
    """Migrations come in any order and are sorted."""
    specs = [spec_of([], **{"from": start, "to": start + 1}) for start in (3, 1, 2)]
    registry = MigrationRegistry(Migration(one, Schema({}), Schema({})) for one in specs)
    assert [found.from_version for found in registry] == [1, 2, 3]


def test_an_example_that_does_not_come_back(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where steps claim to lose nothing, an example comes down again, and a wrong way back is a fault."""
    example = {"before": {"id": 1}, "after": {"schema_version": 2, "id": 1, "n": 5}}
    write(ANY | {"specs/task/v1_to_v2.yaml": spec(steps=[{"add": {"n": 5}}], examples=[example])})
    assert load().version == 2
    monkeypatch.setattr(Add, "backward", lambda _: lambda _: False)
    assert faults() == [
        "specs/task/v1_to_v2.yaml:6:12: 5 came back at 'n', nothing was expected, as in `before`: "
        "the steps claim to lose nothing; an operation has a wrong way back; please report it"
    ]
