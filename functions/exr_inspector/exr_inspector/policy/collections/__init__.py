"""The collections of derived facts that rules look at. Importing this package registers all of them."""

from exr_inspector.policy.collections import (
    aces,
    channels,
    color,
    cryptomatte,
    header,
    parts,
    pixels,
    sequence,
)

__all__ = ["aces", "channels", "color", "cryptomatte", "header", "parts", "pixels", "sequence"]
