"""``migrate-spec apply --in-place``: what it asks and says, and what other commands say in the middle of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli_support import Done, Terminal, cli, document, place, plain, refusal, text
from tests.conftest import Folder, data, dump, make
from tests.in_place_support import World, after_batch, check_done, interrupt, project_of, small_batches

WORLD = World(8)
Words = tuple[str | Path, ...]

DONE = """\
v1 -> v2: 30 items migrated in S.SSs
v2 -> v3: 35 items migrated in S.SSs
   note: 8 scanned, 6 migrated, 2 unchanged
   plain: 8 scanned, 8 migrated, 0 unchanged
   part: 8 scanned, 8 migrated, 0 unchanged
   row: 8 scanned, 8 migrated, 0 unchanged
   task: 8 scanned, 8 migrated, 0 unchanged
✓ Schema is at version 3
Carried out in place, without a backup.
"""

INTERRUPTED = (
    "Interrupted: the run in place v1 -> v3 is not at its end (11 of about 40 records are behind); "
    "`migrate-spec apply` goes on with it"
)

STATUS = """\
Schema Version Status
====================
Current version: v3
Target version:  v3

⚠ A run in place v1 -> v3 is not at its end: 11 of about 40 records are behind
  It began on MOMENT; `migrate-spec apply` goes on with it.

No migrations have been run yet

Pending Steps:
--------------
1. note v1→v2
2. plain v1→v2
3. row v1→v2
4. task v1→v2
5. note v2→v3
6. part v2→v3
7. plain v2→v3
8. row v2→v3
9. task v2→v3

Kept For The Way Back:
----------------------
at most about N bytes on disk
"""


@pytest.fixture
def words(tmp_path: Path, folder: Folder) -> Words:
    """A database and its project, as words of a command."""
    project_of(folder)
    return (make(tmp_path / "db", WORLD.old), "--specs", folder.specs, "--schemas", folder.schemas)


@pytest.fixture
def interrupted(words: Words, monkeypatch: pytest.MonkeyPatch) -> Done:
    """A run on it that was interrupted after four batches."""
    small_batches(monkeypatch)
    with monkeypatch.context() as once:
        after_batch(once, 4, interrupt)
        return cli("apply", *words, "--in-place")


def test_done(words: Words) -> None:
    """It says the same as without the option, and that there is no backup."""
    assert text(cli("apply", *words, "--in-place")) == Done(0, DONE)
    assert cli("rollback", *words).code == 1


def test_asks_on_a_terminal(words: Words) -> None:
    """On a terminal it asks first, as there is no way back; `--yes` answers."""
    question = (
        "⚠ In place no backup is made, and so there is no rollback; `migrate-spec backup create` makes a backup.\n"
        "Go on? [y/N]: "
    )
    with Terminal("apply", *words, "--in-place", NO_COLOR="1") as terminal:
        terminal.wait_for("[y/N]: ")
        terminal.type("n\n")
        assert terminal.finish() == Done(1, f"{question}n\nNothing was changed.\n")
    assert dump(Path(words[0])) == WORLD.old
    with Terminal("apply", *words, "--in-place", "--yes", NO_COLOR="1") as terminal:
        assert plain(terminal.finish().out) == DONE
    check_done(Path(words[0]), WORLD.new)


def test_interrupted(words: Words, interrupted: Done) -> None:
    """Ctrl-C between batches does not claim that nothing has happened: it says how far the run is, and how to go on."""
    assert interrupted == Done(130, "", f"\n{INTERRUPTED}\n")
    done = text(cli("apply", *words))
    assert done == Done(0, f"A run in place was under way, and is at its end now:\n{DONE}")
    check_done(Path(words[0]), WORLD.new)


@pytest.mark.usefixtures("interrupted")
class TestMeanwhile:
    """The other commands, in the middle of a run."""

    def test_interrupted_again(self, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
        """As JSON the interruption has a code of its own."""
        with monkeypatch.context() as once:
            after_batch(once, 1, interrupt)
            done = cli("apply", *words, "--json")
        sentence = INTERRUPTED.replace("11 of", "14 of")
        error = {"code": "interrupted-in-place", "message": sentence, "where": place(), "details": []}
        assert (done.code, json.loads(done.out)) == (130, {"error": error})

    def test_status(self, words: Words) -> None:
        """The status tells of the run, and that it is pending."""
        assert text(cli("status", *words, "--check")) == Done(3, STATUS)
        begun = document("status", *words)["in_progress"]
        started_at = begun.pop("started_at")
        assert started_at.endswith("Z")
        assert begun == {"from_version": 1, "to_version": 3, "done": 11, "total": 40, "collection": "plain"}

    def test_plan(self, words: Words) -> None:
        """The plan tells that the run goes on first."""
        done = cli("plan", *words, "--scan")
        assert done.out.split("\n")[:2] == [
            "Plan: v1 -> v3",
            "⚠ A run in place v1 -> v3 is not at its end, and goes on first: 11 of about 40 records are behind",
        ]

    def test_dry_run(self, words: Words) -> None:
        """A dry run tells what is still to be done."""
        done = cli("apply", *words, "--dry-run")
        assert done.out.split("\n")[0] == "A run in place is under way:"

    def test_rollback(self, words: Words) -> None:
        """A rollback is refused."""
        error = refusal("rollback", *words)
        assert (error["code"], error["where"]) == ("run-in-progress", place(words[0]))


def test_many_databases(words: Words, tmp_path: Path) -> None:
    """Several databases are carried in place, too, each on its own."""
    path, *folders = words
    other = make(tmp_path / "other", WORLD.old)
    assert cli("apply", path, other, *folders, "--in-place").code == 0
    for one in (Path(path), other):
        assert data(one) == WORLD.new
        assert not one.with_name(f"{one.name}.backups").exists()
