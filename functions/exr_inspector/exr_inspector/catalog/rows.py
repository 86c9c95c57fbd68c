"""The rows of a document in the four tables.

A file's rows in all tables share its `file_id`, which is made from its location alone: a re-render of the
same path replaces its rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from exr_inspector.catalog.columns import ATTRIBUTES, CHANNELS, FILES, PARTS
from exr_inspector.catalog.columns import FACETS as FACET_COLUMNS
from exr_inspector.catalog.facets import FACETS, HEADER_VERSION, FileRows, Row, facet_row
from exr_inspector.catalog.plan import AUDIT_COLUMNS
from exr_inspector.document.build import stored_location
from exr_inspector.document.serialize import elided, to_json
from exr_inspector.exr.names import split_path
from exr_inspector.exr.values import clean
from exr_inspector.location import Location
from exr_inspector.vectors.embedding import EMBEDDING_VERSION, Vectors, embed
from exr_inspector.version import VERSION

__all__ = [
    "AUDIT_COLUMNS", "COLUMNS", "LARGEST_CELL", "TABLES", "FileRows", "Row", "arrow_table", "facts_hash",
    "header_rows", "rows_of",
]  # fmt: skip

# VAST DataBase refuses a cell of more than 126 KB; read in its smaller meaning.
LARGEST_CELL = 126_000

COLUMNS = {
    "files": FILES,
    "parts": PARTS,
    "channels": CHANNELS,
    "attributes": ATTRIBUTES,
    "facets": FACET_COLUMNS,
}
TABLES: dict[str, pa.Schema] = {
    table: pa.schema([(column.name, column.type) for column in columns]) for table, columns in COLUMNS.items()
}

_FILE_FACTS = frozenset(TABLES["files"].names)
_PART_FACTS = frozenset(TABLES["parts"].names)


def rows_of(document: Mapping[str, Any]) -> FileRows:
    """Return the rows of a document that arrives as JSON: identity and time are parsed from its text."""
    file = document["file"]
    mtime = datetime.strptime(file["mtime"], "%Y-%m-%dT%H:%M:%S.%fZ") if file["mtime"] else None  # noqa: DTZ007
    return header_rows(document, stored_location(file), mtime, embed(document))


def header_rows(
    document: Mapping[str, Any], location: Location, mtime: datetime | None, vectors: Vectors
) -> FileRows:
    """Return the rows of a document; `mtime` is in UTC."""
    key = {"file_id": location.file_id, "file_path": document["file"]["path"]}
    normalized = clean(location.canonical)
    rows = {
        "files": [_file_row(document, normalized, mtime, vectors)],
        "parts": map(_part_row, document["parts"]),
        "channels": _channel_rows(document),
        "attributes": _attribute_rows(document),
    }
    fitting = {table: [_fitting({**key, **row}) for row in found] for table, found in rows.items()}
    (file,) = fitting["files"]
    fitting["facets"] = [facet_row(FACETS["header"], file, file["facts_hash"])]
    return FileRows(key["file_id"], fitting)


def _fitting(row: Row) -> Row:
    """The row, with its size and hash in the place of every text that is too long for a cell."""
    return {name: _cell(value) if isinstance(value, str) else value for name, value in row.items()}


def _cell(text: str) -> str:
    if 4 * len(text) <= LARGEST_CELL:  # a character has at most four bytes
        return text
    content = text.encode()
    return text if len(content) <= LARGEST_CELL else to_json(elided(content))


def arrow_table(name: str, rows: Sequence[Row]) -> pa.Table:
    """Rows of one table as Arrow, in the table's schema; a column that a row lacks is null."""
    return pa.Table.from_pylist(list(rows), schema=TABLES[name])


def _file_row(document: Mapping[str, Any], normalized: str, mtime: datetime | None, vectors: Vectors) -> Row:
    file, view = document["file"], document["file"]["openimageio"]
    facts = {name: value for name, value in file.items() if name in _FILE_FACTS}
    return {
        **facts,
        "file_path_normalized": normalized,
        "sequence_key": split_path(file["path"]).sequence_key,
        "mtime": mtime.replace(tzinfo=None) if mtime else None,
        "error_count": len(document["errors"]),
        "errors_json": to_json(document["errors"]),
        "channel_count": len(document["channels"]),
        "attribute_count": sum(len(part["attributes"]) for part in document["parts"]),
        "openimageio_opens": view["opens"],
        "openimageio_message": view["message"],
        "openimageio_differences": to_json(view["differences"]),
        "metadata_embedding": vectors.metadata,
        "channel_fingerprint": vectors.channels,
        "embedding_version": EMBEDDING_VERSION,
        "inspector_version": VERSION,
        "schema_version": document["schema_version"],
        "facts_hash": facts_hash(document),
    }


def facts_hash(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the facts in a document; equal hashes mean equal rows.

    It does not depend on the release, nor on other facets: `HEADER_VERSION` is raised if rows change.
    """
    facts = {key: document[key] for key in ("schema_version", "parts", "channels", "attributes", "errors")}
    facts["file"] = {key: value for key, value in document["file"].items() if key != "sequencer"}
    versions = [HEADER_VERSION, EMBEDDING_VERSION]
    return hashlib.sha256(to_json([versions, facts]).encode()).hexdigest()


def _part_row(part: Mapping[str, Any]) -> Row:
    windows = {
        f"{window}_window_{end}_{axis}": part[f"{window}_window"][end][axis]
        for window in ("data", "display")
        if part[f"{window}_window"] is not None
        for end in ("min", "max")
        for axis in "xy"
    }
    row = {name: value for name, value in part.items() if name in _PART_FACTS}
    return {
        **row,
        **windows,
        "part_index": part["index"],
        "pixel_aspect_ratio": _real(part["pixel_aspect_ratio"]),
    }


def _channel_rows(document: Mapping[str, Any]) -> Iterator[Row]:
    positions: dict[int, int] = {}
    for channel in document["channels"]:
        part = channel["part_index"]
        yield {**channel, "channel_index": positions.get(part, 0)}
        positions[part] = positions.get(part, 0) + 1


def _attribute_rows(document: Mapping[str, Any]) -> Iterator[Row]:
    for part in document["parts"]:
        for index, attribute in enumerate(part["attributes"]):
            value = attribute["value"]
            yield {
                "part_index": part["index"],
                "attribute_index": index,
                "attr_name": attribute["name"],
                "attr_type": attribute["type"],
                "value_json": to_json(value),
                "value_text": _text(attribute["type"], value),
                "value_int": value if attribute["type"] == "int" else None,
                "value_float": _float_column(attribute["type"], value),
            }


def _text(type_name: str, value: Any) -> str | None:
    """Text to search: a string, a coded value's name, a time code's time."""
    if isinstance(value, str) and type_name not in ("float", "double"):
        return value
    return value["time"] if type_name == "timecode" and value else None


_REAL_VALUES: dict[str, Callable[[Any], float | None]] = {
    "int": float,
    "float": float,
    "double": float,
    "rational": lambda value: value["numerator"] / value["denominator"] if value["denominator"] else None,
}


def _float_column(type_name: str, value: Any) -> float | None:
    return _REAL_VALUES[type_name](value) if type_name in _REAL_VALUES and value is not None else None


def _real(value: Any) -> float | None:
    return None if value is None else float(value)
