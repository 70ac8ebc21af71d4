"""``migrate-spec repair``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from migrate_spec.cli.options import allow_pickle_option, database_argument, folder_type, json_option, wait_option
from migrate_spec.cli.output import bad, counted, emit_json, emit_json_list, good, show
from migrate_spec.cli.repairs import go_through, show_done
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.errors import RecordMissing, read_key
from migrate_spec.manager import MigrationManager
from migrate_spec.repairing import Held, RepairReport

REFUSED = 1


@click.command()
@database_argument
@click.argument("key", required=False)
@click.option("--with", "document", type=folder_type, metavar="FILE", help="Put the document in FILE in its place.")
@click.option("--delete", is_flag=True, help="Delete the record.")
@click.option(
    "--fix",
    type=folder_type,
    metavar="FILE",
    help="Do the steps in FILE (YAML with `collection` and `steps`) to the record, or to all of the collection.",
)
@click.option("--list", "only_list", is_flag=True, help="List what is in quarantine, on a terminal, too.")
@click.option("--no-backup", is_flag=True, help="Keep no backup.")
@allow_pickle_option
@wait_option
@json_option
@with_project
def command(
    settings: Settings,
    database: Path,
    key: str | None,
    *,
    document: Path | None,
    delete: bool,
    fix: Path | None,
    only_list: bool,
    allow_pickle: bool,
    no_backup: bool,
    wait: float,
    as_json: bool,
) -> int:
    r"""Repair the records of DATABASE that are in quarantine.

    On a terminal they are opened one by one, to be edited, passed over or deleted. Elsewhere they are listed. With one
    of the options they are repaired as it says: each is carried to the database's version, checked, and swapped in
    together with a note in the history. One that is refused again stays as it was. In KEY, \xNN is a byte.
    """
    _check_words(key, document, fix, delete=delete, only_list=only_list)
    manager = MigrationManager(database, settings.project())
    if fix is not None:
        from migrate_spec.fix import load_fix  # noqa: PLC0415 - slow to import, and needed for this only

        hooks = settings.specs.resolve().parent / "hooks" if settings.hooks else None
        loaded = load_fix(fix, settings.project(), hooks)
        one = _known(manager, key).mark.key if key is not None else None
        report = manager.repair_by(loaded, one, allow_pickle=allow_pickle, backup=not no_backup, wait=wait)
        return _tell(report, as_json=as_json)
    if key is not None:
        mark, value = _known(manager, key).mark, document.read_bytes() if document is not None else None
        report = manager.repair(
            mark.key,
            value,
            column_family=mark.column_family,
            allow_pickle=allow_pickle,
            backup=not no_backup,
            wait=wait,
        )
        return _tell(report, as_json=as_json)
    if as_json:
        emit_json_list(held.to_json() for held in manager.quarantine(allow_pickle=allow_pickle))
    elif only_list or not (sys.stdin.isatty() and sys.stderr.isatty()):
        _list(manager)
    else:
        go_through(manager, allow_pickle=allow_pickle, backup=not no_backup, wait=wait)
    return 0


def _check_words(key: str | None, document: Path | None, fix: Path | None, *, delete: bool, only_list: bool) -> None:
    """See that the options fit together.

    Raises:
        UsageError: they do not.
    """
    repairs = [document is not None, fix is not None, delete]
    if sum([*repairs, only_list]) > 1:
        raise click.UsageError("two of --with, --delete, --fix and --list were found, one of them was expected")
    if key is None and (document is not None or delete):
        raise click.UsageError("--with or --delete without KEY was found, the key of a record was expected")
    if key is not None and not any(repairs):
        raise click.UsageError("KEY alone was found, --with, --delete or --fix was expected beside it")


def _known(manager: MigrationManager, key: str) -> Held:
    """The record in quarantine that is meant by a key."""
    candidates = [os.fsencode(key), read_key(key)]
    found = [held for held in manager.quarantine() if held.mark.key in candidates]
    if len(found) != 1:
        families = f" (in {', '.join(one.mark.column_family for one in found)})" if found else ""
        raise RecordMissing(
            f"{len(found) or 'no'} record{'s' if found else ''} {key} in quarantine{families} "
            f"{'were' if found else 'was'} found",
            "the key of one that is there was expected",
            "`migrate-spec repair --list` shows them",
            where=str(manager.path),
        )
    return found[0]


def _tell(report: RepairReport, *, as_json: bool) -> int:
    """Show what was done; the exit code."""
    if as_json:
        emit_json(report.to_json())
    else:
        for rejection in report.refused:
            show(bad(f"✗ {rejection}"))
        if report.refused_count > len(report.refused):
            show(bad(f"  … and {report.refused_count - len(report.refused)} more"))
        show_done(report)
    return REFUSED if report.refused and not report.repaired else 0


def _list(manager: MigrationManager) -> None:
    """A line for each record, and one that says how many."""
    count = 0
    for held in manager.quarantine():
        show(str(held.mark))
        count += 1
    show(f"{counted(count, 'record')} in quarantine" if count else good("✓ No record is in quarantine"))
