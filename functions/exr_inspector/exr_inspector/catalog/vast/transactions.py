"""Transactions: repeated if that may help, always ended, and never assumed to be committed."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

from typing_extensions import Self

from exr_inspector.catalog.vast import sdk
from exr_inspector.catalog.vast.errors import FAILURES, coded, verdict_of
from exr_inspector.catalog.vast.journal import Entry, Journal, records
from exr_inspector.catalog.vast.rows import Rows
from exr_inspector.catalog.vast.sdk import TableMetadata
from exr_inspector.errors import DATABASE_CONFLICT

# Seconds: the longest wait before the second attempt, which doubles with every further one, and its limit.
FIRST_WAIT, MAX_WAIT = 0.1, 5.0
# How often a failing rollback is sent at once, and how often again before later transactions begin.
MAX_ROLLBACKS, MAX_LATER_ROLLBACKS = 3, 50
# Seconds: how old a transaction of a killed process may be to be rolled back without being asked.
MAX_ABANDONED_AGE = 3600.0

logger = logging.getLogger("exr_inspector")

Metadata = Mapping[str, TableMetadata]


class MetadataSource(Protocol):
    """Where transactions get the metadata of the tables from."""

    def current(self) -> Metadata:
        """Return the metadata of all tables. Raises InspectorError."""

    def renew(self, used: Metadata) -> None:
        """Load the metadata again, unless another thread has done so since `used` was current."""


class Proof(Protocol):
    """A trace that a transaction left in a row. Other transactions see it only after the commit."""

    def is_visible(self, rows: Rows) -> bool:
        """Return whether the trace is among the rows that another transaction sees."""

    def describe(self) -> str:
        """Return what the transaction needed for itself, for the error of a conflict."""


class Transaction:
    """A transaction that has begun. As a context manager it rolls back at the end unless it was committed.

    `sdk` is the SDK's transaction, `id` its id, and `rows` the rows of the tables as it sees them. A writer
    sets `proof`, so that `was_committed` can tell.
    """

    def __init__(self, owner: Transactions, metadata: Metadata) -> None:
        self.sdk = sdk.begin(owner.session())
        self.id: int = self.sdk.txid
        self.rows = Rows(self.sdk, metadata)
        self.proof: Proof | None = None
        self._owner = owner
        self._metadata = metadata
        self._is_open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self.rollback()
        return None

    def commit(self) -> None:
        """Commit. Raises the SDK's error if the transaction was not committed.

        An error does not tell whether the commit was executed. The transaction is rolled back in any case,
        and then another one looks for the proof.
        """
        try:
            sdk.commit(self.sdk)
        except BaseException as error:
            self.rollback()
            if not isinstance(error, FAILURES) or not self.was_committed():
                raise
        self._is_open = False
        self._owner.journal.remove(self.id)

    def record(self, write_id: str, shards: tuple[int, ...]) -> None:
        """Record the transaction's id until it has ended, in case that the process is killed before."""
        self._owner.journal.add(Entry.of(self.id, write_id, shards))

    def was_committed(self) -> bool:
        """Return whether another transaction sees the proof. Raises InspectorError.

        A transaction without a proof counts as not committed. If a commit is still on its way, whatever is
        tried next conflicts with it.
        """
        found = False
        if self.proof is not None:
            for later in self._owner.attempts(metadata=self._metadata):
                with later:
                    found = self.proof.is_visible(later.rows)
        return found

    def rollback(self) -> None:
        """End the transaction if it is open. Never raises one of `FAILURES`."""
        if self._is_open:
            self._is_open = False
            self._owner.roll_back(self.id)


class Attempt(Transaction):
    """A transaction of `Transactions.attempts`, which decides what follows from a failure.

    A failure of the database that ends the block is kept in `failure` instead of raised. A block that ends
    without an error and without `commit` has only read: its transaction is ended by a commit, whose failure
    does not matter.
    """

    failure: Exception | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if error is None and self._is_open:
            with contextlib.suppress(*FAILURES):
                sdk.commit(self.sdk)
                self._is_open = False
        super().__exit__(kind, error, trace)
        if isinstance(error, FAILURES) and verdict_of(error):
            self.failure = error
        return self.failure is not None


def _conflict_note(attempt: Attempt | None, failures: int, started: datetime) -> str:
    """Return which locks a refused attempt needed, and since when; empty if it failed for another reason."""
    if attempt is None or attempt.proof is None or not isinstance(attempt.failure, sdk.errors.Conflict):
        return ""
    return (
        f"attempt {failures} since {started:%Y-%m-%d %H:%M:%S} UTC; another transaction holds, or took since"
        f" this one began, {attempt.proof.describe()}"
    )


Begun = TypeVar("Begun", bound=Transaction)


class Transactions:
    """The transactions of one SDK session, which is made when it is first needed.

    `connect` makes the session. `max_attempts` limits the attempts at one piece of work; `wait` gets the
    seconds to wait between two of them, and `on_retry`, if it is set, the code of the fault. `name` is the
    database's name in errors. `journals` is the folder of the journals, if there is one.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        name: str,
        max_attempts: int,
        wait: Callable[[float], object] = time.sleep,
        journals: Path | None = None,
    ) -> None:
        self._connect = connect
        self._name = name
        self._max_attempts = max_attempts
        self._wait = wait
        self._journals = journals
        self.on_retry: Callable[[str], object] | None = None
        self.journal = Journal(journals, name)
        self._lock = threading.Lock()
        self._session: Any = None
        # Ids of transactions that could not be rolled back, each with the number of rollbacks still to try.
        self._unended: deque[tuple[int, int]] = deque()

    def attempts(
        self, tables: MetadataSource | None = None, metadata: Metadata | None = None
    ) -> Iterator[Attempt]:
        """Yield transactions until the block of one ends without a failure.

        for transaction in transactions.attempts(tables):
            with transaction:
                ...
                transaction.commit()

        The metadata of the tables come from `tables`, or are given. After a failure that another attempt may
        cure, wait and yield a new transaction. If the tables may have been altered, renew the metadata first,
        once. Raises InspectorError if no further attempt may help or `max_attempts` is reached: one of the
        codes DATABASE_*, or BAD_SETTING.
        """
        started = datetime.now(timezone.utc)
        failures, can_renew = 0, tables is not None
        while True:
            used = tables.current() if tables else metadata or {}
            attempt: Attempt | None = None
            failure: Exception | None
            try:
                attempt = self._begin(Attempt, used)
            except FAILURES as error:
                failure = error
            else:
                yield attempt
                failure = attempt.failure
            if failure is None:
                return
            verdict = verdict_of(failure)
            if verdict is None:
                raise failure
            failures += 1
            is_last = not verdict.again or failures >= self._max_attempts
            fault = coded(failure, verdict.fault, self._name, _conflict_note(attempt, failures, started))
            # A database may answer a write with stale metadata with a conflict, too.
            is_stale = verdict.stale or (is_last and verdict.fault is DATABASE_CONFLICT)
            if tables and can_renew and is_stale:
                tables.renew(used)
                can_renew, failures = False, failures - 1
                continue
            if is_last:
                raise fault from failure
            logger.info("Trying again: %s", fault)
            if self.on_retry:
                self.on_retry(fault.code)
            self._pause(failures)

    def begin(self, metadata: Metadata | None = None) -> Transaction:
        """Begin one transaction, whose failures are raised as the SDK's errors."""
        return self._begin(Transaction, metadata or {})

    def session(self) -> Any:
        """Return the SDK's session. Raises the SDK's errors.

        When it is made, transactions are rolled back that a killed process of this machine left open. Older
        ones than MAX_ABANDONED_AGE are left to `exr-inspector check-db`: the database may have ended them and
        given their ids to others.
        """
        with self._lock:
            if self._session is None:
                self._session = self._connect()
                self._roll_back_abandoned()
            return self._session

    def close(self) -> None:
        """Close the connections, if there are any."""
        self._end_open_transactions()
        self.journal.close()
        with self._lock:
            if self._session is not None:
                sdk.close(self._session)

    def roll_back(self, txid: int) -> None:
        """Roll back a transaction. Never raises one of `FAILURES`, which would hide an earlier error.

        A transaction that stays open blocks every other writer of its files, so its id is kept, and its
        rollback is sent again before the next transaction begins.
        """
        for number in range(1, MAX_ROLLBACKS + 1):
            if self._is_ended(txid):
                return
            if number < MAX_ROLLBACKS:
                self._pause(number)
        self._unended.append((txid, MAX_LATER_ROLLBACKS))

    def _begin(self, kind: type[Begun], metadata: Metadata) -> Begun:
        self._end_open_transactions()
        return kind(self, metadata)

    def _roll_back_abandoned(self) -> None:
        for record in records(self._journals, self._name):
            if not record.is_running:
                left = [
                    each
                    for each in record.entries
                    if each.age > MAX_ABANDONED_AGE or not self._is_ended(each.transaction)
                ]
                if not left:
                    record.delete()

    def _end_open_transactions(self) -> None:
        """Send the rollbacks that have failed once more. The first that fails leaves the rest for later."""
        while self._unended:
            try:
                txid, left = self._unended.popleft()
            except IndexError:  # another thread was faster
                return
            if not self._is_ended(txid):
                if left > 1:
                    self._unended.append((txid, left - 1))
                return

    def _is_ended(self, txid: int) -> bool:
        """Send a rollback, and return whether the transaction has ended, now or before."""
        try:
            sdk.rollback_by_id(self._session, txid)
        except sdk.errors.NotFound:
            pass
        except FAILURES as error:
            logger.info("Transaction %s is not rolled back yet: %s", txid, type(error).__name__)
            return False
        self.journal.remove(txid)
        return True

    def _pause(self, failures: int) -> None:
        """Wait a random time, so that writers that have met do not meet again."""
        self._wait(random.random() * min(FIRST_WAIT * 2 ** (failures - 1), MAX_WAIT))  # noqa: S311
