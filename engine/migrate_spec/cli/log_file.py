"""``--log-file``: what is done to databases, one JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

__all__ = ["log_file_option"]


def _begin(ctx: click.Context, _option: click.Parameter, path: Path | None) -> None:
    """Append the records of our loggers to a file, as long as the command runs."""
    if path is None:
        return
    import logging  # noqa: PLC0415 - for who asks for it

    from migrate_spec.history import timestamp  # noqa: PLC0415

    plain = {*vars(logging.LogRecord("", 0, "", 0, "", (), None)), "message", "asctime", "taskName"}

    class Lines(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            facts: dict[str, Any] = {name: value for name, value in vars(record).items() if name not in plain}
            line = {"at": timestamp(), "level": record.levelname.lower(), "logger": record.name, **facts}
            return json.dumps(line, ensure_ascii=False, default=str)

    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(Lines())
    logger = logging.getLogger("migrate_spec")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)

    def end() -> None:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()

    ctx.call_on_close(end)


log_file_option = click.option(
    "--log-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    envvar="MIGRATE_SPEC_LOG_FILE",
    expose_value=False,
    callback=_begin,
    help="Append what is done to FILE, one JSON object a line; no keys or values of records are among it.",
)
