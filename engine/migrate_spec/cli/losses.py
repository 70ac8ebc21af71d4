"""What records lose, as a table for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migrate_spec.cli.output import heading, show, warn
from migrate_spec.losses import KINDS, LossCount
from migrate_spec.reports import ApplyReport

__all__ = ["rows", "show_carried_back", "show_losses"]


def show_losses(losses: Sequence[LossCount]) -> None:
    """Show what is lost, and below it what is kept; nothing where there is nothing of the kind."""
    gone, kept = ([loss for loss in losses if loss.is_kept is wanted] for wanted in (False, True))
    for title, some in ((warn("What records lose"), gone), (heading("What goes, and is kept for the way up"), kept)):
        if some:
            show()
            show(title)
            told = [KINDS[loss.kind] if not loss.is_kept else "" for loss in some]
            for line in rows([(one.step, one.path, one.counted) for one in some], told):
                show(line)


def show_carried_back(report: ApplyReport) -> None:
    """Show what became of each collection on the way down, and what its records lose."""
    for name, counts in report.collections.items():
        back = f"{counts['migrated']:,} {'to carry back' if report.dry_run else 'carried back'}"
        unchanged = f"{counts['unchanged']:,} unchanged"
        show(f"   {name}: {counts['scanned']:,} scanned, {back} ({counts['exact']:,} exactly), {unchanged}")
    show_losses(report.losses)
    if report.losses:
        show()


def rows(cells: Sequence[tuple[str, str, str]], words: Sequence[str]) -> Iterator[str]:
    """Lines of a table: a step, a path and a number in columns, and words behind them."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for (step, path, number), told in zip(cells, words, strict=True):
        yield f"   {step:{widths[0]}}  {path:{widths[1]}}  {number:>{widths[2]}}  {told}".rstrip()
