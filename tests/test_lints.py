"""What is odd about specs: the tables in ``lints/<code>.yaml``, what a spec allows, and the files of a project.

A row has the properties of the schemas ``before`` and ``after``, ``steps`` as they stand in a spec, and what it
``says``: each finding of the code with its line among the steps (0: above them). A property is a schema, or its types;
``!`` behind the name says that it is required. The schemas are closed, unless ``open`` says that they are not. The keys
``stamp``, ``allow`` and ``downgrade`` are those of the spec; records carry no stamp, but for those of a ``stamp``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from inspect import cleandoc
from pathlib import Path
from typing import Any

import pytest

from migrate_spec.allowing import allowed
from migrate_spec.codec import Json
from migrate_spec.errors import Fault, Place, SpecError
from migrate_spec.findings import FINDINGS, Finding
from migrate_spec.lints import all_checks, lints
from migrate_spec.migration import Migration
from migrate_spec.project import load
from migrate_spec.schema import Schema
from migrate_spec.spec import parse_spec
from migrate_spec.upkeep import project_findings
from migrate_spec.validation import validated
from tests import spec_of
from tests.cli_support import cli, document
from tests.conftest import SCHEMAS, SPECS, Folder
from tests.test_operations import yaml

TABLES = Path(__file__).parent / "lints"
ROWS: list[tuple[str, dict[str, Any]]] = [
    (file.stem, row) for file in sorted(TABLES.glob("*.yaml")) for row in yaml(file.read_text("utf-8"), str(file))
]

SECONDS = 0.1
"""That a search for a counterexample may take."""


def schema(row: Mapping[str, Any], side: str) -> Schema:
    """A schema of a row."""
    given: dict[str, Any] = row[side]
    content: dict[str, Json] = (
        {"type": "object"} if row.get("open") else {"type": "object", "additionalProperties": False}
    )
    content |= {"properties": {name.rstrip("!"): _property(part) for name, part in given.items()}}
    content |= {"required": [name[:-1] for name in given if name.endswith("!")]}
    content |= {
        keyword: row[key] for key, keyword in (("patterns", "patternProperties"), ("defs", "$defs")) if key in row
    }
    return Schema(content, f"schemas/task/{side}.json")


def _property(given: Json) -> Json:
    return given if isinstance(given, dict) else {"type": given}


def migration(row: Mapping[str, Any]) -> tuple[Migration, int]:
    """The migration of a row, and the line in which its steps begin."""
    keys = {key: row[key] for key in ("allow", "downgrade") if key in row}
    head = {"collection": "task", "prefix": "task:", "from": 1, "to": 2, "stamp": row.get("stamp"), **keys}
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in head.items()) + "steps:\n"
    steps = "".join(f"  {line}\n" for line in row["steps"].splitlines())
    before, after = schema(row, "before"), schema(row, "after")
    spec, faults = parse_spec(text + steps, "spec.yaml")
    assert [str(fault) for fault in faults] == []
    assert spec is not None
    bound, faults = spec.bound(before, after, Path(__file__).parent)
    assert [str(fault) for fault in faults] == []
    return Migration(bound, before, after), len(head) + 1


def findings(row: Mapping[str, Any], code: str) -> list[str]:
    """What is found of a code, each with its line."""
    made, first = migration(row)
    by_verdict = code == "unused-allow"
    said = validated(made, seconds=SECONDS).findings if by_verdict else lints(made)
    found = [fault for fault in said if fault.code == code and not allowed(made.spec, fault)]
    return [f"{max(_line(fault) - first, 0)}: {replace(fault, where=None)}" for fault in found]


def _line(fault: Fault) -> int:
    assert isinstance(fault.where, Place)
    return fault.where.line


@pytest.mark.parametrize(("code", "row"), ROWS, ids=[f"{code}: {row['name']}" for code, row in ROWS])
def test_what_is_found(code: str, row: dict[str, Any]) -> None:
    """All that is found of the code, in its line and in whole sentences; and nothing more."""
    assert findings(row, code) == row.get("says", [])


@pytest.mark.parametrize("code", sorted({code for code, _ in ROWS}))
def test_each_code_has_its_rows(code: str) -> None:
    """Six specs and more of which nothing is to be said, and as many of which something is."""
    rows = [row for other, row in ROWS if other == code]
    assert len([row for row in rows if "says" in row]) >= 6
    assert len([row for row in rows if "says" not in row]) >= 6


def test_each_check_has_a_code() -> None:
    """A check is called as what it finds, and has a table."""
    assert set(all_checks()) <= set(FINDINGS)
    assert set(all_checks()) <= {code for code, _ in ROWS}


EXAMPLES = {code: finding for code, finding in FINDINGS.items() if finding.example}


@pytest.mark.parametrize(("code", "finding"), EXAMPLES.items(), ids=EXAMPLES)
def test_an_example_is_true(code: str, finding: Finding) -> None:
    """In the example of a code it is found, and nothing else that is as grave."""
    example = yaml(cleandoc(finding.example), "findings.py")
    before, after = (Schema(example[side], f"schemas/task/{side}.json") for side in ("before", "after"))
    found = validated(Migration(spec_of(example["steps"], stamp=None), before, after), seconds=SECONDS).findings
    assert [fault.code for fault in found if fault.severity == finding.severity and fault.code != "loss"] == (
        [code] if code != "loss" else []
    )
    assert code in {fault.code for fault in found}


def test_the_shipped_specs_are_proved_and_not_odd() -> None:
    """Of the specs that ship there is nothing to say that would be a fault."""
    project = load(SPECS, SCHEMAS)
    for one in project.registry:
        report = validated(one)
        assert (report.up.kind, [fault for fault in report.findings if fault.severity != "info"]) == ("proved", [])
    assert list(project_findings(project.registry, SPECS, SCHEMAS)) == []


def test_what_is_odd_is_told_without_hypothesis() -> None:
    """To look at specs about which there is nothing to say imports nothing that is slow to start."""
    code = f"""
import sys
from migrate_spec.lints import lints
from migrate_spec.project import load
assert all(fault.code == "loss" for one in load({str(SPECS)!r}, {str(SCHEMAS)!r}).registry for fault in lints(one))
print([name for name in ("hypothesis", "rocksdict", "jsonschema") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# ---------------------------------------------------------------------------------------------------------- allow

HEAD = 'collection: task\nprefix: "task:"\nfrom: 1\nto: 2\n'

OF_STEPS = "loss, no-effect, overwritten, refuses, refuted, refuted-downgrade, "
AT_A_STEP = f"one of {OF_STEPS}table-incomplete, unknown-path was expected"
AT_THE_TOP = (
    f"one of {OF_STEPS}released-changed, schema-unchanged, table-incomplete, unknown-path, unproved, "
    "unproved-downgrade was expected"
)

REFUSED = {
    "allow: {loss: ''}\nsteps: []": '5:15: a text "" was found, a text that is not empty was expected',
    "allow: {}\nsteps: []": "5:8: an object with no entries was found, at least 1 was expected",
    "allow: loss\nsteps: []": '5:8: a text "loss" was found, an object was expected',
    "steps: [{add: {a: 1}, allow: {lost: why}}]": (
        f"5:31: the unknown key 'lost' was found, {AT_A_STEP}; did you mean 'loss'?"
    ),
    "steps: [{add: {a: 1}, allow: {unproved: why}}]": f"5:31: the unknown key 'unproved' was found, {AT_A_STEP}",
    "allow: {unused-allow: why}\nsteps: []": f"5:9: the unknown key 'unused-allow' was found, {AT_THE_TOP}",
    "allow: {schema-without-spec: why}\nsteps: []": (
        f"5:9: the unknown key 'schema-without-spec' was found, {AT_THE_TOP}"
    ),
}


@pytest.mark.parametrize(("text", "sentence"), REFUSED.items(), ids=[repr(text) for text in REFUSED])
def test_what_cannot_be_allowed(text: str, sentence: str) -> None:
    """A finding that there is not, one that has no place there, and one without a reason."""
    _, faults = parse_spec(HEAD + text, "f.yaml")
    assert [str(fault).removeprefix("f.yaml:") for fault in faults] == [sentence]


def test_what_is_allowed_is_no_part_of_the_meaning() -> None:
    """A spec that was applied can be allowed more afterwards."""
    bare, allowing = (
        spec_of([{"add": {"a": 1}} | step], **keys)
        for step, keys in (({}, {}), ({"allow": {"loss": "it is meant"}}, {"allow": {"no-effect": "so it is"}}))
    )
    assert bare == allowing
    assert bare.text == allowing.text


# ------------------------------------------------------------------------------------- the files of a whole project


def closed(**properties: str) -> dict[str, Json]:
    """A closed schema."""
    known: dict[str, Json] = {name: {"type": kind} for name, kind in properties.items()}
    return {"type": "object", "additionalProperties": False, "properties": known}


OLD, NEW = closed(a="string"), closed(b="string")
RENAME = {"rename": {"a": "b"}}
USER = closed(name="string")


@pytest.fixture
def project(folder: Folder) -> Folder:
    """A project of two collections, of which one has its first schema alone."""
    folder.schema("task", 1, OLD).schema("task", 2, NEW).spec("task", 1, RENAME, stamp=None)
    (folder.schemas / "user").mkdir()
    return folder.schema("user", 1, USER)


def told(folder: Folder) -> list[str]:
    """What is found of the files, each as it is seen from their folder."""
    found = project_findings(folder.load().registry, folder.specs, folder.schemas)
    return [f"{fault.code}, {fault.severity}: {str(fault).replace(f'{folder.specs.parent}/', '')}" for fault in found]


def without_spec(file: str, spec: str) -> str:
    """What is said of a schema that no spec leads to."""
    return (
        f"schema-without-spec, error: schemas/{file}:1:1: a schema that no spec leads to was found, "
        f"the spec specs/{spec} was expected; `migrate-spec new {file.partition('/')[0]}` drafts it"
    )


def differs(place: str, file: str, since: str) -> str:
    """What is said of a file that changed although it is released."""
    return (
        f"released-changed, error: {place}: {file} was found to say something else than in {since}, "
        "it was expected to stay as it is, as its version is released; put it back, and write the next version"
    )


def test_each_schema_has_its_spec(project: Folder) -> None:
    """The first schema of a collection needs none."""
    assert told(project) == []


def test_a_schema_that_is_newer_than_its_specs(project: Folder) -> None:
    """Each such schema is told, with the spec that is missing."""
    project.schema("task", 3, NEW).schema("task", 4, NEW).schema("user", 2, USER)
    assert told(project) == [
        without_spec("task/v3.json", "task/v2_to_v3.yaml"),
        without_spec("task/v4.json", "task/v3_to_v4.yaml"),
        without_spec("user/v2.json", "user/v1_to_v2.yaml"),
    ]


def test_a_schema_between_two_that_have_specs(folder: Folder) -> None:
    """A collection may begin late, and from then on each of its schemas has a spec."""
    folder.spec("other", 1).spec("task", 2, stamp=None).schema("task", 1, OLD)
    assert told(folder) == [without_spec("task/v2.json", "task/v1_to_v2.yaml")]


# -------------------------------------------------------------------------------------------------------- releases


def git(folder: Folder, *words: str) -> None:
    """Have git do something."""
    whoever = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder.specs.parent, *whoever, *words], check=True, capture_output=True)


@pytest.fixture
def tagged(project: Folder) -> Folder:
    """The project in a repository, released by a tag."""
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "First")
    git(project, "tag", "v1.0")
    return project


@pytest.fixture
def recorded(project: Folder) -> Folder:
    """The project, released by `migrate-spec release`."""
    assert cli("release", "--specs", project.specs, "--schemas", project.schemas).code == 0
    return project


@pytest.fixture(params=["tagged", "recorded"])
def released(request: pytest.FixtureRequest) -> Folder:
    """The project, released in each way."""
    found: Folder = request.getfixturevalue(request.param)
    return found


def since(folder: Folder) -> str:
    """What the project was released by."""
    return "released.json" if (folder.specs.parent / "released.json").is_file() else "v1.0"


def test_what_is_released_stays(released: Folder) -> None:
    """Nothing is said of a project that is as it was."""
    assert told(released) == []


def test_a_released_schema_changed(released: Folder) -> None:
    """Another type in a released schema is told."""
    released.schema("user", 1, closed(name="integer"))
    assert told(released) == [differs("schemas/user/v1.json:1:1", "schemas/user/v1.json", since(released))]


def test_a_released_spec_changed(released: Folder) -> None:
    """Another option in a released spec is told."""
    released.spec("task", 1, RENAME | {"if_exists": "replace"}, stamp=None)
    place = "specs/task/v1_to_v2.yaml:1:51"
    assert told(released) == [differs(place, "specs/task/v1_to_v2.yaml", since(released))]


def test_a_remark_may_change(released: Folder) -> None:
    """Titles, descriptions, notes and the order of keys mean nothing."""
    content = dict(reversed(USER.items())) | {"title": "A user", "$comment": "x", "default": {}}
    released.schema("user", 1, content)
    released.spec("task", 1, RENAME | {"note": "at last"}, stamp=None, description="A better name.")
    assert told(released) == []


def test_a_next_version_may_come(released: Folder) -> None:
    """What is new was not released."""
    released.schema("task", 3, closed(c="string")).spec("task", 2, {"rename": {"b": "c"}}, stamp=None)
    released.spec("user", 1)
    assert told(released) == []


def test_a_change_of_a_released_spec_is_allowed(released: Folder) -> None:
    """A spec allows its own change, and that of the schemas around it."""
    changed = RENAME | {"if_exists": "replace"}
    released.spec("task", 1, changed, stamp=None, allow={"released-changed": "nobody had installed it"})
    released.schema("task", 2, closed(b="string", c="string"))
    assert told(released) == []


def test_the_last_tag_counts(tagged: Folder) -> None:
    """What was changed before it was tagged is released as it is now; what was committed since is not."""
    tagged.schema("user", 1, closed(name="integer"))
    git(tagged, "commit", "--quiet", "--all", "--message", "Second")
    assert told(tagged) == [differs("schemas/user/v1.json:1:1", "schemas/user/v1.json", "v1.0")]
    git(tagged, "tag", "v1.1")
    assert told(tagged) == []


def test_packed_tags_count(tagged: Folder) -> None:
    """Tags need not lie in files of their own."""
    git(tagged, "pack-refs", "--all")
    tagged.schema("user", 1, closed(name="integer"))
    assert told(tagged) == [differs("schemas/user/v1.json:1:1", "schemas/user/v1.json", "v1.0")]


def test_a_project_in_a_folder_of_a_repository(folder: Folder) -> None:
    """The repository may begin above the project."""
    inner = Folder(folder.specs.parent / "inner").schema("user", 1, USER).spec("task", 1)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "First")
    git(folder, "tag", "v1.0")
    inner.schema("user", 1, closed(name="integer"))
    assert told(inner) == [differs("schemas/user/v1.json:1:1", "schemas/user/v1.json", "v1.0")]


def test_without_tags_nothing_is_released(tagged: Folder) -> None:
    """Of a repository without tags nothing is said."""
    git(tagged, "tag", "--delete", "v1.0")
    tagged.schema("user", 1, closed(name="integer"))
    assert told(tagged) == []


def test_without_git_nothing_is_released(tagged: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git is not installed nothing is said."""
    monkeypatch.setenv("PATH", str(tagged.specs))
    tagged.schema("user", 1, closed(name="integer"))
    assert told(tagged) == []


def test_a_record_counts_before_a_tag(tagged: Folder) -> None:
    """Who records releases is not asked for tags."""
    tagged.schema("user", 1, closed(name="integer"))
    assert cli("release", "--force", "--specs", tagged.specs, "--schemas", tagged.schemas).code == 0
    assert told(tagged) == []


def test_release_records_all_files(project: Folder) -> None:
    """The file has the version and a digest of each file."""
    file = project.specs.parent / "released.json"
    words = ("release", "--specs", project.specs, "--schemas", project.schemas)
    assert cli(*words) == (0, f"✓ {file} written: version 2, 4 files\n", "")
    written = json.loads(file.read_text("utf-8"))
    assert written["version"] == 2
    names = ["schemas/task/v1.json", "schemas/task/v2.json", "schemas/user/v1.json", "specs/task/v1_to_v2.yaml"]
    assert list(written["files"]) == names
    assert document(*words) == {"ok": True, "findings": [], "file": str(file), "version": 2, "files": 4}


def test_release_refuses_what_changed(recorded: Folder) -> None:
    """What was released once is not recorded anew without a word."""
    recorded.schema("user", 1, closed(name="integer"))
    words = ("release", "--specs", recorded.specs, "--schemas", recorded.schemas)
    file = recorded.schemas / "user" / "v1.json"
    sentence = differs(f"{file}:1:1", "schemas/user/v1.json", "released.json").partition(": ")[2]
    assert cli(*words) == (1, "", f"✗ {sentence}\n")
    assert [finding["code"] for finding in document(*words, code=1)["findings"]] == ["released-changed"]
    assert cli(*words, "--force").code == 0
    assert told(recorded) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": []}'])
def test_a_record_that_cannot_be_read(project: Folder, text: str) -> None:
    """A broken record is an error, as nothing can be said of what is released."""
    file = project.specs.parent / "released.json"
    file.write_text(text, "utf-8")
    with pytest.raises(SpecError) as caught:
        told(project)
    assert str(caught.value) == (
        f"{file}:1:1: a text that cannot be understood was found, what `migrate-spec release` writes was expected; "
        "put released.json back as it was"
    )
