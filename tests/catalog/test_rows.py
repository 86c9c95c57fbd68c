"""The rows that a document becomes: every text fits into a cell, and every file has a place of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from exr_inspector import Settings, inspect
from exr_inspector.catalog.arrow import arrow_table
from exr_inspector.catalog.cells import MAX_CELL_BYTES
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.facets import FileRows, Row
from exr_inspector.catalog.rows import facts_text, rows_of, to_arrow
from exr_inspector.document.serialize import to_json
from tests.catalog.rows import delivered, with_cells
from tests.corpus import for_each, images
from tests.document.documents import valid
from tests.exr.headers import multipart, plain
from tests.exrfiles.attributes import LEVEL_MODES, Attribute, Channel, attribute
from tests.exrfiles.demo import layered_beauty, simple
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.writer import TILED

LONG = "x" * (MAX_CELL_BYTES + 1)

# What makes a text of a row long: the table, its column, and an attribute that its value comes from.
WIDE: list[tuple[str, str, Attribute]] = [
    ("parts", "name", attribute("name", "string", LONG)),
    ("parts", "view", attribute("view", "string", LONG)),
    ("parts", "type", attribute("type", "string", LONG)),
    ("parts", "color_space", attribute("colorInteropID", "string", LONG)),
    ("channels", "name", attribute("channels", "chlist", [Channel(LONG)])),
    ("channels", "layer_name", attribute("channels", "chlist", [Channel(f"{LONG}.R")])),
    ("channels", "component_name", attribute("channels", "chlist", [Channel(LONG)])),
    ("attributes", "value_json", attribute("manifest", "string", LONG)),
    ("attributes", "value_text", attribute("manifest", "string", LONG)),
]


def rows_of_file(data: bytes, path: str | os.PathLike[str]) -> dict[str, list[dict[str, Any]]]:
    Path(path).write_bytes(data)
    return rows_of(valid(inspect(path))).rows


@pytest.mark.parametrize(("table", "column", "given"), WIDE, ids=lambda each: str(each)[:20])
def test_a_text_that_is_too_long_is_replaced_by_its_size_and_hash(
    table: str, column: str, given: Attribute, tmp_path: Path
) -> None:
    found = rows_of_file(multipart([given]).data, tmp_path / "a.exr")
    (told,) = {row[column] for row in found[table] if "elided" in str(row[column])}
    elided = json.loads(told)["elided"]
    assert elided["size_bytes"] in range(len(LONG), len(LONG) + 3)
    assert len(elided["sha256"]) == 64


@pytest.mark.parametrize("data", [multipart([each]).data for *_, each in WIDE])
def test_no_text_of_any_row_is_larger_than_a_cell(data: bytes, tmp_path: Path) -> None:
    found = rows_of_file(data, tmp_path / "a.exr")
    texts = [value for rows in found.values() for row in rows for value in row.values()]
    assert max(len(value.encode()) for value in texts if isinstance(value, str)) <= MAX_CELL_BYTES


@pytest.mark.parametrize("text", ["x" * MAX_CELL_BYTES, "層" * (MAX_CELL_BYTES // 3), "\0" * MAX_CELL_BYTES])
def test_a_text_of_just_a_cell_is_kept(text: str, tmp_path: Path) -> None:
    found = rows_of_file(plain(attribute("note", "string", text)).data, tmp_path / "a.exr")
    assert text in [row["value_text"] for row in found["attributes"]]


@pytest.mark.parametrize("mode", LEVEL_MODES)
@pytest.mark.parametrize("window", [(-(2**31), -(2**31), 2**31 - 1, 2**31 - 1), (2**31 - 1, 0, -(2**31), 0)])
@pytest.mark.parametrize("size", [0, 1, 2**32 - 1])
def test_extreme_numbers_fit_into_the_columns(
    mode: str, window: tuple[int, ...], size: int, tmp_path: Path
) -> None:
    boxes = [attribute(name, "box2i", window) for name in ("dataWindow", "displayWindow")]
    tiles = attribute("tiles", "tiledesc", Tiling(size, size, mode))
    found = rows_of_file(plain(*boxes, tiles, flags=TILED).data, tmp_path / "a.exr")
    for table, rows in found.items():
        made = arrow_table(table, rows)
        assert isinstance(made, pa.Table)
        assert made.schema == TABLES[table]


def test_names_that_differ_in_bytes_that_are_not_utf8_are_two_files(tmp_path: Path) -> None:
    names = [os.fsencode(tmp_path) + b"/\xe9.exr", os.fsencode(tmp_path) + b"/\\xe9.exr"]
    files = [rows_of_file(plain().data, os.fsdecode(name))["files"][0] for name in names]
    assert files[0]["file_path"] == files[1]["file_path"]
    assert files[0]["file_id"] != files[1]["file_id"]


# --- Arrow ----------------------------------------------------------------------------------------------


@for_each(images())
def test_the_arrow_tables_of_a_corpus_file_have_its_rows(image: Path) -> None:
    check_arrow([rows_of(inspect(image))])


def test_the_arrow_tables_of_several_files_have_their_rows(tmp_path: Path) -> None:
    data = [layered_beauty(), plain().data, b"not an EXR", multipart([], []).data]
    files = []
    for number, content in enumerate(data):
        path = tmp_path / f"a.{number}.exr"
        path.write_bytes(content)
        files.append(rows_of(inspect(path)))
    check_arrow(files)
    check_arrow([])


def test_vectors_that_are_lists_or_absent_become_arrow_too() -> None:
    file = delivered("a")
    absent = with_cells(delivered("b"), "files", metadata_embedding=None, channel_fingerprint=None)
    check_arrow([file, absent, delivered("c")])


def check_arrow(files: list[FileRows]) -> None:
    for table, schema in TABLES.items():
        rows = [row for each in files for row in each.rows.get(table, ())]
        made = arrow_table(table, rows)
        made.validate(full=True)
        assert made.schema == schema
        assert made.equals(pa.Table.from_pylist(rows, schema=schema)) or has_nan(rows)
        assert repr(made.to_pylist()) == repr(pa.Table.from_pylist(rows, schema=schema).to_pylist())


def has_nan(rows: list[Row]) -> bool:
    """Return whether a cell is not equal to itself."""
    return any(value != value for row in rows for value in row.values() if isinstance(value, float))  # noqa: PLR0124


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_documents_become_data_frames(library: str, tmp_path: Path) -> None:
    frames = pytest.importorskip(library)
    for frame in (1001, 1002):
        (tmp_path / f"beauty.{frame}.exr").write_bytes(layered_beauty())
    tables = to_arrow(map(inspect, sorted(tmp_path.iterdir())))
    assert list(tables) == list(TABLES)
    for table, found in tables.items():
        assert found.schema == TABLES[table]
        frame = found.to_pandas() if library == "pandas" else frames.from_arrow(found)
        assert list(frame.columns) == TABLES[table].names
        assert len(frame) == found.num_rows
    assert tables["files"]["frame_number"].to_pylist() == [1001, 1002]
    assert tables["files"]["first_seen"].to_pylist() == [None, None]


# --- the hash of the facts ------------------------------------------------------------------------------


def test_the_hash_of_the_facts_depends_on_neither_the_release_nor_other_facets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "beauty.1001.exr"
    path.write_bytes(layered_beauty())
    document: Any = inspect(path)
    known = rows_of(document).file["facts_hash"]
    skipped = {"status": "skipped", "reason": "not asked for"}
    assert rows_of({**document, "stats": skipped, "validation": skipped}).file["facts_hash"] == known
    monkeypatch.setattr("exr_inspector.catalog.rows.VERSION", "99.0.0")
    assert rows_of(document).file["facts_hash"] == known


@pytest.mark.parametrize("version", ["HEADER_VERSION", "EMBEDDING_VERSION"])
def test_the_hash_of_the_facts_depends_on_the_versions_of_what_is_stored(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "beauty.1001.exr"
    path.write_bytes(plain().data)
    document = inspect(path)
    known = rows_of(document).file["facts_hash"]
    monkeypatch.setattr(f"exr_inspector.catalog.rows.{version}", 1000)
    assert rows_of(document).file["facts_hash"] != known


def test_a_change_of_any_fact_but_the_order_of_its_event_changes_the_hash(tmp_path: Path) -> None:
    path = tmp_path / "beauty.1001.exr"
    path.write_bytes(layered_beauty())
    document: Any = inspect(path)
    part, *others = document["parts"]
    changes = [
        {"parts": [{**part, "compression": "rle"}, *others]},
        {"channels": document["channels"][:-1]},
        {"errors": [{"code": "BAD_ATTRIBUTE", "message": "", "where": ""}]},
        {"file": {**document["file"], "etag": "x"}},
    ]
    for index in range(len(part["attributes"])):
        for fact in ("name", "type", "value"):
            attributes = [dict(each) for each in part["attributes"]]
            attributes[index][fact] = "other"
            changes.append({"parts": [{**part, "attributes": attributes}, *others]})
    known = hash_of(document)
    assert len({known, *(hash_of({**document, **change}) for change in changes)}) == len(changes) + 1
    assert hash_of({**document, "file": {**document["file"], "sequencer": "0A"}}) == known


def hash_of(document: Any) -> str:
    return facts_text(
        document, [[to_json(each["value"]) for each in part["attributes"]] for part in document["parts"]]
    )


def test_statistics_of_a_document_become_arrow_too(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    path.write_bytes(simple(8, 4))
    tables = to_arrow([inspect(path, Settings(stats="full")), inspect(path)])
    assert tables["channel_stats"].select(["name", "sample_count"]).to_pylist() == [
        {"name": name, "sample_count": 32} for name in "BGR"
    ]
    assert tables["pixels"]["mode"].to_pylist() == ["full"]
    assert tables["facets"]["facet"].to_pylist() == ["header", "pixels", "header"]
