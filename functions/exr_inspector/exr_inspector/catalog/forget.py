"""Forget stored values: names of people and hosts from headers, or whole files.

The rows of a file are read, redacted and delivered again. `catalog.plan` then replaces the facets that
differ, in either store. Findings quote facts, so the file's findings are deleted. Vectors are computed from
the remaining values.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import product, zip_longest
from typing import Any
from unicodedata import normalize

import pyarrow as pa
import pyarrow.compute as pc

from exr_inspector.catalog.cells import FORGOTTEN
from exr_inspector.catalog.columns import TABLES, TEXT
from exr_inspector.catalog.facets import FACETS, Facet, FileRows, Row, basis, facet_row
from exr_inspector.catalog.plan import AUDIT_COLUMNS, Removal
from exr_inspector.catalog.search import VECTORS, StoredRows
from exr_inspector.catalog.store import Store
from exr_inspector.catalog.stored_document import by_file, stored_document
from exr_inspector.document.serialize import to_json
from exr_inspector.exr.header import STANDARD
from exr_inspector.sequences import PATH_COLUMNS
from exr_inspector.vectors.embedding import EMBEDDING_VERSION, embed

MARK = "forgotten"
"""The replacement for a name in a text, and the status of facets that have lost values."""

BATCH = 500
# Columns with paths, hashes, or terms of exr-inspector and OpenEXR. Paths stay because they identify a row's
# file.
_KEPT_COLUMNS = {
    *("compression", "layer_source", "level_mode", "line_order", "mode", "rounding_mode", "type"),
    *("severity", "verdict"),
    *("file_id", "file_path", "file_path_normalized", "sequence_key", "device", *PATH_COLUMNS.values()),
    *("facts_hash", "header_hash", "write_id", "facet", "input_hash", "computed_from"),
}
_TEXTS = {
    table: [each.name for each in schema if each.type == TEXT and each.name not in _KEPT_COLUMNS]
    for table, schema in TABLES.items()
}
_TEXTS["files"].remove("status")
_TEXTS["pixels"].remove("status")
# Columns of `parts` that repeat the value of an attribute, and the column that names the attribute.
_REPEATING = {"color_space": "color_space_source", "render_software": "render_software_source"}
_COMPUTED = {"facts_hash", *AUDIT_COLUMNS, *(each.column for each in VECTORS.values())}

# Attributes whose values are numbers or terms of OpenEXR.
_WITHOUT_NAMES = {"type"} | {
    name for name, kind in STANDARD.items() if kind not in ("string", "stringvector", "chlist")
}
# Keys of JSON objects whose values are terms. All keys are: Max is a name, and `max` the end of a window.
_TERMS = ("code", "type")

Rows = dict[str, list[Row]]
Progress = Callable[[int, int], object]


class Attributes:
    """Forgets the values of attributes whose names match a shell-style pattern.

    Attributes of `exr.header.STANDARD` stay: they name no person, and other columns are derived from them.
    """

    columns: Mapping[str, Sequence[str]] = {"attributes": ["attr_name"]}
    """The columns, by table, that identify the files that may change."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def may_be_in(self, texts: pa.StringArray) -> pa.BooleanArray:
        """Return for each text of one of `columns` whether its file may contain values to forget."""
        return pa.array([each is not None and self.has(each, None) for each in texts.to_pylist()])

    def has(self, name: str, value: Any) -> bool:  # noqa: ARG002 - see Word
        """Return whether to forget the JSON value of an attribute."""
        return name not in STANDARD and fnmatchcase(name, self._pattern)

    def without(self, text: str) -> str:
        """Return a text other than an attribute's value, with forgotten words replaced."""
        return text


class Word:
    """Forgets every attribute whose value contains a name, and the name in other texts.

    Matching ignores case. The name must not be part of a longer word of letters and digits: `jane` matches
    in `jane_r@farm`, but not in `janet`.
    """

    columns: Mapping[str, Sequence[str]] = _TEXTS

    def __init__(self, name: str) -> None:
        # An accented letter may be stored as one character, or as a letter and an accent.
        forms = {normalize(form, name) for form in ("NFC", "NFD")} | {name}
        words = "|".join(map(re.escape, sorted(forms)))
        self._word = re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])", re.IGNORECASE)
        needles = {*forms, *(to_json(form)[1:-1] for form in forms), '"base64"'}
        self._coarse = "(?i)" + "|".join(map(re.escape, sorted(needles)))

    def may_be_in(self, texts: pa.StringArray) -> pa.BooleanArray:
        return pc.fill_null(pc.match_substring_regex(texts, self._coarse), fill_value=False)

    def has(self, name: str, value: Any) -> bool:
        if name in _WITHOUT_NAMES:
            return False
        if isinstance(value, str):
            return bool(self._word.search(value))
        if isinstance(value, dict):
            if value.keys() == {"base64"}:
                return self.has(name, base64.b64decode(value["base64"]).decode("utf-8", "replace"))
            return any(self.has(name, each) for key, each in value.items() if key not in _TERMS)
        return isinstance(value, list) and any(self.has(name, each) for each in value)

    def without(self, text: str) -> str:
        return self._word.sub(MARK, text)


What = Attributes | Word


@dataclass
class Tally:
    """Counts of values that were forgotten, or would be in a dry run.

    `values` counts attribute values, by name. `rows` counts other changed rows. `in_paths` counts the files
    with the name in their path, which does not change.
    """

    files: int = 0
    values: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    in_paths: int = 0


def forget_values(store: Store, what: What, progress: Progress, *, dry: bool = False) -> Tally:
    """Forget values in all tables; `dry` only counts. Raises InspectorError.

    Each batch of files is a transaction. After an interruption, call it again.
    """
    tally = Tally(in_paths=_count_paths(store, what))
    file_ids = sorted(_candidates(store, what))
    for start in range(0, len(file_ids), BATCH):
        batch = file_ids[start : start + BATCH]
        stored = by_file(store.read_rows(batch, list(_TEXTS)), of="files")
        redacted = [each for rows in stored.values() if (each := redact(rows, what, tally))]
        tally.files += len(redacted)
        if redacted and not dry:
            store.upsert(redacted)
        progress(start + len(batch), len(file_ids))
    return tally


def forget_files(store: Store, path: str, progress: Progress, *, dry: bool = False) -> Tally:
    """Delete all rows of a file, or of the files below a folder; `dry` only counts. Raises InspectorError.

    `path` is a canonical path.
    """
    columns = ("file_id", "file_path_normalized")
    path = path.rstrip("/")

    def below(rows: pa.RecordBatchReader) -> list[str]:
        found = (row for batch in rows for row in batch.to_pylist())
        return [each["file_id"] for each in found if f"{each[columns[1]]}/".startswith(f"{path}/")]

    tally = Tally()
    file_ids = store.scan("files", columns, below, path)
    for start in range(0, len(file_ids), BATCH):
        batch = file_ids[start : start + BATCH]
        if not dry:
            store.upsert([], [Removal(each, is_current=True) for each in batch])
        tally.files += len(batch)
        progress(tally.files, len(file_ids))
    return tally


def _candidates(store: Store, what: What) -> set[str]:
    """Return the files that may contain values to forget."""
    found: set[str] = set()
    for table, columns in what.columns.items():

        def collect(rows: pa.RecordBatchReader, columns: Sequence[str] = columns) -> None:
            for batch, column in product(rows, columns):
                found.update(batch["file_id"].filter(what.may_be_in(batch[column])).to_pylist())

        store.scan(table, ["file_id", *columns], collect)
    return found


def _count_paths(store: Store, what: What) -> int:
    def count(rows: pa.RecordBatchReader) -> int:
        paths = (path for batch in rows for path in batch["file_path"].to_pylist())
        return sum(what.without(path) != path for path in paths)

    return store.scan("files", ["file_path"], count)


# --- one file -----------------------------------------------------------------------------------------------


def redact(stored: StoredRows, what: What, tally: Tally) -> FileRows | None:
    """Return the delivery of a file without the values to forget; None if its rows contain none.

    `stored` has all rows of the file, by table.
    """
    fresh = {table: [_redacted(table, row, what) for row in stored[table]] for table in _TEXTS}
    names = Counter(
        old["attr_name"]
        for old, new in zip(stored["attributes"], fresh["attributes"], strict=True)
        if old["value_json"] != new["value_json"]
    )
    if names:
        _forget_repetitions(fresh, names)
    held = {row["facet"]: row for row in fresh["facets"]}
    changed = [
        facet
        for facet in FACETS.values()
        if any(fresh[each] != stored[each] for each in facet.tables)
        # A request may contain a policy's path, and a status the path of a fault.
        or any(row["facet"] == facet.name and row != held[facet.name] for row in stored["facets"])
    ]
    if not changed:
        return None
    tally.values += names
    tally.rows += sum(
        old != new
        for table in _TEXTS.keys() - {"attributes"}
        for old, new in zip_longest(stored[table], fresh[table])
    )
    header = FACETS["header"]
    marked: list[Facet] = []
    if header in changed:
        fresh["files"] = [_renewed(fresh)]
        # Keep the record that the file was judged, so that `index` does not inspect it again.
        judged = [each for each in FACETS.values() if each.depends_on == "facts" and each.name in held]
        fresh |= {table: [] for facet in judged for table in facet.tables}
        marked = [header, *judged]
    file = fresh["files"][0]
    delivery = FileRows(file["file_id"], {"files": [file], "facets": []})
    for facet in dict.fromkeys([header, *marked, *changed]):
        rows = {table: fresh[table] for table in facet.tables}
        identity = (
            file["facts_hash"] if facet is header else _identity({**rows, "files": [file["facts_hash"]]})
        )
        row = held.get(facet.name) or facet_row(facet, file, identity)
        if facet in (*marked, *changed):
            row = {**row, "input_hash": identity, "computed_from": basis(facet, file)}
        if facet in marked:
            row["status"] = MARK
        delivery.rows.update(rows)
        delivery.rows["facets"].append(row)
    return delivery


def _redacted(table: str, row: Mapping[str, Any], what: What) -> Row:
    changes: Row = {}
    for column in what.columns.get(table, ()):
        if table == "attributes" and column.startswith("value_"):
            continue  # replaced as a whole, below
        if isinstance(text := row[column], str) and (fresh := _without(column, text, what)) != text:
            changes[column] = fresh
    if table == "attributes":
        value = json.loads(row["value_json"])
        if value != FORGOTTEN and what.has(row["attr_name"], value):
            nothing = dict.fromkeys(("value_text", "value_int", "value_float"))
            changes |= {**nothing, "value_json": to_json(FORGOTTEN)}
    return {**row, **changes}


def _without(column: str, text: str, what: What) -> str:
    if not column.endswith("_json"):
        return what.without(text)

    def redacted(value: Any) -> Any:
        if isinstance(value, str):
            return what.without(value)
        if isinstance(value, dict):
            return {key: each if key in _TERMS else redacted(each) for key, each in value.items()}
        return list(map(redacted, value)) if isinstance(value, list) else value

    value = json.loads(text)
    fresh = redacted(value)
    return text if fresh == value else to_json(fresh)


def _forget_repetitions(fresh: Rows, names: Collection[str]) -> None:
    """Remove the values of these attributes from the other rows of the header and the Cryptomattes."""
    for part in fresh["parts"]:
        part |= {column: None for column, source in _REPEATING.items() if part[source] in names}
    file = fresh["files"][0]
    faults = json.loads(file["errors_json"] or "[]")
    for fault in faults if isinstance(faults, list) else ():  # otherwise they were too long to store
        if any(fault["where"].endswith(f".{name}") for name in names):
            fault["message"] = MARK
    file["errors_json"] = to_json(faults)
    if any(name.startswith("cryptomatte/") for name in names):
        fresh |= {table: [] for table in FACETS["cryptomatte"].tables}  # their names are in the attributes


def _renewed(fresh: Rows) -> Row:
    """Return the row of `files` for the remaining facts. A header hash would confirm a guess: it is null."""
    file = {**fresh["files"][0], "header_hash": None, "embedding_version": EMBEDDING_VERSION}
    vectors = embed(stored_document(fresh))
    facts = {name: value for name, value in file.items() if name not in _COMPUTED}
    identity = _identity({**{table: fresh[table] for table in FACETS["header"].tables}, "files": [facts]})
    return {
        **file,
        "metadata_embedding": vectors.metadata,
        "channel_fingerprint": vectors.channels,
        "facts_hash": identity,
    }


def _identity(rows: Mapping[str, Sequence[object]]) -> str:
    """Return a hash of the remaining rows."""
    return hashlib.sha256(repr(sorted(rows.items())).encode()).hexdigest()
