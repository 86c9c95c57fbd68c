"""Measure the pixels of stored files that lack statistics, the most telling ones first.

Nothing is kept between calls: the remaining files and the bytes read today follow from the tables.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from exr_inspector.catalog.facets import FACETS, UNFINISHED
from exr_inspector.catalog.store import Store
from exr_inspector.pipeline import Runtime, inspect_many, request_for

# Files whose rows are stored in one transaction; each has a thumbnail.
BATCH = 20
# Files that one call looks up at most: enough for the time that it has.
MAX_FILES = 2000

_FILE_COLUMNS = ("file_id", "file_path", "sequence_key", "frame_number", "mtime", "header_hash")
_FACET_COLUMNS = ("file_id", "facet", "engine_version", "status", "computed_at")

Numbers = npt.NDArray[np.int64]


class Backlog(NamedTuple):
    """`paths` are the next files to measure; `left` counts all. `bytes_today` began at midnight, UTC."""

    paths: list[str]
    left: int
    bytes_today: int


def find_backlog(store: Store, today: datetime | None = None, limit: int = MAX_FILES) -> Backlog:
    """Return the files with a header whose pixels this release has not measured, or not to the end.

    The first, middle and last frames of sequences come first, with files that are in none; then the others;
    at last those that ran out of time before. Among these, the files that were modified last come first.
    Raises InspectorError as the store does.
    """
    today = today or datetime.now(timezone.utc).replace(tzinfo=None)
    facets = _read(store, "facets", _FACET_COLUMNS, lambda rows: pc.equal(rows["facet"], "pixels"))
    files = _read(store, "files", _FILE_COLUMNS, lambda rows: pc.is_valid(rows["header_hash"]))
    current = facets.filter(pc.equal(facets["engine_version"], FACETS["pixels"].version))
    unfinished = pc.equal(current["status"], UNFINISHED)
    is_left = ~_is_in(files, current.filter(pc.invert(unfinished)))
    rank = np.where(_is_telling(files), 0, 1)
    rank[_is_in(files, current.filter(unfinished))] = 2
    # The newest first: the time is negated, and a time that is not known comes last.
    times = pc.fill_null(files["mtime"].cast(pa.int64()), 0).to_numpy()
    order = np.lexsort((-times, rank))
    chosen = order[is_left[order]]
    midnight = pa.scalar(today.replace(hour=0, minute=0, second=0, microsecond=0), pa.timestamp("us"))
    read_today = facets.filter(pc.greater_equal(facets["computed_at"], midnight))["file_id"]
    return Backlog(
        files["file_path"].take(pa.array(chosen[:limit])).to_pylist(),
        len(chosen),
        _bytes_read(store, read_today),
    )


def _read(
    store: Store, table: str, columns: Sequence[str], keep: Callable[[pa.RecordBatch], pa.Array]
) -> pa.Table:
    """Return the rows of a table that a mask keeps; the others are dropped batch by batch."""

    def filtered(reader: pa.RecordBatchReader) -> pa.Table:
        return pa.Table.from_batches([rows.filter(keep(rows)) for rows in reader], reader.schema)

    return store.scan(table, columns, filtered)


def _is_in(files: pa.Table, facets: pa.Table) -> npt.NDArray[np.bool_]:
    """Return which files have one of these facets."""
    found: npt.NDArray[np.bool_] = pc.is_in(files["file_id"], pc.unique(facets["file_id"])).to_numpy()
    return found


def _is_telling(files: pa.Table) -> npt.NDArray[np.bool_]:
    """Return which files are the first, middle or last frame of their sequence, or in no sequence."""
    keys = pc.fill_null(files["sequence_key"], "").combine_chunks().dictionary_encode()
    codes: Numbers = keys.indices.to_numpy(zero_copy_only=False)
    frames = pc.fill_null(files["frame_number"], 0).to_numpy()
    order = np.lexsort((frames, codes))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    lengths = np.diff(np.append(starts, len(order)))
    found = np.zeros(len(order), bool)
    for offset in (0, lengths // 2, lengths - 1):
        found[order[starts + offset]] = True
    alone = pc.is_null(files["sequence_key"]).to_numpy()
    is_telling: npt.NDArray[np.bool_] = found | alone
    return is_telling


def _bytes_read(store: Store, file_ids: pa.ChunkedArray) -> int:
    """Return the bytes that were read of files."""
    if not len(file_ids):
        return 0
    pixels = store.scan("pixels", ("file_id", "bytes_read"), pa.RecordBatchReader.read_all)
    chosen = pixels.filter(pc.is_in(pixels["file_id"], pc.unique(file_ids)))
    return pc.sum(chosen["bytes_read"]).as_py() or 0


def measure_backlog(runtime: Runtime, store: Store) -> dict[str, Any]:
    """Measure files of the backlog until the time or the bytes of the settings are used up.

    Return what was done: `measured` and `failed` files, `bytes_read`, `left`, and why it `stopped`. Raises
    InspectorError if the store fails.
    """
    settings = runtime.settings
    end = time.monotonic() + settings.stats_seconds
    backlog = find_backlog(store)
    mode = "sampled" if settings.stats == "none" else settings.stats
    measured = failed = bytes_read = 0
    stopped = "nothing is left"
    for start in range(0, len(backlog.paths), BATCH):
        if time.monotonic() >= end:
            stopped = "EXR_INSPECTOR_STATS_SECONDS are over"
            break
        if settings.stats_bytes_per_day and backlog.bytes_today + bytes_read >= settings.stats_bytes_per_day:
            stopped = "EXR_INSPECTOR_STATS_BYTES_PER_DAY were read today"
            break
        left = replace(settings, stats=mode, stats_seconds=end - time.monotonic())
        requests = [request_for(path, settings) for path in backlog.paths[start : start + BATCH]]
        for document in inspect_many(requests, replace(runtime, settings=left), keep_faults=True):
            coverage = document["stats"].get("coverage")
            measured += coverage is not None
            failed += coverage is None
            bytes_read += coverage["bytes_read"] if coverage else 0
    found = {"measured": measured, "failed": failed, "bytes_read": bytes_read}
    logger = runtime.telemetry.logger
    logger.info("Measured %s files, %s bytes; %s failed; %s", measured, bytes_read, failed, stopped)
    return {**found, "left": backlog.left - measured, "stopped": stopped}
