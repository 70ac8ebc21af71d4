"""Hooks of Hoppscotch's steps: ids that are made of the document alone, so that a run repeated makes the same."""

from __future__ import annotations

import json
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from migrate_spec import hook


@hook
def collection_with_ids(collection: dict[str, Any]) -> dict[str, Any]:
    """A collection with an id, and so all folders in it."""
    return _with_ids(collection, _text(collection))


def _with_ids(collection: dict[str, Any], seed: str) -> dict[str, Any]:
    """A collection whose id is made of ``seed``, and those of its folders of that and their place."""
    folders = collection.get("folders", [])
    numbered = [_with_ids(folder, f"{place}/{seed}") for place, folder in enumerate(folders)]
    within = {"folders": numbered} if "folders" in collection else {}
    return collection | within | {"_ref_id": f"coll_{uuid5(NAMESPACE_OID, seed)}"}


@hook
def request_with_id(request: dict[str, Any]) -> dict[str, Any]:
    """A request with an id."""
    return request | {"_ref_id": f"req_{uuid5(NAMESPACE_OID, _text(request))}"}


@hook
def environment_with_id(environment: dict[str, Any]) -> dict[str, Any]:
    """An environment with an id."""
    return environment | {"id": str(uuid5(NAMESPACE_OID, _text(environment)))}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True)
