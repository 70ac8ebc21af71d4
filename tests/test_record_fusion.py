"""Operations on records over several versions: one run does what several runs do, one version at a time.

And what has been moved already is never moved again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import migrate_spec as ms
from tests.conftest import VERSION, Folder, compact, data, dump, make
from tests.test_laws import LAW, TIMES, spelled
from tests.test_record_operations import ROWS, Row, records, shown, written

SEVERAL = [
    pytest.param(row, id=row["name"]) for _, row in ROWS if len(row.get("specs", ())) > 1 and "refused" not in row
]
"""The rows of the tables with several specs."""


def step_by_step(manager: ms.MigrationManager) -> list[str]:
    """Carry a database up in one run for each version; the backups that were made."""
    reports = [manager.apply(version + 1) for version in range(manager.version(), manager.plan().to_version)]
    return [report.backup for report in reports if report.backup]


@pytest.mark.parametrize("row", SEVERAL)
def test_each_row_in_several_runs(row: Row, tmp_path: Path, folder: Folder) -> None:
    """What the tables say of one run is so of several, and each byte comes back by one rollback, or by several."""
    before, after = records(row, "before"), records(row, "after")
    manager = ms.MigrationManager(make(tmp_path / "db", before), written(row, folder).load())
    backups = step_by_step(manager)
    assert shown(data(manager.path)) == shown(after)
    there = data(manager.path)
    for _ in backups:
        assert manager.rollback().later_writes == 0
    assert shown(data(manager.path)) == shown(before)
    backups = step_by_step(manager)
    assert data(manager.path) == there
    assert manager.rollback(backups[0]).later_writes == 0
    assert shown(data(manager.path)) == shown(before)


TASK = {"stamp": "schema_version"}
MOVE = {"rekey": {"from": "task:{id}", "to": "project:{project}:task:{id}"}}
ONE_TEXT = "idx_status:{status}:{id}"
NOTES = {"notes": {"to": "note:{id}:{.index}", "with": {"task": "id"}}}


@dataclass(frozen=True)
class Way:
    """Specs, and what their records may be.

    Attributes:
        specs: by collection and version.
        notes: whether there are records of notes from the beginning, which belong to the tasks.
        already: what a record that is at version 2 already looks like, by its key; it must be at home there.
    """

    specs: Mapping[str, Any]
    notes: bool = False
    already: str = ""


WAYS = {
    "other keys twice": Way(
        {
            "task/1": {**TASK, "records": [MOVE]},
            "task/2": {
                **TASK,
                "prefix": "project:",
                "steps": [{"default": {"owner": "nobody"}, "also_null": True}],
                "records": [{"rekey": {"from": "project:{p}:task:{id}", "to": "owner:{owner}:{p}:{id}"}}],
            },
        }
    ),
    "other keys below the same beginning": Way(
        {
            "task/1": {**TASK, "records": [{"rekey": {"from": "task:{id}", "to": "task:{project}:{id}"}}]},
            "task/2": {**TASK, "steps": [{"default": {"owner": "nobody"}}]},
        },
        already="task:at {project}:{id}",
    ),
    "records that go": Way(
        {
            "task/1": {**TASK, "records": [{"drop": {"where": {"gone": True}}}]},
            "task/2": {
                **TASK,
                "steps": [{"default": {"gone": False}}],
                "records": [{"drop": {"where": {"status": "c"}}}],
            },
            "task/3": {**TASK, "records": [{"drop": {"where": {"owner": None}}}]},
        },
        already="task:at {project}:{id}",
    ),
    "items become records of no collection": Way(
        {
            "task/1": {**TASK, "records": [{"explode": NOTES}]},
            "task/2": {**TASK, "steps": [{"default": {"owner": ""}}], "records": [MOVE]},
        }
    ),
    "items become records with steps of their own": Way(
        {
            "task/1": {**TASK, "records": [{"explode": NOTES}, {"drop": {"where": {"gone": True}}}]},
            "note/1": {**TASK, "prefix": "note:", "steps": [{"default": {"first": 1}}]},
            "note/2": {**TASK, "prefix": "note:", "steps": [{"default": {"n": 0}}]},
            "note/3": {**TASK, "prefix": "note:", "steps": [{"map": {"n": {"0": 1}}, "else": "keep"}]},
        }
    ),
    "items become records whose first step comes later": Way(
        {
            "task/1": {**TASK, "records": [{"explode": NOTES}]},
            "note/2": {
                **TASK,
                "prefix": "note:",
                "indexes": {"by": {"from": None, "to": "idx_by:{by}:{task}:{k}"}},
                "steps": [{"default": {"by": "nobody"}}],
                "records": [{"drop": {"where": {"n": 1}}}],
            },
            "note/3": {
                **TASK,
                "prefix": "note:",
                "indexes": {"by": "idx_by:{by}:{task}:{k}"},
                "steps": [{"map": {"by": {"nobody": "a"}}, "else": "keep"}],
                "records": [{"rekey": {"from": "note:{rest}", "to": "n:{rest}"}}],
            },
        }
    ),
    "entries of indexes": Way(
        {
            "task/1": {
                **TASK,
                "indexes": {"status": ONE_TEXT, "owner": {"from": None, "to": "idx_owner:{owner}:{id}", "value": {}}},
                "steps": [{"map": {"status": {"a": "b"}}, "else": "keep"}],
                "records": [{"drop": {"where": {"gone": True}}}],
            },
            "task/2": {
                **TASK,
                "indexes": {"state": ONE_TEXT},
                "steps": [{"map": {"status": {"b": "a", "c": "d"}}, "else": "keep"}, {"default": {"owner": "nobody"}}],
            },
            "task/3": {
                **TASK,
                "indexes": {"owner": "idx_owner:{owner}:{id}", "state": {"from": ONE_TEXT, "to": "by {status}:{id}"}},
                "steps": [{"map": {"owner": {"x": "y", "nobody": None}}, "else": "keep"}],
                "records": [MOVE],
            },
        },
        already="task:at {project}:{id}",
    ),
    "another encoding": Way(
        {
            "task/1": {**TASK, "records": [{"recode": {"from": "json", "to": "msgpack"}}]},
            "task/2": {**TASK, "encoding": "msgpack", "steps": [{"default": {"owner": [1.5]}}]},
            "task/3": {**TASK, "encoding": "msgpack", "records": [{"recode": {"from": "msgpack", "to": "json"}}, MOVE]},
        }
    ),
    "records become items": Way(
        {
            "task/1": {**TASK, "records": [{"gather": {"texts": {"from": "note:{id}/{.index}", "without": ["task"]}}}]},
            "task/2": {**TASK, "steps": [{"rename": {"texts": "notes"}, "if_exists": "replace"}], "records": [MOVE]},
        },
        notes=True,
    ),
    "records become items after steps of their own": Way(
        {
            "task/1": {**TASK, "steps": [{"default": {"owner": ""}}]},
            "note/1": {**TASK, "prefix": "note:", "steps": [{"default": {"n": 0}}]},
            "task/2": {**TASK, "records": [{"gather": {"texts": {"from": "note:{id}/{.index}", "order_by": "n"}}}]},
        },
        notes=True,
    ),
    "all at once": Way(
        {
            "task/1": {
                **TASK,
                "indexes": {"status": ONE_TEXT},
                "steps": [{"map": {"status": {"a": "b"}}, "else": "keep"}],
                "records": [{"drop": {"where": {"gone": True}}}, {"explode": NOTES}, MOVE],
            },
            "note/2": {**TASK, "prefix": "note:", "steps": [{"default": {"n": 0}}]},
            "task/2": {
                **TASK,
                "prefix": "project:",
                "indexes": {"status": {"from": ONE_TEXT, "to": "project {project}:{status}:{id}"}},
                "records": [{"recode": {"from": "json", "to": "msgpack"}}],
            },
        }
    ),
}


@st.composite
def databases(draw: st.DrawFn, way: Way) -> dict[bytes, bytes]:
    """Tasks of version 1 in any spelling, with entries in indexes, of which some are missing, and notes."""
    random = draw(st.builds(Random, st.integers(0, 2**32)))
    found: dict[bytes, bytes] = {}
    for identity in draw(st.lists(st.sampled_from(["1", "2", "10", "a:b", "ü😀", "", "a:", "x y"]), unique=True)):
        note = {"n": st.integers(0, 2), "by": st.sampled_from(["a", "b"])}
        notes = st.lists(st.fixed_dictionaries({}, optional=note), max_size=3)
        items = [{"k": number} | item for number, item in enumerate(draw(notes))]
        fields = {
            "id": st.just(identity),
            "status": st.sampled_from("abcd"),
            "project": st.sampled_from(["p", "q:r", 7]),
        }
        more = {
            "gone": st.booleans(),
            "owner": st.sampled_from([None, "x", "y", ""]),
            "f": st.sampled_from([1.0, 0.1, -0.0]),
            "schema_version": st.just(1),
        }
        document = draw(st.fixed_dictionaries(fields, optional=more if way.notes else more | {"notes": st.just(items)}))
        key = f"task:{identity}"
        if way.already and draw(st.integers(0, 3)) == 0:
            key, document = way.already.format(**document), document | {"schema_version": 2}
        found[key.encode()] = spelled(document, random).encode()
        for number, item in enumerate(items if way.notes else ()):
            part = {"n": number} | item | {"task": identity}
            found[f"note:{identity}/{number}".encode()] = spelled(part, random).encode()
        value = draw(st.sampled_from([None, b"1", b"1", b'["x"]']))
        found |= {f"idx_status:{document['status']}:{identity}".encode(): value} if value else {}
    return found


@dataclass(frozen=True)
class Bench:
    """Where the databases of the law are made: in memory, where that can be."""

    projects: Mapping[str, ms.Project]
    place: Path


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The projects, read once."""
    folder = tmp_path_factory.mktemp("fusion")
    projects = {
        name: written({"specs": dict(way.specs)}, Folder(folder / str(number))).load()
        for number, (name, way) in enumerate(WAYS.items())
    }
    shared = Path("/dev/shm")  # noqa: S108 - in it a folder of our own is made
    with TemporaryDirectory(prefix="migrate-spec-test-", dir=shared if shared.is_dir() else folder) as place:
        yield Bench(projects, Path(place))


@pytest.mark.parametrize("name", WAYS)
@settings(LAW, max_examples=5 * TIMES, phases=[Phase.explicit, Phase.generate])  # each takes several runs
@given(st.data())
def test_fusion(name: str, bench: Bench, chosen: st.DataObject) -> None:
    """One run and several give the same bytes, and a rollback of either gives back what was there."""
    before = chosen.draw(databases(WAYS[name]))
    with TemporaryDirectory(dir=bench.place) as place:
        one = ms.MigrationManager(make(Path(place, "one"), before), bench.projects[name])
        shutil.copytree(one.path, Path(place, "several"))
        several = ms.MigrationManager(Path(place, "several"), bench.projects[name])
        report, backups = one.apply(), step_by_step(several)
        assert shown(data(one.path)) == shown(data(several.path))
        assert dump(one.path)[VERSION] == dump(several.path)[VERSION]
        for manager, backup in ((one, report.backup), (several, backups[0] if backups else None)):
            if backup is not None:
                assert manager.rollback(backup).later_writes == 0
                assert shown(data(manager.path)) == shown(before)


class TestWhatWasMoved:
    """A record that has gone its way is not sent on it again."""

    SPECS: Mapping[str, Any] = {
        "task/1": {
            **TASK,
            "indexes": {"status": {"from": ONE_TEXT, "to": "idx_state:{status}:{id}"}},
            "records": [{"rekey": {"from": "task:{id}", "to": "task:{project}:{id}"}}, {"explode": NOTES}],
        },
        "task/2": {**TASK, "steps": [{"add": {"new": 1}}]},
    }

    def test_by_the_database(self, tmp_path: Path, folder: Folder) -> None:
        """A second run has nothing to do, and changes nothing."""
        path = make(tmp_path / "db", {b"task:7": compact({"id": "7", "project": "p", "status": "a", "notes": [{}]})})
        manager = ms.MigrationManager(path, written({"specs": self.SPECS}, folder).load())
        manager.apply()
        there = dump(path)
        assert {b"task:p:7", b"note:7:0", b"idx_state:a:7"} <= there.keys()
        assert manager.apply().collections == {}
        assert dump(path) == there

    def test_by_their_stamps(self, tmp_path: Path, folder: Folder) -> None:
        """Records that a program wrote at the newer version into an older database are where they belong."""
        moved = {"schema_version": 2, "id": "7", "project": "p", "status": "a", "notes": [{}]}
        path = make(tmp_path / "db", {b"task:p:7": compact(moved), b"idx_status:a:7": b"1"})
        manager = ms.MigrationManager(path, written({"specs": self.SPECS}, folder).load())
        manager.apply(2)
        assert data(path) == {b"task:p:7": compact(moved), b"idx_status:a:7": b"1"}
        manager.apply(3)
        assert data(path) == {b"task:p:7": compact(moved | {"schema_version": 3, "new": 1}), b"idx_status:a:7": b"1"}

    def test_by_the_version_of_the_database(self, tmp_path: Path, folder: Folder) -> None:
        """Records without a stamp are at the version of the database: an earlier step does not move them."""
        specs = {name: spec | {"stamp": None} for name, spec in self.SPECS.items()}
        path = make(tmp_path / "db", {VERSION: b"2", b"task:7": b'{"id":"7","project":"p","status":"a","notes":[]}'})
        manager = ms.MigrationManager(path, written({"specs": specs}, folder).load())
        manager.apply()
        assert data(path) == {b"task:7": b'{"id":"7","project":"p","status":"a","notes":[],"new":1}'}

    def test_what_came_late(self, tmp_path: Path, folder: Folder) -> None:
        """A record that an old program wrote into a migrated database still has its way before it."""
        manager = ms.MigrationManager(
            make(tmp_path / "db", {VERSION: b"2", b"task:7": compact({"id": "7", "project": "p", "status": "a"})}),
            written({"specs": self.SPECS}, folder).load(),
        )
        manager.apply()
        late = {"schema_version": 3, "id": "7", "project": "p", "status": "a", "new": 1}
        assert data(manager.path) == {b"task:p:7": compact(late), b"idx_state:a:7": b"1"}
        assert manager.rollback().later_writes == 0
        assert data(manager.path) == {b"task:7": compact({"id": "7", "project": "p", "status": "a"})}

    def test_gathered_long_ago(self, tmp_path: Path, folder: Folder) -> None:
        """Records under keys that were gathered in an earlier version belong to whoever writes them now."""
        specs = {
            "task/1": {**TASK, "records": [{"gather": {"notes": {"from": "note:{id}:{.index}"}}}]},
            "task/2": {**TASK, "records": [{"rekey": {"from": "task:{id}", "to": "t:{id}"}}]},
        }
        before = {VERSION: b"2", b"task:7": b'{"schema_version":2,"id":7}', b"task:8": b'{"id":8}', b"note:8:0": b"{}"}
        others = {b"note:7:0": b'{"new":1}', b"note:x": b"no JSON"}
        path = make(tmp_path / "db", before | others)
        manager = ms.MigrationManager(path, written({"specs": specs}, folder).load())
        manager.apply()
        now = {b"t:7": b'{"schema_version":3,"id":7}', b"t:8": b'{"schema_version":3,"id":8,"notes":[{}]}'}
        assert data(path) == now | others
        manager.rollback()
        assert dump(path).items() >= (before | others).items()


@pytest.mark.parametrize(
    "specs",
    [
        {"task/1": {"records": [{"explode": NOTES}]}},
        {"tag/1": {"prefix": "tag:", "records": [{"rekey": {"from": "tag:{id}", "to": "note:{id}"}}]}},
        {"note/1": {"prefix": "note:", "records": [{"drop": {"where": {"n": 1}}}]}},
        {"note/1": {"prefix": "note:", "indexes": {"n": "idx_n:{n}"}}},
    ],
    ids=["made", "moved there", "deleted", "in an index"],
)
def test_what_is_gathered_must_be_there(specs: dict[str, Any], tmp_path: Path, folder: Folder) -> None:
    """One run reads what was there when it began: what a step makes and a later one gathers takes two runs."""
    gather = {"gather": {"texts": {"from": "note:{id}:{.index}"}}}
    whole = {**specs, "task/2": {"records": [gather]}}
    path = make(tmp_path / "db", {b"task:7": b'{"id":7,"notes":[{"t":1}]}'})
    manager = ms.MigrationManager(path, written({"specs": whole}, folder).load())
    before = dump(path)
    [name] = specs
    for do in (manager.plan, manager.scan, manager.apply):
        with pytest.raises(ms.PlanError) as caught:
            do()
        assert str(caught.value) == (
            f"task v2→v3 was found, which gathers records of 'note:' that {name.partition('/')[0]} v1→v2 makes "
            "or moves, records that stay as they are from the beginning of the run were expected; "
            "go to version 2 first, and from there in a second run"
        )
    assert dump(path) == before
    manager.apply(2)
    manager.apply(3)
    made = {b"task:7": b'{"id":7,"texts":[{"t":1,"task":7}]}'}
    assert data(path) == (made if name == "task/1" else {b"task:7": b'{"id":7,"notes":[{"t":1}]}'})
