"""The handler and the command line do the same with both stores."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import main
from exr_inspector.apps.cli import commands
from exr_inspector.catalog.vast.store import VastStore
from tests.catalog.backends import Backend, DuckDB, Vast, rows, tables, vast
from tests.catalog.rows import delivered
from tests.exrfiles.demo import layered_beauty, simple

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def show(tmp_path: Path) -> Path:
    show = tmp_path / "show"
    show.mkdir()
    (show / "beauty.1001.exr").write_bytes(layered_beauty())
    (show / "plate.1001.exr").write_bytes(simple(8, 4))
    (show / "broken.1001.exr").write_bytes(simple(8, 4)[:100])
    return show


def environments(database: Vast, tmp_path: Path) -> list[tuple[Backend, dict[str, str]]]:
    """Return both stores, each with the environment that selects it."""
    server = database.server
    vast = {
        "VAST_DB_ENDPOINT": server.endpoint,
        "VAST_DB_ACCESS_KEY": server.access_key,
        "VAST_DB_SECRET_KEY": server.secret_key,
        "VAST_DB_BUCKET": server.bucket,
    }
    return [(database, vast), (DuckDB(tmp_path), {"EXR_INSPECTOR_DB": str(tmp_path / "exr.duckdb")})]


def handled(environment: dict[str, str], events: list[Any]) -> list[Any]:
    """Return the answers of an instance that starts with this environment."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(main, "_made", {})
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        main.init(None)
        try:
            return [main.handler(None, event) for event in events]
        finally:
            store = main._made["runtime"].store
            assert store is not None
            store.close()


def test_the_handler_answers_and_stores_the_same(database: Vast, tmp_path: Path, show: Path) -> None:
    paths = [
        show / "beauty.1001.exr",
        show / "broken.1001.exr",
        show / "beauty.1001.exr",
        show / "absent.exr",
    ]
    events = [{"data": {"path": str(path)}} for path in paths]
    (vast, at_vast), (duckdb, at_duckdb) = environments(database, tmp_path)
    answers = handled(at_vast, events)
    assert answers == handled(at_duckdb, events)
    assert [answer["persistence"]["inserted"] for answer in answers] == [True, True, False, True]
    assert tables(vast) == tables(duckdb)
    assert sorted(row["inspection_count"] for row in rows(vast, "files")) == [1, 1, 2]


def test_the_command_line_prints_and_stores_the_same(database: Vast, tmp_path: Path, show: Path) -> None:
    (vast, at_vast), (duckdb, at_duckdb) = environments(database, tmp_path)
    printed = [
        CliRunner().invoke(commands, ["inspect", str(show), "--jsonl"], env=environment)
        for environment in (at_vast, at_duckdb)
    ]
    assert [each.exit_code for each in printed] == [1, 1]
    assert printed[0].stdout == printed[1].stdout
    assert len(rows(vast, "files")) == 3
    assert tables(vast) == tables(duckdb)


def test_looking_files_up_leaves_nothing_in_memory() -> None:
    """The SDK by default leaks its retry wrapper in each select."""
    file = delivered("a")
    with vast(tables=True) as database:
        store = VastStore(database.settings(), database.session)
        store.upsert([file])

        def objects_after(lookups: int) -> int:
            for _ in range(lookups):
                store.lookup([file.file_id])
            gc.collect()
            return len(gc.get_objects())

        before = objects_after(20)
        assert objects_after(100) < before + 50
