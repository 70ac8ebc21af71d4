"""Build the example database: a RocksDB at version 1, laid out as Meridian laid out its own.

    PYTHONPATH=examples python -m meridian.build_database TARGET [--rows FILE]

The rows are text, one JSON object a line: ``{"key": …, "value": …}``. Where bytes are not UTF-8, ``key_hex`` or
``value_hex`` holds them in hexadecimal instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rocksdict import Options, Rdict, WriteBatch

__all__ = ["build", "main", "read_rows"]

DEMO_ROWS = Path(__file__).with_name("database_v1.jsonl")
"""Records of every family that Meridian stored, and keys that lie close to the tasks without being any."""


def build(target: Path, rows: Path = DEMO_ROWS) -> int:
    """Write the records of ``rows`` into a new database at ``target`` and say how many they are.

    The keys and values are stored as they are, in the default column family. No version is written, unless it is
    among the rows: a database without one is at version 1.

    Raises:
        FileExistsError: there is something at ``target`` already. It is left alone.
        OSError: ``rows`` cannot be read, or no folder can be made at ``target``.
        ValueError: a line of ``rows`` is not a row, or has the key of an earlier one. Nothing was created.
    """
    if target.exists() or target.is_symlink():
        raise FileExistsError(f"{target}: it exists already; name a path where there is nothing yet")
    records = read_rows(rows)
    batch = WriteBatch(raw_mode=True)
    for key, value in records.items():
        batch.put(key, value)
    target.mkdir(parents=True)
    database = Rdict(str(target), Options(raw_mode=True))
    try:
        database.write(batch)
        database.flush()
    finally:
        database.close()
    # rocksdict leaves a note of its own settings; a database that another program made has none.
    (target / "rocksdict-config.json").unlink(missing_ok=True)
    return len(records)


def read_rows(rows: Path) -> dict[bytes, bytes]:
    """The records of a file of rows, in its order.

    Raises:
        ValueError: a line is not a row, or has the key of an earlier one.
    """
    records: dict[bytes, bytes] = {}
    for number, line in enumerate(rows.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key, value = _bytes_of(row, "key"), _bytes_of(row, "value")
        except ValueError as error:
            raise ValueError(f"{rows}:{number}: this is not a row ({error})") from None
        if key in records:
            raise ValueError(f"{rows}:{number}: the key {key!r} is in an earlier row already")
        records[key] = value
    return records


def _bytes_of(row: object, name: str) -> bytes:
    """The bytes of one half of a row: text as UTF-8, or what the hexadecimal digits say."""
    match row:
        case dict() if isinstance(text := row.get(name), str):
            return text.encode()
        case dict() if isinstance(digits := row.get(f"{name}_hex"), str):
            return bytes.fromhex(digits)
    raise ValueError(f"it has no text {name!r} or {name + '_hex'!r}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, build the database, say so; the exit code is 1 where that was not possible."""
    parser = argparse.ArgumentParser(prog="meridian.build_database", description="Build the example database.")
    parser.add_argument("target", type=Path, metavar="TARGET", help="where to; nothing may be there yet")
    parser.add_argument("--rows", type=Path, metavar="FILE", default=DEMO_ROWS, help="the rows (default: the demo)")
    options = parser.parse_args(arguments)
    try:
        count = build(options.target, options.rows)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.target}: {count} records written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
