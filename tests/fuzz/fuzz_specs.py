"""Fuzzes the reader of specs: whatever the bytes, it gives a spec or faults, soon, and no other error.

Run with ``make fuzz``; what it finds becomes a row of a test.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["migrate_spec"]):
    from migrate_spec.spec import Spec, parse_spec


def one_input(data: bytes) -> None:
    """Read a text as a spec; what is read says the same again."""
    spec, faults = parse_spec(data.decode("utf-8", "replace"), "specs/task/v1_to_v2.yaml")
    assert (spec is None) == bool(faults)
    for fault in faults:
        assert str(fault)
        assert fault.code
    if spec is not None:
        again = Spec.from_text(spec.text, "history")
        assert again == spec
        assert again.steps == spec.steps


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
