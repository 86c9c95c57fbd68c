"""Lock rows: two transactions that write rows of the same file update the same row of the table `locks`.

docs/decisions/003-one-set-of-rows-per-file.md explains why this leaves one set of rows per file.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from exr_inspector.catalog.facets import Row
from exr_inspector.catalog.plan import Write
from exr_inspector.catalog.vast.rows import ROW_ID, Rows
from exr_inspector.catalog.vast.transactions import Transaction
from exr_inspector.errors import TABLE_MISMATCH, InspectorError

# All instances must agree on the number of shards.
SHARDS = 1 << 16
MAX_NAMED = 3  # shards in a message
LOCKS = pa.schema(
    [
        ("shard", pa.int64()),
        ("holder", pa.string()),  # the id of the write that held the lock last
        ("transaction_id", pa.string()),  # the id of its transaction, in decimal digits
        ("held_since", pa.timestamp("us")),  # when it took the lock, in UTC
    ]
)


def shard_of(file_id: str) -> int:
    """Return the shard of a file: the first four hexadecimal digits of its id."""
    return int(file_id[:4], 16)


def all_locks() -> pa.RecordBatch:
    """Return the rows of a new table `locks`."""
    return pa.record_batch({"shard": pa.array(range(SHARDS), pa.int64())})


@dataclass(frozen=True)
class HeldLocks:
    """The locks of `shards`, held by the transaction that wrote `write_id` into their rows.

    `before` is the lock row, among theirs, that was committed last before.
    """

    shards: tuple[int, ...]
    write_id: str
    before: Row

    def is_visible(self, rows: Rows) -> bool:
        """Return whether a lock row bears the write id: one is proof for the whole transaction."""
        found = rows.find("locks", self.shards, ["holder"], key="shard")
        return self.write_id in found["holder"].to_pylist()

    def describe(self) -> str:
        """Return which locks these are, and which write held one of them last, as far as others can see."""
        shards = ", ".join(map(str, self.shards[:MAX_NAMED]))
        if len(self.shards) > MAX_NAMED:
            shards += f" and {len(self.shards) - MAX_NAMED} more"
        lock = (
            f"the lock of shard {shards}" if len(self.shards) == 1 else f"one of the locks of shards {shards}"
        )
        if self.before["holder"] is None:
            return f"{lock}, under which no write was committed before"
        return (
            f"{lock}; the last committed write there is {self.before['holder']} (transaction"
            f" {self.before['transaction_id']}, {self.before['held_since']} UTC)"
        )


def lock(transaction: Transaction, file_ids: Collection[str], write: Write) -> None:
    """Update the lock rows of these files, and make them the proof of the transaction.

    The transaction's id is recorded first, outside the database, in case that the process is killed.

    Raises the SDK's Conflict if the database refuses the update, and TABLE_MISMATCH if a lock row is missing.
    """
    shards = tuple(sorted({shard_of(each) for each in file_ids}))
    found = transaction.rows.find("locks", shards, LOCKS.names, key="shard").sort_by(ROW_ID)
    # If a shard has several rows, all instances use the one with the smallest row id.
    rows: dict[int, Row] = {}
    for row in found.to_pylist():
        rows.setdefault(row["shard"], row)
    if missing := set(shards) - set(rows):
        message = f"table locks has no row of shard {min(missing)}: drop the table, and it is created again"
        raise InspectorError(TABLE_MISMATCH, message, "locks")
    before = max(rows.values(), key=lambda row: row["held_since"] or datetime.min)  # noqa: DTZ901 - UTC, naive
    transaction.proof = HeldLocks(shards, write.id, before)
    transaction.record(write.id, shards)
    count = len(rows)
    values = {"holder": write.id, "transaction_id": str(transaction.id), "held_since": write.now}
    columns = {name: pa.array([value] * count, LOCKS.field(name).type) for name, value in values.items()}
    row_ids = pa.array(sorted(row[ROW_ID] for row in rows.values()), found.schema.field(ROW_ID).type)
    transaction.rows.update("locks", pa.table({ROW_ID: row_ids, **columns}))
