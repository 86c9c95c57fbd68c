"""The store in VAST DataBase.

The `vastdb` SDK stays behind the modules vast_*.py: vast_session.py (how it speaks to the database),
vast_errors.py (its errors as ours), vast_transactions.py (tries, commits and rollbacks), vast_tables.py
(tables and their metadata), vast_rows.py (rows in a transaction) and vast_upsert.py (what is done to them).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from exr_inspector.catalog.rows import FileRows
from exr_inspector.catalog.search import VECTORS, By, Match
from exr_inspector.catalog.store import Outcome, Removal, Stored, Write
from exr_inspector.catalog.vast.rows import Rows
from exr_inspector.catalog.vast.session import make_session, sending_once
from exr_inspector.catalog.vast.tables import Tables
from exr_inspector.catalog.vast.transactions import Transactions, Work
from exr_inspector.catalog.vast.upsert import Known, are_absent, is_marked, write_all
from exr_inspector.errors import requires_extra
from exr_inspector.settings import Settings
from exr_inspector.vectors.embedding import EMBEDDING_VERSION

Result = TypeVar("Result")


class VastStore:
    """A Store in the schema that the settings name, through one session of the SDK.

    `session` is the SDK's; without one it is made when it is first needed, so that a database that is down
    stops nobody from starting. `wait` gets the seconds to wait before something is tried again.
    """

    def __init__(
        self, settings: Settings, session: Any = None, wait: Callable[[float], object] = time.sleep
    ) -> None:
        host = urlsplit(settings.vast_endpoint).netloc.rpartition("@")[2]
        self.name = "/".join(filter(None, (host, settings.vast_bucket, settings.vast_schema)))
        self.transactions = Transactions(
            lambda: sending_once(session) if session else make_session(settings),
            self.name,
            settings.vast_attempts,
            wait,
        )
        self._tables = Tables(self.transactions, settings.vast_bucket, settings.vast_schema)

    def ensure_tables(self) -> None:
        self._tables.ensure()

    def upsert(self, files: Sequence[FileRows], removals: Sequence[Removal] = ()) -> list[Outcome]:
        return self._write(files, removals)[0]

    def delete(self, removals: Sequence[Removal]) -> int:
        return self._write((), removals)[1]

    def _write(self, files: Sequence[FileRows], removals: Sequence[Removal]) -> tuple[list[Outcome], int]:
        """What was done with each file, and how many went, in one transaction."""

        def work(rows: Rows) -> Work[tuple[list[Outcome], int]]:
            write = Write.new()
            outcomes, gone = write_all(rows, files, removals, write)
            written = [each.file_id for each in outcomes if each.action != "outdated"]
            return Work((outcomes, len(gone)), _proof(rows, written, gone, write))

        return self._run(work) if files or removals else ([], 0)

    def lookup(self, file_ids: Sequence[str]) -> dict[str, Stored]:
        return self._run(lambda rows: Work(Known.of(rows, file_ids).stored)) if file_ids else {}

    def search(self, vector: list[float], by: By, where: str, limit: int) -> list[Match]:
        # Rows pass through DuckDB, which has SQL and exact distances. The SDK's own vector search needs a
        # driver beside the SDK, and nothing is known of its distances.
        with requires_extra("cli"):
            from exr_inspector.catalog.nearest import columns_of, nearest_in  # noqa: PLC0415

        def work(rows: Rows) -> Work[list[Match]]:
            with rows.scan("files", columns_of(by, where)) as files:
                return Work(nearest_in(files, vector, by, where, limit))

        return self._run(work)

    def vector(self, file_id: str, by: By) -> list[float] | None:
        column, version = VECTORS[by], "embedding_version"
        found = self._run(lambda rows: Work(rows.find("files", [file_id], [column, version]).to_pylist()))
        return next((row[column] for row in found if row[version] == EMBEDDING_VERSION), None)

    def close(self) -> None:
        self.transactions.close()

    def _run(self, work: Callable[[Rows], Work[Result]]) -> Result:
        """The result of `work` in a transaction; where tables were altered they are looked at again, once."""
        used = self._tables.kept()

        def refresh() -> None:
            nonlocal used
            used = self._tables.renewed(used)

        return self.transactions.run(lambda tx: work(Rows(tx, used)), refresh)


def _proof(rows: Rows, written: list[str], gone: list[str], write: Write) -> Callable[[Any], bool] | bool:
    """How a later transaction tells that this one was committed: by a mark on what it wrote, else by the
    absence of what it deleted. Where it did neither it may count as committed.
    """
    if written:
        return lambda tx: is_marked(rows.within(tx), written, write)
    return (lambda tx: are_absent(rows.within(tx), gone)) if gone else True
