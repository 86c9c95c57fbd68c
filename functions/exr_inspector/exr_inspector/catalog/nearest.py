"""Nearest files by exact vector distance, with SQL predicates: in a table of DuckDB, or in batches."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from exr_inspector.catalog.rows import TABLES
from exr_inspector.catalog.search import VECTORS, By, Match
from exr_inspector.errors import BAD_QUERY, InspectorError
from exr_inspector.vectors.embedding import EMBEDDING_VERSION

# The squared lengths of vectors that have a direction, as 32-bit arithmetic can tell: not zero, not NaN. What
# cosine the others have differs between DuckDB's releases: NaN, -1, an error.
SHORTEST, LONGEST = 1e-30, 1e30


def nearest(
    connection: duckdb.DuckDBPyConnection, vector: Sequence[float], by: By, where: str, limit: int
) -> list[Match]:
    """`Searchable.search` on the connection's table `files`.

    The condition opens no file of this machine, and from then on nothing does on the connection's database.
    """
    _check_direction(vector)
    column = VECTORS[by]
    cosine = f"array_cosine_similarity({column}, ?::FLOAT[{len(vector)}])"
    comparable = f"array_inner_product({column}, {column}) BETWEEN {SHORTEST} AND {LONGEST}"
    condition = where or "true"
    # Rows that cannot be compared come last and are left out: to filter them here takes twice the time.
    sql = f"""
        SELECT file_id, file_path, CASE WHEN {comparable} THEN {cosine} END AS similarity, {column}
        FROM files
        WHERE embedding_version = ? AND ({condition}
        )
        ORDER BY similarity DESC NULLS LAST, file_path
        LIMIT ?"""
    try:
        duckdb.SQLExpression(condition)  # what is one expression by itself cannot leave its brackets
        connection.execute("SET enable_external_access = false")
        rows = connection.execute(sql, [list(map(float, vector)), EMBEDDING_VERSION, limit]).fetchall()
    except duckdb.Error as error:
        raise InspectorError(BAD_QUERY, str(error), where) from error
    return [Match(*row) for row in rows if row[2] is not None]


def _check_direction(vector: Sequence[float]) -> None:
    if not SHORTEST <= sum(each * each for each in vector) <= LONGEST:
        message = "the vector to compare with is zero or not finite; inspect the file again, or name another"
        raise InspectorError(BAD_QUERY, message)


def nearest_in(
    reader: pa.RecordBatchReader, vector: Sequence[float], by: By, where: str, limit: int
) -> list[Match]:
    """The same in record batches of `files`: they pass through, and only the best stay."""
    with duckdb.connect() as connection:
        connection.register("files", reader)
        return nearest(connection, vector, by, where, limit)


def columns_of(by: By, where: str) -> list[str]:
    """The columns of `files` that a search reads. A name that `where` mentions in any way counts as read."""
    always = {"file_id", "file_path", "embedding_version", VECTORS[by]}
    return [name for name in TABLES["files"].names if name in always or name in where.lower()]
