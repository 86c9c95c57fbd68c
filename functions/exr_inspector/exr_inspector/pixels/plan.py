"""Which chunks of a part are read, and in which groups they are decoded."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from exr_inspector.exr.layout import Layout, Level
from exr_inspector.pixels.stitch import unit_chunks

GROUP_BYTES = 8 << 20
"""Decoded size of a group: memory follows it, and larger groups are not faster."""
GROUP_CHUNKS = 1 << 14
"""Chunks of a group: each takes memory too, however small it is."""
MAX_ROW_BYTES = 64 << 20
"""A row of tiles that is larger, or has too many, is decoded in groups that hold no whole lines."""
MIN_SAMPLE = 16
"""Fewer chunks estimate a mean too badly."""

Unit = tuple[int, ...]
"""Indexes of chunks that must be decoded together; nearly always one."""


@dataclass(frozen=True)
class Plan:
    """The units of a level that are read, in order of y. `total` counts all units of the level."""

    layout: Layout
    level: Level
    units: tuple[Unit, ...]
    total: int

    @property
    def is_full(self) -> bool:
        return len(self.units) == self.total


def plan_full(layout: Layout, number: int = 0) -> Plan:
    """Return a plan that reads every chunk of a level; `number` is its position among the levels."""
    first = 0
    for position, level in enumerate(layout.levels):
        count = level.columns * level.rows
        if position == number:
            break
        first += count
    else:
        raise IndexError(number)
    step, end = unit_chunks(layout), first + count
    units = tuple(tuple(range(start, min(start + step, end))) for start in range(first, end, step))
    return Plan(layout, level, units, len(units))


def plan_sample(plan: Plan, count: int, seed: str) -> Plan:
    """Return a plan of `count` units: one at random of each of `count` equal strata in y.

    The same seed gives the same units.
    """
    if count >= len(plan.units):
        return plan
    chance = random.Random(seed)  # noqa: S311 - a repeatable sample, not a secret
    bounds = [len(plan.units) * stratum // count for stratum in range(count + 1)]
    chosen = [chance.randrange(low, high) for low, high in pairwise(bounds)]
    return replace(plan, units=tuple(plan.units[each] for each in chosen))


def rows(plan: Plan) -> Iterator[list[Unit]]:
    """Yield the units of a plan that begin at the same line: of scan lines, one at a time."""
    if not plan.layout.is_tiled:
        yield from ([unit] for unit in plan.units)
        return
    for _, members in groupby(plan.units, key=lambda unit: plan.layout.chunk(unit[0]).y):
        yield list(members)


def groups(plan: Plan, size_of: Callable[[int], int], max_bytes: int) -> Iterator[list[Unit]]:
    """Yield groups of units of at most `max_bytes` decoded, or of one row of units that is larger.

    `size_of` returns the decoded size of a chunk. A group of tiles holds whole rows of tiles, so that the
    lines of the groups follow one another; only a row above MAX_ROW_BYTES or GROUP_CHUNKS is divided.
    """
    group: list[Unit] = []
    held = 0
    for row in rows(plan):
        is_long = len(row) > GROUP_CHUNKS
        is_long = is_long or sum(size_of(index) for unit in row for index in unit) > MAX_ROW_BYTES
        for piece in ([unit] for unit in row) if is_long else (row,):
            size = sum(size_of(index) for unit in piece for index in unit)
            if group and (held + size > max_bytes or len(group) + len(piece) > GROUP_CHUNKS):
                yield group
                group, held = [], 0
            group += piece
            held += size
    if group:
        yield group
