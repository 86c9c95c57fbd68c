"""Limits of a query that a user wrote."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from exr_inspector.errors import QUERY_LIMIT, InspectorError

# Seconds of a search by vector. An exact search reads every vector: 10 million take about a minute.
SEARCH_SECONDS = 600.0


@dataclass(frozen=True)
class QueryLimits:
    """What one query may use: seconds of time and MiB of memory, and the MiB of its answer."""

    seconds: float = 60.0
    memory_mib: int = 1024
    answer_mib: int = 64


@contextmanager
def time_limit(interrupt: Callable[[], object], seconds: float | None) -> Iterator[None]:
    """Call `interrupt` from another thread if the block takes longer than this; None means no limit.

    Raises InspectorError(QUERY_LIMIT) if the block then fails: with DuckDB's exception, or with Arrow's if an
    answer is being read.
    """
    if seconds is None:
        yield
        return
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        interrupt()

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if not expired.is_set():
            raise
        raise InspectorError(QUERY_LIMIT, f"the query took longer than {seconds:g} seconds") from error
    finally:
        timer.cancel()
