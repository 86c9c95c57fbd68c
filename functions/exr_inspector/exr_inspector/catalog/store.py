"""The Store protocol, which every store implements. `catalog.plan` decides what to write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import pyarrow as pa

from exr_inspector.catalog.facets import FileRows, Row
from exr_inspector.catalog.plan import Action, Outcome, Removal, Stored
from exr_inspector.catalog.search import Searchable

Result = TypeVar("Result")

__all__ = ["Action", "Outcome", "Removal", "Store", "Stored"]


class Sink(Protocol):
    """Takes rows. Raises InspectorError, and then nothing has changed. Safe to call from many threads.

    `commits`: the rows are stored when `upsert` returns. Otherwise it is of no use to look at objects then.
    """

    name: str
    commits: bool

    def ensure_tables(self) -> None:
        """Create missing tables and columns. Raises TABLE_MISMATCH for a column of another type."""

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        """Write what `catalog.plan.plan` makes of these deliveries and removals, in one transaction.

        Returns one outcome for each file: the delivered files in order, then those that were only removed.
        """

    def computed(self, file_ids: Sequence[str], facet: str) -> dict[str, str | None]:
        """Return the stored `input_hash` of a facet by file; files without the facet are left out.

        Results that are not returned are computed again.
        """

    def close(self) -> None:
        """Release connections and files."""


class Store(Sink, Searchable, Protocol):
    """The tables, written in batches, scanned, and searched by vector.

    Every method raises InspectorError; after an error nothing has changed. All are safe to call from many
    threads.
    """

    def lookup(self, file_ids: Sequence[str]) -> dict[str, Stored]:
        """Return the stored state of these files, without those that are not stored."""

    def read_rows(self, file_ids: Sequence[str], tables: Sequence[str]) -> dict[str, list[Row]]:
        """Return all columns of the rows of files in some tables, by table, in no order."""

    def scan(
        self,
        table: str,
        columns: Sequence[str],
        read: Callable[[pa.RecordBatchReader], Result],
        under: str = "",
    ) -> Result:
        """Return what `read` makes of the columns of a table, in no order; it gets them as record batches.

        `under` keeps the files whose canonical name begins so. `read` is called again, with all rows, if the
        database fails meanwhile and another attempt may help.
        """
