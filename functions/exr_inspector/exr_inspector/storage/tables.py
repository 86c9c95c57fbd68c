"""The rows of a document in the four tables.

A file's rows in all tables share its `file_id`, which is made from its location alone: a re-render of the
same path replaces its rows.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from exr_inspector.analysis.embedding import EMBEDDING_VERSION, channel_fingerprint, metadata_embedding
from exr_inspector.document import Document, location_of, to_json
from exr_inspector.naming import split_path
from exr_inspector.reading.sources import is_object
from exr_inspector.reading.values import clean
from exr_inspector.storage.columns import ATTRIBUTES, CHANNELS, FILES, PARTS
from exr_inspector.version import VERSION

# VAST DataBase refuses a cell of more than 126 KB; read in its smaller meaning.
LARGEST_CELL = 126_000

COLUMNS = {"files": FILES, "parts": PARTS, "channels": CHANNELS, "attributes": ATTRIBUTES}
TABLES: dict[str, pa.Schema] = {
    table: pa.schema([(column.name, column.type) for column in columns]) for table, columns in COLUMNS.items()
}
AUDIT_COLUMNS = ("sequencer", "first_seen", "last_inspected", "inspection_count", "write_id")

_FILE_FACTS = frozenset(TABLES["files"].names)
_PART_FACTS = frozenset(TABLES["parts"].names)

Row = dict[str, Any]


@dataclass(frozen=True)
class FileRows:
    """One file's rows by table. The audit columns of `files` but `sequencer` are left to the store."""

    file_id: str
    rows: dict[str, list[Row]]

    @property
    def file(self) -> Row:
        return self.rows["files"][0]


def file_id(location: str) -> str:
    """32 hexadecimal digits, from the location alone."""
    return hashlib.sha256(normalized_path(location).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def normalized_path(location: str) -> str:
    """An S3 location as it is, for its keys are opaque; a local path absolute and without `.`, `..`, `//`."""
    return location if is_object(location) else os.path.abspath(location)  # noqa: PTH100 - text, no file


def rows_of(document: Document) -> FileRows:
    """The rows of a document."""
    key = {"file_id": file_id(location_of(document)), "file_path": document["file"]["path"]}
    rows = {
        "files": [_file_row(document)],
        "parts": map(_part_row, document["parts"]),
        "channels": _channel_rows(document),
        "attributes": _attribute_rows(document),
    }
    return FileRows(
        key["file_id"], {table: [_fitting({**key, **row}) for row in found] for table, found in rows.items()}
    )


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


def _file_row(document: Document) -> Row:
    file, view = document["file"], document["file"]["openimageio"]
    facts = {name: value for name, value in file.items() if name in _FILE_FACTS}
    return {
        **facts,
        "file_path_normalized": clean(normalized_path(location_of(document))),
        "sequence_key": split_path(file["path"]).sequence_key,
        "mtime": datetime.strptime(file["mtime"], "%Y-%m-%dT%H:%M:%S.%fZ") if file["mtime"] else None,  # noqa: DTZ007
        "error_count": len(document["errors"]),
        "errors_json": to_json(document["errors"]),
        "channel_count": len(document["channels"]),
        "attribute_count": sum(len(part["attributes"]) for part in document["parts"]),
        "openimageio_opens": view["opens"],
        "openimageio_message": view["message"],
        "openimageio_differences": to_json(view["differences"]),
        "metadata_embedding": metadata_embedding(document),
        "channel_fingerprint": channel_fingerprint(document),
        "embedding_version": EMBEDDING_VERSION,
        "inspector_version": VERSION,
        "schema_version": document["schema_version"],
        "facts_hash": facts_hash(document),
    }


def facts_hash(document: Document) -> str:
    """SHA-256 of all that a document says and who says it; equal means that no row would change."""
    facts = {key: value for key, value in document.items() if key != "persistence"}
    facts["file"] = {key: value for key, value in document["file"].items() if key != "sequencer"}
    versions = [VERSION, EMBEDDING_VERSION]
    return hashlib.sha256(to_json([versions, facts]).encode()).hexdigest()


def elided(content: bytes) -> dict[str, Any]:
    """What stands in the place of content that is too long."""
    return {"elided": {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}}


def _part_row(part: Row) -> Row:
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


def _channel_rows(document: Document) -> Iterator[Row]:
    positions: dict[int, int] = {}
    for channel in document["channels"]:
        part = channel["part_index"]
        yield {**channel, "channel_index": positions.get(part, 0)}
        positions[part] = positions.get(part, 0) + 1


def _attribute_rows(document: Document) -> Iterator[Row]:
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
