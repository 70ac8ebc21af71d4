"""Hooks as a project keeps them in its folder ``hooks``: pure functions from one JSON value to another."""

from __future__ import annotations

import math

from migrate_spec import hook


@hook
def to_polar(point: dict[str, float]) -> dict[str, float]:
    """A point given by its coordinates, as angle (degrees) and distance."""
    x, y = point["x"], point["y"]
    return {"angle": round(math.degrees(math.atan2(y, x)), 6), "distance": round(math.hypot(x, y), 6)}


@hook
def to_cartesian(point: dict[str, float]) -> dict[str, float]:
    """A point given by angle (degrees) and distance, as its coordinates."""
    angle, distance = math.radians(point["angle"]), point["distance"]
    return {"x": round(distance * math.cos(angle), 6), "y": round(distance * math.sin(angle), 6)}
