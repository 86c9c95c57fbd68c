"""The summaries of a snapshot: one row for each sequence, and what its state, frames and space are."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import duckdb

from exr_inspector.catalog.duckdb.publish import publish_file
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.duckdb.summaries import MAX_FRAMES_TEXT, STATES
from exr_inspector.exr.names import split_path
from exr_inspector.sequences import format_frames, gaps

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Row = dict[str, Any]


def summarized(tmp_path: Path, rows: Mapping[str, Iterable[Row]]) -> Path:
    """A snapshot of a store with these rows."""
    tmp_path.mkdir(exist_ok=True)
    path = tmp_path / "view.duckdb"
    store = DuckDBStore(str(tmp_path / "rows.duckdb"))
    store.ensure_tables()
    store.close()
    with duckdb.connect(store.name) as connection:
        for table, given in rows.items():
            for row in given:
                names = ", ".join(f'"{name}"' for name in row)
                marks = ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
    publish_file(store.name, str(path))
    return path


def asked(path: Path, sql: str) -> list[Row]:
    with duckdb.connect(str(path), read_only=True) as connection:
        answer = connection.execute(sql)
        names = [each[0] for each in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def file(path: str, **columns: Any) -> Row:
    frame, key = split_path(path)
    row = {"file_id": path, "file_path": path, "frame_number": frame, "sequence_key": key}
    return {**row, "status": "ok", "complete": True, "size_bytes": 100, **columns}


def facet(path: str, name: str = "policy") -> Row:
    return {"file_id": path, "file_path": path, "facet": name}


NAMES = {
    "/s/a.1001.exr": ("a.####.exr", "/s"),
    "/s/b.101.exr": ("b.###.exr", "/s"),
    "/s/c.00001001.exr": ("c.########.exr", "/s"),
    "s3://b/x y/a#1.@.0001.exr": ("a#1.@.####.exr", "s3://b/x y"),
    "/s/ #/#@.exr": ("#@.exr", "/s/ #"),
    "/a.exr": ("a.exr", ""),
    "/s/d.-001.exr": ("d.####.exr", "/s"),
    "/s/e.###.exr": ("e.###.exr", "/s"),
}


def test_a_sequence_is_named_as_people_write_it(tmp_path: Path) -> None:
    path = summarized(tmp_path, {"files": map(file, NAMES)})
    found = asked(path, "SELECT contact[1].file_id AS path, name, folder FROM sequences")
    assert {row["path"]: (row["name"], row["folder"]) for row in found} == NAMES


def test_frames_are_described_as_the_command_line_does(tmp_path: Path) -> None:
    choose = random.Random(17)
    stored = {
        f"/s/{index:03}": sorted(
            choose.sample(range(1001, 1001 + choose.choice((2, 9, 40)), choose.choice((1, 1, 2))), 1)
            + choose.sample(range(1050, 1050 + 12 * choose.choice((1, 3)), choose.choice((1, 3))), 4)
        )
        for index in range(60)
    } | {"/s/whole": list(range(1001, 1011)), "/s/twos": list(range(1001, 1101, 2)), "/s/one": [7]}
    files = [file(f"{name}.{frame:04}.exr") for name, frames in stored.items() for frame in frames]
    found = asked(summarized(tmp_path, {"files": files}), "FROM sequences")
    assert len(found) == len(stored)
    for row in found:
        frames = stored[row["key"].removesuffix(".#.exr")]
        missing = gaps(frames)
        assert missing is not None
        assert row["missing_frames"] == (format_frames(missing) or None)
        assert row["missing_frame_count"] == len(missing)
        assert row["frames"] == format_frames([*frames, *missing])
        assert (row["first_frame"], row["last_frame"], row["file_count"]) == (
            frames[0],
            frames[-1],
            len(frames),
        )
        assert row["state"] == ("broken" if missing else "unjudged")


def test_numbers_that_are_no_frames_have_no_missing_frames(tmp_path: Path) -> None:
    files = [file(f"/s/a.{number}.exr", sequence_key="/s/a.#.exr") for number in (1, 2, 900000000)]
    (found,) = asked(summarized(tmp_path, {"files": files}), "FROM sequences")
    assert (found["missing_frames"], found["missing_frame_count"]) == (None, None)


def test_a_long_list_of_frames_is_cut_behind_a_range(tmp_path: Path) -> None:
    frames = random.Random(17).sample(range(1001, 3000), 900)
    files = [file(f"/s/a.{frame}.exr") for frame in frames]
    (found,) = asked(summarized(tmp_path, {"files": files}), "FROM sequences")
    missing = gaps(frames) or ()
    shown, ending = found["missing_frames"][:-3], found["missing_frames"][-3:]
    assert ending == ", …"
    assert len(shown) < MAX_FRAMES_TEXT
    assert format_frames(missing).startswith(shown + ", ")
    assert found["missing_frame_count"] == len(missing)


CORRUPT = {"status": "corrupt", "complete": None}
INCOMPLETE = {"status": "incomplete", "complete": False}
STATE_OF: list[tuple[str, Row, tuple[str, str] | None, int]] = [
    ("broken", CORRUPT, None, 2),
    ("broken", INCOMPLETE, None, 0),
    ("broken", {"status": "unsupported", "complete": None}, ("error", "fail"), 2),
    ("failing", {}, ("error", "fail"), 2),
    ("writing", {**INCOMPLETE, "writing": True}, ("error", "fail"), 2),
    ("writing", {**INCOMPLETE, "writing": True}, None, 0),
    ("warning", {}, ("warning", "fail"), 2),
    ("warning", {}, ("error", "unknown"), 2),
    ("unjudged", {}, None, 0),
    ("unjudged", {}, None, 1),
    ("ok", {}, None, 2),
    ("ok", {}, ("info", "fail"), 2),
]


def test_the_state_of_a_sequence_is_the_worst_that_is_known(tmp_path: Path) -> None:
    """Each case is a sequence of two files: columns of the second, a finding in it, how many were judged."""
    rows: dict[str, list[Row]] = {"files": [], "facets": [], "findings": []}
    for index, (_, columns, finding, judged) in enumerate(STATE_OF):
        paths = [f"/s/{index:02}.{frame}.exr" for frame in (1001, 1002)]
        rows["files"] += [file(paths[0]), file(paths[1], **columns)]
        rows["facets"] += map(facet, paths[:judged])
        if finding:
            key = {"file_id": paths[1], "file_path": paths[1]}
            rows["findings"].append({**key, "severity": finding[0], "verdict": finding[1]})
    found = asked(summarized(tmp_path, rows), "FROM sequences ORDER BY key")
    states = [state for state, *_ in STATE_OF]
    assert [row["state"] for row in found] == states
    assert set(states) == set(STATES)
    assert [row["broken_frames"] for row in found] == [
        "1002" if each == "broken" else None for each in states
    ]
    assert [row["judged_count"] for row in found] == [judged for *_, judged in STATE_OF]


def test_a_sequence_shows_its_first_middle_and_last_file(tmp_path: Path) -> None:
    paths = [f"/s/a.{frame:04}.exr" for frame in (998, 999, 1000, 1001, 1002)]
    files = [file(path) for path in [*paths, "/s/b.exr"]]
    rows = {"files": files, "pixels": [{"file_id": paths[2], "file_path": paths[2], "thumbnail": b"webp"}]}
    one, other = asked(summarized(tmp_path, rows), "FROM sequences ORDER BY key")
    assert [each["file_id"] for each in one["contact"]] == [paths[0], paths[2], paths[4]]
    assert [each["has_thumbnail"] for each in one["contact"]] == [False, True, False]
    assert (one["first_rank"], one["last_rank"]) == (0, 4)
    assert [each["file_id"] for each in other["contact"]] == ["/s/b.exr"]


def test_the_layers_of_a_sequence_share_its_bytes(tmp_path: Path) -> None:
    path = "/s/a.1001.exr"
    key: Row = {"file_id": path, "file_path": path, "part_index": 0}
    channels = [
        {
            **key,
            "channel_index": index,
            "name": name,
            "layer_name": layer,
            "component_name": name,
            "type": kind,
        }
        for index, (name, layer, kind) in enumerate(
            [("R", None, "half"), ("G", None, "half"), ("Z", None, "float"), ("albedo.R", "albedo", "half")]
        )
    ]
    rows: dict[str, list[Row]] = {
        "files": [file(path, size_bytes=600), file("/s/a.1002.exr", size_bytes=400)],
        "parts": [{**key, "width": 10, "height": 10, "compression": "zip"}],
        "channels": channels,
    }
    sql = "SELECT layer, compression, channel_count, size_bytes FROM sequence_layers ORDER BY layer"
    by_samples = asked(summarized(tmp_path / "a", rows), sql)
    assert [tuple(row.values()) for row in by_samples] == [("", "zip", 3, 800), ("albedo", "zip", 1, 200)]
    rows["channel_stats"] = [
        {**key, "name": name, "packed_bytes": size}
        for name, size in (("R", 10), ("G", 10), ("Z", 10), ("albedo.R", 70))
    ]
    by_chunks = asked(summarized(tmp_path / "b", rows), sql)
    assert [row["size_bytes"] for row in by_chunks] == [300, 700]


def test_the_attributes_of_a_sequence_are_those_of_its_first_file(tmp_path: Path) -> None:
    paths = ["/s/a.1001.exr", "/s/a.1002.exr"]
    attributes: list[Row] = [
        {
            "file_id": path,
            "file_path": path,
            "part_index": part,
            "attr_name": name,
            "attr_type": kind,
            "value_json": value,
            "value_text": text,
        }
        for path in paths
        for part in (0, 1)
        for name, kind, value, text in (
            ("owner", "string", '"x"', path),
            ("channels", "chlist", "[]", None),
            ("frame", "int", "5", None),
        )
    ]
    rows = {"files": [file(path) for path in paths], "attributes": attributes}
    found = asked(summarized(tmp_path, rows), "SELECT attr_name, value FROM sequence_attributes")
    assert found == [{"attr_name": "frame", "value": "5"}, {"attr_name": "owner", "value": paths[0]}]


def test_a_store_without_files_has_empty_summaries(tmp_path: Path) -> None:
    path = summarized(tmp_path, {})
    for table in ("sequences", "sequence_layers", "sequence_attributes"):
        assert asked(path, f"FROM {table}") == []
