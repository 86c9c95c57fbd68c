"""Keep the rows of deleted files for some time, in a separate store so that no reader counts them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.compute as pc

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import FileRows
from exr_inspector.catalog.plan import Removal
from exr_inspector.catalog.store import Store
from exr_inspector.catalog.stored_document import by_file

BATCH = 1_000


class Archive:
    """Keeps the rows of files that a store is about to lose. `last_inspected` is the time of that."""

    def __init__(self, archive: Store, store: Store) -> None:
        self._archive = archive
        self._store = store

    def keep(self, file_ids: Sequence[str]) -> None:
        """Copy the rows of files. Raises InspectorError."""
        stored = by_file(self._store.read_rows(file_ids, list(TABLES)), of="files")
        self._archive.upsert(
            [
                FileRows(
                    file_id, {table: [dict(row) for row in found] for table, found in rows.items()}, True
                )
                for file_id, rows in stored.items()
            ]
        )

    def expire(self, days: int) -> int:
        """Delete the rows that were kept longer than this, and return the number of files."""
        oldest = (datetime.now(timezone.utc) - timedelta(days=days)).replace(tzinfo=None)

        def expired(rows: pa.RecordBatchReader) -> list[str]:
            found: list[str] = []
            for batch in rows:
                found += batch["file_id"].filter(pc.less(batch["last_inspected"], oldest)).to_pylist()
            return found

        file_ids = self._archive.scan("files", ("file_id", "last_inspected"), expired)
        for start in range(0, len(file_ids), BATCH):
            removals = [Removal(each, is_current=True) for each in file_ids[start : start + BATCH]]
            self._archive.upsert([], removals)
        return len(file_ids)
