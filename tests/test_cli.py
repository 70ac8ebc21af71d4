"""The command line as a whole: help, wrong use, and how little it takes to start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from migrate_spec.cli import cli as group
from tests.cli_support import Done, cli, place, process, refusal
from tests.conftest import python

HELP = """\
Usage: migrate-spec [OPTIONS] COMMAND [ARGS]...

  Change the shape of JSON documents in RocksDB by specs.

  A spec says in YAML what one version step changes; between two versions of a
  JSON Schema it carries every record over, all or nothing, and back again.

Options:
  --specs DIR    The folder of specs.  [default: specs]
  --schemas DIR  The folder of schemas.  [default: schemas]
  --debug        Show the traceback of an error.
  --version      Show the version and exit.
  -h, --help     Show this message and exit.

Commands:
  apply       Carry each DATABASE to a version, all or nothing.
  backup      Look after the backups of a database.
  complement  Look after what is kept of records for the way back.
  downgrade   Carry DATABASE back to an earlier version, all or nothing.
  explain     Show what each step makes of the record KEY of DATABASE.
  history     Show what was done to DATABASE, when and by whom.
  init        Begin a project in FOLDER, by default in this one.
  losses      Show what records of DATABASE lost, and what is kept of them.
  new         Draft the spec that leads to COLLECTION's newest schema.
  plan        Show what `apply` or `downgrade` would do with DATABASE.
  release     Record all schemas and specs as released.
  repair      Repair the records of DATABASE that are in quarantine.
  rollback    Put DATABASE back to where it was before a migration.
  salvage     Save what is left of a damaged DATABASE into a NEW one.
  schema      Write the JSON Schema of the spec language, for editors.
  status      Show where DATABASE stands.
  test        Put the laws of the language to the test.
  validate    Check specs, schemas and examples, and prove each step.

  --specs and --schemas may stand before or after the command, and come from
  the environment (MIGRATE_SPEC_SPECS, MIGRATE_SPEC_SCHEMAS) or from
  [tool.migrate-spec] in pyproject.toml; a flag counts before the environment,
  and that before the file.
"""

APPLY_HELP = """\
Usage: migrate-spec apply [OPTIONS] DATABASE...

  Carry each DATABASE to a version, all or nothing.

  Every record goes through the steps it still has before it and is checked
  against the schema. If one cannot be carried over, all that cannot are named
  and nothing is changed. Records in quarantine are taken up again, and a run
  in place that was interrupted goes on.

  A DATABASE is a folder, or a pattern such as 'data/*.db'. Several are
  carried each on its own: where one fails, the others go on.

Options:
  --to VERSION                  The version to go to.  [default: the newest]
  --dry-run                     Carry every record over, and write nothing.
  --no-backup                   Keep no backup.
  --no-complements              Keep nothing of what records lose: what goes
                                does not come back the other way.
  --in-place                    Change records where they are, batch by batch,
                                where there is no room for the new ones beside
                                the old ones: without a backup, and so without
                                `rollback`. When it is interrupted, the next
                                `apply` goes on.
  --yes                         Do not ask before a run in place.
  --no-validate                 Check no record against the schemas: what does
                                not fit them is carried over as far as the
                                steps can.
  --allow-pickle                Take documents that rocksdict has pickled,
                                too: what is more than JSON has is rejected,
                                and nothing is run.
  --on-error [fail|quarantine]  What is done about records that cannot be
                                carried over. With quarantine they stay as
                                they are, marked in the database, and all
                                others are carried, unless it is all of a
                                collection, or more than its spec accepts.
                                [default: fail]
  --rejected FILE               List all records that are rejected in FILE, as
                                JSON lines.  [default: with quarantine, beside
                                the database]
  --compact                     Compact the database afterwards: it is then as
                                fast to read as it can be.
  --workers N                   How many processes carry records.  [default:
                                one for each core]  [x>=1]
  --cluster ADDRESS             The scheduler of a Dask cluster whose workers
                                carry records; they share this file system.
  --wait SECONDS                How long to wait for a process that has the
                                database open for writing.  [default: 0]
  --log-file FILE               Append what is done to FILE, one JSON object a
                                line; no keys or values of records are among
                                it.
  --json                        Print exactly one JSON document.
  --specs DIR                   The folder of specs.  [default: specs]
  --schemas DIR                 The folder of schemas.  [default: schemas]
  --no-hooks                    Refuse specs that call hooks.
  --debug                       Show the traceback of an error.
  -h, --help                    Show this message and exit.
"""


def commands(
    parent: click.Command = group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that name it."""
    yield path, parent
    if isinstance(parent, click.Group):
        context = click.Context(parent)
        for name in parent.list_commands(context):
            command = parent.get_command(context, name)
            assert command is not None
            yield from commands(command, (*path, name))


COMMANDS = dict(commands())


def usage(words: str, rest: str, message: str) -> str:
    """What stands on standard error after a wrong use of the command ``words``."""
    return f"Usage: {words} {rest}\nTry '{words} --help' for help.\n\nError: {message}\n"


GROUP_USAGE = ("migrate-spec", "[OPTIONS] COMMAND [ARGS]...")
APPLY_USAGE = ("migrate-spec apply", "[OPTIONS] DATABASE...")


class TestHelp:
    """What a newcomer is told."""

    @pytest.mark.parametrize("option", ["-h", "--help"])
    def test_of_the_whole(self, option: str) -> None:
        """Each command stands in the help with a whole sentence that is not cut off."""
        assert cli(option) == Done(0, HELP)

    @pytest.mark.parametrize("option", ["-h", "--help"])
    def test_of_a_command(self, option: str) -> None:
        """A command's help says what it does, and of each option what it does and what holds without it."""
        assert cli("apply", option) == Done(0, APPLY_HELP)

    def test_without_arguments(self) -> None:
        """Nothing at all is a wrong use, answered by the help."""
        assert cli() == Done(2, "", HELP)

    @pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
    def test_of_everything(self, path: tuple[str, ...]) -> None:
        """Every command has a first sentence, and every option and every command says in its help what it is for."""
        command = COMMANDS[path]
        assert (command.help or "").split("\n\n")[0].strip().endswith(".")
        assert [option.opts for option in command.params if isinstance(option, click.Option) and not option.help] == []
        assert cli(*path, "--help").out.startswith(f"Usage: {' '.join(('migrate-spec', *path))} [OPTIONS]")
        assert cli(*path, "-h") == cli(*path, "--help")

    @pytest.mark.parametrize(
        "path",
        [path for path, command in COMMANDS.items() if not isinstance(command, click.Group)],
        ids=" ".join,
    )
    def test_every_command_has_json_and_debug(self, path: tuple[str, ...]) -> None:
        """What a script needs, each command has."""
        names = {name for option in COMMANDS[path].params for name in option.opts}
        assert {"--json", "--debug"} <= names

    def test_what_is_done_at_the_end(self) -> None:
        """The process ends at once, but not before what was printed is out and what was to be done at its end is."""
        code = "import atexit, sys; atexit.register(print, 'end', end=''); from migrate_spec.cli import main; main()"
        shown = f"migrate-spec, version {version('migrate-spec')}\nend"
        assert python(code, "--version") == shown

    def test_version(self) -> None:
        """The version is that of the installed distribution."""
        assert cli("--version") == Done(0, f"migrate-spec, version {version('migrate-spec')}\n")


class TestWrongUse:
    """Each is told what is wrong with it, where to read on, and ends with exit code 2."""

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["aply"], usage(*GROUP_USAGE, "No such command 'aply'. Did you mean 'apply'?")),
            (["xyzzy"], usage(*GROUP_USAGE, "No such command 'xyzzy'.")),
            (["--spec", "x"], usage(*GROUP_USAGE, "No such option '--spec'. Did you mean '--specs'?")),
            (
                ["backup", "lst"],
                usage(
                    "migrate-spec backup", "[OPTIONS] COMMAND [ARGS]...", "No such command 'lst'. Did you mean 'list'?"
                ),
            ),
            (["apply", "--dryrun", "x"], usage(*APPLY_USAGE, "No such option '--dryrun'. Did you mean '--dry-run'?")),
            (["apply"], usage(*APPLY_USAGE, "Missing argument 'DATABASE...'.")),
            (
                ["plan", "a", "b"],
                usage("migrate-spec plan", "[OPTIONS] DATABASE", "Got unexpected extra argument (b)"),
            ),
            (
                ["apply", "x", "--to", "two"],
                usage(*APPLY_USAGE, "Invalid value for '--to': 'two' was found, a version was expected: 1, 2, 3, …"),
            ),
            (
                ["apply", "x", "--to", "0"],
                usage(*APPLY_USAGE, "Invalid value for '--to': '0' was found, a version was expected: 1, 2, 3, …"),
            ),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_sentences(self, words: list[str], expected: str) -> None:
        """The sentence names what was written, and what was probably meant."""
        assert cli(*words) == Done(2, "", expected)

    def test_exit_code_of_the_process(self) -> None:
        """The process ends with the code that the function gives."""
        assert process("aply") == cli("aply")

    def test_as_json(self) -> None:
        """With `--json` a wrong use, too, is one document on standard output."""
        assert refusal("apply", "--dryrun", "x", code=2) == {
            "code": "usage",
            "message": "No such option '--dryrun'. Did you mean '--dry-run'?",
            "where": place(),
            "details": [],
        }

    def test_json_behind_the_end_of_options(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Behind `--` the word --json is a name like any other."""
        monkeypatch.chdir(tmp_path)
        assert cli("history", "--", "--json") == Done(
            1, "", f"✗ {tmp_path}/--json: there is no such folder; check the path; nothing was created\n"
        )


LOADED = """
import sys
from migrate_spec.cli import run
assert run(sys.argv[1:]) == 0
slow = ["hypothesis", "jsonschema", "pytest", "rich"]
sys.stderr.write(repr([name for name in slow if name in sys.modules]))
"""


@pytest.mark.parametrize("words", ["--help", "history DATABASE"])
def test_start_up_is_lean(words: str, meridian: Path) -> None:
    """What is slow to import and seldom needed (bad news, long work, tests) is not imported before it is needed."""
    command = [sys.executable, "-c", LOADED, *words.replace("DATABASE", str(meridian)).split()]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == "[]"
