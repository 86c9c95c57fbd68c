"""Vectors that measure the similarity of renders, and explanations of it."""

from typing import Literal

By = Literal["metadata", "channels", "look"]
"""The vectors of a file: `metadata_embedding`, `channel_fingerprint`, and the `look_vector` of its pixels."""
