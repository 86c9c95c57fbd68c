"""What the pages are read from: a snapshot, in the scope of a token."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from exr_inspector.apps.web import snapshot as web_snapshot
from exr_inspector.apps.web.app import make_site
from exr_inspector.apps.web.security import Access
from exr_inspector.apps.web.server import running
from exr_inspector.apps.web.snapshot import CurrentSnapshot, snapshot_path
from exr_inspector.catalog.duckdb.publish import publish_file
from exr_inspector.catalog.duckdb.snapshot import ALL, Scope, Snapshot
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.limits import QueryLimits
from exr_inspector.errors import (
    DATABASE_IN_USE,
    DATABASE_UNAVAILABLE,
    NOT_A_DATABASE,
    QUERY_LIMIT,
    InspectorError,
)
from exr_inspector.settings import Settings
from tests.apps.cli.command import run
from tests.apps.web.conftest import Catalog


def test_a_limited_reader_sees_no_row_of_another_show(snapshot: Path, show: Path) -> None:
    opened = Snapshot(str(snapshot))
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        tables = [table for (table,) in connection.execute("SHOW TABLES").fetchall()]
    with opened.reading(ALL) as reader:
        everything = {table: len(reader.rows(f"FROM {table}")) for table in tables}
    assert everything["files"] > 20
    with opened.reading(Scope((str(show / "dune"),))) as reader:
        for table in set(tables) - {"snapshot"}:
            assert str(show / "tide") not in str(reader.rows(f"FROM {table}"))
        assert 0 < len(reader.rows("FROM files")) < everything["files"]
    with opened.reading(Scope(("",))) as reader:
        assert len(reader.rows("FROM files")) == everything["files"]
    for nothing in (Scope(()), Scope((str(show / "dun"),)), Scope((f"{show}/d_ne",)), Scope(("'; --",))):
        with opened.reading(nothing) as reader:
            assert reader.rows("FROM files") == []


def test_the_folder_of_a_scope_ends_at_a_slash(show: Path) -> None:
    scope = Scope(("/show/a",))
    assert [scope.has(path) for path in ("/show/a", "/show/a/b.exr", "/show/ab.exr", "/show")] == [
        True,
        True,
        False,
        False,
    ]
    with duckdb.connect() as connection:
        for path in (
            "/show/a",
            "/show/a/b.exr",
            "/show/ab.exr",
            "/show",
            "/show/a0",
            "/show/a/",
            "/show/a\x7f",
        ):
            sql = f"SELECT {scope.condition('path')} FROM (SELECT ? AS path)"
            assert connection.execute(sql, [path]).fetchone() == (scope.has(path),)


def test_a_reader_reaches_no_other_file_and_changes_nothing(snapshot: Path) -> None:
    opened = Snapshot(str(snapshot))
    for sql in (
        "SELECT * FROM read_text('/etc/hostname')",
        "ATTACH '/tmp/other.duckdb' AS other",
        "COPY files TO '/tmp/files.csv'",
        "SET enable_external_access = true",
        "DELETE FROM snapshot.main.files",
        "CREATE TABLE snapshot.main.more (i INTEGER)",
    ):
        with pytest.raises(InspectorError) as raised, opened.reading() as reader:
            reader.rows(sql)
        assert raised.value.fault is DATABASE_UNAVAILABLE


def test_a_snapshot_with_a_view_reads_no_other_file(snapshot: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "forged.duckdb")
    shutil.copy(snapshot, path)
    with duckdb.connect(path) as forged:
        forged.execute("DROP TABLE files")
        forged.execute("CREATE VIEW files AS SELECT content AS file_path FROM read_text('/etc/hostname')")
    with pytest.raises(InspectorError, match="disabled"):
        Snapshot(path)


def test_a_pipe_is_no_snapshot(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InspectorError) as raised:
        Snapshot(str(tmp_path / "pipe"))
    assert raised.value.fault is NOT_A_DATABASE


def test_a_statement_that_takes_too_long_is_ended_and_others_go_on(snapshot: Path) -> None:
    opened = Snapshot(str(snapshot), QueryLimits(seconds=0.2, memory_mib=128))
    slow = "SELECT count(*) FROM range(100_000_000) a, range(100_000) b WHERE (a.range * b.range) % 7 = 1"
    with pytest.raises(InspectorError) as raised, opened.reading() as reader:
        reader.rows(slow)
    assert raised.value.fault is QUERY_LIMIT
    with opened.reading() as reader:
        assert reader.rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_statement_is_shown_as_it_can_be_run(snapshot: Path) -> None:
    with Snapshot(str(snapshot)).reading() as reader:
        found = reader.rows("SELECT $a AS a, $b AS b", a="it's", b=[1, 2])
        assert reader.statements == ["SELECT 'it''s' AS a, [1, 2] AS b"]
        assert reader.rows(reader.statements[0]) == found


def test_a_snapshot_that_is_replaced_is_read_and_running_requests_keep_theirs(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_snapshot, "LOOK_SECONDS", 0.0)
    shown = tmp_path / "shown.duckdb"
    shown.write_bytes(snapshot.read_bytes())
    current = CurrentSnapshot(str(shown))
    with current.reading(ALL) as (before, old):
        with closing(DuckDBStore(str(tmp_path / "empty.duckdb"))) as store:
            store.publish(str(shown))
        with current.reading(ALL) as (after, new):
            assert new.rows("FROM files") == []
            assert after.facts.file_count == 0
            assert len(old.rows("FROM files")) == before.facts.file_count
    shown.write_bytes(b"no database")
    with current.reading(ALL) as (_, reader):
        assert reader.rows("FROM files") == []
    shown.unlink()
    with current.reading(ALL) as (_, reader):
        assert reader.rows("FROM files") == []


def test_a_store_is_shown_by_a_copy_that_leaves_it_as_it_was(
    show: Path, snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = show.parent / "show.duckdb"
    before = (store.read_bytes(), sorted(each.name for each in store.parent.iterdir()))
    copy = snapshot_path(str(store))
    assert copy.startswith(str(tmp_path / "cache"))
    assert Snapshot(copy).facts.source == str(store)
    assert (store.read_bytes(), sorted(each.name for each in store.parent.iterdir())) == before
    assert (tmp_path / "cache" / "exr-inspector").stat().st_mode & 0o77 == 0
    assert snapshot_path(str(snapshot)) == str(snapshot)


def test_a_store_in_use_is_shown_by_the_last_copy(
    show: Path, snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = show.parent / "show.duckdb"
    copy = snapshot_path(str(store))

    def in_use(*_: object) -> None:
        raise InspectorError(DATABASE_IN_USE, "process 1 has the file open", str(store))

    monkeypatch.setattr(web_snapshot, "has_snapshot", in_use)
    assert snapshot_path(str(store)) == copy
    Path(copy).unlink()
    with pytest.raises(InspectorError) as raised:
        snapshot_path(str(store))
    assert raised.value.fault is DATABASE_IN_USE


def test_a_store_of_an_older_release_is_shown_without_what_it_lacks(tmp_path: Path) -> None:
    old = str(tmp_path / "old.duckdb")
    with duckdb.connect(old) as connection:
        connection.execute(
            "CREATE TABLE files AS SELECT 'a' AS file_id, '/a.exr' AS file_path, 'ok' AS status"
        )
    publish_file(old, str(tmp_path / "view.duckdb"))
    with Snapshot(str(tmp_path / "view.duckdb")).reading() as reader:
        assert reader.row("SELECT file_id, status, writing FROM files") == {
            "file_id": "a",
            "status": "ok",
            "writing": None,
        }
        assert reader.rows("FROM findings") == []


@pytest.mark.parametrize(
    ("paths", "folders"),
    [
        (["/a/b/x.exr", "/a/b/y.exr"], ("/a/b",)),
        (["/a/b/x.exr", "/a/bc/y.exr"], ("/a",)),
        (["/x.exr", "/y.exr"], ("",)),
        (["s3://a/b/x.exr", "s3://a/c.exr", "/r/x.exr"], ("/r", "s3://a")),
        ([], ()),
    ],
)
def test_the_common_folders_of_local_files_and_objects_are_known(
    tmp_path: Path, paths: list[str], folders: tuple[str, ...]
) -> None:
    store = str(tmp_path / "store.duckdb")
    with duckdb.connect(store) as connection:
        sql = (
            "CREATE TABLE files AS SELECT path AS file_id, path AS file_path FROM (SELECT unnest($1) AS path)"
        )
        connection.execute(sql, [paths])
    publish_file(store, str(tmp_path / "view.duckdb"))
    assert Snapshot(str(tmp_path / "view.duckdb")).facts.folders == folders


def test_a_store_is_no_snapshot(show: Path, snapshot: Path) -> None:
    with pytest.raises(InspectorError) as raised:
        Snapshot(str(show.parent / "show.duckdb"))
    assert raised.value.fault is NOT_A_DATABASE
    assert "--publish" in str(raised.value)


@pytest.mark.slow
def test_fifty_requests_at_once_are_answered_while_an_indexer_writes_and_publishes(
    show: Path, snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_snapshot, "LOOK_SECONDS", 0.0)
    shown = tmp_path / "shown.duckdb"
    shown.write_bytes(snapshot.read_bytes())
    access = Access()
    with running(make_site(str(shown), Settings()), access) as url, ThreadPoolExecutor(50) as pool:
        catalog = Catalog(url, next(iter(access.tokens)), show)
        paths = ["/", catalog.file("dune/sq010/sh020/layers.1001.exr")] * 25
        answers = pool.map(catalog.get, paths)
        done = run("index", show, "--db", tmp_path / "other.duckdb", "--publish", shown)
        assert done.exit_code == 0
        assert {answer.status for answer in answers} == {200}
