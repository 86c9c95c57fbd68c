"""A question: SQL with named parameters. Values are bound, never inserted into the SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Literal

from exr_inspector.errors import BAD_QUERY, InspectorError
from exr_inspector.sequences import parse_pattern

Kind = Literal["text", "path", "number", "count"]
Dialect = Literal["duckdb", "trino"]
Value = str | int | float

# The reason for an empty answer, by the empty table.
EMPTY = {
    "files": "no file of that path is stored",
    "pixels": "no pixels were measured; `exr-inspector stats --db` does it",
    "channel_stats": "no pixels were measured; `exr-inspector stats --db` does it",
    "cryptomatte_objects": "no objects are stored; `exr-inspector cryptomatte --coverage --db` does it",
}

_PLACEHOLDER = re.compile(r"\$([a-z]\w*)")
_PRINTF = re.compile("%0[0-9]?d")


@dataclass(frozen=True)
class Parameter:
    """A value that a question takes."""

    name: str
    kind: Kind
    meaning: str
    default: str | None
    """The default as a user types it; None if the parameter is required."""
    example: str
    """The default, or the value used for the sample answer."""

    def parse(self, value: object) -> Value:
        """Return the value to bind for a value or its text. Raises InspectorError(BAD_QUERY)."""
        text = str(value)
        if self.kind == "path":
            return path_pattern(text)
        if self.kind == "text":
            return text
        try:
            number = int(text) if self.kind == "count" else float(text)
        except ValueError:
            number = float("nan")
        if not isfinite(number) or (self.kind == "count" and number < 1):
            kind = "a number" if self.kind == "number" else "a whole number from 1"
            raise InspectorError(BAD_QUERY, f"{text!r} is not {kind}", self.name)
        return number


PATH = Parameter(
    "path",
    "path",
    "Only files below this folder, of this sequence, or with a path like this: % is any text.",
    "%",
    "%",
)
SHOW = Parameter(
    "show",
    "text",
    "The regular expression whose group is the show in a path.",
    "/shows/([^/]+)/",
    "/shows/([^/]+)/",
)
LIMIT = Parameter("limit", "count", "The maximum number of rows.", "20", "20")
COMMON = {each.name: each for each in (SHOW, LIMIT, PATH)}
"""Parameters that SQL files need not describe. Every question has `path`."""


@dataclass(frozen=True)
class Question:
    """A question and its SQL. `$name` in the SQL is the value of a parameter."""

    name: str
    title: str
    section: str
    description: str
    """Markdown; paragraphs are separated by blank lines."""
    parameters: tuple[Parameter, ...]
    """The question's own parameters, then those of COMMON."""
    sql: str
    """DuckDB's SQL."""
    trino: str
    """Trino's SQL; the same as DuckDB's if it works in both."""
    trino_note: str
    sample: tuple[tuple[str, ...], ...]
    """The column names and first rows of an answer for the example parameters; or empty."""

    @cached_property
    def tables(self) -> frozenset[str]:
        """The tables that the question reads."""
        from exr_inspector.catalog.columns import TABLES  # noqa: PLC0415 - Arrow, so that --help is quick

        return frozenset(re.findall(r"\b(?:FROM|JOIN) (\w+)", self.sql)).intersection(TABLES)

    def bind(self, values: Mapping[str, object]) -> tuple[str, dict[str, Value]]:
        """Return DuckDB's SQL and the values to bind to its parameters, by name.

        `values` are numbers and texts by parameter name; None means the default. If the SQL has no condition
        for `path`, the tables are limited to the files of that path. Raises InspectorError(BAD_QUERY) for an
        invalid, unknown or missing value.
        """
        sql, parsed = self._scoped(values, "duckdb")
        return sql, {name: parsed[name] for name in _PLACEHOLDER.findall(sql)}

    def text(self, values: Mapping[str, object], dialect: Dialect = "duckdb") -> str:
        """Return the SQL with the values as literals, for display. Raises InspectorError as `bind` does."""
        sql, parsed = self._scoped(values, dialect)
        return _PLACEHOLDER.sub(lambda found: _literal(parsed[found[1]]), sql)

    def counts(self, values: Mapping[str, object]) -> dict[str, tuple[str, dict[str, Value]]]:
        """Return queries that count the files, and the rows of other tables of EMPTY that the question reads.

        Each query is SQL and values, as `bind` returns them. The count is in the column `n`.
        """
        path = PATH.parse(values.get("path") or PATH.example)
        sql = "SELECT count(*) AS n FROM {} WHERE file_path LIKE $path"
        return {
            table: (sql.format(table), {"path": path}) for table in EMPTY if table in {"files", *self.tables}
        }

    def _scoped(self, values: Mapping[str, object], dialect: Dialect) -> tuple[str, dict[str, Value]]:
        given = {name: value for name, value in values.items() if value is not None}
        sql = self.sql if dialect == "duckdb" else self.trino
        if "path" in given and "$path" not in sql:
            once = " NOT MATERIALIZED" if dialect == "duckdb" else ""
            scopes = ",\n".join(
                f"{table} AS{once} (SELECT * FROM {table} WHERE file_path LIKE $path)"  # noqa: S608 - constants
                for table in sorted(self.tables)
            )
            sql = f"WITH {scopes}{',' if sql.startswith('WITH ') else ''}\n{sql.removeprefix('WITH ')}"
        return sql, self._parsed(given)

    def _parsed(self, given: Mapping[str, object]) -> dict[str, Value]:
        if unknown := given.keys() - {each.name for each in self.parameters}:
            raise InspectorError(BAD_QUERY, f"there is no parameter {min(unknown)}", self.name)
        parsed = {}
        for each in self.parameters:
            value = given.get(each.name, each.default)
            if value is None:
                raise InspectorError(BAD_QUERY, f"{each.name} needs a value", self.name)
            parsed[each.name] = each.parse(value)
        return parsed


def path_pattern(text: str) -> str:
    """Return a LIKE pattern for a path given by the user.

    The path is a folder, a file that ends in `.exr`, a sequence such as `beauty.#.exr`, or text with `%`. It
    can begin at any folder of a stored path. Raises InspectorError(BAD_QUERY) for a sequence with frames.
    """
    is_like = "%" in _PRINTF.sub("", text)
    if is_like:
        found = text
    elif pattern := parse_pattern(text):
        if pattern.frames:
            raise InspectorError(BAD_QUERY, f"name the sequence without frames: {pattern.key}", text)
        found = f"{pattern.before}%{pattern.after}".replace("*", "%")
    else:
        found = text if text.lower().endswith(".exr") else f"{text.rstrip('/')}/%"
    is_whole = found.startswith(("/", "%")) or "://" in found
    return found if is_whole else f"%/{found.removeprefix('./')}"


def _literal(value: Value) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"{value:g}" if isinstance(value, float) else str(value)
