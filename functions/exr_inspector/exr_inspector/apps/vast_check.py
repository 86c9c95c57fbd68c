"""Tests of a VAST DataBase that only a cluster can answer: what conflicts, when, and with which status?

The store relies on some of the answers (docs/decisions/003-one-set-of-rows-per-file.md); the others are for
information. All work is done in a schema of its own, which is dropped at the end. Each question has a row of
its own, so that a transaction that one leaves open does not disturb the next.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pyarrow as pa

from exr_inspector.apps.index import vast_catalog
from exr_inspector.catalog.vast import journal, sdk
from exr_inspector.catalog.vast.errors import FAILURES, verdict_of
from exr_inspector.catalog.vast.journal import Entry, Record
from exr_inspector.catalog.vast.locks import MAX_NAMED
from exr_inspector.catalog.vast.rows import ROW_ID
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.catalog.vast.transactions import Metadata, Transaction, Transactions
from exr_inspector.errors import DATABASE_CONFLICT, DATABASE_UNAVAILABLE, InspectorError
from exr_inspector.settings import Settings

COLUMNS = pa.schema([("key", pa.string()), ("value", pa.int64())])

# The verdicts. INFORMATION: the store does not rely on the answer.
AS_NEEDED, NOT_AS_NEEDED, UNKNOWN, INFORMATION = "as needed", "NOT AS NEEDED", "UNKNOWN", ""

FIRST = "first write"
ENDED, ROLLED_BACK = "ended", "rolled back"

Act = Callable[[Transaction], object]


class Finding(NamedTuple):
    """A question, what the database did, and whether the store can rely on it."""

    question: str
    answer: str
    verdict: str = INFORMATION


def check_database(
    settings: Settings, wait: Callable[[float], object] = time.sleep
) -> Generator[Finding, None, None]:
    """Yield the finding of each question. Raises InspectorError if the database cannot be asked at all.

    A caller that closes the generator early misses the other findings, but everything is cleaned up.
    """
    store = VastStore(replace(settings, vast_journal="none"), wait=wait)
    name = f"exr_inspector_check_{uuid.uuid4().hex[:8]}"
    scratch = _Scratch(store.transactions, lambda: sdk.connect(settings), settings.vast_bucket, name)
    try:
        scratch.make()
        yield Finding("version announced", str(sdk.server_version(store.transactions.session())))
        yield from scratch.findings()
        yield _asked("VAST Catalog, for index --catalog", scratch.catalog)
    finally:
        dropped = scratch.drop()
        store.close()
    yield dropped


def recorded_transactions(
    settings: Settings, roll_back_age: float | None = None, wait: Callable[[float], object] = time.sleep
) -> Iterator[Finding]:
    """Yield a finding for each writing transaction that a journal of this machine names as open.

    With `roll_back_age`, transactions of processes that no longer run are rolled back if they are at least
    so many seconds old.
    """
    # A store with a journal would roll them back by itself.
    store = VastStore(replace(settings, vast_journal="none"), wait=wait)
    try:
        for record in journal.records(journal.folder_of(settings.vast_journal), store.name):
            found = [_recorded(store.transactions, record, each, roll_back_age) for each in record.entries]
            if not record.is_running and all(each.answer in (ENDED, ROLLED_BACK) for each in found):
                record.delete()
            yield from found
    finally:
        store.close()


def _recorded(
    transactions: Transactions, record: Record, entry: Entry, roll_back_age: float | None
) -> Finding:
    shards = ", ".join(map(str, entry.shards[:MAX_NAMED])) + (" ..." if len(entry.shards) > MAX_NAMED else "")
    question = (
        f"transaction {entry.transaction}, write {entry.write_id}, shards {shards}, since {entry.since},"
        f" process {record.pid} on {record.host}"
    )
    try:
        session = transactions.session()
        if not sdk.is_open(session, entry.transaction):
            return Finding(question, ENDED)
        if record.is_running:
            return Finding(question, "open, the process runs")
        if roll_back_age is None or entry.age < roll_back_age:
            return Finding(question, "open, but the process no longer exists: see --roll-back-stale", UNKNOWN)
        sdk.rollback_by_id(session, entry.transaction)
    except FAILURES as error:
        return Finding(question, f"not rolled back: {type(error).__name__}: {error}", UNKNOWN)
    return Finding(question, ROLLED_BACK)


class _Scratch:
    """A schema with a table of one row for each question that needs one.

    Its methods repeat a change whose commit failed, as each change does no harm when it is repeated.
    """

    def __init__(
        self, transactions: Transactions, connect: Callable[[], Any], bucket: str, schema: str
    ) -> None:
        self.connect = connect
        self.transactions, self.bucket, self.schema = transactions, bucket, schema
        self.metadata: Metadata = {"t": sdk.TableMetadata(sdk.TableRef(bucket, schema, "t"))}
        self.races: dict[str, tuple[Act, Act, bool]] = {
            "two transactions update one row": (self.update("uu"), self.update("uu"), True),
            "one updates and one deletes a row": (self.update("ud"), self.delete("ud"), False),
            "one deletes and one updates a row": (self.delete("du"), self.update("du"), False),
            "two transactions delete one row": (self.delete("dd"), self.delete("dd"), False),
            "two transactions insert one key": (self.insert("ii"), self.insert("ii"), False),
            "two transactions create one table": (self.create("cc"), self.create("cc"), True),
        }

    def make(self) -> None:
        """Create the schema and its table."""
        for transaction in self.transactions.attempts():
            with transaction:
                if self._schema(transaction) is None:
                    schema = transaction.sdk.bucket(self.bucket).create_schema(self.schema)
                    table = schema.create_table("t", COLUMNS)
                    for key in ("uu", "ud", "du", "dd", "late"):
                        table.insert(_row(key))
                self.metadata["t"].load(transaction.sdk)
                transaction.commit()

    def drop(self) -> Finding:
        """Drop the schema, even if only a part of it exists. A failure is a finding: it hides no other."""
        question = "scratch schema dropped"
        try:
            for transaction in self.transactions.attempts():
                with transaction:
                    schema = self._schema(transaction)
                    if schema is not None:
                        for table in schema.tables():
                            table.drop()
                        schema.drop()
                        transaction.commit()
        except InspectorError as error:
            return Finding(question, f"no, {self.bucket}/{self.schema} is left: {error}", UNKNOWN)
        return Finding(question, self.schema)

    def findings(self) -> Iterator[Finding]:
        """Yield the finding of each question."""
        for question, race in self.races.items():
            yield _asked(question, self.raced, *race)
        yield _asked("a row that was updated since the transaction began", self.overtaken)
        yield _asked("rows committed since the transaction began", self.snapshot)
        yield _asked("a transaction's own changes, within it", self.own_writes)
        yield _asked("unknown row updated", self.status_of, self._update_unknown)
        yield _asked("a transaction rolled back by another session", self.rolled_back_by_another)
        yield _asked("commit sent twice", self.status_of, self._commit_twice)
        yield _asked("a table altered since it was looked at, read", self.stale, self._read_value)
        yield _asked("a table altered since it was looked at, written", self.stale, self.insert("stale"))

    # --- questions --------------------------------------------------------------------------------------

    def raced(self, question: str, first: Act, second: Act, needed: bool) -> Finding:
        """Let two open transactions change the same; the second write, or a commit, may be refused."""
        with self._begin() as one, self._begin() as two:
            refusal = _first_refusal(
                (FIRST, lambda: first(one)),
                ("second write", lambda: second(two)),
                ("first commit", one.commit),
                ("second commit", two.commit),
            )
        return _judged(question, refusal, needed=needed)

    def overtaken(self, question: str) -> Finding:
        """Let a transaction read, another one write and commit, and the first write the same row."""
        write = self.update("late")
        with self._begin() as early:
            self._find(early, "late")
            self._repeat_until_committed(write)
            refusal = _first_refusal(("write", lambda: write(early)), ("commit", early.commit))
        return _judged(question, refusal, needed=True)

    def snapshot(self, question: str) -> Finding:
        """Count the rows that a transaction sees although they were committed after it began."""
        with self._begin() as early:
            before = self._find(early, "new").num_rows
            self._repeat_until_committed(self.insert("new"))
            seen = self._find(early, "new").num_rows - before
        return Finding(question, f"{seen} seen", NOT_AS_NEEDED if seen else AS_NEEDED)

    def own_writes(self, question: str) -> Finding:
        """Create, fill and read a table in one transaction, as the store creates its own."""
        metadata = {"own": sdk.TableMetadata(sdk.TableRef(self.bucket, self.schema, "own"))}
        with self.transactions.begin(metadata) as transaction:
            self._schema(transaction).create_table("own", COLUMNS).insert(_row("own"))
            metadata["own"].load(transaction.sdk)
            seen = transaction.rows.find("own", ["own"], key="key").num_rows
        return Finding(question, f"{seen} of 1 row seen", AS_NEEDED if seen == 1 else NOT_AS_NEEDED)

    def rolled_back_by_another(self, question: str) -> Finding:
        """Roll back an open transaction through a second session, as the next process would."""
        with self._begin() as transaction:
            self.update("late")(transaction)
            session = self.connect()
            try:
                sdk.rollback_by_id(session, transaction.id)
            finally:
                sdk.close(session)
            refusal = _first_refusal(("commit", transaction.commit))
        return Finding(question, "ended" if refusal else "not ended: it was committed afterwards")

    def status_of(self, question: str, act: Act) -> Finding:
        """Report how the database answers one act."""
        with self._begin() as transaction:
            return _judged(question, _first_refusal(("it", lambda: act(transaction))))

    def stale(self, question: str, act: Act) -> Finding:
        """Report how the database answers one act after a column was dropped."""
        self._repeat_until_committed(self._drop_value)
        return self.status_of(question, act)

    def catalog(self, question: str) -> Finding:
        """Report whether VAST Catalog is there, with the columns that `index --catalog` reads."""
        with self._begin() as transaction:
            try:
                vast_catalog.open_catalog(transaction.sdk)
            except InspectorError as error:
                return Finding(question, error.message)
        return Finding(question, f"there, with {', '.join(vast_catalog.COLUMNS)}")

    # --- acts -------------------------------------------------------------------------------------------

    def update(self, key: str) -> Act:
        return lambda tx: tx.rows.update("t", _set_value(self._find(tx, key)[ROW_ID]))

    def delete(self, key: str) -> Act:
        return lambda tx: tx.rows.delete("t", self._find(tx, key))

    def insert(self, key: str) -> Act:
        return lambda tx: tx.rows.insert("t", pa.Table.from_batches([_row(key)]))

    def create(self, name: str) -> Act:
        return lambda tx: self._schema(tx).create_table(name, COLUMNS)

    def _begin(self) -> Transaction:
        return self.transactions.begin(self.metadata)

    def _repeat_until_committed(self, act: Act) -> None:
        for transaction in self.transactions.attempts(metadata=self.metadata):
            with transaction:
                act(transaction)
                transaction.commit()

    def _find(self, transaction: Transaction, key: str) -> pa.Table:
        return transaction.rows.find("t", [key], key="key")

    def _read_value(self, transaction: Transaction) -> None:
        transaction.rows.find("t", ["uu"], ["value"], key="key")

    def _update_unknown(self, transaction: Transaction) -> None:
        row_ids = pa.array([1 << 40], self._find(transaction, "uu")[ROW_ID].type)
        transaction.rows.update("t", _set_value(row_ids))

    def _commit_twice(self, transaction: Transaction) -> None:
        transaction.commit()
        sdk.commit_by_id(self.transactions.session(), transaction.id)

    def _drop_value(self, transaction: Transaction) -> None:
        table = self._schema(transaction).table("t")
        if "value" in table.arrow_schema.names:
            table.drop_column(pa.schema([COLUMNS.field("value")]))

    def _schema(self, transaction: Transaction) -> Any:
        return transaction.sdk.bucket(self.bucket).schema(self.schema, fail_if_missing=False)


class _Refusal(NamedTuple):
    """The first step that the database refused, and its error."""

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
    """Return the finding. `needed`: the store relies on a conflict.

    Any other refusal is inconclusive, and so is a refusal of the first write, which has nothing to conflict
    with.
    """
    if refusal is None:
        return Finding(question, "nothing is refused", NOT_AS_NEEDED if needed else INFORMATION)
    verdict = verdict_of(refusal.error)
    if verdict is None:
        raise refusal.error
    status = getattr(refusal.error, "status", None)
    answer = (
        f"{refusal.step} is refused: {type(refusal.error).__name__}{f', status {status}' if status else ''}"
    )
    is_outage = verdict.fault is DATABASE_UNAVAILABLE and not verdict.stale
    is_conflict = verdict.fault is DATABASE_CONFLICT
    if is_outage or refusal.step == FIRST or (needed and not is_conflict):
        return Finding(question, answer, UNKNOWN)
    return Finding(question, answer, AS_NEEDED if needed else INFORMATION)


def _asked(question: str, ask: Callable[..., Finding], *arguments: Any) -> Finding:
    """Return the finding, or one that says why the question could not be asked."""
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
