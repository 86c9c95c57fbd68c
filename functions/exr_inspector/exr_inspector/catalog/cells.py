"""Texts that fit the cells of both databases."""

from __future__ import annotations

from exr_inspector.catalog.facets import Row
from exr_inspector.document.serialize import elided, to_json

# VAST DataBase refuses a cell of more than 126 KB; assume 1 KB = 1,000 bytes.
MAX_CELL_BYTES = 126_000

# What replaces the value of an attribute that was forgotten.
FORGOTTEN = {"forgotten": True}
# Why a document lacks a value that has been replaced, by the key of what replaces it.
REPLACED = {"elided": "it was too long to store", "forgotten": "it was forgotten"}


def elide(row: Row) -> None:
    """Replace each text of a row that is too long for a cell by its size and hash."""
    for name, value in row.items():
        if isinstance(value, str) and 4 * len(value) > MAX_CELL_BYTES:  # a character has at most four bytes
            content = value.encode()
            if len(content) > MAX_CELL_BYTES:
                row[name] = to_json(elided(content))
