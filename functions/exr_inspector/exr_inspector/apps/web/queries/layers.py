"""The channels of a file as a tree of parts and layers, with their statistics."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from exr_inspector.apps.web.queries.files import StoredFile
from exr_inspector.catalog.duckdb.snapshot import Row

# Components in conventional order; others follow in alphabetical order.
_ORDER = ("R", "G", "B", "A", "X", "Y", "Z")


@dataclass(frozen=True)
class Channel:
    """A channel; `stats` is its row of `channel_stats`, None if it was not measured."""

    name: str
    component: str
    type: str
    sampling: str
    stats: Row | None
    histogram: dict[str, Any] | None


@dataclass
class Layer:
    """A layer, or a common prefix of layers that has no channels.

    `depth` is 0 for the channels without a layer and for outer layers.
    """

    name: str
    path: str
    depth: int
    channels: list[Channel] = field(default_factory=list)

    @property
    def packed_bytes(self) -> int | None:
        """The bytes of its channels in the file; None if they were not measured."""
        sizes = [each.stats["packed_bytes"] for each in self.channels if each.stats]
        return sum(sizes) if sizes and None not in sizes else None


@dataclass(frozen=True)
class PartTree:
    """A part and its layers, outer layers before nested layers."""

    part: Row
    layers: tuple[Layer, ...]


def layer_tree(found: StoredFile) -> list[PartTree]:
    """Return the layers of each part. A dot in a layer's name starts a nested layer."""
    stats = {(row["part_index"], row["name"]): row for row in found.channel_stats}
    trees = []
    for part in found.parts:
        rows = [row for row in found.channels if row["part_index"] == part["part_index"]]
        trees.append(PartTree(part, tuple(_layers(rows, stats))))
    return trees


def _layers(rows: Iterable[Row], stats: dict[tuple[int, str], Row]) -> list[Layer]:
    layers: dict[tuple[str, ...], Layer] = {}
    for row in sorted(rows, key=lambda row: _place(row["component_name"])):
        name = row["layer_name"] or ""
        steps = tuple(name.split(".")) if row["layer_source"] == "channel" and name else (name,)
        for depth in range(len(steps)):
            inner = steps[: depth + 1]
            layers.setdefault(inner, Layer(inner[-1], ".".join(inner), depth))
        layers[steps].channels.append(_channel(row, stats.get((row["part_index"], row["name"]))))
    return [layer for _, layer in sorted(layers.items(), key=lambda item: [each.lower() for each in item[0]])]


def _channel(row: Row, stats: Row | None) -> Channel:
    sampling = (row["x_sampling"], row["y_sampling"])
    details = json.loads(stats["details_json"] or "{}") if stats else {}
    return Channel(
        row["name"],
        row["component_name"],
        row["type"] or "",
        "" if sampling == (1, 1) else "{} x {}".format(*sampling),
        stats,
        details.get("histogram"),
    )


def _place(component: str) -> tuple[int, str]:
    upper = component.upper()
    return (_ORDER.index(upper) if upper in _ORDER else len(_ORDER), component)
