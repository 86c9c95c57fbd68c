"""Which files are measured next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exr_inspector.backlog import find_backlog
from exr_inspector.catalog.store import Store
from tests.catalog.backends import DuckDB, vast
from tests.catalog.rows import NOON, delivered, with_cells, with_statistics


@pytest.fixture(params=["DuckDB", "VAST DataBase"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "DuckDB":
        database = DuckDB(tmp_path)
        yield database.store()
        database.close()
    else:
        with vast(tables=True) as server:
            yield server.store()


def frame(name: str, number: int | None, hours: int = 0, **cells: Any) -> Any:
    key = None if number is None else f"/show/{name}.#.exr"
    file = delivered(f"{name}.{number}", mtime=NOON + dt.timedelta(hours=hours))
    return with_cells(file, "files", sequence_key=key, frame_number=number, **cells)


def names(paths: list[str]) -> list[str]:
    return [Path(path).name.removesuffix(".exr") for path in paths]


def test_first_middle_and_last_frames_come_first_then_the_newest(store: Store) -> None:
    frames = [frame("old", number) for number in (1009, 1001, 1002, 1003, 1004, 1010)]
    frames += [frame("new", number, hours=1) for number in (1, 2, 3, 4)]
    store.upsert([*frames, frame("still", None, hours=-1)])
    found = names(find_backlog(store).paths)
    assert set(found[:3]) == {"new.1", "new.3", "new.4"}
    assert set(found[3:6]) == {"old.1001", "old.1004", "old.1010"}
    assert found[6:8] == ["still.None", "new.2"]
    assert set(found[8:]) == {"old.1002", "old.1003", "old.1009"}
    assert len(find_backlog(store, limit=2).paths) == 2


def test_files_without_a_header_and_measured_files_are_left_out(store: Store) -> None:
    measured, other = with_statistics(frame("a", 1)), frame("a", 2)
    store.upsert([measured, other, frame("a", 3, header_hash=None)])
    backlog = find_backlog(store)
    assert (names(backlog.paths), backlog.left) == (["a.2"], 1)


def test_files_that_an_older_release_measured_are_measured_again(store: Store) -> None:
    file = with_statistics(frame("a", 1))
    facets = [
        {**row, "engine_version": row["engine_version"] - (row["facet"] == "pixels")}
        for row in file.rows["facets"]
    ]
    store.upsert([type(file)(file.file_id, {**file.rows, "facets": facets})])
    assert names(find_backlog(store).paths) == ["a.1"]


def test_files_that_ran_out_of_time_come_last(store: Store) -> None:
    store.upsert([with_statistics(frame("a", 1), status="unfinished"), frame("a", 2), frame("a", 3)])
    assert names(find_backlog(store).paths)[-1] == "a.1"
    assert find_backlog(store).left == 3


def test_the_bytes_of_a_day_are_those_of_the_rows_of_the_day(store: Store) -> None:
    files = [with_cells(with_statistics(frame("a", number)), "pixels", bytes_read=7) for number in (1, 2)]
    store.upsert(files)
    now = dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)
    assert find_backlog(store, now).bytes_today == 14
    assert find_backlog(store, now + dt.timedelta(days=1)).bytes_today == 0


def test_an_empty_store_has_no_backlog(store: Store) -> None:
    assert find_backlog(store) == ([], 0, 0)
