"""The collections of derived facts that rules look at. Importing this package registers all of them."""

from exr_inspector.policy.collections import aces, color, cryptomatte, header, pixels, sequence

__all__ = ["aces", "color", "cryptomatte", "header", "pixels", "sequence"]
