"""Write records into a folder: data files beside a manifest that names them and counts their rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from exr_inspector.apps.export.record import EXPORT_VERSION, SCHEMA, cell, plain
from exr_inspector.apps.export.shotgrid import entities
from exr_inspector.document.serialize import to_json

Format = Literal["parquet", "ndjson", "csv", "shotgrid"]
Record = Mapping[str, Any]

MANIFEST = "manifest.json"
# Records of one file, and of one row group of Parquet.
MAX_ROWS, GROUP_ROWS = 1_000_000, 20_000


def write_records(records: Iterable[Record], folder: Path, form: Format, about: Mapping[str, Any]) -> int:
    """Write records and a manifest with `about` in it; return the number of rows.

    Files get their names once they are complete, the manifest last. Files that an earlier manifest names
    and this one does not are deleted. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = _named(folder)
    files: list[dict[str, Any]] = []
    remaining = iter(records)
    first = next(remaining, None)
    while first is not None or not files:
        name = f"records-{len(files):05}.{_SUFFIXES[form]}"
        part = folder / f".{name}.part"
        try:
            found = [] if first is None else [first]
            rows = _WRITERS[form](islice(chain(found, remaining), MAX_ROWS), part)
            part.replace(folder / name)
        finally:
            part.unlink(missing_ok=True)
        files.append({"name": name, "rows": rows, "size_bytes": (folder / name).stat().st_size})
        first = next(remaining, None)
    total = sum(each["rows"] for each in files)
    manifest = {"export_version": EXPORT_VERSION, "format": form, **about, "rows": total, "files": files}
    part = folder / f".{MANIFEST}.part"
    part.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    part.replace(folder / MANIFEST)
    for name in before - {each["name"] for each in files}:
        (folder / name).unlink(missing_ok=True)
    return int(total)


def _named(folder: Path) -> set[str]:
    """Return the files that the folder's manifest names."""
    try:
        return {Path(each["name"]).name for each in json.loads((folder / MANIFEST).read_text())["files"]}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return set()


def _parquet(records: Iterator[Record], path: Path) -> int:
    count = 0
    schema = SCHEMA.with_metadata({"exr_inspector.export_version": str(EXPORT_VERSION)})
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := list(islice(records, GROUP_ROWS)):
            writer.write_table(pa.Table.from_pylist(group, schema))
            count += len(group)
    return count


def _ndjson(records: Iterator[Record], path: Path) -> int:
    with path.open("w", encoding="utf-8") as file:
        return sum(bool(file.write(to_json(plain(each)) + "\n")) for each in records)


def _csv(records: Iterator[Record], path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(SCHEMA.names)
        count = 0
        for each in records:
            writer.writerow([cell(each[name]) for name in SCHEMA.names])
            count += 1
    return count


_WRITERS: dict[Format, Callable[[Iterator[Record], Path], int]] = {
    "parquet": _parquet,
    "ndjson": _ndjson,
    "csv": _csv,
    "shotgrid": lambda records, path: _ndjson(
        (entity for each in records for entity in entities(each)), path
    ),
}
_SUFFIXES = {"parquet": "parquet", "ndjson": "ndjson", "csv": "csv", "shotgrid": "ndjson"}
