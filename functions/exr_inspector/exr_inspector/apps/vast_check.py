"""Questions that only a cluster can answer, put to one: what conflicts, when, and as which status?

What the store rests on (docs/decisions/003-one-set-of-rows-per-file.md) must be answered as it needs it; the
rest is told. All work is done in a schema of its own, which is dropped at the end, and each question has a
row of its own, so that what one leaves open is not in the way of the next.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
from vastdb.table_metadata import TableMetadata, TableRef

from exr_inspector.catalog.vast.errors import FAILURES, verdict_of
from exr_inspector.catalog.vast.rows import ROW_ID, Rows
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.catalog.vast.tables import Kept
from exr_inspector.catalog.vast.transactions import Transactions, Work
from exr_inspector.errors import DATABASE_CONFLICT, DATABASE_UNAVAILABLE, InspectorError
from exr_inspector.settings import Settings

COLUMNS = pa.schema([("key", pa.string()), ("value", pa.int64())])

# What becomes of an answer.
AS_NEEDED, NOT_AS_NEEDED, UNKNOWN, TOLD = "as needed", "NOT AS NEEDED", "UNKNOWN", ""

FIRST = "first write"

Act = Callable[[Any], object]


class Finding(NamedTuple):
    """A question, what the database did, and whether that is as the store needs it."""

    question: str
    answer: str
    verdict: str = TOLD


def check_database(
    settings: Settings, wait: Callable[[float], object] = time.sleep
) -> Generator[Finding, None, None]:
    """Put the questions one by one. Raises InspectorError where the database cannot be asked at all.

    Whoever closes it earlier is not told of the rest, but all is cleaned up.
    """
    store = VastStore(settings, wait=wait)
    name = f"exr_inspector_check_{uuid.uuid4().hex[:8]}"
    scratch = _Scratch(store.transactions, settings.vast_bucket, name)
    try:
        scratch.make()
        yield Finding("version announced", str(store.transactions.session().api.vast_version))
        yield from scratch.findings()
    finally:
        dropped = scratch.drop()
        store.close()
    yield dropped


class _Scratch:
    """A schema with a table of one row for each question that needs one."""

    def __init__(self, transactions: Transactions, bucket: str, schema: str) -> None:
        self.transactions, self.bucket, self.schema = transactions, bucket, schema
        self.kept: Kept = {"t": TableMetadata(TableRef(bucket, schema, "t"))}
        self.races: dict[str, tuple[Act, Act, bool]] = {
            "two transactions update one row": (self.update("uu"), self.update("uu"), True),
            "one updates and one deletes a row": (self.update("ud"), self.delete("ud"), False),
            "one deletes and one updates a row": (self.delete("du"), self.update("du"), False),
            "two transactions delete one row": (self.delete("dd"), self.delete("dd"), False),
            "two transactions insert one key": (self.insert("ii"), self.insert("ii"), False),
            "two transactions create one table": (self.create("cc"), self.create("cc"), True),
        }

    def make(self) -> None:
        def work(tx: Any) -> Work[None]:
            table = tx.bucket(self.bucket).create_schema(self.schema).create_table("t", COLUMNS)
            for key in ("uu", "ud", "du", "dd", "late"):
                table.insert(_row(key))
            self.kept["t"].load(tx)
            return Work(None, took_place=lambda later: self._schema(later) is not None)

        self.transactions.run(work)

    def drop(self) -> Finding:
        """Also where only a part of it is there. A failure is told: it hides none that came before."""
        question = "scratch schema dropped"
        try:
            self.transactions.run(self._drop)
        except InspectorError as error:
            return Finding(question, f"no, {self.bucket}/{self.schema} is left: {error}", UNKNOWN)
        return Finding(question, self.schema)

    def findings(self) -> Iterator[Finding]:
        for question, race in self.races.items():
            yield _asked(question, self.raced, *race)
        yield _asked("a row that was updated since the transaction began", self.overtaken)
        yield _asked("rows committed since the transaction began", self.snapshot)
        yield _asked("what a transaction has made, in itself", self.own_writes)
        yield _asked("unknown row updated", self.status_of, self._update_unknown)
        yield _asked("commit sent twice", self.status_of, self._commit_twice)
        yield _asked("a table altered since it was looked at, read", self.stale, self._read_value)
        yield _asked("a table altered since it was looked at, written", self.stale, self.insert("stale"))

    # --- questions --------------------------------------------------------------------------------------

    def raced(self, question: str, first: Act, second: Act, needed: bool) -> Finding:
        """Two open transactions do something to the same; the second write, or a commit, may be refused."""
        with self.transactions.opened() as one, self.transactions.opened() as two:
            refusal = _first_refusal(
                (FIRST, lambda: first(one)),
                ("second write", lambda: second(two)),
                ("first commit", lambda: _commit(one)),
                ("second commit", lambda: _commit(two)),
            )
        return _judged(question, refusal, needed=needed)

    def overtaken(self, question: str) -> Finding:
        """A transaction reads, another one writes and commits, then the first writes the same row."""
        write = self.update("late")
        with self.transactions.opened() as early:
            self._find(early, "late")
            self.transactions.run(lambda tx: Work(write(tx), took_place=False))
            refusal = _first_refusal(("write", lambda: write(early)), ("commit", lambda: _commit(early)))
        return _judged(question, refusal, needed=True)

    def snapshot(self, question: str) -> Finding:
        insert = self.insert("new")
        with self.transactions.opened() as early:
            before = self._find(early, "new").num_rows
            self.transactions.run(lambda tx: Work(insert(tx), took_place=False))
            seen = self._find(early, "new").num_rows - before
        return Finding(question, f"{seen} seen", NOT_AS_NEEDED if seen else AS_NEEDED)

    def own_writes(self, question: str) -> Finding:
        """A table is created, filled and read in one transaction, as the store creates its own."""
        kept = {"own": TableMetadata(TableRef(self.bucket, self.schema, "own"))}
        with self.transactions.opened() as tx:
            self._schema(tx).create_table("own", COLUMNS).insert(_row("own"))
            kept["own"].load(tx)
            seen = Rows(tx, kept).find("own", ["own"], key="key").num_rows
        return Finding(question, f"{seen} of 1 row seen", AS_NEEDED if seen == 1 else NOT_AS_NEEDED)

    def status_of(self, question: str, act: Act) -> Finding:
        with self.transactions.opened() as tx:
            return _judged(question, _first_refusal(("it", lambda: act(tx))))

    def stale(self, question: str, act: Act) -> Finding:
        self.transactions.run(self._drop_value)
        return self.status_of(question, act)

    # --- what is done -----------------------------------------------------------------------------------

    def update(self, key: str) -> Act:
        return lambda tx: self._rows(tx).update("t", _set_value(self._find(tx, key)[ROW_ID]))

    def delete(self, key: str) -> Act:
        return lambda tx: self._rows(tx).delete("t", self._find(tx, key))

    def insert(self, key: str) -> Act:
        return lambda tx: self._rows(tx).insert("t", pa.Table.from_batches([_row(key)]))

    def create(self, name: str) -> Act:
        return lambda tx: self._schema(tx).create_table(name, COLUMNS)

    def _rows(self, tx: Any) -> Rows:
        return Rows(tx, self.kept)

    def _find(self, tx: Any, key: str) -> pa.Table:
        return self._rows(tx).find("t", [key], key="key")

    def _read_value(self, tx: Any) -> None:
        self._rows(tx).find("t", ["uu"], ["value"], key="key")

    def _update_unknown(self, tx: Any) -> None:
        row_ids = pa.array([1 << 40], self._find(tx, "uu")[ROW_ID].type)
        self._rows(tx).update("t", _set_value(row_ids))

    def _commit_twice(self, tx: Any) -> None:
        txid = tx.txid
        _commit(tx)
        self.transactions.session().api.commit_transaction(txid)

    def _drop_value(self, tx: Any) -> Work[None]:
        table = self._schema(tx).table("t")
        if "value" in table.arrow_schema.names:
            table.drop_column(pa.schema([COLUMNS.field("value")]))
        return Work(None, took_place=False)

    def _drop(self, tx: Any) -> Work[None]:
        schema = self._schema(tx)
        if schema is not None:
            for table in schema.tables():
                table.drop()
            schema.drop()
        return Work(None, took_place=False)

    def _schema(self, tx: Any) -> Any:
        return tx.bucket(self.bucket).schema(self.schema, fail_if_missing=False)


class _Refusal(NamedTuple):
    """The first step that the database has refused, and its error."""

    step: str
    error: Exception


def _first_refusal(*steps: tuple[str, Callable[[], object]]) -> _Refusal | None:
    for name, step in steps:
        try:
            step()
        except FAILURES as error:
            return _Refusal(name, error)
    return None


def _judged(question: str, refusal: _Refusal | None, *, needed: bool = False) -> Finding:
    """Only a conflict counts as the conflict that is needed, and not one of the first write: with what?"""
    if refusal is None:
        return Finding(question, "nothing is refused", NOT_AS_NEEDED if needed else TOLD)
    verdict = verdict_of(refusal.error)
    if verdict is None:
        raise refusal.error
    status = getattr(refusal.error, "status", None)
    answer = (
        f"{refusal.step} is refused: {type(refusal.error).__name__}{f', status {status}' if status else ''}"
    )
    outage = verdict.fault is DATABASE_UNAVAILABLE and not verdict.stale
    if outage or refusal.step == FIRST:
        return Finding(question, answer, UNKNOWN)
    if needed:
        return Finding(question, answer, AS_NEEDED if verdict.fault is DATABASE_CONFLICT else UNKNOWN)
    return Finding(question, answer)


def _asked(question: str, ask: Callable[..., Finding], *arguments: Any) -> Finding:
    """What is found, or that the question could not be put."""
    try:
        return ask(question, *arguments)
    except InspectorError as error:
        return Finding(question, f"could not be asked: {error}", UNKNOWN)
    except FAILURES as error:
        if verdict_of(error) is None:
            raise
        return Finding(question, f"could not be asked: {type(error).__name__}", UNKNOWN)


def _row(key: str) -> pa.RecordBatch:
    return pa.record_batch([pa.array([key]), pa.array([0], pa.int64())], schema=COLUMNS)


def _set_value(row_ids: pa.Array) -> pa.Table:
    return pa.table({ROW_ID: row_ids, "value": pa.array([1] * len(row_ids), pa.int64())})


def _commit(tx: Any) -> None:
    tx.__exit__(None, None, None)
