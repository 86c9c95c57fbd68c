"""Questions that only a cluster can answer, put to one: when do conflicts come, and as which status?

The store is right under every answer (docs/decisions/003-one-set-of-rows-per-file.md); here they are found
out. All work is done in a schema of its own, which is dropped at the end.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pyarrow as pa

from exr_inspector.settings import Settings
from exr_inspector.storage.vast_errors import FAILURES, coded, verdict_of
from exr_inspector.storage.vast_rows import ROW_ID
from exr_inspector.storage.vast_session import make_session

COLUMNS = pa.schema([("key", pa.string()), ("value", pa.int64())])


class Finding(NamedTuple):
    """A question, what the database did, and whether that is as the store needs it; None if it is all one."""

    question: str
    answer: str
    as_needed: bool | None = None


def check_database(settings: Settings) -> Iterator[Finding]:
    """Put the questions one by one. Raises InspectorError where the database cannot be asked at all."""
    try:
        yield from _findings(settings)
    except FAILURES as error:
        verdict = verdict_of(error)
        if verdict is None:
            raise
        raise coded(error, verdict.fault, settings.vast_endpoint) from error


def _findings(settings: Settings) -> Iterator[Finding]:
    session = make_session(settings)
    name = f"exr_inspector_check_{uuid.uuid4().hex[:8]}"
    yield Finding("version announced", str(session.api.vast_version))
    try:
        with session.transaction() as tx:
            tx.bucket(settings.vast_bucket).create_schema(name).create_table("t", COLUMNS).insert(_rows("a"))
        scratch = _Scratch(session, settings.vast_bucket, name)
        yield from scratch.findings()
    finally:
        _drop(session, settings.vast_bucket, name)
        session.api.__exit__()
    yield Finding("scratch schema dropped", name)


class _Scratch:
    def __init__(self, session: Any, bucket: str, schema: str) -> None:
        self.session, self.bucket, self.schema = session, bucket, schema

    def findings(self) -> Iterator[Finding]:
        yield self.conflict_of_two_updates()
        yield self.conflict_with_what_began_before()
        yield self.snapshot()
        yield self.inserts_of_one_key()
        yield self.status_of(
            "table created twice",
            lambda tx: tx.bucket(self.bucket).schema(self.schema).create_table("t", COLUMNS),
        )
        yield self.status_of("unknown row updated", self._update_unknown)
        yield self.status_of("commit sent twice", self._commit_twice)

    def conflict_of_two_updates(self) -> Finding:
        """Two open transactions update one row: the second write, or a commit, must be refused."""
        first, second = self._begun(), self._begun()
        outcome = _first_refusal(
            ("first write", lambda: self._update(first)),
            ("second write", lambda: self._update(second)),
            ("first commit", lambda: _commit(first)),
            ("second commit", lambda: _commit(second)),
        )
        _abandon(self.session, first, second)
        return Finding("two transactions update one row", outcome, outcome != "nothing is refused")

    def conflict_with_what_began_before(self) -> Finding:
        """A transaction begins, another one writes and commits, then the first writes the same row."""
        early, late = self._begun(), self._begun()
        self._update(late)
        _commit(late)
        outcome = _first_refusal(("write", lambda: self._update(early)), ("commit", lambda: _commit(early)))
        _abandon(self.session, early, late)
        return Finding(
            "a row that was written since the transaction began", outcome, outcome != "nothing is refused"
        )

    def snapshot(self) -> Finding:
        """What is committed after a transaction began must not be seen in it."""
        early = self._begun()
        before = self._count(early)
        with self.session.transaction() as tx:
            self._table(tx).insert(_rows("b"))
        after = self._count(early)
        _abandon(self.session, early)
        return Finding(
            "rows committed since the transaction began", f"{after - before} seen", after == before
        )

    def inserts_of_one_key(self) -> Finding:
        """Two transactions insert one key: expected to pass, which is why new files meet in a lock row."""
        first, second = self._begun(), self._begun()
        outcome = _first_refusal(
            ("first insert", lambda: self._table(first).insert(_rows("c"))),
            ("second insert", lambda: self._table(second).insert(_rows("c"))),
            ("first commit", lambda: _commit(first)),
            ("second commit", lambda: _commit(second)),
        )
        _abandon(self.session, first, second)
        return Finding("two transactions insert one key", outcome)

    def status_of(self, question: str, act: Callable[[Any], object]) -> Finding:
        tx = self._begun()
        outcome = _first_refusal(("it", lambda: act(tx)))
        _abandon(self.session, tx)
        return Finding(question, outcome)

    def _begun(self) -> Any:
        tx = self.session.transaction()
        tx.__enter__()
        tx.begun_as = tx.txid
        return tx

    def _table(self, tx: Any) -> Any:
        return tx.bucket(self.bucket).schema(self.schema).table("t")

    def _found(self, tx: Any) -> pa.Table:
        return self._table(tx).select(columns=["key"], internal_row_id=True).read_all()

    def _count(self, tx: Any) -> int:
        return int(self._found(tx).num_rows)

    def _update(self, tx: Any) -> None:
        row_ids = self._found(tx)[ROW_ID].slice(0, 1)
        self._table(tx).update(pa.table({ROW_ID: row_ids, "value": pa.array([1], pa.int64())}))

    def _update_unknown(self, tx: Any) -> None:
        row_id = pa.array([1 << 40], self._found(tx)[ROW_ID].type)
        self._table(tx).update(pa.table({ROW_ID: row_id, "value": pa.array([1], pa.int64())}))

    def _commit_twice(self, tx: Any) -> None:
        _commit(tx)
        self.session.api.commit_transaction(tx.begun_as)


def _rows(key: str) -> pa.RecordBatch:
    return pa.record_batch([pa.array([key]), pa.array([0], pa.int64())], schema=COLUMNS)


def _commit(tx: Any) -> None:
    tx.__exit__(None, None, None)


def _first_refusal(*steps: tuple[str, Callable[[], object]]) -> str:
    """Which step is the first to be refused, and how."""
    for name, step in steps:
        try:
            step()
        except FAILURES as error:
            status = getattr(error, "status", None)
            return f"{name} is refused: {type(error).__name__}{f', status {status}' if status else ''}"
    return "nothing is refused"


def _abandon(session: Any, *transactions: Any) -> None:
    for tx in transactions:
        with suppress(*FAILURES):
            session.api.rollback_transaction(tx.begun_as)


def _drop(session: Any, bucket: str, name: str) -> None:
    with session.transaction() as tx:
        schema = tx.bucket(bucket).schema(name, fail_if_missing=False)
        if schema is not None:
            for table in schema.tables():
                table.drop()
            schema.drop()
