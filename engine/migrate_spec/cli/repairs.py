"""Records in quarantine, opened one by one for whoever sits at the terminal."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import click

from migrate_spec.cli.output import bad, counted, faint, good, heading, say, show
from migrate_spec.errors import MigrateSpecError, RecordRejected, show_key
from migrate_spec.manager import MigrationManager
from migrate_spec.rejected import shown_value
from migrate_spec.repairing import Held, RepairReport

__all__ = ["go_through", "show_done"]

ANSWERS = click.Choice(["e", "s", "d", "q"])


def go_through(manager: MigrationManager, *, allow_pickle: bool, backup: bool, wait: float) -> None:
    """Open all records in quarantine, until the last or until it is enough.

    Args:
        manager: of the database.
        allow_pickle: whether pickled documents are shown, and repaired, too.
        backup: whether a backup is made before the first change.
        wait: for how many seconds to wait for a process that has the database open for writing.
    """
    dialogue = _Dialogue(manager, allow_pickle=allow_pickle, backup=backup, wait=wait)
    count = sum(1 for _ in manager.quarantine())
    with closing(manager.quarantine(allow_pickle=allow_pickle)) as all_held:
        for number, held in enumerate(all_held, 1):
            show(heading(f"{number} of {count}: {show_key(held.mark.key)}"))
            show(str(held.mark))
            if not dialogue.ask(held):
                return
    show("That was the last one." if count else good("✓ No record is in quarantine"))


def show_done(report: RepairReport) -> None:
    """Say what a repair did."""
    deleted = f", {report.deleted:,} of them deleted" if report.deleted else ""
    what = f"{counted(report.repaired, 'record')} out of quarantine{deleted}"
    show(good(f"✓ {what}") if report.repaired else "Nothing was changed.")
    if report.backup:
        show(f"Backup: {report.backup}")


class _Dialogue:
    """What is asked, and done."""

    def __init__(self, manager: MigrationManager, *, allow_pickle: bool, backup: bool, wait: float) -> None:
        self._manager = manager
        self._allow_pickle = allow_pickle
        self._backup = backup
        self._wait = wait

    def ask(self, held: Held) -> bool:
        """Ask what is to be done with a record, and do it; whether to go on with the next."""
        text = _text(held.value)
        show(faint(text))
        while True:
            answer = click.prompt("[e]dit, [s]kip, [d]elete or [q]uit", type=ANSWERS, show_choices=False, err=True)
            if answer in {"s", "q"}:
                return bool(answer == "s")
            if answer == "e":
                edited = click.edit(text, extension=".json")
                if edited is None or edited == text:
                    continue
                text = edited
                if self._repaired(held, edited.encode()):
                    return True
            elif click.confirm(f"Delete {show_key(held.mark.key)}?", err=True) and self._repaired(held, None):
                return True

    def _repaired(self, held: Held, value: bytes | None) -> bool:
        """Repair a record; whether that was possible."""
        try:
            report = self._manager.repair(
                held.mark.key,
                value,
                column_family=held.mark.column_family,
                allow_pickle=self._allow_pickle,
                backup=self._backup,
                wait=self._wait,
            )
        except RecordRejected as error:
            say("\n".join(bad(f"✗ {rejection}") for rejection in error.rejections))
            return False
        except MigrateSpecError as error:
            say(bad(f"✗ {error}"))
            return False
        self._backup = False  # one is enough
        show_done(report)
        return True


def _text(value: bytes | None) -> str:
    """A record as it is edited."""
    if value is None:
        return ""
    shown: dict[str, Any] = shown_value(value)
    if "value" in shown:
        return json.dumps(shown["value"], indent=2, ensure_ascii=False) + "\n"
    return str(shown.get("text", value.decode("utf-8", "backslashreplace")))
