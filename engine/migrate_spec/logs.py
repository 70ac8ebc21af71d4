"""What is done to databases, told to the standard ``logging``: loggers ``migrate_spec.*``, with facts as attributes.

=========================== ======== ==========================================================================
event                       level    facts beside ``database``
=========================== ======== ==========================================================================
``apply-begun``             info     ``from_version``, ``to_version``, ``collections`` (their names)
``apply-finished``          info     the same (``collections`` with their counts), ``backup``, ``seconds``
``rollback-finished``       info     ``from_version``, ``to_version``, ``collections``, ``backup``, ``seconds``
``backup-finished``         info     ``backup`` (its name), ``seconds``
``restore-finished``        info     as ``rollback-finished``
``compact-finished``        info     ``seconds``
``…-refused``               warning  ``code`` of the error, ``count`` of rejected records or later writes, ``seconds``
``…-failed``                error    ``error`` (the name of its class), ``seconds``
``…-interrupted``           warning  ``seconds``
``waiting``                 info     ``pid`` of the process that is waited for
``leftovers-cleared``       warning  none: a killed run had left files beside the database
``worker-died``             error    ``exit_code``, without a database
=========================== ======== ==========================================================================

No key and no value of a record is among them, nor the sentence of an error, which may have some. Who wants these, too,
gives the logger ``migrate_spec.records`` a level of its own: each rejected record is then told with its ``key`` and the
``reason``. The level of another logger is not enough, as everything is often turned on for another reason.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar

from migrate_spec.errors import MigrateSpecError, RecordRejected, show_key

__all__ = ["log", "log_refusal", "log_report", "logged"]

P = ParamSpec("P")
T = TypeVar("T")

_FACTS = ("from_version", "to_version", "collections", "records", "later_writes", "backup")
"""What is told of a report, as far as it has it."""


class HasPath(Protocol):
    """What is about one database."""

    @property
    def path(self) -> Any:
        """The database's folder."""


S = TypeVar("S", bound=HasPath)


def log(area: str, level: Literal["info", "warning", "error"], event: str, **facts: Any) -> None:
    """Tell the logger ``migrate_spec.<area>`` of an event, with facts as attributes of the record.

    Where nobody has imported ``logging`` nobody can want to know, and it is not imported for that.
    """
    logging: Any = sys.modules.get("logging")
    if logging is None:
        return
    _silence(logging)
    logger, number = logging.getLogger(f"migrate_spec.{area}"), getattr(logging, level.upper())
    if logger.isEnabledFor(number):
        words = " ".join(f"{name}={value}" for name, value in facts.items())
        logger.log(number, "%s %s", event, words, extra={"event": event, **facts})


def log_refusal(area: str, database: str, error: BaseException, seconds: float | None = None) -> None:
    """Tell that something was not done, and why, without a word of any record."""
    place: dict[str, Any] = {"database": database} if database else {}
    time_taken = {} if seconds is None else {"seconds": round(seconds, 3)}
    if isinstance(error, MigrateSpecError):
        count = {"count": error.count} if hasattr(error, "count") else {}
        log(area, "warning", f"{area}-refused", **place, code=error.code, **count, **time_taken)
        if isinstance(error, RecordRejected):
            _log_records(database, error)
    elif isinstance(error, Exception):
        log(area, "error", f"{area}-failed", **place, error=type(error).__name__, **time_taken)
    else:
        log(area, "warning", f"{area}-interrupted", **place, **time_taken)


def log_report(area: str, database: str, report: Any, seconds: float) -> None:
    """Tell that something was done, with what its report says; nothing where it had nothing to do."""
    if getattr(report, "steps", None) == []:
        return
    facts = {name: getattr(report, name) for name in _FACTS if hasattr(report, name)}
    if hasattr(report, "created_at"):  # a backup
        facts = {"backup": report.name, "records": report.records}
    log(area, "info", f"{area}-finished", database=database, **facts, seconds=round(seconds, 3))


def logged(area: str) -> Callable[[Callable[Concatenate[S, P], T]], Callable[Concatenate[S, P], T]]:
    """Have a method tell the logger of an area how it ended."""

    def decorate(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
        @wraps(method)
        def wrapped(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
            start = time.monotonic()
            try:
                report = method(self, *args, **kwargs)
            except BaseException as error:
                log_refusal(area, _database(self), error, time.monotonic() - start)
                raise
            log_report(area, _database(self), report, time.monotonic() - start)
            return report

        return wrapped

    return decorate


def _database(one: HasPath) -> str:
    with suppress(Exception):  # a handle that is closed already, say: the error to be told is another one
        return str(one.path)
    return ""


def _silence(logging: Any) -> None:
    """Without a handler of its own, Python would print a library's warnings to standard error."""
    ours = logging.getLogger("migrate_spec")
    if not ours.handlers:
        ours.addHandler(logging.NullHandler())


def _log_records(database: str, error: RecordRejected) -> None:
    logging: Any = sys.modules.get("logging")
    logger = logging.getLogger("migrate_spec.records") if logging is not None else None
    if logger is None or logger.level == logging.NOTSET:
        return
    for rejection in error.rejections:
        facts = {"database": database, "key": show_key(rejection.key), "reason": str(rejection)}
        logger.warning("record-rejected %s", rejection, extra={"event": "record-rejected", **facts})
