"""Nearest files by exact vector distance, with SQL predicates: in a table of DuckDB, or in batches."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from exr_inspector.analysis.embedding import EMBEDDING_VERSION
from exr_inspector.errors import BAD_QUERY, InspectorError
from exr_inspector.storage.search import VECTORS, By, Match
from exr_inspector.storage.tables import TABLES


def nearest(
    connection: duckdb.DuckDBPyConnection, vector: Sequence[float], by: By, where: str, limit: int
) -> list[Match]:
    """`Searchable.search` on the connection's table `files`."""
    column = VECTORS[by]
    cosine = f"array_cosine_similarity({column}, ?::FLOAT[{len(vector)}])"
    sql = f"""
        SELECT file_id, file_path, {cosine} AS similarity, {column}
        FROM files
        WHERE embedding_version = ? AND {column} IS NOT NULL AND ({where or "true"}
        )
        ORDER BY similarity DESC, file_path
        LIMIT ?"""
    try:
        if len(duckdb.extract_statements(sql)) != 1:
            raise InspectorError(BAD_QUERY, "the condition must be one expression", where)
        rows = connection.execute(sql, [list(map(float, vector)), EMBEDDING_VERSION, limit]).fetchall()
    except duckdb.Error as error:
        raise InspectorError(BAD_QUERY, str(error), where) from error
    return [Match(*row) for row in rows]


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
