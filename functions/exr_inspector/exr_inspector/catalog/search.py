"""A search by vector, and the interface of a store that can run one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from exr_inspector.vectors import By
from exr_inspector.vectors.embedding import EMBEDDING_VERSION
from exr_inspector.vectors.look import LOOK_VERSION

__all__ = ["DETAIL_TABLES", "VECTORS", "By", "Match", "Search", "Searchable", "StoredRows", "VectorColumn"]


class VectorColumn(NamedTuple):
    """Where a kind of vector is stored, and the column and value of its version in this release."""

    table: str
    column: str
    version_column: str
    version: int


VECTORS: dict[By, VectorColumn] = {
    "metadata": VectorColumn("files", "metadata_embedding", "embedding_version", EMBEDDING_VERSION),
    "channels": VectorColumn("files", "channel_fingerprint", "embedding_version", EMBEDDING_VERSION),
    "look": VectorColumn("pixels", "look_vector", "look_version", LOOK_VERSION),
}

StoredRows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Table name -> the rows of one file in that table."""


@dataclass(frozen=True)
class Search:
    """A vector to compare, and which files to return."""

    vector: Sequence[float]
    by: By = "metadata"
    where: str = ""
    """A condition in DuckDB's SQL on the columns of `files`; empty for all files."""
    limit: int = 10
    exclude: str = ""
    """The `file_id` of a file to leave out."""
    frames: bool = False
    """Whether to return every file. Otherwise only the best match of each `sequence_key` is returned."""


class Match(NamedTuple):
    """A search result. `similarity` is the cosine between its vector and the query's vector, from -1 to 1."""

    file_id: str
    file_path: str
    similarity: float
    vector: tuple[float, ...]
    sequence_key: str | None = None


DETAIL_TABLES = ("parts", "channels", "attributes")


class Searchable(Protocol):
    """A store that can be searched. All methods raise InspectorError."""

    def search(self, search: Search) -> list[Match]:
        """Return the files most like a vector, by exact cosine, the nearest first, ties by path.

        Only vectors of this release's version that have a direction are compared: a vector that is zero or
        has a NaN is left out. Raises BAD_QUERY for an invalid condition, and for a search vector
        without a direction.
        """

    def vector(self, file_id: str, by: By) -> list[float] | None:
        """Return the stored vector of a file, or None if this release has not stored the file."""

    def stored_rows(self, file_ids: Sequence[str]) -> dict[str, StoredRows]:
        """Return the rows of files in `parts`, `channels` and `attributes`, by `file_id`."""
