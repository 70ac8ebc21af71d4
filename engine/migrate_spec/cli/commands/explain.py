"""``migrate-spec explain``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from migrate_spec.cli.freshness import show_freshness
from migrate_spec.cli.options import allow_pickle_option, database_argument, json_option
from migrate_spec.cli.output import bad, emit_json, faint, heading, show, warn
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.codec import Json
from migrate_spec.document import ABSENT
from migrate_spec.errors import Place, show_key
from migrate_spec.explain import Explanation
from migrate_spec.families import named
from migrate_spec.manager import MigrationManager
from migrate_spec.tracing import Difference, Event

LONGEST = 100


@click.command()
@database_argument
@click.argument("key")
@click.option(
    "--column-family",
    metavar="NAME",
    help="The part of the database that it is in.  [default: that of the collection it belongs to]",
)
@allow_pickle_option
@json_option
@with_project
def command(
    settings: Settings,
    database: Path,
    key: str,
    *,
    column_family: str | None,
    allow_pickle: bool,
    as_json: bool,
) -> None:
    r"""Show what each step makes of the record KEY of DATABASE.

    It begins with the oldest backup that has the record, or the one that a step made it of, goes through the steps that
    are behind the database, tells what another program wrote since, and ends with what the pending steps would do. In
    KEY, \xNN is a byte. Writes nothing, and works beside a running program.
    """
    manager = MigrationManager(database, settings.project())
    explanation = manager.explain(key, column_family=column_family, allow_pickle=allow_pickle)
    if as_json:
        emit_json(explanation.to_json())
    else:
        _show(explanation)


def _show(explanation: Explanation) -> None:
    family = named(explanation.column_family)
    show(heading(f"{show_key(explanation.key)}{f' (in {family})' if family else ''}"))
    first_pending = len(explanation.events) - explanation.pending
    key: bytes | None = explanation.key
    for number, event in enumerate(explanation.events):
        if number == first_pending:
            show()
            show(heading("Pending"))
        _show_event(event, key)
        key = event.key
    _show_end(explanation)
    show_freshness(explanation.freshness)


def _show_event(event: Event, key: bytes | None) -> None:
    show()
    title = f"{event.name[:1].upper()}{event.name[1:]}" if event.where is None else event.name
    if event.kind == "refused":
        show(bad(f"✗ {title}: {event.fault}" if title else f"✗ {event.fault}"))
        return
    show(
        (warn(title) if event.kind == "written" else title) + (faint(f"  {_line(event.where)}") if event.where else "")
    )
    if event.kind == "found":
        _show_document(event.document)
        return
    for difference in event.differences:
        _show_difference(difference, event)
    for taken in event.took:
        show(f"   - record {taken}")
    for made, document in event.made:
        show(f"   + record {made}: {_value(document)}")
    if event.key != key:
        show(f"   key: {show_key(event.key)}" if event.key is not None else "   the record goes")
    elif not (event.differences or event.made or event.took) and event.kind != "index":
        show(faint("   no change"))


def _show_difference(difference: Difference, event: Event) -> None:
    path, where = difference.path, difference.where
    other = where is not None and (event.where is None or _line(where) != _line(event.where))
    line = faint(f"  {_line(where)}") if where is not None and other else ""
    if difference.before is ABSENT:
        show(f"   + {path}: {_value(difference.after)}{line}")
    elif difference.after is ABSENT:
        show(f"   - {path}: {_value(difference.before)}{line}")
    else:
        show(f"   ~ {path}: {_value(difference.before)} → {_value(difference.after)}{line}")


def _show_end(explanation: Explanation) -> None:
    """The fields in the end, each with the line that made it what it is."""
    last = next((event for event in reversed(explanation.events) if event.kind != "refused"), None)
    if not explanation.fields or last is None or last.key is None:
        return
    show()
    show(heading("In the end"))
    width = max(map(len, explanation.fields))
    for name, origin in explanation.fields.items():
        if origin is None:
            words = "as it came"
        else:
            event, difference = origin
            words = _line(difference.where) if difference.where else event.name
        show(f"   {name:<{width}}  {faint(words)}")
    show()


def _show_document(document: Json) -> None:
    if document is None:
        show("   no document")
        return
    for line in json.dumps(document, indent=2, ensure_ascii=False).split("\n"):
        show(f"   {line}")


def _line(place: Place) -> str:
    return f"{place.file}:{place.line}"


def _value(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
