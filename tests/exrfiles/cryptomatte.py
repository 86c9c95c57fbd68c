"""Cryptomatte as its specification 1.2.0 has it: ids by MurmurHash3, ranked by coverage, a manifest."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import numpy as np

from tests.exrfiles.attributes import Attribute, attribute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.exrfiles.chunks import Pixels

MASK = 0xFFFFFFFF
RANKS = 6


def murmur3_32(data: bytes, seed: int = 0) -> int:
    """MurmurHash3_x86_32."""
    state = seed
    whole = len(data) & ~3
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        state = (_rotated(state ^ _mixed(word), 13) * 5 + 0xE6546B64) & MASK
    state ^= _mixed(int.from_bytes(data[whole:], "little")) ^ len(data)
    state = ((state ^ (state >> 16)) * 0x85EBCA6B) & MASK
    state = ((state ^ (state >> 13)) * 0xC2B2AE35) & MASK
    return state ^ (state >> 16)


def object_id(name: str) -> int:
    """The id of a name: its hash, one bit flipped where that would be a denormal, infinite or NaN float."""
    bits = murmur3_32(name.encode())
    return bits ^ (1 << 23) if (bits >> 23) & 0xFF in (0, 0xFF) else bits


def metadata(layer: str, names: Iterable[str]) -> list[Attribute]:
    """The four attributes that describe the Cryptomatte `layer`, with a manifest of these names."""
    key = f"{murmur3_32(layer.encode()):08x}"[:7]
    manifest = json.dumps({name: f"{object_id(name):08x}" for name in names}, separators=(",", ":"))
    texts = {
        "name": layer,
        "hash": "MurmurHash3_32",
        "conversion": "uint32_to_float32",
        "manifest": manifest,
    }
    return [attribute(f"cryptomatte/{key}/{field}", "string", text) for field, text in texts.items()]


def channels(layer: str, visible: Mapping[str, Pixels]) -> dict[str, Pixels]:
    """Channels `layer`00 and up: in each pixel the ids with most coverage first, two ranks to a layer."""
    ids = np.array([object_id(name) for name in visible], np.uint32).view(np.float32)
    coverage = np.stack(list(visible.values()))
    order = np.argsort(-coverage, axis=0, kind="stable")
    ranked = np.take_along_axis(coverage, order, axis=0)
    found = {"coverage": ranked, "id": np.where(ranked > 0, ids[order], np.float32(0))}
    empty = np.zeros(coverage.shape[1:], np.float32)
    planes = {}
    for rank in range(RANKS):
        for what, component in zip(("id", "coverage"), "BA" if rank % 2 else "RG", strict=True):
            planes[f"{layer}{rank // 2:02}.{component}"] = found[what][rank] if rank < len(order) else empty
    return planes


def _mixed(word: int) -> int:
    return (_rotated((word * 0xCC9E2D51) & MASK, 15) * 0x1B873593) & MASK


def _rotated(word: int, by: int) -> int:
    return ((word << by) | (word >> (32 - by))) & MASK
