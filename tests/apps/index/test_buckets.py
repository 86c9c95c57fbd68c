"""`index` on buckets: what changed by eTag, what is gone, strange keys, and paths that are mapped to keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps.index.conftest import write
from tests.apps.index.test_index import counts, index, query
from tests.exrfiles.demo import simple
from tests.sources.faults import status
from tests.sources.server import KEYS, S3Server


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("exr_inspector.sources.s3.PAUSES", ())
    with S3Server() as server:
        server.bucket("renders")
        for name, value in {"S3_ENDPOINT": server.url, **{k.upper(): v for k, v in KEYS.items()}}.items():
            monkeypatch.setenv(name, value)
        for number in range(30):
            server.put("renders", f"hill/sh{number // 10}/beauty.{1001 + number % 10}.exr", simple(4, 4))
        yield server


def test_objects_are_compared_by_etag_and_unchanged_ones_are_not_read(s3: S3Server) -> None:
    assert counts(index("s3://renders/hill")) == [30, 30, 0, 0, 0, 0]
    s3.forget()
    assert counts(index("s3://renders/hill/")) == [30, 0, 0, 30, 0, 0]
    assert [each.method for each in s3.seen if ".exr" in each.target] == []
    s3.put("renders", "hill/sh1/beauty.1001.exr", simple(8, 8))
    s3.put("renders", "hill/sh1/new.EXR", simple(8, 8))
    s3.delete("renders", "hill/sh2/beauty.1001.exr")
    assert counts(index("s3://renders")) == [30, 1, 1, 28, 1, 0]
    assert query("SELECT count(*) FROM files WHERE file_path LIKE '%sh2/beauty.1001%'") == [(0,)]


def test_a_dry_run_says_how_many_requests_it_takes(s3: S3Server) -> None:
    assert index("s3://renders", "--dry-run")["requests"] == 60


def test_a_listing_that_fails_deletes_nothing(s3: S3Server) -> None:
    index("s3://renders")
    s3.delete("renders", "hill/sh2/beauty.1001.exr")
    s3.plan = lambda number: status(503) if number > 2 else None
    summary = index("s3://renders", "--yes", code=1)
    assert (summary["deleted"], summary["unlisted"] > 0) == (0, True)
    assert query("SELECT count(*) FROM files") == [(30,)]


def test_strange_keys_are_stored_and_keys_that_no_location_has_fail(s3: S3Server) -> None:
    odd = [f"odd/{name} {number}.exr" for number in range(20) for name in ("a+b%20", "層", "d//e")]
    for key in [*odd, "odd/a/../b.exr", "odd/./c.exr", "/lead.exr"]:
        s3.put("renders", key, simple(4, 4))
    summary = index("s3://renders", code=1)
    assert counts(summary) == [93, 91, 0, 0, 0, 2]
    assert all("BAD_EVENT" in each for each in summary["faults"])
    assert counts(index("s3://renders", code=1)) == [93, 0, 0, 91, 0, 2]


def test_a_path_and_a_key_of_one_file_are_one_file(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXR_INSPECTOR_PATH_MAP", f"{tmp_path}/mnt=s3://renders")
    for number in range(30):
        write(tmp_path / f"mnt/hill/sh{number // 10}/beauty.{1001 + number % 10}.exr", simple(4, 4))
    index("s3://renders/hill")
    assert index(tmp_path / "mnt")["new"] == 0
    assert query("SELECT count(*) FROM files") == [(30,)]
    (tmp_path / "mnt/hill/sh1/beauty.1001.exr").unlink()
    assert counts(index(tmp_path / "mnt")) == [29, 0, 0, 29, 1, 0]
