"""Transactions with snapshot isolation, and the conflicts between them."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from tests.vast_server.answers import Refusal, conflict, missing
from tests.vast_server.database import Database

Claim = tuple[Hashable, ...]
ConflictAt = Literal["write", "commit", "lenient", "never"]


@dataclass(frozen=True)
class Change:
    """A write: how it changes a database, and what no other transaction may write at the same time.

    `leniently` does the same, but skips rows that were deleted since.
    """

    apply: Callable[[Database], Database]
    claims: frozenset[Claim] = frozenset()
    leniently: Callable[[Database], Database] | None = None
    deletes: bool = False


@dataclass
class _Transaction:
    began: int  # the number of commits before it
    view: Database  # the snapshot with the transaction's own writes
    changes: list[Change] = field(default_factory=list)
    claims: set[Claim] = field(default_factory=set)


class Transactions:
    """The committed database and the open transactions. Safe for threads.

    With `conflict_at="write"` a claim that another open transaction holds, or that was committed since
    the snapshot, refuses the write. With "commit" every write is taken, and of two transactions with a
    common claim the second to commit is refused and ended.

    Other behavior of a cluster is not documented. "lenient" is like "commit", but a deletion claims nothing,
    and a transaction whose commit is refused stays open. With "never" no two rows conflict.
    """

    def __init__(self, conflict_at: ConflictAt) -> None:
        self.committed = Database()
        self._conflict_at = conflict_at
        self._open: dict[int, _Transaction] = {}
        self._commits = 0
        self._claimed: dict[Claim, int] = {}  # the last commit that claimed it
        self._txids = itertools.count(0x1000)
        self._handles = itertools.count(1)
        self._rows: defaultdict[int, int] = defaultdict(int)
        self._lock = threading.RLock()

    @property
    def open(self) -> list[int]:
        with self._lock:
            return sorted(self._open)

    def begin(self) -> int:
        with self._lock:
            txid = next(self._txids)
            self._open[txid] = _Transaction(self._commits, self.committed)
            return txid

    def view(self, txid: int) -> Database:
        return self._transaction(txid).view

    def write(self, txid: int, change: Change) -> None:
        with self._lock:
            transaction = self._transaction(txid)
            claims = self._claims(change)
            if self._conflict_at == "write":
                self._refuse_claimed(transaction, claims)
            transaction.view = change.apply(transaction.view)
            transaction.changes.append(change)
            transaction.claims |= claims

    def commit(self, txid: int) -> None:
        with self._lock:
            transaction = self._transaction(txid)
            if self._conflict_at != "lenient":
                del self._open[txid]
            self._refuse_committed(transaction, transaction.claims)
            self.committed = self._merged(transaction)
            self._open.pop(txid, None)
            if transaction.changes:
                self._commits += 1
            self._claimed |= dict.fromkeys(transaction.claims, self._commits)

    def rollback(self, txid: int) -> None:
        with self._lock:
            self._transaction(txid)
            del self._open[txid]

    def expire(self) -> None:
        """End all open transactions."""
        with self._lock:
            self._open.clear()

    def take(self, other: Transactions) -> None:
        """Have the committed database of `other`."""
        self.committed = other.committed
        self._handles = itertools.count(other.new_handle())
        self._rows = other._rows.copy()

    def new_handle(self) -> int:
        with self._lock:
            return next(self._handles)

    def new_row_ids(self, handle: int, count: int) -> pa.Array:
        """Return row ids that no row of the table has had; those of a rollback are never reused."""
        with self._lock:
            start = self._rows[handle]
            self._rows[handle] += count
            return pa.array(range(start, start + count), pa.uint64())

    def _transaction(self, txid: int) -> _Transaction:
        with self._lock:
            if txid not in self._open:
                raise missing(f"transaction {txid}")
            return self._open[txid]

    def _claims(self, change: Change) -> frozenset[Claim]:
        nothing = self._conflict_at == "never" or (self._conflict_at == "lenient" and change.deletes)
        return frozenset() if nothing else change.claims

    def _refuse_claimed(self, transaction: _Transaction, claims: frozenset[Claim]) -> None:
        others = (other for other in self._open.values() if other is not transaction)
        if any(claims & other.claims for other in others):
            raise conflict("another open transaction writes the same")
        self._refuse_committed(transaction, claims)

    def _refuse_committed(self, transaction: _Transaction, claims: frozenset[Claim] | set[Claim]) -> None:
        if any(self._claimed.get(claim, 0) > transaction.began for claim in claims):
            raise conflict("another transaction has written the same since this one began")

    def _merged(self, transaction: _Transaction) -> Database:
        """Return the committed database with the transaction's changes applied to it."""
        if transaction.began == self._commits:
            return transaction.view
        database = self.committed
        try:
            for change in transaction.changes:
                lenient = self._conflict_at in ("lenient", "never") and change.leniently
                database = (lenient or change.apply)(database)
        except Refusal as refusal:
            raise conflict(f"another transaction is in the way: {refusal.message}") from refusal
        return database
