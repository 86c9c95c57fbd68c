"""docs/ROLES.md: what each role asks S3 for."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import pixels_main
from exr_inspector.apps.cli import commands
from tests.exrfiles.demo import layered_beauty
from tests.service.function import BUCKET, Function, created, removed
from tests.service.test_pixels_main import SCHEDULE
from tests.sources.server import KEYS, S3Server

KEY = "roles/beauty.1001.exr"


def _methods(s3: S3Server) -> set[str]:
    """Return the methods of the requests; a listing is LIST."""
    return {"LIST" if "list-type" in each.target else each.method for each in s3.seen}


def test_the_functions_read_objects_and_do_nothing_else(function: Function, s3: S3Server) -> None:
    function.read_from(s3)
    s3.put(BUCKET, KEY, layered_beauty())
    function.handle(created(KEY))
    assert _methods(s3) == {"GET", "HEAD"}
    s3.forget()
    assert pixels_main.handler(function.ctx, SCHEDULE)["measured"] == 1
    assert _methods(s3) <= {"GET", "HEAD"}
    s3.delete(BUCKET, KEY)
    s3.forget()
    function.handle(removed(KEY))
    assert function.rows() == []
    assert _methods(s3) <= {"GET", "HEAD"}


def test_the_indexer_lists_and_reads_and_a_reader_of_one_object_only_reads(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"s3_endpoint": s3.url, **KEYS}.items():
        monkeypatch.setenv(name.upper(), value)
    s3.put(BUCKET, KEY, layered_beauty())
    s3.forget()
    where = f"s3://{BUCKET}/roles/"
    done = CliRunner().invoke(commands, ["index", where, "--db", str(tmp_path / "rows.duckdb")])
    assert done.exit_code == 0, done.output
    assert _methods(s3) == {"LIST", "GET", "HEAD"}
    s3.forget()
    done = CliRunner().invoke(commands, ["inspect", f"s3://{BUCKET}/{KEY}"])
    assert done.exit_code == 0, done.output
    assert _methods(s3) <= {"GET", "HEAD"}
