"""Work in a transaction: tried again where that may help, ended in every case, never committed by hope."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vastdb.errors import NotFound

from exr_inspector.catalog.vast.errors import FAILURES, coded, verdict_of
from exr_inspector.errors import DATABASE_CONFLICT

# Seconds: the longest wait before the second try, which doubles with every further one, and its cap.
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
# How often a rollback that fails is sent at once; how often again before a later transaction begins.
ROLLBACKS, LATER_ROLLBACKS = 3, 50

logger = logging.getLogger("exr_inspector")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Work(Generic[Result]):
    """What was done in a transaction.

    `took_place` is how a commit without an answer is resolved: asked in a later transaction, or known. True
    where nothing was written, so that it does not matter; False where doing it all again does no harm.
    """

    result: Result
    took_place: Callable[[Any], bool] | bool = True


class Transactions:
    """Transactions of one SDK session, which is made when it is first needed.

    `attempts` bounds the tries of one piece of work; `wait` gets the seconds to wait between two of them.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        where: str,
        attempts: int,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._connect = connect
        self._where = where
        self._attempts = attempts
        self._wait = wait
        self._lock = threading.Lock()
        self._session: Any = None
        # Ids of transactions that could not be rolled back, each with the number of rollbacks to come.
        self._unended: deque[tuple[int, int]] = deque()

    def run(self, work: Callable[[Any], Work[Result]], refresh: Callable[[], object] | None = None) -> Result:
        """The result of `work`, which gets an open transaction and is committed when it returns.

        `refresh` is called once, before the next try, where the tables may have been altered. Raises
        InspectorError: one of the codes DATABASE_*, or BAD_SETTING.
        """
        tries = 0
        while True:
            try:
                return self._once(work)
            except FAILURES as error:
                verdict = verdict_of(error)
                if verdict is None:
                    raise
                fault = coded(error, verdict.fault, self._where)
                over = not verdict.again or tries + 1 >= self._attempts
                # A database may call it a conflict, too, that a table was altered.
                if refresh and (verdict.stale or (over and verdict.fault is DATABASE_CONFLICT)):
                    refresh()
                    refresh = None
                    continue
                if over:
                    raise fault from error
                tries += 1
            logger.info("Trying again: %s", fault)
            self._pause(tries)

    @contextlib.contextmanager
    def opened(self) -> Iterator[Any]:
        """A transaction in the caller's hands, tried once; it ends in any case. Raises the SDK's errors."""
        tx, txid = self._begun()
        try:
            yield tx
        finally:
            self._roll_back(txid)

    def session(self) -> Any:
        """The SDK's session. Raises the SDK's errors."""
        with self._lock:
            if self._session is None:
                self._session = self._connect()
            return self._session

    def close(self) -> None:
        """Give back the connections, if there are any."""
        self._end_what_is_open()
        with self._lock:
            if self._session is not None:
                self._session.api.__exit__()

    def _pause(self, tries: int) -> None:
        """Wait before the next try. The whole wait is random: those that met once shall not meet again."""
        self._wait(random.random() * min(FIRST_WAIT * 2 ** (tries - 1), LONGEST_WAIT))  # noqa: S311

    def _once(self, work: Callable[[Any], Work[Result]]) -> Result:
        tx, txid = self._begun()
        try:
            done = work(tx)
        except BaseException:
            self._roll_back(txid)
            raise
        self._commit(tx, txid, done)
        return done.result

    def _begun(self) -> tuple[Any, int]:
        """A transaction and its id: the SDK forgets it when it commits, and leaves a transaction open whose
        commit failed.
        """
        self._end_what_is_open()
        tx = self.session().transaction()
        tx.__enter__()
        return tx, tx.txid

    def _commit(self, tx: Any, txid: int, done: Work[Any]) -> None:
        try:
            tx.__exit__(None, None, None)
        except BaseException as error:
            self._roll_back(txid)
            if not isinstance(error, FAILURES) or not self._took_place(done):
                raise

    def _took_place(self, done: Work[Any]) -> bool:
        """Whether a commit that ended in an error was executed: seen in the rows, whatever the error was.

        Should it still be on its way, then what is tried next conflicts with it.
        """
        asked = done.took_place
        return asked if isinstance(asked, bool) else self.run(lambda tx: Work(asked(tx)))

    def _roll_back(self, txid: int) -> None:
        """End a transaction if it is still there. A failure here never hides the one that led here.

        One that stays open holds its rows against everybody, so its id is kept: see `_end_what_is_open`.
        """
        for tries in range(1, ROLLBACKS + 1):
            if self._ended(txid):
                return
            if tries < ROLLBACKS:
                self._pause(tries)
        self._unended.append((txid, LATER_ROLLBACKS))

    def _end_what_is_open(self) -> None:
        """Roll back once more what could not be. The first that fails leaves the rest to the next time."""
        while self._unended:
            try:
                txid, left = self._unended.popleft()
            except IndexError:  # another thread was faster
                return
            if not self._ended(txid):
                if left > 1:
                    self._unended.append((txid, left - 1))
                return

    def _ended(self, txid: int) -> bool:
        """Whether a transaction has ended, now or before."""
        try:
            self._session.api.rollback_transaction(txid)
        except NotFound:
            return True
        except FAILURES as error:
            logger.info("Transaction %s is not rolled back yet: %s", txid, type(error).__name__)
            return False
        return True
