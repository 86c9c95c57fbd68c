"""Find the stored renders that are most like one file, and explain why.

`similar` is the whole of it for most callers. A caller that also explains its matches makes the query once:

    query = query_of(target, store)
    matches = search(query, store)
    explanations = explain_matches(query, matches, store)
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from exr_inspector.errors import BAD_QUERY, FAULTS, FILE_NOT_FOUND, InspectorError
from exr_inspector.settings import Settings

# Import inside functions: the package imports this module and must be quick to import.
if TYPE_CHECKING:
    from exr_inspector.catalog.search import By, Match, Searchable
    from exr_inspector.vectors.explain import Explanation

Target = str | os.PathLike[str] | Mapping[str, Any]
"""A path, the `file_id` of a stored file, or a document."""

_FILE_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Query:
    """The file to compare with. `document` is None for a stored file that was named by its id."""

    vector: list[float]
    by: By
    file_id: str
    document: Mapping[str, Any] | None = None


def similar(  # noqa: PLR0913 - the options of one search, by keyword
    target: Target,
    store: Searchable,
    *,
    by: By = "metadata",
    where: str = "",
    limit: int = 10,
    frames: bool = False,
    settings: Settings | None = None,
) -> list[Match]:
    """Return the stored files most similar to a target, nearest first. The target itself is omitted.

    `by` selects the vector to compare; `look` compares only files whose pixels were measured. `where` is a
    condition in DuckDB's SQL on the columns of `files`. Only the best match of each sequence is returned, or
    every file if `frames` is true. A path is inspected with `settings`; their path map must be that of the
    store, so that the target is recognized.

    Raises InspectorError: FILE_NOT_FOUND, BAD_QUERY, the fault of a file whose header cannot be read, and the
    faults of reading the file or the store.
    """
    return search(query_of(target, store, by, settings), store, where=where, limit=limit, frames=frames)


def query_of(
    target: Target, store: Searchable, by: By = "metadata", settings: Settings | None = None
) -> Query:
    """Return the query for a document, for the file at a path, or for a stored file. Raises as `similar`."""
    from exr_inspector.document.build import stored_location  # noqa: PLC0415
    from exr_inspector.pipeline import inspect  # noqa: PLC0415

    settings = settings or Settings()
    if not isinstance(target, Mapping):
        text = os.fspath(target)
        if _FILE_ID.fullmatch(text):
            return _stored_query(text, store, by)
        target = inspect(text, settings)
    if not target["parts"]:
        error = target["errors"][0]
        raise InspectorError(FAULTS[error["code"]], error["message"], target["file"]["path"])
    location = stored_location(target["file"])
    location = replace(location, canonical=settings.paths.canonical(location.path))
    return Query(list(map(float, _vector(target, by, settings))), by, location.file_id, target)


def _vector(document: Mapping[str, Any], by: By, settings: Settings) -> Iterable[float]:
    """Return a vector of a document; for `look`, read the pixels of its file."""
    if by == "look":
        from exr_inspector.pixels.thumbnail import NO_PICTURE, file_picture  # noqa: PLC0415
        from exr_inspector.vectors.look import look_vector  # noqa: PLC0415

        picture = file_picture(document["file"]["path"], settings=settings)
        if picture is None:
            raise InspectorError(BAD_QUERY, NO_PICTURE, document["file"]["path"])
        return look_vector(picture.rgb)
    from exr_inspector.vectors.embedding import channel_fingerprint, metadata_embedding  # noqa: PLC0415

    return metadata_embedding(document) if by == "metadata" else channel_fingerprint(document)


def _stored_query(file_id: str, store: Searchable, by: By) -> Query:
    vector = store.vector(file_id, by)
    if vector is None:
        how = "inspect the file again" if by != "look" else "run `exr-inspector stats --db` for it"
        message = f"no stored file with this id has this vector of this release; {how}"
        raise InspectorError(FILE_NOT_FOUND, message, file_id)
    return Query(vector, by, file_id)


def search(
    query: Query, store: Searchable, *, where: str = "", limit: int = 10, frames: bool = False
) -> list[Match]:
    """Return the stored files most like a query. See `similar`."""
    from exr_inspector.catalog.search import Search  # noqa: PLC0415

    return store.search(Search(query.vector, query.by, where, limit, query.file_id, frames))


def explain_matches(query: Query, matches: Sequence[Match], store: Searchable) -> list[Explanation]:
    """Explain each match: which groups separate it from the query, and the features that only one has.

    Features are named from the stored rows. If a match is no longer stored, its groups are explained
    without names.
    """
    from exr_inspector.catalog.stored_document import stored_document  # noqa: PLC0415
    from exr_inspector.vectors.explain import explain_vectors  # noqa: PLC0415

    rows = store.stored_rows([query.file_id, *(match.file_id for match in matches)])
    documents = {file_id: stored_document(found) for file_id, found in rows.items()}
    document = query.document or documents.get(query.file_id)
    return [
        explain_vectors(query.vector, match.vector, query.by, document, documents.get(match.file_id))
        for match in matches
    ]
