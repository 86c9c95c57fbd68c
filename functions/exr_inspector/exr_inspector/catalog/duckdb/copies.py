"""Copies of a DuckDB file, written beside the file that they replace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from exr_inspector.catalog.duckdb.errors import coded
from exr_inspector.catalog.duckdb.types import literal


@contextmanager
def replacement(path: str) -> Iterator[str]:
    """Yield the path of a DuckDB file for the block to write and close; then it replaces the file at `path`.

    If the block raises, `path` is unchanged.
    """
    part = f"{path}.{os.getpid()}.part"
    try:
        yield part
        os.replace(part, path)  # noqa: PTH105 - text, as DuckDB takes it
    finally:
        for leftover in (part, f"{part}.wal"):
            with suppress(OSError):  # the error of the block is the one to show
                Path(leftover).unlink()


def rewrite(path: str) -> None:
    """Rewrite a DuckDB file without the contents of deleted and updated rows.

    DuckDB keeps the blocks of deleted rows, with their contents, until it reuses them. Tables and views of
    others are copied too. Links and permissions remain. Raises InspectorError.
    """
    path = os.path.realpath(path)
    with coded(path), duckdb.connect() as connection:
        # Not read-only: the lock keeps others from writing to the file until it has been replaced.
        connection.execute(f"ATTACH {literal(path)} AS original")
        with replacement(path) as part:
            connection.execute(f"ATTACH {literal(part)} AS rewritten")
            try:
                shutil.copymode(path, part)
                connection.execute("COPY FROM DATABASE original TO rewritten")
            finally:
                connection.execute("DETACH rewritten")
