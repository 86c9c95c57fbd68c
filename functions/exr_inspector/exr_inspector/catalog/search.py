"""What a store that can be searched by vector offers; DuckDB and VAST DataBase both do."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from exr_inspector.vectors.explain import By

__all__ = ["VECTORS", "By", "Match", "Searchable"]

VECTORS: dict[By, str] = {"metadata": "metadata_embedding", "channels": "channel_fingerprint"}


class Match(NamedTuple):
    """A file that was found. `similarity` is the cosine of its vector and the one asked for, -1 to 1."""

    file_id: str
    file_path: str
    similarity: float
    vector: tuple[float, ...]


class Searchable(Protocol):
    """A store that can be searched. Both methods raise InspectorError."""

    def search(self, vector: list[float], by: By, where: str, limit: int) -> list[Match]:
        """The `limit` files most like a vector, by exact cosine, the nearest first, ties by path.

        `where` is a condition in DuckDB's SQL on the columns of `files`; empty for all. Only vectors
        of this release's `embedding_version` that have a direction are compared: neither zero nor NaN.
        Raises BAD_QUERY for an invalid condition, and for a vector without a direction.
        """

    def vector(self, file_id: str, by: By) -> list[float] | None:
        """The stored vector of a file; None where this release has not stored the file."""
