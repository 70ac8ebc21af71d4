"""What the tests of a database share: real databases, looked at through rocksdict and through nothing of ours."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import pytest
from rocksdict import AccessType, Options, Rdict

import migrate_spec as ms
from meridian.build_database import DEMO_ROWS, build, read_rows

ROOT = Path(__file__).resolve().parents[1]

# The processes that tests start are hundreds: none is to compile our modules again, whatever the environment says.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".pytest_cache" / "bytecode"))

SPECS, SCHEMAS, DATA = ROOT / "specs", ROOT / "schemas", ROOT / "tests" / "data"

CONFIG = "rocksdict-config.json"
VERSION, HISTORY = b"_schema_version", b"_migration_history"

ROWS = read_rows(DEMO_ROWS)
"""The 44 records of the Meridian database."""

Photograph = dict[str, tuple[int, bytes | None]]


def raw() -> Options:
    """Options for a database as another language makes one: raw keys and values."""
    return Options(raw_mode=True)


def dump(path: Path) -> dict[bytes, bytes]:
    """Every key and value of the database, read to a proven end, from a copy, so that looking changes nothing."""
    found: dict[bytes, bytes] = {}
    with TemporaryDirectory() as folder:
        copy = Path(folder, "db")
        _copy(path, copy)
        handle = Rdict(str(copy), raw(), access_type=AccessType.read_only(error_if_log_file_exist=False))
        records = handle.iter()
        records.seek_to_first()
        while records.valid():
            found[bytes(records.key())] = bytes(records.value())
            records.next()
        records.status()
        del records
        handle.close()
    return found


def _copy(path: Path, copy: Path) -> None:
    """Copy a database. One that is open takes files away that it has compacted; then it is copied anew."""
    for look in range(100):
        try:
            # To close LOCK would drop this process's lock.
            shutil.copytree(path, copy, ignore=shutil.ignore_patterns("LOCK"))
        except shutil.Error:
            if look == 99:
                raise
            shutil.rmtree(copy)
            time.sleep(0.05)
        else:
            return


def data(path: Path) -> dict[bytes, bytes]:
    """Every key and value of the database but those that the system keeps for itself."""
    return {
        key: value
        for key, value in dump(path).items()
        if not key.startswith((VERSION, HISTORY, b"_backup_", b"_complement:"))
    }


def files(path: Path) -> Photograph:
    """Every file and folder in a folder: name, time of change, bytes.

    Not the bytes of LOCK: to open and close it would drop the lock that this very process may hold.
    """
    return {
        str(file.relative_to(path)): (
            file.stat().st_mtime_ns,
            file.read_bytes() if file.is_file() and file.name != "LOCK" else None,
        )
        for file in [path, *path.rglob("*")]
    }


def unlogged(path: Path) -> Photograph:
    """The files in a folder, but for the logs that a database's own program writes to whenever it likes."""
    return {name: file for name, file in files(path).items() if Path(name).name != "LOG"}


def beside(path: Path) -> list[str]:
    """The names of all that lies beside the database, and of what is in its folder of backups."""
    names = [file.name for file in path.parent.iterdir() if file.name.startswith(f"{path.name}.")]
    return sorted(
        [*names, *(f"{path.name}.backups/{file.name}" for file in path.parent.glob(f"{path.name}.backups/*"))]
    )


def write(path: Path, changes: Mapping[bytes, bytes | None]) -> None:
    """Change records as an application does that has the database open; ``None`` deletes."""
    had_config = (path / CONFIG).exists()
    handle = Rdict(str(path), raw())
    for key, value in changes.items():
        if value is None:
            del handle[key]
        else:
            handle[key] = value
    handle.close()
    if not had_config:
        (path / CONFIG).unlink()


def make(path: Path, records: Mapping[bytes, bytes], *, tables: int = 1) -> Path:
    """A new database with these records, in about so many table files."""
    handle = Rdict(str(path), raw())
    size = max(1, -(-len(records) // tables))
    for number, (key, value) in enumerate(records.items(), 1):
        handle[key] = value
        if number % size == 0:
            handle.flush()
    handle.close()
    (path / CONFIG).unlink()
    return path


def compact(value: Any) -> bytes:
    """A JSON value as Meridian writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def task(identity: str = "t", **fields: Any) -> bytes:
    """A task of version 1 with all its seventeen fields, empty unless named."""
    moment = "2024-01-01T00:00:00Z"
    base: dict[str, Any] = {
        "id": identity,
        "title": f"Task {identity}",
        "description": None,
        "status": "pending",
        "priority": "medium",
        "spec_ref": None,
        "session_id": None,
        "active_session_id": None,
        "created_at": moment,
        "updated_at": moment,
        "completed_at": None,
        "history": [],
        "tags": [],
        "estimated_hours": None,
        "actual_hours": None,
        "commit_hash": None,
        "episode_id": None,
    }
    return compact(base | fields)


def task_v2(identity: str = "t", **fields: Any) -> bytes:
    """What a task of :func:`task` becomes in version 2."""
    old = json.loads(task(identity, **fields))
    new: dict[str, Any] = {"depends_on": [], "related_tasks": [], "started_at": None, "timeout_hours": None}
    return compact({"schema_version": 2} | old | new | {"last_activity": old["updated_at"]})


class Folder:
    """A project under way: its methods write files and return the project's folder again."""

    def __init__(self, path: Path) -> None:
        self.specs, self.schemas = path / "specs", path / "schemas"
        self.specs.mkdir(parents=True)
        self.schemas.mkdir()

    def spec(self, collection: str, from_version: int, *steps: Mapping[str, Any], **more: Any) -> Self:
        """Write a spec; and schemas that take any object, where there are none."""
        content = {
            "collection": collection,
            "prefix": f"{collection}:",
            "from": from_version,
            "to": from_version + 1,
            **more,
            "steps": list(steps),
        }
        file = self.file(collection, from_version)
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
        for version in (from_version, from_version + 1):
            if not (self.schemas / collection / f"v{version}.json").exists():
                self.schema(collection, version, {"type": "object"})
        return self

    def schema(self, collection: str, version: int, content: Mapping[str, Any]) -> Self:
        """Write a schema."""
        file = self.schemas / collection / f"v{version}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content), "utf-8")
        return self

    def file(self, collection: str, from_version: int) -> Path:
        """Where a spec lies."""
        return self.specs / collection / f"v{from_version}_to_v{from_version + 1}.yaml"

    def load(self) -> ms.Project:
        """The project, as far as it is written."""
        return ms.load(self.specs, self.schemas)


def python(code: str, *arguments: object, under: Iterable[str] = (), **environment: object) -> str:
    """What another Python process prints that runs ``code``, started by the command ``under``."""
    command = [*under, sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=variables(**environment), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


IN_USE = """
import sys
from rocksdict import Options, Rdict
handle = Rdict(sys.argv[1], Options(raw_mode=True))
print("open", flush=True)
sys.stdin.read()
handle.close()
"""


@contextmanager
def in_use(path: Path, code: str = IN_USE) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the database open for writing, until the end of the block or of its input."""
    command, pipe = [sys.executable, "-c", code, str(path)], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=variables()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process


def holder(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Such a process as JSON tells of it: its number, and the beginning of its command in one line."""
    assert isinstance(process.args, list)
    command = " ".join(shlex.join(map(str, process.args)).split())
    return {"pid": process.pid, "command": command if len(command) <= 80 else f"{command[:80]}…"}


def named(process: subprocess.Popen[str]) -> str:
    """Such a process as a sentence tells of it."""
    return "process {pid} ({command})".format(**holder(process))


def variables(**more: object) -> dict[str, str]:
    """The environment of a Python process that imports the package, the examples and the tests from here."""
    path = os.pathsep.join(map(str, (ROOT / "engine", ROOT / "examples", ROOT)))
    return {**os.environ, "PYTHONPATH": path, **{name: str(value) for name, value in more.items()}}


def without_times(text: str) -> str:
    """A text with every moment in it made the same."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "MOMENT", text)


@pytest.fixture(scope="session")
def project() -> ms.Project:
    """The specs and schemas that ship."""
    return ms.load(SPECS, SCHEMAS)


@pytest.fixture
def meridian(tmp_path: Path) -> Path:
    """The Meridian database of 44 records."""
    path = tmp_path / "db"
    build(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A new project without any file."""
    return Folder(tmp_path / "project")


@pytest.fixture
def mounts(tmp_path: Path) -> tuple[str, ...]:
    """The beginning of a command that runs a shell script in which file systems can be mounted for it alone."""
    command = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
    if not shutil.which("unshare"):
        pytest.skip("no unshare here, and without it no file system can be mounted")
    probe = f'mount -t tmpfs none "{tmp_path}" && "{sys.executable}" -c ""'
    if subprocess.run([*command, probe], capture_output=True, check=False).returncode:
        pytest.skip("this system lets no test mount a file system")
    return command


@pytest.fixture
def unprivileged() -> tuple[str, ...]:
    """The beginning of a command for which the permissions of files count."""
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("permissions do not count for root, and there is no setpriv to give that up")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all")
