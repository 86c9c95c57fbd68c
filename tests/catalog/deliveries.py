"""An upsert that does everything an upsert can do, and the tables before and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.catalog.rows import delivered, expected

if TYPE_CHECKING:
    from exr_inspector.catalog.facets import FileRows

ACTIONS = ["unchanged", "replaced", "inserted", "outdated"]


def held(name: str) -> list[FileRows]:
    """Return the files that are stored before."""
    late = delivered(f"{name}late", version=2, sequencer="2")
    return [delivered(f"{name}same"), delivered(f"{name}changed", version=2), late]


def batch(name: str) -> list[FileRows]:
    """Return the files that are delivered, one for each of `ACTIONS`."""
    late = delivered(f"{name}late", version=1, sequencer="1")
    return [delivered(f"{name}same"), delivered(f"{name}changed"), delivered(f"{name}new", version=2), late]


def wanted(name: str) -> dict[str, list[str]]:
    """Return the tables afterwards, comparable."""
    return expected(*batch(name)[:-1], held(name)[-1])
