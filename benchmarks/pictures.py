"""Results drawn as bars: an SVG that is readable on a light and on a dark page."""

from __future__ import annotations

from html import escape

from benchmarks.results import Result, spelled

__all__ = ["bars"]

WIDTH, LABELS, VALUES = 760, 260, 110
"""In pixels: the whole, and what the names and the numbers take of it."""

STEP, BAR, TOP, EDGE = 30, 18, 52, 12
"""In pixels, too: from one bar to the next, the height of a bar, the room above the first, the edge around it all."""

STYLE = """\
.page { fill: #ffffff }
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.ours { fill: #0969da }
.other { fill: #8c959f }
@media (prefers-color-scheme: dark) {
  .page { fill: #0d1117 }
  text { fill: #e6edf3 }
  .ours { fill: #4493f8 }
  .other { fill: #6e7681 }
}"""


def bars(result: Result, title: str, ours: str) -> str:
    """A bar for what a piece of work costs each contender.

    Args:
        result: what was found.
        title: what the picture is called.
        ours: how the names begin whose bars stand out.
    """
    most = max(row.cost for row in result.rows)
    height = TOP + STEP * len(result.rows) + EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" width="{WIDTH}">',
        f"<title>{escape(title)}</title>",
        f"<style>\n{STYLE}\n</style>",
        '<rect class="page" width="100%" height="100%" rx="6"/>',
        f'<text class="title" x="{EDGE}" y="{EDGE + BAR}">{escape(title)}</text>',
    ]
    for number, row in enumerate(result.rows):
        top = TOP + STEP * number
        length = (WIDTH - LABELS - VALUES) * row.cost / most
        kind = "ours" if row.name.startswith(ours) else "other"
        parts += [
            f'<text x="{LABELS - 10}" y="{top + BAR - 4}" text-anchor="end">{escape(row.name)}</text>',
            f'<rect class="{kind}" x="{LABELS}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>',
            f'<text x="{LABELS + length + 8:.1f}" y="{top + BAR - 4}">{spelled(row.cost)}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
