"""The rows that a document becomes: every text fits into a cell, and every file has a place of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from exr_inspector import inspect
from exr_inspector.catalog.rows import LARGEST_CELL, TABLES, arrow_table, rows_of
from tests.document.documents import valid
from tests.exr.headers import multipart, plain
from tests.exrfiles.attributes import LEVEL_MODES, Attribute, Channel, attribute
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.writer import TILED

LONG = "x" * (LARGEST_CELL + 1)

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
    assert max(len(value.encode()) for value in texts if isinstance(value, str)) <= LARGEST_CELL


@pytest.mark.parametrize("text", ["x" * LARGEST_CELL, "層" * (LARGEST_CELL // 3), "\0" * LARGEST_CELL])
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
