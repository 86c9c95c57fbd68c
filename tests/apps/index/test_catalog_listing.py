"""`index --catalog`: roots that are listed by VAST Catalog, here a plain table of the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from exr_inspector.apps.vast_check import check_database
from tests.apps.index.conftest import write
from tests.apps.index.test_index import counts, index, query
from tests.catalog.backends import Vast, vast
from tests.exrfiles.demo import simple
from tests.sources.server import KEYS, S3Server

TIME = pa.timestamp("ns")
COLUMNS = pa.schema(
    [
        *((name, pa.string()) for name in ("parent_path", "name", "extension", "element_type")),
        *(("size", pa.int64()), ("mtime", TIME), ("ctime", TIME), ("login_name", pa.string())),
    ]
)
PATH = "/renders/hill"


@pytest.fixture
def database(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vast]:
    with vast(tables=True) as found:
        found.server.add_catalog()
        found.schema = "vast_big_catalog_schema"
        for name in ("endpoint", "access_key", "secret_key", "bucket", "journal"):
            monkeypatch.setenv(f"VAST_DB_{name.upper()}", getattr(found.settings(), f"vast_{name}"))
        yield found


def _row(path: str, kind: str, size: int, mtime: int, ctime: int) -> dict[str, Any]:
    parent, _, name = path.rpartition("/")
    return {
        "parent_path": f"{parent}/",
        "name": name,
        "extension": "exr",
        "element_type": kind,
        "size": size,
        "mtime": mtime,
        "ctime": ctime,
        "login_name": "artist",
    }


def _take_snapshot(database: Vast, tree: Path, *, later: timedelta = timedelta(0)) -> None:
    """Make the table of what is in a folder; with `later`, the folder itself changed so much later."""
    if "vast_big_catalog_table" in _tables(database):
        database.drop_table("vast_big_catalog_table")
    rows = [
        _row(f"{PATH}/{each.relative_to(tree)}", "FILE", found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        for each in tree.rglob("*.*")
        for found in [each.stat()]
    ]
    changed = datetime.now(timezone.utc) + later
    rows.append(_row(f"{PATH}/sh001", "DIR", 0, 0, int(changed.timestamp()) * 10**9))
    database.make_table("vast_big_catalog_table", COLUMNS, rows)


def _tables(database: Vast) -> list[str]:
    with database.session.transaction() as tx:
        schema = tx.bucket(database.server.bucket).schema(database.schema, fail_if_missing=False)
        return [each.name for each in schema.tables()] if schema else []


def test_files_are_those_of_the_catalog_and_unchanged_for_a_listing_of_the_folder(
    tree: Path, database: Vast
) -> None:
    write(tree / "other.txt", b"no image")
    _take_snapshot(database, tree)
    write(tree / "sh001/late.exr", simple(4, 4))
    assert counts(index(tree, "--catalog", PATH)) == [42, 42, 0, 0, 0, 0]
    assert counts(index(tree, "--catalog", f"{PATH}/")) == [42, 0, 0, 42, 0, 0]
    assert counts(index(tree)) == [43, 1, 0, 42, 0, 0]
    write(tree / "sh001/beauty.1001.exr", simple(8, 8))
    _take_snapshot(database, tree)
    assert counts(index(tree, "--catalog", PATH)) == [43, 0, 1, 42, 0, 0]


def test_only_rows_that_are_older_than_the_catalog_are_deleted(tree: Path, database: Vast) -> None:
    index(tree)
    (tree / "sh001/beauty.1001.exr").unlink()
    _take_snapshot(database, tree)
    assert counts(index(tree, "--catalog", PATH)) == [41, 0, 0, 41, 0, 0]
    _take_snapshot(database, tree, later=timedelta(minutes=10))
    summary = index(tree, "--catalog", PATH)
    assert (counts(summary), summary["deleted"]) == ([41, 0, 0, 41, 1, 0], 1)


def test_an_object_that_is_there_is_not_deleted_whatever_the_catalog_says(
    tree: Path, database: Vast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with S3Server() as s3:
        s3.bucket("renders")
        for name, value in {"S3_ENDPOINT": s3.url, **{k.upper(): v for k, v in KEYS.items()}}.items():
            monkeypatch.setenv(name, value)
        for each in tree.rglob("*.exr"):
            s3.put("renders", f"hill/{each.relative_to(tree)}", each.read_bytes())
        index("s3://renders/hill")
        for name in ("beauty.1001.exr", "beauty.1002.exr"):
            (tree / "sh001" / name).unlink()
        s3.delete("renders", "hill/sh001/beauty.1001.exr")
        _take_snapshot(database, tree, later=timedelta(minutes=10))
        summary = index("s3://renders/hill", "--catalog", PATH)
        assert (summary["gone"], summary["deleted"]) == (2, 1)
        assert query("SELECT count(*) FROM files") == [(41,)]


def test_a_cluster_without_a_catalog_or_with_another_one_deletes_nothing(tree: Path, database: Vast) -> None:
    index(tree)
    summary = index(tree, "--catalog", PATH, code=1)
    assert summary["faults"] == [
        "BAD_SETTING: the cluster has no VAST Catalog, or these keys do not see it (--catalog)"
    ]
    database.make_table("vast_big_catalog_table", pa.schema([("parent_path", pa.string())]), [])
    summary = index(tree, "--catalog", PATH, code=1)
    assert summary["faults"] == ["TABLE_MISMATCH: the catalog's column name is absent (VAST Catalog)"]
    assert query("SELECT count(*) FROM files") == [(42,)]


def test_check_db_says_whether_the_catalog_is_there(tree: Path, database: Vast) -> None:
    def answer() -> str:
        findings = {each.question: each.answer for each in check_database(database.settings())}
        return findings["VAST Catalog, for index --catalog"]

    assert answer() == "the cluster has no VAST Catalog, or these keys do not see it"
    _take_snapshot(database, tree)
    assert answer().startswith("there, with parent_path, name")
