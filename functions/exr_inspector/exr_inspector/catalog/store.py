"""The Store protocol: what every store does. `catalog.plan` decides what is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from exr_inspector.catalog.facets import FileRows
from exr_inspector.catalog.plan import Action, Outcome, Removal, Stored
from exr_inspector.catalog.search import Searchable

__all__ = ["Action", "Outcome", "Removal", "Store", "Stored"]


class Store(Searchable, Protocol):
    """The tables, written in batches and searched by vector.

    Every method raises InspectorError; after an error nothing has changed. All are safe to call from many
    threads.
    """

    name: str

    def ensure_tables(self) -> None:
        """Create missing tables and columns. Raises TABLE_MISMATCH for a column of another type."""

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        """Write what `catalog.plan.plan` makes of these deliveries and removals, in one transaction.

        Returns one outcome for each file: the delivered files in order, then those that were only removed.
        """

    def lookup(self, file_ids: Sequence[str]) -> dict[str, Stored]:
        """Return what is stored of these files; a file that is not stored is not in the result."""

    def computed(self, file_ids: Sequence[str], facet: str) -> dict[str, str | None]:
        """Return the stored `input_hash` of a facet by file; files without the facet are left out."""

    def close(self) -> None:
        """Release connections and files."""
