"""The contenders in C++, compiled where Debian's packages for that are there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["MISSING", "WAYS", "about_cpp", "program"]

FOLDER = Path(__file__).parent / "cpp"
SOURCE = FOLDER / "contenders.cpp"
TARGET = FOLDER / "build" / "contenders"
HEADERS = (Path("/usr/include/rocksdb/db.h"), Path("/usr/include/rapidjson/document.h"))
FLAGS = ("-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror")

WAYS = {
    "copy": "C++, copy without a change",
    "sst": "C++, RapidJSON, SST",
    "batch": "C++, RapidJSON, WriteBatch",
    "put": "C++, RapidJSON, Put",
}
"""What the program can do: the word for it, and what it is called in the results."""

MISSING = "g++, librocksdb-dev or rapidjson-dev was not found, so there are no contenders in C++; install all three."


def program() -> Path | None:
    """The compiled program, made anew where its source has changed; ``None`` where it cannot be made."""
    compiler = shutil.which("g++")
    if compiler is None or not all(header.exists() for header in HEADERS):
        return None
    if not TARGET.exists() or TARGET.stat().st_mtime < SOURCE.stat().st_mtime:
        TARGET.parent.mkdir(exist_ok=True)
        with TemporaryDirectory(dir=TARGET.parent) as folder:  # others may be compiling it, too
            made = Path(folder, TARGET.name)
            subprocess.run(  # noqa: S603 - our own source
                [compiler, *FLAGS, "-o", str(made), str(SOURCE), "-lrocksdb"], check=True
            )
            made.replace(TARGET)
    return TARGET


def about_cpp() -> str:
    """A sentence on how the contenders in C++ were made, or why there are none."""
    compiled = program()
    if compiled is None:
        return MISSING
    rocksdb = subprocess.run([compiled, "version"], check=True, capture_output=True, text=True).stdout  # noqa: S603
    return f"Those in C++ have one thread, are compiled with `g++ -O2`, and use RocksDB {rocksdb.strip()}."
