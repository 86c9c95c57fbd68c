"""Vectors that tell which renders are alike, and why."""

from typing import Literal

By = Literal["metadata", "channels"]
"""The two vectors of a file: `metadata_embedding` and `channel_fingerprint`."""
