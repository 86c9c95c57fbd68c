"""Facets: the groups of a file's rows that are computed, compared and replaced independently.

A delivery of a file is a `FileRows`: the rows of all facets that were computed for it. `catalog.plan` decides
which of them are written.

To add a facet:

1. add its tables to `catalog.columns.COLUMNS`, each with `file_id` and `file_path`;
2. add an entry to `FACETS`;
3. add a step to the writer that computes its rows and adds them with `FileRows.with_facet`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Row = dict[str, Any]

# Raise it only if the same header gives other rows than before; then every file is read and stored again.
HEADER_VERSION = 1
# The same for pixels: then every file whose pixels are asked for is measured again.
PIXELS_VERSION = 1
# The same for the objects of cryptomattes.
CRYPTOMATTE_VERSION = 1
# The same for findings: of the rule language and of the facts that rules look at.
POLICY_VERSION = 2


@dataclass(frozen=True)
class Facet:
    """A group of rows with one owner.

    `version` is raised only if the same inputs give other rows. `depends_on` says when stored rows of the
    facet are stale: if the object has changed, or if the facts of the header facet have.
    """

    name: str
    version: int
    tables: tuple[str, ...]
    depends_on: Literal["object", "facts"]


Facets = Mapping[str, Facet]

UNFINISHED = "unfinished"
"""The status of a facet whose computation ran out of time; it is computed again when it is asked for."""

FACETS: Facets = {
    each.name: each
    for each in (
        # The vectors are columns of `files`. Every delivery of a file contains this facet.
        Facet("header", HEADER_VERSION, ("files", "parts", "channels", "attributes"), "object"),
        Facet("pixels", PIXELS_VERSION, ("pixels", "channel_stats", "deep_stats"), "object"),
        Facet("cryptomatte", CRYPTOMATTE_VERSION, ("cryptomattes", "cryptomatte_objects"), "object"),
        Facet("policy", POLICY_VERSION, ("findings",), "facts"),
    )
}


def owners(tables: Collection[str]) -> list[str]:
    """Return the names of the facets that own one of these tables."""
    return [facet.name for facet in FACETS.values() if not set(facet.tables).isdisjoint(tables)]


@dataclass(frozen=True)
class FileRows:
    """One delivery of a file: its rows by table, for each facet that was computed.

    `rows` has all tables of these facets, and one row of the table `facets` for each. `files` has one row.
    The audit columns of `files` other than `sequencer`, and `facets.computed_at`, are left to the store.
    """

    file_id: str
    rows: dict[str, list[Row]]
    is_current: bool = False
    """Whether the file is known to be in this version now, so that no stored version is newer."""

    @property
    def file(self) -> Row:
        """The row of the table `files`."""
        return self.rows["files"][0]

    @property
    def facets(self) -> dict[str, Row]:
        """The rows of the table `facets` by facet."""
        return {row["facet"]: row for row in self.rows["facets"]}

    def with_facet(
        self,
        facet: Facet,
        rows: Mapping[str, list[Row]],
        input_hash: str,
        *,
        request: str | None = None,
        status: str = "ok",
    ) -> FileRows:
        """Return the delivery with one more facet. `rows` has the rows of its tables, `request` is JSON.

        `input_hash` identifies everything the rows were computed from: the object's version or the facts, the
        request, and the facet's version. Equal hashes mean equal rows.
        """
        row = facet_row(facet, self.file, input_hash, request=request, status=status)
        return replace(self, rows={**self.rows, **rows, "facets": [*self.rows["facets"], row]})


def facet_row(
    facet: Facet, file: Row, input_hash: str, *, request: str | None = None, status: str = "ok"
) -> Row:
    """Return the row of the table `facets` for a facet computed from the version of the file in `file`."""
    return {
        "file_id": file["file_id"],
        "file_path": file["file_path"],
        "facet": facet.name,
        "input_hash": input_hash,
        "computed_from": basis(facet, file),
        "engine_version": facet.version,
        "request": request,
        "status": status,
    }


def input_hash(facet: Facet, *inputs: object) -> str:
    """Return what identifies the rows that a facet gives for these inputs, which are JSON values."""
    return hashlib.sha256(json.dumps([facet.name, facet.version, *inputs]).encode()).hexdigest()


def basis(facet: Facet, file: Row) -> str | None:
    """Return what a facet of a file is computed from: the object's version, or the hash of its facts.

    Stored rows of a facet are stale if their `computed_from` is no longer this.
    """
    return object_version(file) if facet.depends_on == "object" else file["facts_hash"]


def object_version(file: Row) -> str | None:
    """Return the version of an object: its eTag, or else its size and times and the inode that are known.

    None if it has neither an eTag nor a size and a time.
    """
    if file["etag"]:
        return str(file["etag"])
    if file["size_bytes"] is None or file["mtime"] is None:
        return None
    times = [each.isoformat(timespec="microseconds") for each in (file["mtime"], file.get("ctime")) if each]
    inode = [] if file.get("inode") is None else [str(file["inode"])]
    return " ".join([str(file["size_bytes"]), *times, *inode])
