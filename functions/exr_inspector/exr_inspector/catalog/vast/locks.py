"""Lock rows: two transactions that write rows of the same file update the same row of the table `locks`.

docs/decisions/003-one-set-of-rows-per-file.md explains why this leaves one set of rows per file.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from exr_inspector.catalog.vast.rows import ROW_ID, Rows
from exr_inspector.catalog.vast.transactions import Transaction
from exr_inspector.errors import TABLE_MISMATCH, InspectorError

# All instances must agree on the number of shards.
SHARDS = 1 << 16
LOCKS = pa.schema([("shard", pa.int64()), ("holder", pa.string())])


def shard_of(file_id: str) -> int:
    """Return the shard of a file: the first four hexadecimal digits of its id."""
    return int(file_id[:4], 16)


def all_locks() -> pa.RecordBatch:
    """Return the rows of a new table `locks`."""
    return pa.record_batch({"shard": pa.array(range(SHARDS), pa.int64())})


@dataclass(frozen=True)
class HeldLocks:
    """The locks of `shards`, held by the transaction that wrote `write_id` into their rows."""

    shards: tuple[int, ...]
    write_id: str

    def is_visible(self, rows: Rows) -> bool:
        """Return whether a lock row bears the write id: one is proof for the whole transaction."""
        found = rows.find("locks", self.shards, ["holder"], key="shard")
        return self.write_id in found["holder"].to_pylist()


def lock(transaction: Transaction, file_ids: Collection[str], write_id: str) -> None:
    """Update the lock rows of these files, and make them the proof of the transaction.

    Raises the SDK's Conflict if the database refuses the update, and TABLE_MISMATCH if a lock row is missing.
    """
    shards = tuple(sorted({shard_of(each) for each in file_ids}))
    found = transaction.rows.find("locks", shards, ["shard"], key="shard").sort_by(ROW_ID)
    # If a shard has several rows, all instances use the one with the smallest row id.
    positions = {shard: position for position, shard in reversed(list(enumerate(found["shard"].to_pylist())))}
    if missing := set(shards) - set(positions):
        message = f"table locks has no row of shard {min(missing)}: drop the table, and it is created again"
        raise InspectorError(TABLE_MISMATCH, message, "locks")
    row_ids = found.take(pa.array(sorted(positions.values()), pa.int64()))[ROW_ID]
    holders = pa.array([write_id] * len(row_ids), LOCKS.field("holder").type)
    transaction.rows.update("locks", pa.table({ROW_ID: row_ids, "holder": holders}))
    transaction.proof = HeldLocks(shards, write_id)
