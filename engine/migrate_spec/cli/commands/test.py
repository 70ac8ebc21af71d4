"""``migrate-spec test``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from migrate_spec.cli.options import allow_pickle_option, folder_type, json_option
from migrate_spec.cli.output import bad, counted, emit_json, good, say, show, warn
from migrate_spec.cli.progress_display import ProgressDisplay
from migrate_spec.cli.settings import Settings, with_project
from migrate_spec.codec import Json, decode
from migrate_spec.laws import LAWS, Law
from migrate_spec.progress import Tracker
from migrate_spec.project import Project
from migrate_spec.schema import did_you_mean
from migrate_spec.stored import stored
from migrate_spec.stores.rocks import open_for_reading
from migrate_spec.trials import Failure, Trial, generated, reproduce, told, try_laws, ways_of
from migrate_spec.ways import Way

Work = Sequence[tuple[Way, Sequence[Json] | None]]
"""What there is to do: ways, and the documents to try on each; ``None``: such as are made."""

Make = Callable[[Way], Iterable[Json]]


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[FILE]...")
@click.option("--documents", type=click.IntRange(1), default=200, show_default=True, help="How many to make.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another one makes other documents.")
@click.option("--law", "names", multiple=True, metavar="NAME", help="Try this law only; may be said several times.")
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    help="At most, for each spec.",
)
@click.option("--from", "database", type=folder_type, metavar="DB", help="Try records of this database instead.")
@click.option("--sample", type=click.IntRange(1), default=1000, show_default=True, help="How many, with --from.")
@click.option("--document", metavar="JSON", help="Try this one document.")
@allow_pickle_option
@json_option
@with_project
def command(
    settings: Settings,
    *,
    files: tuple[Path, ...],
    documents: int,
    seed: int,
    names: tuple[str, ...],
    seconds: float,
    database: Path | None,
    sample: int,
    allow_pickle: bool,
    document: str | None,
    as_json: bool,
) -> int:
    """Put the laws of the language to the test.

    Documents are made of the schemas and carried up and down by each spec, and by all specs of a collection behind each
    other; with FILEs (or folders) by these alone. A document that breaks a law is made as small as possible and shown,
    with the line of the spec to look at.

    With --from the documents are records of a database, spread evenly over each collection. It is only read. A record
    that breaks a law is shown as it is stored, secrets and all, as far as the failure needs it.
    """
    if document is not None and database is not None:
        raise click.UsageError("--document and --from were found, one of them was expected.")
    laws = _laws(names)
    project = settings.project()
    ways = _concerned(ways_of(project.registry), files)
    work: Work = [(way, None) for way in ways]
    if document is not None:
        work = _one_document(ways, document)
    elif database is not None:
        work = _stored(project, database, sample, ways, allow_pickle=allow_pickle)
    number = documents if database is None else sample
    trials = _carry_out(work, laws, lambda way: generated(way, number, seed), number, seconds)
    options = _options(settings)
    if as_json:
        emit_json({"ok": not _failures(trials), "trials": [_trial_json(trial, options) for trial in trials]})
    else:
        _show(trials, options)
    return 1 if _failures(trials) else 0


def _laws(names: tuple[str, ...]) -> list[Law]:
    known = {law.name: law for law in LAWS}
    for name in names:
        if name not in known:
            near = did_you_mean(name, known)
            expected = f"one of {', '.join(known)} was expected"
            raise click.BadParameter(f"{name!r} was found, {expected}{f'; {near}' if near else ''}", param_hint="--law")
    return [law for law in LAWS if law.name in names or not names]


def _concerned(ways: Sequence[Way], files: tuple[Path, ...]) -> list[Way]:
    """The ways with a spec that is named; all where none is."""
    named = {way: [Path(one.spec.place().file).resolve() for one in way.migrations] for way in ways}
    roots = [file.resolve() for file in files]
    for root in roots:
        if not any(file.is_relative_to(root) for several in named.values() for file in several):
            raise click.BadParameter(f"no spec of the project was found at {str(root)!r}.", param_hint="'[FILE]...'")
    return [
        way
        for way, several in named.items()
        if not roots or any(file.is_relative_to(root) for file in several for root in roots)
    ]


def _one_document(ways: Sequence[Way], text: str) -> Work:
    """One document on each way that it can go."""
    try:
        document = decode(text.encode())
    except ValueError as error:
        raise click.BadParameter(f"no JSON was found ({error}).", param_hint="--document") from None
    found: Work = [(way, [document]) for way in ways if way.record(document) is not None]
    if not found:
        schemas = ", ".join(dict.fromkeys(way.schema_before.file for way in ways))
        raise click.BadParameter(
            f"a document was found that fits none of {schemas}, one that a spec starts from was expected.",
            param_hint="--document",
        )
    return found


def _stored(project: Project, database: Path, sample: int, ways: Sequence[Way], *, allow_pickle: bool) -> Work:
    """A sample of the records of a database that have one of these steps before them."""
    concerned = {migration for way in ways for migration in way.migrations}
    with open_for_reading(database.resolve()) as store:
        found = list(stored(store, project, sample, allow_pickle=allow_pickle))
    return [(way, documents) for way, documents in found if concerned.intersection(way.migrations)]


def _carry_out(work: Work, laws: Sequence[Law], make: Make, number: int, seconds: float) -> list[Trial]:
    trials = []
    with ProgressDisplay() as progress:
        tracker = Tracker(progress, number * len(work))
        for way, documents in work:
            behind = partial(tracker.advance, f"testing {way.name}", 1)
            try:
                trials.append(try_laws(way, laws, make(way) if documents is None else documents, seconds, behind))
            except ValueError as error:
                trials.append(Trial(way, (), (), why=str(error)))
        tracker.finish()
    return trials


def _failures(trials: Sequence[Trial]) -> list[Failure]:
    return [failure for trial in trials for failure in trial.failures]


def _options(settings: Settings) -> list[str]:
    """What a command that is printed must say of the folders."""
    given = {"--specs": settings.specs, "--schemas": settings.schemas}
    return [word for name, path in given.items() if path != Path(name.strip("-")) for word in (name, str(path))]


def _show(trials: Sequence[Trial], options: Sequence[str]) -> None:
    for trial in trials:
        _show_trial(trial, options)
    broken, tried = len(_failures(trials)), [trial for trial in trials if trial.documents]
    if broken:
        say(bad(f"✗ {counted(broken, 'law')} broken"))
    elif not tried:
        show(warn("⚠ no documents were found to try"))


def _show_trial(trial: Trial, options: Sequence[str]) -> None:
    way = trial.way
    if trial.why:
        show(warn(f"⚠ {way.name}: no document could be made: {trial.why}"))
        return
    remarks = [
        *([f"{trial.refused:,} refused, as the spec says"] if trial.refused else []),
        *([f"{counted(trial.strangers, 'record')} left out that do not fit the schema"] if trial.strangers else []),
    ]
    line = f"{way.name}: {counted(len(trial.laws), 'law')}, {counted(trial.documents, 'document')}"
    line += f" ({', '.join(remarks)})" if remarks else ""
    show(bad(f"✗ {line}") if trial.failures else good(f"✓ {line}"))
    if trial.left_out:
        names = ", ".join(law.name for law in trial.left_out)
        show(f"  not tried: {names}, as there is no way back: {way.irreversible}")
    for failure in trial.failures:
        first, *rest = told(failure, options).split("\n")
        show("\n".join([f"  {bad(first)}", *(f"  {part}" for part in rest)]))


def _trial_json(trial: Trial, options: Sequence[str]) -> dict[str, Any]:
    return {
        "name": trial.way.name,
        "files": [migration.spec.place().file for migration in trial.way.migrations],
        "laws": [law.name for law in trial.laws],
        "left_out": [law.name for law in trial.left_out],
        "irreversible": trial.way.irreversible or None,
        "documents": trial.documents,
        "refused": trial.refused,
        "strangers": trial.strangers,
        "why": trial.why or None,
        "failures": [_failure_json(failure, options) for failure in trial.failures],
    }


def _failure_json(failure: Failure, options: Sequence[str]) -> dict[str, Any]:
    return {
        "law": failure.law.name,
        "words": failure.law.words,
        "fault": failure.broken.fault.to_json(),
        "document": failure.document,
        "documents": dict(failure.broken.documents),
        "command": reproduce(failure, options),
    }
