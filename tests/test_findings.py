"""How one finding is shown: its severity, its place and what must be escaped in it."""

from __future__ import annotations

import pytest

from migrate_spec.cli.findings import as_github, as_json, as_text, tally
from migrate_spec.errors import Fault, Place, Severity

PLACE = Place("specs/task/v1_to_v2.yaml", 7, 5)
WARNING = Fault("a loss was found", "a word on it was expected", "say why", PLACE, "undeclared-loss", "warning")

TEXTS = {
    WARNING: (
        "specs/task/v1_to_v2.yaml:7:5: \x1b[33mwarning:\x1b[0m a loss was found, a word on it was expected; say why"
        "\x1b[2m [undeclared-loss]\x1b[0m"
    ),
    Fault("x was found", where="pyproject.toml", code="settings"): (
        "pyproject.toml: \x1b[31merror:\x1b[0m x was found\x1b[2m [settings]\x1b[0m"
    ),
    Fault("x was found", severity="info"): "\x1b[34minfo:\x1b[0m x was found",
}

COMMANDS = {
    WARNING: (
        "::warning file=specs/task/v1_to_v2.yaml,line=7,col=5,title=undeclared-loss::"
        "a loss was found, a word on it was expected; say why"
    ),
    Fault("x was found", where=Place("100%,a:b.yaml", 1, 2), code="c", severity="info"): (
        "::notice file=100%25%2Ca%3Ab.yaml,line=1,col=2,title=c::x was found"
    ),
    Fault("5 %, a: b\r\n::error::x was found"): "::error::5 %25, a: b%0D%0A::error::x was found",
}


@pytest.mark.parametrize(("fault", "text"), TEXTS.items(), ids=str)
def test_as_text(fault: Fault, text: str) -> None:
    """As compilers do it, with the severity in its colour; a place that has no line has none."""
    assert as_text(fault) == text


@pytest.mark.parametrize(("fault", "text"), COMMANDS.items(), ids=repr)
def test_as_github(fault: Fault, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As GitHub documents it: nothing in a sentence or in a file's name can end the command or begin another."""
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    assert as_github(fault) == text


def test_as_json() -> None:
    """With each fact for itself."""
    assert as_json(WARNING) == {
        "file": "specs/task/v1_to_v2.yaml",
        "line": 7,
        "column": 5,
        "code": "undeclared-loss",
        "severity": "warning",
        "message": "a loss was found, a word on it was expected; say why",
    }


@pytest.mark.parametrize(
    ("severities", "words"),
    [
        ([], ""),
        (["error"], "1 error"),
        (["info", "warning", "error", "warning"], "1 error, 2 warnings, 1 remark"),
    ],
)
def test_tally(severities: list[Severity], words: str) -> None:
    """What matters most comes first."""
    assert tally(Fault("x", severity=severity) for severity in severities) == words
