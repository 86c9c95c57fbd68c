"""`exr-inspector export`: what a record says, and that other programs can read it."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from exr_inspector.apps.export import write
from exr_inspector.apps.export.record import COLUMNS, MAX_CONFIDENCE, SCHEMA, cell, plain
from exr_inspector.apps.export.write import write_records
from tests.apps.cli.command import run
from tests.exrfiles.attributes import attribute
from tests.exrfiles.demo import layered_beauty, simple, truncated

DB = "rows.duckdb"


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a sequence that lacks a frame, one with a cut frame, and files with odd names."""
    folder = tmp_path_factory.mktemp("export")
    root = folder / "projects/hill/sq010/sh020"
    fps = attribute("framesPerSecond", "rational", (24, 1))
    owner = attribute("owner", "string", "=cmd|' /C calc'!A0")
    beauty = layered_beauty()
    files = {f"beauty_v007/beauty_v007.{frame}.exr": beauty for frame in (1001, 1002, 1004)}
    files["depth/depth.0001.exr"] = simple(4, 4, attributes=[fps, owner])
    files["depth/depth.0002.exr"] = truncated(simple(64, 64))
    files["=1+1.exr"] = simple(4, 4)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_790_000_000, 1_790_000_000))
    assert run("index", root, "--db", folder / DB, "-q").exit_code == 0
    return folder


@pytest.fixture(autouse=True)
def _in_folder(show: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _export(show: Path, *arguments: object) -> Path:
    done = run("export", "--db", show / DB, "-o", "out", *arguments)
    assert done.exit_code == 0, done.output
    return Path("out")


def _records(show: Path, *arguments: object) -> list[dict[str, Any]]:
    folder = _export(show, "--format", "ndjson", *arguments)
    return [json.loads(line) for line in (folder / "records-00000.ndjson").read_text().splitlines()]


def test_a_record_describes_a_sequence(show: Path) -> None:
    odd, beauty, depth = _records(show)
    root = show / "projects/hill/sq010/sh020"
    assert list(beauty) == [each.name for each in COLUMNS]
    assert beauty["path"] == f"{root}/beauty_v007/beauty_v007.#.exr"
    assert beauty["path_printf"] == f"{root}/beauty_v007/beauty_v007.%04d.exr"
    assert beauty["path_marks"] == f"{root}/beauty_v007/beauty_v007.####.exr"
    assert (beauty["folder"], beauty["name"]) == (f"{root}/beauty_v007", "beauty")
    named = ("project", "sequence", "shot", "pass", "version_number")
    assert [beauty[each] for each in named] == ["hill", "sq010", "sh020", None, 7]
    assert 0 < beauty["naming_confidence"] <= MAX_CONFIDENCE
    frames = ("first_frame", "last_frame", "frames", "missing_frames", "frame_count", "expected_count")
    assert [beauty[each] for each in frames] == [1001, 1004, "1001-1002, 1004", "1003", 3, 4]
    assert (beauty["ok_count"], beauty["is_complete"]) == (3, False)
    assert beauty["size_bytes"] == 3 * len(layered_beauty())
    assert beauty["mtime_max"] == "2026-09-21T14:13:20.000000Z"
    assert beauty["layers"][0] == {"name": "", "channels": ["A", "B", "G", "R", "Z"], "type": "float,half"}
    assert beauty["display_window"] == {"min_x": 0, "min_y": 0, "max_x": 159, "max_y": 89}
    assert (depth["incomplete_frames"], depth["incomplete_count"], depth["frames_per_second"]) == ("2", 1, 24)
    assert (odd["path"], odd["path_printf"], odd["frames"]) == (f"{root}/=1+1.exr", f"{root}/=1+1.exr", None)


def test_a_record_describes_a_file(show: Path) -> None:
    records = _records(show, "--per", "file")
    assert len(records) == 6
    assert [each["frame_count"] for each in records] == [1] * 6
    assert records[1]["path"] == records[1]["path_printf"]
    assert records[1]["path"].endswith("beauty_v007.1001.exr")
    assert (records[1]["name"], records[1]["first_frame"]) == ("beauty", 1001)


def test_a_show_configuration_names_what_it_knows(show: Path) -> None:
    with duckdb.connect(str(show / DB)) as connection:
        connection.execute(
            "UPDATE files SET show_name = 'HILL', version = 'v12' WHERE file_path LIKE '%depth%'"
        )
    try:
        *_, depth = _records(show)
    finally:
        with duckdb.connect(str(show / DB)) as connection:
            connection.execute("UPDATE files SET show_name = NULL, version = NULL")
    assert (depth["project"], depth["shot"], depth["version_number"]) == ("HILL", None, 12)
    assert depth["naming_confidence"] == 1


def test_a_record_counts_the_findings_of_its_files(show: Path) -> None:
    with duckdb.connect(str(show / DB)) as connection:
        for severity, verdict in (
            ("error", "fail"),
            ("error", "fail"),
            ("warning", "fail"),
            ("info", "unknown"),
        ):
            connection.execute(
                "INSERT INTO findings (file_id, severity, verdict) SELECT file_id, ?, ? FROM files"
                " WHERE file_path LIKE '%depth.0001%'",
                [severity, verdict],
            )
    try:
        _, beauty, depth = _records(show)
    finally:
        with duckdb.connect(str(show / DB)) as connection:
            connection.execute("DELETE FROM findings")
    names = ("error_findings", "warning_findings", "unknown_findings")
    assert [depth[name] for name in names] == [2, 1, 1]
    assert [beauty[name] for name in names] == [0, 0, 0]


def test_parquet_is_read_by_pyarrow_polars_and_duckdb(show: Path) -> None:
    folder = _export(show)
    path = folder / "records-00000.parquet"
    table = pq.read_table(path)
    assert table.schema.equals(SCHEMA)
    assert table.schema.metadata[b"exr_inspector.export_version"] == b"1"
    assert table["path"].to_pylist() == sorted(table["path"].to_pylist())
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
    frame = pl.read_parquet(path)
    assert frame["frame_count"].to_list() == table["frame_count"].to_pylist() == [1, 3, 2]
    assert frame["mtime_max"].dtype == pl.Datetime("us", "UTC")
    assert frame["layers"][1][0]["name"] == ""
    with duckdb.connect() as connection:
        kind = connection.execute(f"SELECT typeof(mtime_max), layers[1].channels[1] FROM '{path}'").fetchall()
    assert kind[1] == ("TIMESTAMP WITH TIME ZONE", "A")


def test_a_manifest_counts_the_rows_and_says_what_was_asked(show: Path) -> None:
    folder = _export(show, "--where", "frame_number > 1000")
    manifest = json.loads((folder / "manifest.json").read_text())
    (file,) = manifest["files"]
    assert (manifest["rows"], file["rows"], file["name"]) == (1, 1, "records-00000.parquet")
    assert file["size_bytes"] == (folder / file["name"]).stat().st_size
    assert (manifest["format"], manifest["per"]) == ("parquet", "sequence")
    assert (manifest["where"], manifest["since"]) == ("frame_number > 1000", None)
    assert sorted(each.name for each in folder.iterdir()) == ["manifest.json", "records-00000.parquet"]


def test_csv_is_safe_to_open_in_a_spreadsheet(show: Path) -> None:
    folder = _export(show, "--format", "csv")
    with (folder / "records-00000.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert rows[2]["owner"] == "'=cmd|' /C calc'!A0"
    assert rows[0]["name"] == "'=1+1"
    assert json.loads(rows[1]["layers"])[0]["name"] == ""
    for text in ("=1", "+1", "-1", "@a", "\t=1", "\r=1"):
        assert cell(text) == f"'{text}"
    assert (cell(-1), cell("a-1"), cell([-1])) == (-1, "a-1", "[-1]")


def test_json_has_no_nan_and_no_integer_that_loses_digits() -> None:
    assert plain([float("nan"), float("inf"), 2**53 + 1, 2**53, True]) == [
        None,
        None,
        str(2**53 + 1),
        2**53,
        True,
    ]


def test_entities_of_shotgrid_have_the_fields_of_its_schema(show: Path) -> None:
    folder = _export(show, "--format", "shotgrid", "--where", "frame_number > 1000")
    published, version = [
        json.loads(line) for line in (folder / "records-00000.ndjson").read_text().splitlines()
    ]
    root = show / "projects/hill/sq010/sh020"
    assert published["type"] == "PublishedFile"
    assert published["path"]["local_path"] == f"{root}/beauty_v007/beauty_v007.%04d.exr"
    assert (published["name"], published["version_number"], published["code"]) == ("beauty", 7, "beauty_v007")
    assert published["entity"] == version["entity"] == {"type": "Shot", "code": "sh020"}
    assert published["project"] == {"type": "Project", "name": "hill"}
    assert (version["sg_first_frame"], version["sg_last_frame"], version["frame_range"]) == (
        1001,
        1004,
        "1001-1004",
    )
    assert "id" not in published


def test_since_keeps_what_was_inspected_later(show: Path) -> None:
    with duckdb.connect(str(show / DB)) as connection:
        connection.execute(
            "UPDATE files SET last_inspected = '2020-01-01' WHERE file_path NOT LIKE '%depth%'"
        )
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    assert [each["name"] for each in _records(show, "--since", "2021-01-01")] == ["depth"]
    assert _records(show, "--since", tomorrow.strftime("%Y-%m-%dT%H:%M:%SZ")) == []


@pytest.mark.parametrize(
    "condition",
    ["no_such_column = 1", "1=1) UNION SELECT (1", "'x' = read_text('/etc/passwd')", "(", "\udce9"],
)
def test_a_condition_that_is_none_is_refused(show: Path, condition: str) -> None:
    done = run("export", "--db", show / DB, "-o", "out", "--where", condition)
    assert done.exit_code == 2
    assert "BAD_QUERY" in done.stderr
    assert not list(Path().glob("out/*"))


def test_a_second_export_replaces_the_files_of_the_first_and_no_others(show: Path) -> None:
    folder = _export(show, "--format", "csv")
    (folder / "mine.csv").touch()
    _export(show)
    assert sorted(each.name for each in folder.iterdir()) == [
        "manifest.json",
        "mine.csv",
        "records-00000.parquet",
    ]


def test_an_export_that_fails_leaves_the_last_one(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _export(show)
    before = {each: each.read_bytes() for each in folder.iterdir()}

    def failing() -> Iterable[dict[str, Any]]:
        yield dict.fromkeys(SCHEMA.names)
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_records(failing(), folder, "parquet", {})
    assert {each: each.read_bytes() for each in folder.iterdir()} == before


def test_many_records_are_several_files(show: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "MAX_ROWS", 2)
    folder = _export(show, "--per", "file")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert [each["rows"] for each in manifest["files"]] == [2, 2, 2]
    assert pl.read_parquet(folder / "*.parquet").height == 6


def test_an_empty_result_is_an_empty_file(show: Path) -> None:
    folder = _export(show, "--where", "false")
    assert pq.read_table(folder / "records-00000.parquet").schema.equals(SCHEMA)
