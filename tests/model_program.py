"""The rules of the model test in which others do something: the program, and whoever leaves files about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.conftest import compact
from tests.model_kept import Document
from tests.model_machine import COLLECTIONS, WHICH, Machine, one_of
from tests.model_steps import collection_of, identity_of, stamped

VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "n": st.integers(-1, 5),
    "extra": st.none() | st.text("aä", max_size=2),
    "gone": st.booleans(),
    "mood": st.sampled_from("abc"),
    "size": st.sampled_from([1, 2, 2.5, 2.75]),
    "left": st.integers(0, 2),
    "right": st.integers(0, 2),
    "maybe": st.integers(0, 2),
    "title": st.sampled_from("tu"),
}
"""The fields that the program writes."""


class ProgramRules(Machine):
    """What others do."""

    def stamped(self, key: bytes, document: Document, version: int) -> Document:
        """A document as the program writes it that knows a version."""
        return stamped(document, self.model.specs.since(collection_of(key), version))

    @rule(
        collection=st.sampled_from(COLLECTIONS),
        identity=st.integers(0, 5),
        fields=st.none()
        | st.fixed_dictionaries(
            {"n": VALUES["n"]}, optional={name: some for name, some in VALUES.items() if name not in {"n", "maybe"}}
        ),
        killed=st.booleans(),
    )
    def put(self, collection: str, identity: int, fields: dict[str, Any] | None, *, killed: bool) -> None:
        """The program writes a record of its version, or what is none; it may be killed with that in the log only."""
        shape = self.model.specs.shapes[collection][self.state.version - 1]
        key, document, value = shape.key(identity), None, b"{"
        if fields is not None:
            document = {"id": identity} | shape.written(fields)
            document = self.stamped(key, document, self.state.version)
            value = compact(document)
        self.write(key, value, killed=killed)
        self.model.state = self.state.put(key, document)

    @rule(which=WHICH)
    def delete(self, which: int) -> None:
        """The program deletes a record."""
        keys = sorted({**self.state.records, **self.state.waiting})
        if keys:
            key = one_of(keys, which)
            self.write(key, None)
            self.model.state = self.state.without(key)

    @rule(which=WHICH, n=st.integers(-1, 1))
    def mend(self, which: int, n: int) -> None:
        """Somebody mends a record in quarantine by hand, as it was at its own version."""
        keys = sorted(self.state.held.keys() & self.state.records.keys())
        if keys:
            key = one_of(keys, which)
            document = self.stamped(key, {"id": identity_of(key), "n": n}, self.state.held[key])
            self.write(key, compact(document))
            self.model.state = replace(self.state, records={**self.state.records, key: document})

    @rule(value=st.binary(max_size=3), key=st.sampled_from([b"other:2", b"boxes/note:2"]))
    def put_other(self, value: bytes, key: bytes) -> None:
        """The program writes what belongs to no collection."""
        self.write(key, value)
        self.model.state = replace(self.state, others={**self.state.others, key: value})

    @rule(content=st.sampled_from(["", "{", '{"name": "x"}']))
    def leave_staging_folder(self, content: str) -> None:
        """Somebody left a staging folder with something in it."""
        folder = self.path.with_name("db.staging")
        (folder / "backup" / "database").mkdir(parents=True, exist_ok=True)
        (folder / "left.sst").write_text("left", "utf-8")
        if not (folder / "backup" / "backup.json").exists():
            (folder / "backup" / "backup.json").write_text(content, "utf-8")
