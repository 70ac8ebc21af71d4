"""The pages that are read off the code: those of docs/, and what stands between markers in other pages.

python -m docs.generate

Nothing in them is written twice: the words are those of the docstrings, and a new operation appears by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from docs.findings import findings
from docs.reference import AnyOperation, reference
from migrate_spec.operations import all_operations
from migrate_spec.prose import prose, sentences
from migrate_spec.record_operations import all_record_operations

ROOT = Path(__file__).parent.parent

SHOWN = "wrap"
"""The operation that CONTRIBUTING.md shows as a diff."""


def pages() -> dict[Path, str]:
    """All that is generated: each page with its text."""
    return {
        ROOT / "docs/findings.md": findings(),
        ROOT / "docs/operations.md": reference(),
        ROOT / "README.md": _filled("README.md", "operations", _tables()),
        ROOT / "CONTRIBUTING.md": _filled("CONTRIBUTING.md", "diff", "\n\n".join(_diffs())),
    }


def _filled(page: str, name: str, new: str) -> str:
    """A page with other text between the two markers of a name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = (ROOT / page).read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{page}: no {begin} with {end} behind it was found")
    return f"{before}{begin}\n{new}\n{end}{after}"


def _tables() -> str:
    """A row for each operation."""
    documents = [("Operation", "Forwards", "Backwards")]
    documents += [(_link(name), forwards(one), backwards(one)) for name, one in all_operations().items()]
    records = [("On whole records, under `records`", "What it does")]
    records += [(_link(name), forwards(one)) for name, one in all_record_operations().items()]
    return f"{_table(documents)}\n\n{_table(records)}"


def _link(name: str) -> str:
    return f"[`{name}`](docs/operations.md#{name})"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *others = (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
    return "\n".join([head, "|---" * len(rows[0]) + "|", *others])


def forwards(operation: AnyOperation) -> str:
    """What an operation does, in a sentence: the first one of its docstring."""
    return sentences(prose(operation))[0]


def backwards(operation: AnyOperation) -> str:
    """What it does on the way back: what begins with "Backwards", or else the sentence that speaks of it."""
    told = sentences(prose(operation))
    for sentence in told:
        words = re.search(r"(?:^B|; b)ackwards (.*)", sentence)
        if words:
            return words[1][0].upper() + words[1][1:]
    return next((sentence for sentence in told if re.search(r"\b(back|backwards)\b", sentence)), "")


def _diffs() -> Iterator[str]:
    """The two files of an operation as a diff; of its table the first row of each part."""
    code, table = f"engine/migrate_spec/operations/{SHOWN}.py", f"tests/cases/{SHOWN}.yaml"
    cases = _lines(table)
    begins = [index for index, line in enumerate(cases) if line.startswith("# ----")]
    ends = [cases.index("", begin + 2) for begin in begins]
    yield _diff(code, [(0, len(_lines(code)))])
    yield _diff(table, list(zip(begins, ends, strict=True)))


def _lines(file: str) -> list[str]:
    return (ROOT / file).read_text(encoding="utf-8").splitlines()


def _diff(file: str, parts: Sequence[tuple[int, int]]) -> str:
    shown = ["```diff", "--- /dev/null", f"+++ b/{file}"]
    for begin, end in parts:
        shown += [f"@@ -0,0 +{begin + 1},{end - begin} @@", *(f"+{line}" for line in _lines(file)[begin:end])]
    return "\n".join([*shown, "```"])


def main() -> None:
    """Write all pages."""
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
        print(f"✓ {page.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
