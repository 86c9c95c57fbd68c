"""Which stored renders are like this one?"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from exr_inspector.catalog.search import By, Match, Searchable
from exr_inspector.errors import FAULTS, FILE_NOT_FOUND, InspectorError
from exr_inspector.pipeline import inspect
from exr_inspector.vectors.embedding import channel_fingerprint, metadata_embedding

_FILE_ID = re.compile(r"[0-9a-f]{32}")
_MAKERS = {"metadata": metadata_embedding, "channels": channel_fingerprint}


def similar(
    target: str | os.PathLike[str] | Mapping[str, Any],
    store: Searchable,
    *,
    by: By = "metadata",
    where: str = "",
    limit: int = 10,
) -> list[Match]:
    """The stored files most like a target, the nearest first: a document, a path, or the id of a stored file.

    `by` says which vector is compared; `where` is a condition in DuckDB's SQL on the columns of `files`.
    Raises InspectorError: FILE_NOT_FOUND, BAD_QUERY, the fault of a file without a header that can be read,
    and what reading the file or the store raises.
    """
    return store.search(vector_of(target, store, by), by, where, limit)


def vector_of(target: str | os.PathLike[str] | Mapping[str, Any], store: Searchable, by: By) -> list[float]:
    """The vector of a document, of the file at a path, or of a stored file. Raises as `similar` does."""
    if isinstance(target, Mapping):
        return _made(target, by)
    text = os.fspath(target)
    if not _FILE_ID.fullmatch(text):
        return _made(inspect(text), by)
    stored = store.vector(text, by)
    if stored is None:
        raise InspectorError(FILE_NOT_FOUND, "no file of this id has vectors of this release", text)
    return stored


def _made(document: Mapping[str, Any], by: By) -> list[float]:
    """The vector of a document. Nothing is like one without parts; its first error says why it has none."""
    if not document["parts"]:
        error = document["errors"][0]
        raise InspectorError(FAULTS[error["code"]], error["message"], document["file"]["path"])
    return list(map(float, _MAKERS[by](document)))
