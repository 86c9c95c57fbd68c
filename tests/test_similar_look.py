"""Files that look alike, in both stores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from exr_inspector import InspectorError, inspect, similar
from exr_inspector.catalog.store import Store
from exr_inspector.events.request import Config, Request
from exr_inspector.location import path_location
from exr_inspector.pipeline import Runtime, inspect_many
from exr_inspector.settings import Settings
from exr_inspector.similar import explain_matches, query_of, search
from exr_inspector.vectors.explain import explain
from tests.apps.cli.command import run
from tests.catalog.backends import DuckDB, vast
from tests.exrfiles.demo import deep
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write


def frame(shift: int, light: float = 1.0, height: int = 40, width: int = 60) -> bytes:
    y, x = np.mgrid[:height, :width]
    disk = (x - 12 - shift) ** 2 + (y - 20) ** 2 < 80
    planes = {
        name: (light * np.where(disk, bright, dark * (1 - y / height) + 0.02)).astype(np.float16)
        for name, bright, dark in (("R", 2.0, 0.1), ("G", 1.2, 0.2), ("B", 0.5, 0.4))
    }
    return write(scanline(planes))


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("show")
    for number in range(1001, 1007):
        data = frame(number - 1001, light=2 if number == 1004 else 1)
        (folder / f"ball.{number}.exr").write_bytes(data)
    (folder / "other.1001.exr").write_bytes(frame(40, 0.1))
    (folder / "deep.1001.exr").write_bytes(deep())
    return folder


@pytest.fixture(scope="module", params=["DuckDB", "VAST DataBase"])
def store(request: pytest.FixtureRequest, show: Path) -> Iterator[Store]:
    requests = [
        Request("created", (path_location(str(path)),), Config(stats="full"))
        for path in sorted(show.glob("*.exr"))
    ]
    if request.param == "DuckDB":
        database = DuckDB(show)
        opened: Store = database.store()
        list(inspect_many(requests, Runtime(Settings(), opened)))
        yield opened
        database.close()
    else:
        with vast(tables=True) as server:
            opened = server.store()
            list(inspect_many(requests, Runtime(Settings(), opened)))
            yield opened


def names(target: str | Path, store: Store, limit: int = 10) -> list[str]:
    found = similar(target, store, by="look", frames=True, limit=limit)
    return [Path(each.file_path).name for each in found]


def test_neighbors_come_first_and_the_flashed_frame_after_them(show: Path, store: Store) -> None:
    found = names(show / "ball.1003.exr", store)
    assert set(found[:2]) == {"ball.1002.exr", "ball.1005.exr"}
    assert found[4:] == ["ball.1004.exr", "other.1001.exr"]


def test_files_without_a_picture_are_not_found(show: Path, store: Store) -> None:
    assert "deep.1001.exr" not in names(show / "ball.1003.exr", store)
    with pytest.raises(InspectorError, match="no channels of a flat part to look at"):
        names(show / "deep.1001.exr", store)


def test_a_stored_id_asks_the_same_as_the_file(show: Path, store: Store) -> None:
    path = show / "ball.1003.exr"
    assert names(path_location(str(path)).file_id, store) == names(path, store)
    with pytest.raises(InspectorError, match="stats --db"):
        names("0" * 32, store)


def test_a_condition_on_the_files_narrows_the_search(show: Path, store: Store) -> None:
    found = similar(show / "ball.1003.exr", store, by="look", where="frame_number > 1004", frames=True)
    assert {Path(each.file_path).name for each in found} == {"ball.1005.exr", "ball.1006.exr"}


def test_a_match_is_explained_by_light_and_color(show: Path, store: Store) -> None:
    query = query_of(show / "ball.1003.exr", store, "look")
    matches = search(query, store, where="frame_number = 1004")
    (explanation,) = explain_matches(query, matches, store)
    assert {each.group for each in explanation.groups} == {"light", "color", "histogram"}
    assert explanation.cosine == pytest.approx(matches[0].similarity, abs=1e-6)
    assert explanation.groups[-1].group == "color"


def test_a_document_does_not_tell_its_look(show: Path) -> None:
    document = inspect(show / "ball.1003.exr")
    with pytest.raises(ValueError, match="the look of its pixels"):
        explain(document, document, "look")


def test_the_command_compares_what_stats_has_stored(show: Path, tmp_path: Path) -> None:
    database = tmp_path / "exr.duckdb"
    done = run("stats", show, "--db", database, "--json")
    statuses = [json.loads(line)["stats"]["status"] for line in done.stdout.splitlines()]
    assert (done.exit_code, statuses) == (0, ["ok"] * 8)
    again = run("stats", show, "--db", database)
    assert again.stdout.count("unchanged, the store has the statistics of these pixels") == 8
    found = run("similar", show / "ball.1003.exr", "--by", "look", "--frames", "--db", database, "--json")
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [Path(each["file_path"]).name for each in lines][-2:] == ["ball.1004.exr", "other.1001.exr"]
    explained = run(
        "similar", show / "ball.1003.exr", "--by", "look", "--limit", "1", "--explain", "--db", database
    )
    assert "histogram" in explained.stdout
