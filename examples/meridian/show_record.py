"""Print one record of a database, a field a line.

PYTHONPATH=examples python -m meridian.show_record DATABASE KEY
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from migrate_spec import MigrateSpecError
from migrate_spec.stores.rocks import open_for_reading


def main() -> int:
    """Print the record that the command line names, and give the exit code."""
    parser = argparse.ArgumentParser(description="Print one record of a database, a field a line.")
    parser.add_argument("database", type=Path)
    parser.add_argument("key")
    options = parser.parse_args()
    try:
        with open_for_reading(options.database) as store:
            value = store.get(options.key.encode())
    except MigrateSpecError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if value is None:
        sys.stderr.write(f"{options.key}: there is no such record\n")
        return 1
    for name, part in json.loads(value).items():
        sys.stdout.write(f"  {name}: {json.dumps(part, ensure_ascii=False)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
