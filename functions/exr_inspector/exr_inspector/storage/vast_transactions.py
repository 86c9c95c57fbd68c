"""Work in a transaction: tried again where that may help, ended in every case, never committed by hope."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vastdb.errors import NotFound

from exr_inspector.storage.vast_errors import FAILURES, coded, verdict_of

# Seconds: the longest wait before the second try, which doubles with every further one, and its cap.
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
# How often a rollback that fails is sent.
ROLLBACKS = 3

logger = logging.getLogger("exr_inspector")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Work(Generic[Result]):
    """What was done in a transaction.

    `took_place` asks in a later transaction whether this one was committed: that is how a commit without an
    answer is resolved. None where nothing was written, so that it does not matter.
    """

    result: Result
    took_place: Callable[[Any], bool] | None = None


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

    def run(self, work: Callable[[Any], Work[Result]], refresh: Callable[[], object] | None = None) -> Result:
        """The result of `work`, which gets an open transaction and is committed when it returns.

        `refresh` is called once, before the next try, where the tables may have been altered. Raises
        InspectorError: DATABASE_CONFLICT, DATABASE_UNAVAILABLE, DATABASE_DENIED, BAD_SETTING.
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
                if verdict.stale and refresh:
                    refresh()
                    refresh = None
                    continue
                tries += 1
                if not verdict.again or tries >= self._attempts:
                    raise fault from error
            logger.info("Trying again: %s", fault)
            # The whole wait is random: those that met once shall not meet again.
            self._wait(random.random() * min(FIRST_WAIT * 2 ** (tries - 1), LONGEST_WAIT))  # noqa: S311

    def close(self) -> None:
        """Give back the connections, if there are any."""
        with self._lock:
            if self._session is not None:
                self._session.api.__exit__()

    def _once(self, work: Callable[[Any], Work[Result]]) -> Result:
        tx = self._connected().transaction()
        tx.__enter__()
        # The SDK forgets the id when it commits, and leaves a transaction open whose commit failed.
        txid = tx.txid
        try:
            done = work(tx)
        except BaseException:
            self._roll_back(txid)
            raise
        self._commit(tx, txid, done)
        return done.result

    def _connected(self) -> Any:
        with self._lock:
            if self._session is None:
                self._session = self._connect()
            return self._session

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
        return asked is None or self.run(lambda tx: Work(asked(tx)))

    def _roll_back(self, txid: int) -> None:
        """End a transaction if it is still there. A failure here never hides the one that led here."""
        for _ in range(ROLLBACKS):
            try:
                self._session.api.rollback_transaction(txid)
            except NotFound:
                return
            except FAILURES as error:
                logger.info("Transaction %s is not rolled back yet: %s", txid, type(error).__name__)
            else:
                return
