"""The files of a project as a whole: schemas without a spec, and what changed although it is released."""

from __future__ import annotations

import json
import subprocess

import pytest

from migrate_spec.codec import Json
from migrate_spec.errors import SpecError
from migrate_spec.upkeep import project_findings
from tests.cli_support import cli, document
from tests.conftest import Folder


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


def test_validate_tells_of_the_files(project: Folder) -> None:
    """What is odd about the files fails as any error does; with a FILE only what is about it."""
    project.schema("user", 2, USER)
    words = ("validate", "--specs", project.specs, "--schemas", project.schemas)
    spec = project.specs / "user" / "v1_to_v2.yaml"
    sentence = (
        f"a schema that no spec leads to was found, the spec {spec} was expected; `migrate-spec new user` drafts it"
    )
    told = f"{project.schemas / 'user' / 'v2.json'}:1:1: error: {sentence} [schema-without-spec]"
    done = cli(*words)
    assert (done.code, done.out.splitlines()[0]) == (1, told)
    assert cli(*words, project.schemas / "user" / "v1.json").code == 0


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
