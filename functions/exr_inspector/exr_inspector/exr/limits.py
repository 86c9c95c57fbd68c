"""Limits of the header parser, so that a hostile file costs bounded memory and time."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Largest sizes and counts that the parser accepts; a limit is checked before the bytes are asked for."""

    max_header_bytes: int = 32 * MIB
    max_value_bytes: int = 16 * MIB
    max_parts: int = 4096
    max_channels: int = 16384
    max_attributes: int = 65536
