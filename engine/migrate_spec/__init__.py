"""Change the shape of JSON documents stored in RocksDB: specs are data, the engine does the rest.

>>> import migrate_spec as ms
>>> project = ms.load("specs", "schemas")  # doctest: +SKIP
>>> report = ms.check_and_migrate("path/to/db", project)  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from migrate_spec.errors import *  # noqa: F403 - the tree of errors is part of the interface, all of it
from migrate_spec.errors import __all__ as _errors

if TYPE_CHECKING:
    from migrate_spec.audit import Audit
    from migrate_spec.backup import Backup
    from migrate_spec.executors import Workers, cluster, processes
    from migrate_spec.explain import Explanation
    from migrate_spec.fix import Fix, load_fix
    from migrate_spec.fleet import Outcome, apply_all
    from migrate_spec.freshness import Freshness
    from migrate_spec.hooks import hook
    from migrate_spec.ledger import KeptRun, Ledger
    from migrate_spec.losses import LossCount
    from migrate_spec.manager import MigrationManager
    from migrate_spec.migration import Migration
    from migrate_spec.plan import Plan
    from migrate_spec.progress import Progress
    from migrate_spec.project import Project, load
    from migrate_spec.registry import MigrationRegistry
    from migrate_spec.repairing import RepairReport
    from migrate_spec.reports import ApplyReport, RestoreReport, RollbackReport, SalvageReport, Status, Verification
    from migrate_spec.retention import Retention
    from migrate_spec.startup import check_and_migrate, check_and_migrate_async

__all__ = [  # noqa: PLE0604 - `_errors` is a list of names
    *_errors,
    "ApplyReport",
    "Audit",
    "Backup",
    "Explanation",
    "Fix",
    "Freshness",
    "KeptRun",
    "Ledger",
    "LossCount",
    "Migration",
    "MigrationManager",
    "MigrationRegistry",
    "Outcome",
    "Plan",
    "Progress",
    "Project",
    "RepairReport",
    "RestoreReport",
    "Retention",
    "RollbackReport",
    "SalvageReport",
    "Status",
    "Verification",
    "Workers",
    "apply_all",
    "check_and_migrate",
    "check_and_migrate_async",
    "cluster",
    "hook",
    "load",
    "load_fix",
    "processes",
]

_HOMES = {
    "ApplyReport": "reports",
    "Audit": "audit",
    "Backup": "backup",
    "Explanation": "explain",
    "Fix": "fix",
    "Freshness": "freshness",
    "KeptRun": "ledger",
    "Ledger": "ledger",
    "LossCount": "losses",
    "Migration": "migration",
    "MigrationManager": "manager",
    "MigrationRegistry": "registry",
    "Outcome": "fleet",
    "Plan": "plan",
    "Progress": "progress",
    "Project": "project",
    "RepairReport": "repairing",
    "RestoreReport": "reports",
    "Retention": "retention",
    "RollbackReport": "reports",
    "SalvageReport": "reports",
    "Status": "reports",
    "Verification": "reports",
    "Workers": "executors",
    "apply_all": "fleet",
    "check_and_migrate": "startup",
    "check_and_migrate_async": "startup",
    "cluster": "executors",
    "hook": "hooks",
    "load": "project",
    "load_fix": "fix",
    "processes": "executors",
}

if not TYPE_CHECKING:  # or a type checker would take every name for one of ours

    def __getattr__(name: str) -> Any:
        """What is imported only when it is asked for: a hook needs no database, nor does who checks specs."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return found


def __dir__() -> list[str]:
    """All names of the interface, those not yet imported among them."""
    return sorted({*globals(), *__all__})
