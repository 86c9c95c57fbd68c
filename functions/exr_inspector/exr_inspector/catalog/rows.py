"""The rows of a document: those of the header facet.

A file's rows in all tables share its `file_id`, which is made from its location alone: a re-render of the
same path replaces its rows.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain, count
from typing import Any

import pyarrow as pa

from exr_inspector.catalog.arrow import arrow_table
from exr_inspector.catalog.cells import MAX_CELL_BYTES, elide
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import (
    FACETS,
    HEADER_VERSION,
    FileRows,
    Row,
    facet_row,
    input_hash,
    object_version,
)
from exr_inspector.catalog.pixel_rows import with_pixels
from exr_inspector.document.build import stored_location
from exr_inspector.document.model import FileFacts, Part
from exr_inspector.document.serialize import quoted, to_json
from exr_inspector.exr.names import split_path
from exr_inspector.exr.values import clean
from exr_inspector.location import Location
from exr_inspector.vectors.embedding import EMBEDDING_VERSION, Vectors, embed
from exr_inspector.version import VERSION

_NOT_COLUMNS_OF_FILES = FileFacts.__annotations__.keys() - set(TABLES["files"].names)
_NOT_COLUMNS_OF_PARTS = Part.__annotations__.keys() - set(TABLES["parts"].names)


def rows_of(document: Mapping[str, Any]) -> FileRows:
    """Return the rows of a document that arrives as JSON: identity and time are parsed from its text."""
    file = document["file"]
    mtime = datetime.strptime(file["mtime"], "%Y-%m-%dT%H:%M:%S.%fZ") if file["mtime"] else None  # noqa: DTZ007
    return header_rows(document, stored_location(file), mtime, embed(document))


def to_arrow(documents: Iterable[Mapping[str, Any]]) -> dict[str, pa.Table]:
    """Return the rows of documents as Arrow tables: one for each table of the stores, with the same columns.

    Columns that a store fills in when it writes, such as `first_seen`, are null. Rows of pixel statistics
    lack thumbnails and look vectors.

    >>> import exr_inspector
    >>> tables = to_arrow([exr_inspector.inspect("beauty.1001.exr")])
    >>> list(tables)[:4]
    ['files', 'parts', 'channels', 'attributes']
    >>> tables["channels"].select(["name", "type"]).slice(0, 2).to_pylist()
    [{'name': 'B', 'type': 'half'}, {'name': 'G', 'type': 'half'}]

    Arrow tables become data frames:

    >>> frame = tables["parts"].to_pandas()
    >>> frame["compression"].tolist()
    ['zip']
    >>> import polars
    >>> polars.from_arrow(tables["parts"])["compression"].to_list()
    ['zip']
    """
    files = [_with_stats(rows_of(each), each["stats"]) for each in documents]
    return {
        table: arrow_table(table, [row for each in files for row in each.rows.get(table, ())])
        for table in TABLES
    }


def _with_stats(file: FileRows, stats: Mapping[str, Any]) -> FileRows:
    if "channels" not in stats:
        return file
    request = to_json({"mode": stats["mode"]})
    identity = input_hash(FACETS["pixels"], object_version(file.file), request)
    return with_pixels(file, stats, request, identity, stats["status"])


def header_rows(
    document: Mapping[str, Any],
    location: Location,
    mtime: datetime | None,
    vectors: Vectors,
    found: Mapping[str, Any] | None = None,
) -> FileRows:
    """Return the rows of a document; `mtime` is in UTC. A text that is too long for a cell is elided.

    `found` has values for the `FOUND_COLUMNS` of `files`.
    """
    key = {"file_id": location.file_id, "file_path": document["file"]["path"]}
    texts = [(part, [to_json(each["value"]) for each in part["attributes"]]) for part in document["parts"]]
    facts = facts_text(document, [values for _, values in texts]).encode()
    file = {
        **key,
        **_file_row(document, vectors),
        "file_path_normalized": clean(location.canonical),
        "mtime": mtime.replace(tzinfo=None) if mtime else None,
        "facts_hash": hashlib.sha256(facts).hexdigest(),
        **(found or {}),
    }
    positions: defaultdict[int, count[int]] = defaultdict(count)
    rows = {
        "files": [file],
        "parts": [_part_row(part, key) for part in document["parts"]],
        "channels": [
            {**key, **channel, "channel_index": next(positions[channel["part_index"]])}
            for channel in document["channels"]
        ],
        "attributes": [row for part, values in texts for row in _attribute_rows(part, values, key)],
    }
    if found or len(facts) > MAX_CELL_BYTES:  # else no text is that long: the facts contain all of them
        for row in chain.from_iterable(rows.values()):
            elide(row)
    rows["facets"] = [facet_row(FACETS["header"], file, file["facts_hash"])]
    return FileRows(location.file_id, rows)


def facts_text(document: Mapping[str, Any], texts: Sequence[Sequence[str]]) -> str:
    """Return the facts of the header facet as text; equal texts mean equal rows.

    `texts` has the JSON of each attribute's value, by part. The facts depend neither on the release of
    exr-inspector nor on other facets, only on the versions of the rows and of the vectors.
    """
    versions = [HEADER_VERSION, EMBEDDING_VERSION, document["schema_version"]]
    file = _without(document["file"], ("sequencer",))
    parts = [_without(part, ("attributes",)) for part in document["parts"]]
    pieces = [to_json([versions, file, parts, document["channels"], document["errors"]])]
    for index, (part, values) in enumerate(zip(document["parts"], texts, strict=True)):
        # No piece has these separators in it: JSON escapes both.
        pieces += [
            f"{index}\0[{quoted(attribute['name'])},{quoted(attribute['type'])}]\0{text}"
            for attribute, text in zip(part["attributes"], values, strict=True)
        ]
    return "\n".join(pieces)


def _without(facts: Mapping[str, Any], names: Iterable[str]) -> Row:
    row = dict(facts)
    for name in names:
        row.pop(name, None)
    return row


def _file_row(document: Mapping[str, Any], vectors: Vectors) -> Row:
    file, report = document["file"], document["file"]["openimageio"]
    return {
        **_without(file, _NOT_COLUMNS_OF_FILES),
        "sequence_key": split_path(file["path"]).sequence_key,
        "error_count": len(document["errors"]),
        "errors_json": to_json(document["errors"]),
        "channel_count": len(document["channels"]),
        "attribute_count": sum(len(part["attributes"]) for part in document["parts"]),
        "openimageio_opens": report["opens"],
        "openimageio_message": report["message"],
        "openimageio_differences": to_json(report["differences"]),
        "metadata_embedding": vectors.metadata,
        "channel_fingerprint": vectors.channels,
        "embedding_version": EMBEDDING_VERSION,
        "inspector_version": VERSION,
        "schema_version": document["schema_version"],
    }


def _part_row(part: Mapping[str, Any], key: Row) -> Row:
    row = {**key, **_without(part, _NOT_COLUMNS_OF_PARTS)}
    for window in ("data_window", "display_window"):
        if bounds := part[window]:
            low, high = bounds["min"], bounds["max"]
            row[f"{window}_min_x"], row[f"{window}_min_y"] = low["x"], low["y"]
            row[f"{window}_max_x"], row[f"{window}_max_y"] = high["x"], high["y"]
    aspect = part["pixel_aspect_ratio"]
    row["part_index"] = part["index"]
    row["pixel_aspect_ratio"] = None if aspect is None else float(aspect)  # JSON has no NaN: it is text there
    return row


def _attribute_rows(part: Mapping[str, Any], texts: Sequence[str], key: Row) -> list[Row]:
    rows = []
    for index, (attribute, text) in enumerate(zip(part["attributes"], texts, strict=True)):
        kind, value = attribute["type"], attribute["value"]
        real = _REALS.get(kind)
        searched = None
        if real is None and isinstance(value, str):  # a string, or the name of a coded value
            searched = value
        elif kind == "timecode" and value:
            searched = value["time"]
        rows.append(
            {
                **key,
                "part_index": part["index"],
                "attribute_index": index,
                "attr_name": attribute["name"],
                "attr_type": kind,
                "value_json": text,
                "value_text": searched,
                "value_int": value if kind == "int" else None,
                "value_float": real(value) if real and value is not None else None,
            }
        )
    return rows


_REALS: dict[str, Callable[[Any], float | None]] = {
    "int": float,
    "float": float,
    "double": float,
    "rational": lambda value: value["numerator"] / value["denominator"] if value["denominator"] else None,
}
