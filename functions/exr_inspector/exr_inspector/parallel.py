"""Work that waits for the network, done side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

MAX_THREADS = 16

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Apply a function to each item in threads; return the results in order, or raise the first exception.

    Each call runs in a copy of this thread's context, so that its spans belong to the handler's.
    """
    if len(items) < 2:
        return [function(item) for item in items]
    contexts = [copy_context() for _ in items]
    with ThreadPoolExecutor(min(len(items), MAX_THREADS)) as pool:
        return list(pool.map(lambda context, item: context.run(function, item), contexts, items))
