"""The renders most similar to one file, and the reasons."""

from __future__ import annotations

from dataclasses import dataclass

from exr_inspector.apps.web.queries.files import StoredFile
from exr_inspector.catalog.duckdb.snapshot import Reader, Row
from exr_inspector.catalog.duckdb.types import literal
from exr_inspector.catalog.search import Match
from exr_inspector.catalog.stored_document import stored_document
from exr_inspector.errors import BAD_QUERY, InspectorError
from exr_inspector.similar import Query, explain_matches, search
from exr_inspector.vectors import By
from exr_inspector.vectors.embedding import embed
from exr_inspector.vectors.explain import ALIKE, Explanation, words

MAX_NAMES = 5
"""Maximum number of features named in a group."""
MIN_SIMILARITY = 0.5
"""Minimum cosine of files that are shown as similar."""


@dataclass(frozen=True)
class Reason:
    """A group of features that differs between two files; it lowers their cosine by `takes`."""

    group: str
    takes: float
    only_here: tuple[str, ...]
    only_there: tuple[str, ...]


@dataclass(frozen=True)
class Likeness:
    """A file of another sequence, with the groups that differ, the strongest first, and the equal groups."""

    match: Match
    file: Row
    reasons: tuple[Reason, ...]
    alike: tuple[str, ...]


def similar_files(reader: Reader, found: StoredFile, by: By, limit: int) -> list[Likeness] | None:
    """Return the most similar files of other sequences; None if the file has no such vector.

    Files below MIN_SIMILARITY are left out. Only files in the reader's scope are compared.
    """
    query = _query(reader, found, by)
    if query is None:
        return None
    key = found.file["sequence_key"]
    where = f"sequence_key IS DISTINCT FROM {literal(key)}" if key else ""
    try:
        matches = [
            each
            for each in search(query, reader, where=where, limit=limit)
            if each.similarity >= MIN_SIMILARITY
        ]
    except InspectorError as error:
        if error.fault is not BAD_QUERY:  # a zero vector is similar to no other vector
            raise
        return None
    explanations = explain_matches(query, matches, reader)
    sql = """
        SELECT file_id, status, writing, frame_number, thumbnail IS NOT NULL AS has_thumbnail
        FROM files LEFT JOIN (SELECT file_id, thumbnail FROM pixels) AS shown USING (file_id)
        WHERE file_id IN (SELECT unnest($ids))"""
    files = {row["file_id"]: row for row in reader.rows(sql, ids=[match.file_id for match in matches])}
    return [
        _likeness(match, files[match.file_id], explanation)
        for match, explanation in zip(matches, explanations, strict=True)
    ]


def _query(reader: Reader, found: StoredFile, by: By) -> Query | None:
    """Return the query for a stored file. The vectors of its header are computed from its rows."""
    file_id = found.file["file_id"]
    if by == "look":
        look = reader.vector(file_id, by) or _look_of_sequence(reader, found)
        return Query(look, by, file_id) if look else None
    if not found.parts:
        return None
    rows = {"parts": found.parts, "channels": found.channels, "attributes": found.attributes}
    document = stored_document(rows)
    vectors = embed(document)
    vector = vectors.metadata if by == "metadata" else vectors.channels
    return Query(vector.tolist(), by, file_id, document)


def _look_of_sequence(reader: Reader, found: StoredFile) -> list[float] | None:
    """Return the look vector of the file's sequence: a snapshot has the vector of one frame only."""
    sql = """
        SELECT look.file_id FROM pixels AS look JOIN files USING (file_id)
        WHERE files.sequence_key = $key AND look_vector IS NOT NULL LIMIT 1"""
    other = reader.row(sql, key=found.file["sequence_key"])
    return reader.vector(other["file_id"], "look") if other else None


def _likeness(match: Match, file: Row, explanation: Explanation) -> Likeness:
    reasons = tuple(
        Reason(
            each.group,
            each.takes,
            tuple(words(each.only_a)[:MAX_NAMES]),
            tuple(words(each.only_b)[:MAX_NAMES]),
        )
        for each in explanation.groups
        if each.takes >= ALIKE
    )
    alike = tuple(each.group for each in explanation.groups if each.weight and each.takes < ALIKE)
    return Likeness(match, file, reasons, alike)
