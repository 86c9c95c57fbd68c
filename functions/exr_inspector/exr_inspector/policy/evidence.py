"""Uncertain evidence: missing values, and values with known bounds only.

A check of a value gives True, False or None; None means that the evidence does not decide it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

Answer = bool | None
"""True, False, or None if the evidence does not decide."""


@dataclass(frozen=True)
class Missing:
    """An unknown fact, and the reason. `is_requested` is False if reading it was not requested."""

    reason: str
    is_requested: bool = True


@dataclass(frozen=True)
class Bounds:
    """A number that lies from `low` to `high`, both included; `reason` says why it is not known exactly."""

    low: float = -inf
    high: float = inf
    reason: str = "only a sample was read"

    def within(self, low: float, high: float, *, is_open: bool = False) -> Answer:
        """Return whether the number is from `low` to `high`; `is_open` excludes both ends."""
        if is_open:
            if self.low > low and self.high < high:
                return True
            return False if self.high <= low or self.low >= high else None
        if self.low >= low and self.high <= high:
            return True
        return False if self.high < low or self.low > high else None


UNCERTAIN = frozenset({Missing, Bounds})
"""The classes of values that are not certain."""


def known(value: object) -> bool:
    """Return whether a value is certain. None is: the fact is absent."""
    return value.__class__ not in UNCERTAIN
