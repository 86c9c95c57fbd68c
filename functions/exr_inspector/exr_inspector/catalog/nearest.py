"""The nearest files by exact cosine similarity, with a condition in SQL, computed by DuckDB."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from exr_inspector.catalog.limits import SEARCH_SECONDS, time_limit
from exr_inspector.catalog.rows import TABLES
from exr_inspector.catalog.search import VECTORS, By, Match
from exr_inspector.errors import BAD_QUERY, InspectorError
from exr_inspector.vectors.embedding import EMBEDDING_VERSION

# Squared lengths between which a vector has a direction in 32-bit arithmetic: not zero, not NaN. The cosine
# of any other vector depends on DuckDB's release: NaN, -1 or an error.
MIN_SQUARE, MAX_SQUARE = 1e-30, 1e30


def nearest(
    connection: duckdb.DuckDBPyConnection, vector: Sequence[float], by: By, where: str, limit: int
) -> list[Match]:
    """Search the connection's table `files`, as `Searchable.search` does.

    `where` is text of a user: the connection's database must have no external access, and the caller limits
    the time. Raises InspectorError(BAD_QUERY).
    """
    length = sum(each * each for each in vector)
    if not MIN_SQUARE <= length <= MAX_SQUARE:
        message = "the vector to compare with is zero or not finite; inspect the file again, or name another"
        raise InspectorError(BAD_QUERY, message)
    column = VECTORS[by]
    cosine = f"array_cosine_similarity({column}, ?::FLOAT[{len(vector)}])"
    comparable = f"array_inner_product({column}, {column}) BETWEEN {MIN_SQUARE} AND {MAX_SQUARE}"
    condition = where or "true"
    # Sort the rows that cannot be compared last and drop them afterwards: a filter here takes twice the time.
    sql = f"""
        SELECT file_id, file_path, CASE WHEN {comparable} THEN {cosine} END AS similarity, {column}
        FROM files
        WHERE embedding_version = ? AND ({condition}
        )
        ORDER BY similarity DESC NULLS LAST, file_path
        LIMIT ?"""
    try:
        duckdb.SQLExpression(condition)  # text that is one expression by itself cannot close the brackets
        rows = connection.execute(sql, [list(map(float, vector)), EMBEDDING_VERSION, limit]).fetchall()
    except duckdb.Error as error:
        raise InspectorError(BAD_QUERY, str(error), where) from error
    return [Match(*row) for row in rows if row[2] is not None]


def nearest_in(
    reader: pa.RecordBatchReader, vector: Sequence[float], by: By, where: str, limit: int
) -> list[Match]:
    """Search record batches of `files`. They are read once, and only the best matches are kept."""
    with duckdb.connect() as connection:
        connection.register("files", reader)
        connection.execute("SET enable_external_access = false")
        with time_limit(connection.interrupt, SEARCH_SECONDS):
            return nearest(connection, vector, by, where, limit)


def columns_of(by: By, where: str) -> list[str]:
    """Return the columns of `files` that a search reads: a name counts as read if it occurs in `where`."""
    always = {"file_id", "file_path", "embedding_version", VECTORS[by]}
    return [name for name in TABLES["files"].names if name in always or name in where.lower()]
