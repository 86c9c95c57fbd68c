"""Nearest files by exact vector distance, with SQL conditions: in a DuckDB table, or in record batches."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.limits import SEARCH_SECONDS, time_limit
from exr_inspector.catalog.search import VECTORS, Match, Search
from exr_inspector.errors import BAD_QUERY, InspectorError

# A vector has a direction if its squared length is in this range: not zero, infinite or NaN. The releases of
# DuckDB disagree about the cosine of a vector without one: NaN, -1, or an error.
MIN_LENGTH, MAX_LENGTH = 1e-30, 1e30

_COLUMNS = ("file_id", "file_path", "similarity", "vector", "sequence_key")


def nearest(connection: duckdb.DuckDBPyConnection, search: Search) -> list[Match]:
    """Search the connection's table `files`, as `Searchable.search` does.

    The condition is text of a user: the connection's database must have no external access, and the caller
    limits the time. Raises InspectorError(BAD_QUERY).
    """
    if not MIN_LENGTH <= sum(each * each for each in search.vector) <= MAX_LENGTH:
        message = "the search vector is zero or not finite; inspect the file again, or name another file"
        raise InspectorError(BAD_QUERY, message)
    condition = search.where or "true"
    check_condition(condition)
    try:
        version = VECTORS[search.by].version
        parameters = [list(map(float, search.vector)), version, search.exclude, search.limit]
        rows = connection.execute(_sql(search, condition), parameters).fetchall()
    except duckdb.Error as error:
        raise InspectorError(BAD_QUERY, str(error), search.where) from error
    return [Match(*row) for row in rows if row[2] is not None]


def check_condition(condition: str) -> None:
    """Raise InspectorError(BAD_QUERY) unless the text is one SQL expression.

    One expression cannot close the brackets around it.
    """
    try:
        duckdb.SQLExpression(condition)
    except duckdb.Error as error:
        raise InspectorError(BAD_QUERY, str(error), condition) from error
    except TypeError as error:  # DuckDB does not convert text with surrogates
        raise InspectorError(BAD_QUERY, "the condition is not in UTF-8", condition) from error


def _sql(search: Search, condition: str) -> str:
    table, column, version_column, _ = VECTORS[search.by]
    source = "files"
    if table != "files":
        source = f"(SELECT files.*, {column}, {version_column} FROM files JOIN {table} USING (file_id))"
    cosine = f"array_cosine_similarity({column}, ?::FLOAT[{len(search.vector)}])"
    comparable = f"array_inner_product({column}, {column}) BETWEEN {MIN_LENGTH} AND {MAX_LENGTH}"
    # Rows that cannot be compared are sorted last and dropped afterwards: a filter here takes twice the time.
    found = f"""
        SELECT file_id, file_path, CASE WHEN {comparable} THEN {cosine} END AS similarity,
            {column} AS vector, sequence_key
        FROM {source}
        WHERE {version_column} = ? AND file_id <> ? AND ({condition}
        )"""
    if not search.frames:
        # An aggregate keeps one vector per sequence; a window function would sort all of them.
        fields = ", ".join(f"'{name}': {name}" for name in _COLUMNS)
        found = f"""
            SELECT unnest(arg_min({{{fields}}}, (-coalesce(similarity, -2), file_path)))
            FROM ({found}) GROUP BY coalesce(sequence_key, file_path)"""
    return f"""
        SELECT {", ".join(_COLUMNS)} FROM ({found})
        ORDER BY similarity DESC NULLS LAST, file_path
        LIMIT ?"""


def nearest_in(readers: Mapping[str, pa.RecordBatchReader], search: Search) -> list[Match]:
    """Run a search on record batches of the tables of `columns_of`.

    Batches of `files` are streamed; only the best rows stay in memory, and the vectors of another table.
    """
    with duckdb.connect() as connection:
        for table, reader in readers.items():
            connection.register(table, reader)
        connection.execute("SET enable_external_access = false")
        with time_limit(connection.interrupt, SEARCH_SECONDS):
            return nearest(connection, search)


def columns_of(search: Search) -> dict[str, list[str]]:
    """Return the columns that a search reads, by table. Any name that its condition mentions counts."""
    vector = VECTORS[search.by]
    needed = {"files": {"file_id", "file_path", "sequence_key"}}
    needed.setdefault(vector.table, {"file_id"}).update((vector.column, vector.version_column))
    mentioned = {name for name in TABLES["files"].names if name in search.where.lower()}
    needed["files"] |= mentioned
    return {table: [name for name in TABLES[table].names if name in names] for table, names in needed.items()}
