"""Rows of files as a document would give them, made without a file: every column has a value."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from exr_inspector.catalog.arrow import arrow_table
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import FACETS, FileRows, Row, facet_row, input_hash, object_version
from exr_inspector.catalog.plan import AUDIT_COLUMNS
from exr_inspector.location import path_location

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOON = dt.datetime(2026, 10, 1, 12, 0, 0, 123456)  # noqa: DTZ001 - UTC, as the tables hold it


def delivered(
    name: str,
    version: int = 1,
    *,
    sequencer: str | None = None,
    etag: str | None = None,
    mtime: dt.datetime | None = None,
) -> FileRows:
    """A file in one version: so many parts, with two channels and three attributes for each."""
    path = f"/show/{name}.exr"
    file_key = path_location(path).file_id
    key = {"file_id": file_key, "file_path": path}
    facts_hash = hashlib.sha256(f"{path} {version}".encode()).hexdigest()
    order = {"sequencer": sequencer, "etag": etag, "mtime": mtime, "facts_hash": facts_hash}
    rows = {
        table: [{**_row(table, version, index), **key} for index in range(version * count)]
        for table, count in (("parts", 1), ("channels", 2), ("attributes", 3))
    }
    file = {**_row("files", version, 0), **key, **order}
    facets = [facet_row(FACETS["header"], file, facts_hash)]
    return FileRows(file_key, {"files": [file], **rows, "facets": facets})


def with_statistics(file: FileRows, request: str = "{}", number: int = 1, status: str = "ok") -> FileRows:
    """The same file with the pixels facet: so many channels; the rows depend on the number."""
    key = {"file_id": file.file_id, "file_path": file.file["file_path"]}
    rows = {
        table: [{**_row(table, number, index), **key} for index in range(count)]
        for table, count in (("pixels", 1), ("channel_stats", 2 * number), ("deep_stats", number - 1))
    }
    version = object_version(file.file)
    identity = input_hash(FACETS["pixels"], version, request)
    return file.with_facet(FACETS["pixels"], rows, identity, request=request, status=status)


def with_findings(file: FileRows, *messages: str) -> FileRows:
    """The same file with the policy facet: one finding for each message."""
    key = {"file_id": file.file_id, "file_path": file.file["file_path"]}
    rows = [{**_row("findings", 1, index), **key, "message": each} for index, each in enumerate(messages)]
    facet = FACETS["policy"]
    return file.with_facet(facet, {"findings": rows}, input_hash(facet, file.file["facts_hash"], messages))


def with_cells(file: FileRows, table: str, **cells: Any) -> FileRows:
    """The same file with other cells in the first row of a table."""
    first, *others = file.rows[table]
    return FileRows(file.file_id, {**file.rows, table: [{**first, **cells}, *others]})


def comparable(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Rows without what differs between two deliveries of the same, as sorted text: NaN equals NaN there."""
    skipped = {*AUDIT_COLUMNS, "computed_at", "$row_id"}
    return sorted(repr(sorted((k, v) for k, v in row.items() if k not in skipped)) for row in rows)


def expected(*files: FileRows) -> dict[str, list[str]]:
    """The tables, comparable, as they are when these files are in them and no others."""
    return {
        table: comparable(
            arrow_table(table, [row for each in files for row in each.rows.get(table, ())]).to_pylist()
        )
        for table in TABLES
    }


def _row(table: str, version: int, index: int) -> Row:
    return {
        field.name: _value(field, version, index)
        for field in TABLES[table]
        if table != "files" or field.name not in AUDIT_COLUMNS
    }


def _value(field: pa.Field, version: int, index: int) -> Any:
    number = version * 1000 + index
    if pa.types.is_fixed_size_list(field.type):
        return [number / (place + 1) for place in range(field.type.list_size)]
    return {
        pa.string(): f"{field.name} {number}",
        pa.int64(): number,
        pa.float64(): number / 7,
        pa.bool_(): bool(number % 2),
        pa.timestamp("us"): NOON + dt.timedelta(seconds=number),
        pa.binary(): f"{field.name} {number}".encode(),
    }[field.type]
