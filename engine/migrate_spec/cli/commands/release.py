"""``migrate-spec release``."""

from __future__ import annotations

import click

from migrate_spec.cli.options import json_option
from migrate_spec.cli.output import bad, counted, emit_json, good, say, show
from migrate_spec.cli.settings import Settings, with_project


@click.command()
@click.option("--force", is_flag=True, help="Record what changed although it was released, too.")
@json_option
@with_project
def command(settings: Settings, *, force: bool, as_json: bool) -> int:
    """Record all schemas and specs as released.

    From then on `validate` tells which of them say something else. They are recorded in released.json beside the
    folders, which belongs under version control. Without that file what git's last tag has is taken for released, so
    a project whose releases are tags needs no such file.
    """
    from migrate_spec.releases import changed, record  # noqa: PLC0415 - slow to import, and not needed for help

    registry = settings.project().registry
    faults = [] if force else list(changed(registry, settings.specs, settings.schemas))
    written = None if faults else record(registry, settings.specs, settings.schemas)
    if as_json:
        files = {"file": str(written[0]), "version": registry.latest, "files": written[1]} if written else {}
        emit_json({"ok": not faults, "findings": [fault.to_json() for fault in faults], **files})
        return 1 if faults else 0
    for fault in faults:
        say(bad(f"✗ {fault}"))
    if written:
        file, count = written
        show(good(f"✓ {file} written: version {registry.latest}, {counted(count, 'file')}"))
    return 1 if faults else 0
