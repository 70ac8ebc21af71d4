"""The hook that pre-commit finds in this repository does what it says."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from migrate_spec.yaml_text import parse
from tests.cli_support import SCRIPT, cli
from tests.conftest import ROOT


@pytest.fixture
def hook() -> dict[str, Any]:
    """The one hook."""
    file = ROOT / ".pre-commit-hooks.yaml"
    node, faults = parse(file.read_text("utf-8"), str(file))
    assert node is not None
    assert faults == []
    [hook] = node.plain()
    assert set(hook) == {"id", "name", "description", "entry", "language", "files", "pass_filenames"}
    assert (hook["id"], hook["language"]) == ("migrate-spec-validate", "python")
    return dict(hook)


def test_its_files(hook: dict[str, Any]) -> None:
    """It runs when a spec or a schema changes, wherever the folders lie, and for nothing else."""
    wanted = ["specs/task/v1_to_v2.yaml", "schemas/task/v1.json", "app/specs/task/v1_to_v2.yml"]
    others = ["specs/README.md", "specs.yaml", "myspecs/task/v1_to_v2.yaml", "src/schemas.json", "hooks/rates.py"]
    assert [file for file in wanted + others if re.search(hook["files"], file)] == wanted


def test_its_command(hook: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run without names of files at the top of a repository, it passes what is right and fails what is not."""
    monkeypatch.chdir(tmp_path)
    cli("init")
    assert hook["pass_filenames"] is False
    name, *words = shlex.split(hook["entry"])
    assert Path(SCRIPT).name == name
    assert subprocess.run([SCRIPT, *words], check=False, capture_output=True).returncode == 0
    Path("specs/note/v1_to_v2.yaml").write_text("steps: 3", "utf-8")
    done = subprocess.run([SCRIPT, *words], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "specs/note/v1_to_v2.yaml:1:8: error: an integer 3 was found, a list was expected [spec-type]" in done.stdout
