"""The collections of derived facts that rules look at. Importing this package registers all of them."""

from exr_inspector.policy.collections import header, pixels, sequence

__all__ = ["header", "pixels", "sequence"]
