"""Limits of a query that a user wrote."""

from __future__ import annotations

from dataclasses import dataclass

# Seconds of a search by vector. An exact search reads every vector: 10 million take about a minute.
SEARCH_SECONDS = 600.0


@dataclass(frozen=True)
class QueryLimits:
    """What one query may use: seconds of time and MiB of memory."""

    seconds: float = 60.0
    memory_mib: int = 1024
