"""The store in VAST DataBase.

The modules beside this one, from the outside in: `upsert` (one delivery in one transaction), `tables` (their
metadata), `locks` (one writer of a file at a time), `transactions` (attempts, commits, rollbacks), `rows` (in
one transaction), `errors` (coded errors), `sdk` (the only module that imports the `vastdb` SDK).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import FileRows, Row
from exr_inspector.catalog.group import GroupCommit
from exr_inspector.catalog.search import DETAIL_TABLES, VECTORS, By, Match, Search, StoredRows
from exr_inspector.catalog.store import Outcome, Removal, Result, Stored
from exr_inspector.catalog.stored_document import by_file
from exr_inspector.catalog.vast import journal, sdk
from exr_inspector.catalog.vast.tables import Tables
from exr_inspector.catalog.vast.transactions import Transaction, Transactions
from exr_inspector.catalog.vast.upsert import computed, lookup, upsert
from exr_inspector.errors import requires_extra
from exr_inspector.settings import Settings


class VastStore:
    """A Store in the schema that the settings name, through one session of the SDK.

    `session` is an SDK session. Without one, the store makes its own when it is first needed, so that an
    instance can start while the database is down. `wait` gets the seconds to wait before another attempt, and
    `on_retry` the code of the fault that is the reason.
    """

    commits = True

    def __init__(
        self,
        settings: Settings,
        session: Any = None,
        wait: Callable[[float], object] = time.sleep,
        on_retry: Callable[[str], object] | None = None,
    ) -> None:
        host = urlsplit(settings.vast_endpoint).netloc.rpartition("@")[2]
        self.name = "/".join(filter(None, (host, settings.vast_bucket, settings.vast_schema)))
        self.transactions = Transactions(
            lambda: sdk.without_retries(session) if session else sdk.connect(settings),
            self.name,
            settings.vast_attempts,
            wait,
            # A given session may belong to any database.
            journal.folder_of(settings.vast_journal) if settings.vast_endpoint else None,
        )
        self.transactions.on_retry = on_retry
        self._tables = Tables(self.transactions, settings.vast_bucket, settings.vast_schema)
        self._group = GroupCommit(self._write)

    def ensure_tables(self) -> None:
        self._tables.ensure()

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        return self._group.upsert(files, removals) if files or removals else []

    def _write(self, files: Sequence[FileRows], removals: Sequence[Removal]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for transaction in self._attempts():
            with transaction:
                outcomes = upsert(transaction, files, removals)
        return outcomes

    def lookup(self, file_ids: Sequence[str]) -> dict[str, Stored]:
        stored: dict[str, Stored] = {}
        if file_ids:
            for transaction in self._attempts():
                with transaction:
                    stored = lookup(transaction.rows, file_ids)
        return stored

    def computed(self, file_ids: Sequence[str], facet: str) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        if file_ids:
            for transaction in self._attempts():
                with transaction:
                    found = computed(transaction.rows, file_ids, facet)
        return found

    def search(self, search: Search) -> list[Match]:
        # The rows pass through DuckDB, which provides SQL and exact distances. The SDK's own vector search
        # needs a separate native driver, and its distances are not documented.
        with requires_extra("cli"):
            from exr_inspector.catalog.nearest import columns_of, nearest_in  # noqa: PLC0415

        matches: list[Match] = []
        for transaction in self._attempts():
            with transaction, ExitStack() as scans:
                readers = {
                    table: scans.enter_context(transaction.rows.scan(table, columns))
                    for table, columns in columns_of(search).items()
                }
                matches = nearest_in(readers, search)
        return matches

    def vector(self, file_id: str, by: By) -> list[float] | None:
        table, column, version_column, version = VECTORS[by]
        found: list[dict[str, Any]] = []
        for transaction in self._attempts():
            with transaction:
                found = transaction.rows.find(table, [file_id], [column, version_column]).to_pylist()
        return next((row[column] for row in found if row[version_column] == version), None)

    def stored_rows(self, file_ids: Sequence[str]) -> dict[str, StoredRows]:
        return by_file(self.read_rows(file_ids, DETAIL_TABLES))

    def read_rows(self, file_ids: Sequence[str], tables: Sequence[str]) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {table: [] for table in tables}
        if file_ids:
            for transaction in self._attempts():
                with transaction:
                    for table in tables:
                        names = TABLES[table].names
                        found[table] = transaction.rows.find(table, file_ids, names).select(names).to_pylist()
        return found

    def scan(
        self,
        table: str,
        columns: Sequence[str],
        read: Callable[[pa.RecordBatchReader], Result],
        under: str = "",
    ) -> Result:
        results: list[Result] = []
        for transaction in self._attempts():
            with transaction, transaction.rows.scan(table, columns, under) as reader:
                results = [read(reader)]
        return results[0]

    def close(self) -> None:
        self.transactions.close()

    def _attempts(self) -> Iterator[Transaction]:
        return self.transactions.attempts(self._tables)
