"""The page docs/performance.md and the pictures beside it, read off the results in benchmarks/results.

python -m benchmarks.report
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.pictures import bars
from benchmarks.results import Result, read, table
from benchmarks.rounds import ROOT

__all__ = ["RESULTS", "main", "pages"]

RESULTS = ROOT / "benchmarks/results"
PAGE = ROOT / "docs/performance.md"

ORDER = ("apply", "options", "downgrade", "scale", "reads", "startup", "validate")
"""The benchmarks as they follow each other on the page."""

PICTURES = {"apply": ("performance.svg", "migrate-spec apply"), "scale": ("performance-scale.svg", "")}
"""Those that are drawn: the file, and how the names begin whose bars stand out."""

HEAD = """\
<!-- `make bench-all` measures and writes this page; `python -m benchmarks.report` writes it from the last results. -->

# Performance

What is compared here are whole processes, from their start to their end, on the same data, unless it says otherwise.
They run in turns, round after round, each on a fresh copy of the database whose files the system holds in memory, and
what is told is the median. `processor` is how long all cores together worked, in the median. Memory is the peak of a
process and all that it started, with shared memory counted once; it comes from a round of its own, as to look takes
time. Numbers of one machine say little of another, ratios say more: `make bench-all` measures yours.
"""

TAIL = """
## Where the time goes

Samples of a run with one process (`perf record -e cpu-clock`, 1,000,000 tasks), by what was at work:

| | all records checked | `--no-validate` |
|---|---|---|
| Python (`libpython`: 9 and 11 % are its loop, the rest are dictionaries, tuples, texts and memory) | 39 % | 44 % |
| RocksDB (8 and 10 % compress, 2 and 3 % decompress) | 19 % | 24 % |
| JSON (msgspec) | 18 % | 13 % |
| the C library (copying, comparing, memory) | 14 % | 13 % |
| the kernel | 5 % | 5 % |
| what types cannot check (jsonschema-rs: formats, bounds) | 4 % | 0 % |

What was tried on the way: dictionaries that are checked by types while they are read (9.2 µs a record for reading,
checking and writing), and a class made of the schema for all records with the same fields (5.2 µs), which is what is
used. New fields are set behind the bytes of the old ones; fields that move are put together by a second class. Records
that follow each other with the same fields are carried in one loop, written again into one buffer to see that they are
spelled as usual, and digested as one piece of MessagePack: 9 % fewer instructions a record than one by one. Tried
without a gain: to decode many records at once, to count the keys of a record instead of writing it again, and to start
the workers while the first process still imports (both cores are busy then).

Of the 51,000 instructions that a record takes (`valgrind --tool=callgrind`), 23 % read it as JSON and its types, 22 %
put it into a table file (of which snappy is three quarters), 12 % write it again, 11 % read it from the database, 7 %
check its moments, and 4 % are its two digests. What is left for Python itself, with all memory, is 21 %.

A loop in C++ with a WriteBatch takes 1.1 to 1.4 times as long, and not 1.5 times, which was the aim: the digests of all
records before and after, for the history, take 4 % of the run, what is kept for the way back takes some, too (see
there), and two thirds of a second of each run are three processes that start. The way down is gone step by step; where
the steps look at names alone, that is found out once for all records with the same fields of which the same was kept,
and only a record that was edited just there goes it by itself.

Without a check a run takes 1.7 times as long as the copy in C++, and not 1.2 times, which was the aim: of the 9.2 s
that two processes work, RocksDB, the kernel and the copying of bytes are 40 %, more than all of the copy in C++ takes,
as each record crosses the border between the two languages twice; and to start takes a third of a second.

`migrate-spec status` starts in a quarter of a second here, and not within 150 ms of `python -c pass`: half of that are
the libraries that it imports (click, msgspec, jsonschema-rs, rocksdict, PyYAML).
"""


def pages(results: Path) -> dict[Path, str]:
    """The page and its pictures, each with its text.

    Args:
        results: the folder with the results of each benchmark as JSON; those that are not there are left out.

    Raises:
        ValueError: there are no results, or they are of different machines, so that they cannot be compared.
    """
    found = {name: read(results / f"{name}.json") for name in ORDER if (results / f"{name}.json").exists()}
    machines = [one.machine for one in found.values()]
    if not found or any(machine != machines[0] for machine in machines):
        count = "of several machines" if found else "none"
        raise ValueError(f"{results}: results of one machine were expected, {count} found; run make bench-all")
    parts = [HEAD, "\n".join(f"- {name}: {what}" for name, what in machines[0].items())]
    parts += [_chapter(name, result) for name, result in found.items()]
    parts.append(TAIL)
    drawn = {PAGE.with_name(PICTURES[name][0]): _picture(name, found[name]) for name in PICTURES if name in found}
    return {PAGE: "\n".join(parts) + "\n", **drawn}


def _chapter(name: str, result: Result) -> str:
    return "\n".join(_paragraphs(name, result))


def _paragraphs(name: str, result: Result) -> Iterator[str]:
    rounds = f"{len(result.rows[0].seconds)} rounds of `python -m benchmarks.{name}`."
    yield f"\n## {result.title}\n\n{result.about} {rounds} {result.disturbed}\n"
    if name in PICTURES:
        yield f"![What a {result.unit} costs]({PICTURES[name][0]})\n"
    head, *lines = table(result)
    yield _line(head)
    yield "|---" * len(head) + "|"
    yield from map(_line, lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _picture(name: str, result: Result) -> str:
    return bars(result, f"What a {result.unit} costs", PICTURES[name][1])


def main() -> None:
    """Write all of it."""
    for page, text in pages(RESULTS).items():
        page.write_text(text, "utf-8")
        print(f"✓ {page.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
