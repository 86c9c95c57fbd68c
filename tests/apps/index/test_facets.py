"""`index --facets`: files that lack a requested facet are inspected again, and only those."""

from __future__ import annotations

from pathlib import Path

import pytest

from exr_inspector.apps.cli import executors
from exr_inspector.apps.index import pool, worker
from tests.apps.cli.command import run
from tests.apps.index import faulty
from tests.apps.index.conftest import write
from tests.apps.index.test_index import DB, counts, index, query
from tests.exrfiles.demo import simple

POLICY = """policy: house
rules:
- id: A
  title: Compression
  given: parts
  assert: {compression: {one_of: [%s]}}
"""


def _changed(tree: Path, *options: str, facets: str) -> int:
    """Return the number of files that a run inspects; another run finds nothing to do."""
    seen, new, changed, *_ = counts(index(tree, "--facets", facets, *options))
    assert new == 0
    assert counts(index(tree, "--facets", facets, *options)) == [seen, 0, 0, seen, 0, 0]
    return changed


def test_stored_files_get_the_facets_that_they_lack(tree: Path) -> None:
    index(tree)
    assert _changed(tree, facets="header") == 0
    # All but the file that is no image.
    assert _changed(tree, facets="header,pixels:sampled") == 41
    assert _changed(tree, facets="pixels, cryptomatte") == 41
    assert _changed(tree, facets="policy") == 41
    facets = query("SELECT facet, count(*) FROM facets GROUP BY ALL ORDER BY 1")
    assert facets == [("cryptomatte", 41), ("header", 42), ("pixels", 41), ("policy", 41)]
    write(tree / "sh001/new.exr", simple(4, 4))
    assert counts(index(tree, "--facets", "header,pixels,policy")) == [43, 1, 0, 42, 0, 0]


def test_a_full_pass_answers_a_request_for_a_sample_and_another_budget_does_not(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(tree / "sh001")
    assert _changed(tree / "sh001", facets="pixels:sampled") == 10
    monkeypatch.setenv("EXR_INSPECTOR_STATS_BYTES", "1000")
    assert _changed(tree / "sh001", facets="pixels:sampled") == 10
    assert _changed(tree / "sh001", facets="pixels:full") == 10
    assert _changed(tree / "sh001", facets="pixels:sampled") == 0


def test_the_settings_ask_for_facets_too(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(tree / "sh001")
    monkeypatch.setenv("EXR_INSPECTOR_STATS", "sampled")
    assert counts(index(tree / "sh001")) == [10, 0, 10, 0, 0, 0]
    assert counts(index(tree / "sh001")) == [10, 0, 0, 10, 0, 0]
    assert _changed(tree / "sh001", facets="header") == 0


def test_facets_of_an_older_version_or_that_ran_out_of_time_are_computed_again(tree: Path) -> None:
    index(tree / "sh001", "--facets", "pixels")
    import duckdb

    with duckdb.connect(DB) as connection:
        where = "WHERE facet = 'pixels' AND file_path LIKE '%100"
        connection.execute(f"UPDATE facets SET engine_version = 0 {where}1.exr'")
        connection.execute(f"UPDATE facets SET status = 'unfinished' {where}2.exr'")
    assert counts(index(tree / "sh001", "--facets", "pixels"))[:3] == [10, 0, 2]


def test_a_policy_that_has_changed_judges_again_whatever_its_path(tree: Path) -> None:
    Path("house.yaml").write_text(POLICY % "zip")
    index(tree)
    assert _changed(tree, facets="policy:house.yaml") == 41
    assert _changed(tree, facets=f"policy:{Path('house.yaml').absolute()}") == 0
    Path("house.yaml").write_text(POLICY % "piz")
    assert _changed(tree, facets="policy:./house.yaml") == 41
    assert query("SELECT count(DISTINCT file_id) FROM findings WHERE rule_id = 'A'") == [(41,)]


def test_workers_do_not_read_the_pixels_whose_statistics_are_stored(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "MIN_FILES_FOR_WORKERS", 1)
    index(tree / "sh001", "-j1", "--facets", "pixels")
    before = query("SELECT file_id, computed_at FROM facets WHERE facet = 'pixels' ORDER BY 1")
    assert _changed(tree / "sh001", "-j2", facets="pixels,policy") == 10
    assert query("SELECT file_id, computed_at FROM facets WHERE facet = 'pixels' ORDER BY 1") == before


def test_a_file_that_kills_workers_is_not_tried_for_facets(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "MIN_FILES_FOR_WORKERS", 1)
    monkeypatch.setattr(pool.shards, "__defaults__", (1,))
    monkeypatch.setattr(worker, "inspect_shard", faulty.inspect_shard)
    write(tree / "one/killer.exr", simple(4, 4))
    index(tree / "one", "-j2")
    assert _changed(tree / "one", "-j2", facets="pixels,policy") == 0


def test_what_is_no_facet_or_policy_is_refused(tree: Path) -> None:
    for text, message in {
        "header,pixel": "'pixel' is not header, pixels:MODE, cryptomatte:MODE or policy:NAME",
        "pixels:all": "must be one of none, sampled, full",
        "policy:absent.yaml": "BAD_POLICY",
    }.items():
        done = run("index", tree, "--db", DB, "--facets", text)
        assert (done.exit_code, message in done.stderr) == (2, True), done.stderr
        assert not Path(DB).exists()
