"""What is told to the standard logging: every event with its facts, and no record."""

from __future__ import annotations

import json
import logging
import signal
from pathlib import Path
from typing import Any

import pytest

import migrate_spec as ms
from migrate_spec import runner
from tests.cli_support import MERIDIAN, Done, cli, process
from tests.conftest import Folder, in_use, make, python
from tests.runner_support import set_jobs

SECRET = "hunter2"  # noqa: S105 - what must not be told
BAD = {b"task:secret-hunter2": b'{"id":"hunter2"}', b"task:2": b'["hunter2"]'}


class Kept(logging.Handler):
    """Keeps all records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.records.append(record)

    def told(self, *names: str) -> list[Any]:
        """Logger, level, event and the facts of these names, of each record."""
        return [
            (record.name, record.levelname, vars(record)["event"], *(vars(record).get(name) for name in names))
            for record in self.records
        ]


@pytest.fixture
def kept() -> Any:
    """All that our loggers tell, with everything turned on at the root."""
    handler, root, ours = Kept(), logging.getLogger(), logging.getLogger("migrate_spec")
    before = root.level, ours.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.NOTSET)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before[0])
    ours.setLevel(before[1])


class TestEvents:
    """What is told of a database."""

    def test_there_and_back(self, meridian: Path, project: ms.Project, kept: Kept) -> None:
        """A run begins and ends, so do a rollback and a compaction: versions, collections, counts and the backup."""
        manager = ms.MigrationManager(meridian, project)
        report = manager.apply()
        manager.apply()  # nothing to do is nothing to tell
        manager.rollback()
        manager.compact()
        facts = ("database", "from_version", "to_version", "collections", "backup")
        names = ["task", "episode", "symbol"]
        assert kept.told(*facts) == [
            ("migrate_spec.apply", "INFO", "apply-begun", str(meridian), 1, 3, names, None),
            ("migrate_spec.apply", "INFO", "apply-finished", str(meridian), 1, 3, report.collections, report.backup),
            ("migrate_spec.rollback", "INFO", "rollback-finished", str(meridian), 3, 1, sorted(names), report.backup),
            ("migrate_spec.compact", "INFO", "compact-finished", str(meridian), None, None, None, None),
        ]
        assert all(vars(record)["seconds"] >= 0 for record in kept.records[1:])
        words = f"rollback-finished database={meridian} from_version=3 to_version=1 collections={sorted(names)} "
        assert kept.records[2].getMessage().startswith(words)

    def test_a_fleet(self, meridian: Path, tmp_path: Path, project: ms.Project, kept: Kept) -> None:
        """Of databases that other processes carry the caller's loggers are told, too."""
        other = make(tmp_path / "other", BAD)
        list(ms.apply_all([meridian, other], project, workers=ms.processes(2)))
        assert kept.told("database", "code", "count") == [
            ("migrate_spec.apply", "INFO", "apply-finished", str(meridian), None, None),
            ("migrate_spec.apply", "WARNING", "apply-refused", str(other), "record-rejected", 2),
        ]

    def test_refused(self, meridian: Path, project: ms.Project, kept: Kept) -> None:
        """What was refused is told by the code of its error."""
        with pytest.raises(ms.BackupError):
            ms.MigrationManager(meridian, project).rollback()
        with in_use(meridian) as program:
            for wait in (0.0, 0.2):
                with pytest.raises(ms.DatabaseLocked):
                    ms.MigrationManager(meridian, project).apply(wait=wait)
        refused = ("migrate_spec.apply", "WARNING", "apply-refused", str(meridian), "database-locked", None)
        waiting = ("migrate_spec.waiting", "INFO", "waiting", str(meridian), None, program.pid)
        assert kept.told("database", "code", "pid") == [
            ("migrate_spec.rollback", "WARNING", "rollback-refused", str(meridian), "backup-error", None),
            refused,
            waiting,
            refused,
        ]

    def test_leftovers(self, meridian: Path, project: ms.Project, kept: Kept) -> None:
        """What a killed run left is told of when it is cleared away."""
        meridian.with_name("db.staging").mkdir()
        ms.MigrationManager(meridian, project).apply()
        assert kept.told("database")[0] == ("migrate_spec.staging", "WARNING", "leftovers-cleared", str(meridian))

    def test_a_worker_that_died(
        self, tmp_path: Path, folder: Folder, kept: Kept, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A process that ended in the middle of its work is told of, and then what became of the run."""
        set_jobs(monkeypatch, least=10)
        monkeypatch.setattr(runner, "FEW_BYTES", 0)
        hooks = folder.specs.parent / "hooks"
        hooks.mkdir()
        (hooks / "dying.py").write_text(
            "import os, signal\nfrom migrate_spec import hook\n@hook\ndef die(value):\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        path = make(tmp_path / "db", {b"note:%03d" % number: b'{"a":1}' for number in range(100)})
        project = folder.spec("note", 1, {"call": {"a": "dying:die"}}, stamp=None).load()
        with pytest.raises(ms.WorkerDied):
            ms.MigrationManager(path, project).apply(workers=ms.processes(2))
        told = kept.told("exit_code", "code")
        died = ("migrate_spec.workers", "ERROR", "worker-died", -signal.SIGKILL, None)
        assert told[0][2] == "apply-begun"
        assert died in told
        assert ("migrate_spec.apply", "WARNING", "apply-refused", None, "worker-died") in told

    def test_what_is_no_fault_of_ours(self, meridian: Path, project: ms.Project, kept: Kept) -> None:
        """Another exception, and an interruption, are told as what they are."""

        def broken(_progress: ms.Progress) -> None:
            raise error

        for error in (ZeroDivisionError(SECRET), KeyboardInterrupt()):
            with pytest.raises(type(error)):
                ms.MigrationManager(meridian, project).apply(on_progress=broken)
        assert [one for one in kept.told("error") if one[2] != "apply-begun"] == [
            ("migrate_spec.apply", "ERROR", "apply-failed", "ZeroDivisionError"),
            ("migrate_spec.apply", "WARNING", "apply-interrupted", None),
        ]
        assert SECRET not in shown(kept)


def shown(kept: Kept) -> str:
    """All that a handler could write of the records."""
    return "\n".join(f"{record.getMessage()} {vars(record)}" for record in kept.records)


class TestRecords:
    """Keys and values of records."""

    def test_are_not_told(self, tmp_path: Path, project: ms.Project, kept: Kept) -> None:
        """Whatever is turned on at the root or for our loggers as a whole, no record is told."""
        logging.getLogger("migrate_spec").setLevel(logging.DEBUG)
        with pytest.raises(ms.RecordRejected):
            ms.MigrationManager(make(tmp_path / "db", BAD), project).apply()
        assert [one[2:] for one in kept.told("code", "count")] == [
            ("apply-begun", None, None),
            ("apply-refused", "record-rejected", 2),
        ]
        assert SECRET not in shown(kept)

    def test_are_told_to_who_asks(self, tmp_path: Path, project: ms.Project, kept: Kept) -> None:
        """With a level of its own the logger of records tells each that was rejected, and why."""
        logger = logging.getLogger("migrate_spec.records")
        logger.setLevel(logging.INFO)
        try:
            with pytest.raises(ms.RecordRejected) as caught:
                ms.MigrationManager(make(tmp_path / "db", BAD), project).apply()
        finally:
            logger.setLevel(logging.NOTSET)
        assert [one[4:] for one in kept.told("database", "key", "reason") if one[2] == "record-rejected"] == [
            ("task:2", str(caught.value.rejections[0])),
            ("task:secret-hunter2", str(caught.value.rejections[1])),
        ]


def test_nothing_is_printed() -> None:
    """A program that sets no logging up sees nothing of it, and one that does not use it does not import it."""
    code = (
        "import sys, logging\nfrom migrate_spec.logs import log\n"
        "log('apply', 'error', 'apply-failed', database='db')\nprint(logging.getLogger('migrate_spec').handlers)"
    )
    assert python(code) == "[<NullHandler (NOTSET)>]\n"
    code = "import sys\nfrom migrate_spec.logs import log\nlog('apply', 'error', 'x')\nprint('logging' in sys.modules)"
    assert python(code) == "False\n"


class TestLogFile:
    """`--log-file` and the environment."""

    def test_lines(self, meridian: Path, tmp_path: Path) -> None:
        """What is done is appended, one JSON object a line; the output of the command stays as it is."""
        log = tmp_path / "log.jsonl"
        done = process("apply", meridian, *MERIDIAN, "--log-file", log)
        assert (done.code, done.err) == (0, "")
        done = process("rollback", meridian, MIGRATE_SPEC_LOG_FILE=str(log))
        assert (done.code, done.err) == (0, "")
        lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
        assert [(line["level"], line["logger"], line["event"]) for line in lines] == [
            ("info", "migrate_spec.apply", "apply-begun"),
            ("info", "migrate_spec.apply", "apply-finished"),
            ("info", "migrate_spec.rollback", "rollback-finished"),
        ]
        facts = ["database", "from_version", "to_version", "collections"]
        assert list(lines[0]) == ["at", "level", "logger", "event", *facts]
        assert lines[1]["collections"]["task"] == {"scanned": 5, "migrated": 5, "unchanged": 0, "quarantined": 0}

    def test_of_a_refusal(self, tmp_path: Path) -> None:
        """It says what was refused, without a record; the loggers are as they were when the command is over."""
        log, ours = tmp_path / "log.jsonl", logging.getLogger("migrate_spec")
        before = ours.level, list(ours.handlers)
        assert cli("apply", make(tmp_path / "db", BAD), *MERIDIAN, "--log-file", log).code == 1
        assert json.loads(log.read_text().splitlines()[-1])["code"] == "record-rejected"
        assert SECRET not in log.read_text()
        assert (ours.level, [one for one in ours.handlers if not isinstance(one, logging.NullHandler)]) == (
            before[0],
            [one for one in before[1] if not isinstance(one, logging.NullHandler)],
        )

    def test_that_cannot_be_written(self, meridian: Path, tmp_path: Path) -> None:
        """Nothing is done where what is done could not be told."""
        file = tmp_path / "none" / "log.jsonl"
        assert cli("apply", meridian, *MERIDIAN, "--log-file", file) == Done(
            1, "", f"✗ {file}: No such file or directory\n"
        )
