"""What is stored is judged as the files are, without reading them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from exr_inspector import Settings
from exr_inspector.apps.cli.run import Run
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.checks.inputs import look_at_files
from exr_inspector.checks.stored import StoredFiles
from exr_inspector.location import Location, path_location
from exr_inspector.pixels.stats import Mode
from exr_inspector.policy.collections.sequence import frame_facts
from exr_inspector.policy.evaluate import evaluate
from exr_inspector.policy.load import load_pack, pack_names
from exr_inspector.policy.model import Finding
from exr_inspector.response import make_runtime
from tests.apps.cli.command import run
from tests.checks.shows import with_nan
from tests.corpus import images, needed
from tests.exrfiles.demo import simple, write_demo
from tests.policy.files import BAD, GOOD


def store(files: list[Location], settings: Settings) -> None:
    inspected = Run(files, make_runtime(settings), lists_faults=False)
    with inspected.session():
        list(inspected.documents())


def differences(files: list[Location], database: Path, stats: Mode | None = None) -> tuple[list[str], int]:
    """Return the files that are judged differently, and the number of findings."""
    settings = Settings(db_file=str(database), stats=stats or "none")
    store(files, settings)
    read = list(look_at_files(settings, stats)(files))
    held = DuckDBStore(str(database), read_only=True)
    stored = list(StoredFiles(held).look(files))
    held.close()
    packs = [load_pack(name) for name in pack_names()]
    findings: list[list[list[Finding]]] = [
        [evaluate(packs, each.document, each.facts)["findings"] for each in evidence]
        for evidence in (read, stored)
    ]
    different = [
        location.path
        for location, ours, theirs, mine, yours in zip(files, *findings, read, stored, strict=True)
        if ours != theirs
        or frame_facts(mine.document, mine.facts) != frame_facts(yours.document, yours.facts)
    ]
    return different, sum(map(len, findings[1]))


def test_stored_files_are_judged_as_the_files_are(tmp_path: Path) -> None:
    write_demo(tmp_path / "demo")
    for name, content in {**GOOD, **BAD}.items():
        if name != "COMP-06":  # has a text that is too long to store
            (tmp_path / f"{name}.exr").write_bytes(content)
    files = [path_location(str(path)) for path in sorted(tmp_path.rglob("*.exr"))]
    different, count = differences(files, tmp_path / "rows.duckdb")
    assert different == []
    assert count > 100


def test_stored_statistics_are_judged_as_the_pixels_are(tmp_path: Path) -> None:
    (tmp_path / "nan.exr").write_bytes(with_nan())
    (tmp_path / "cut.exr").write_bytes(simple(64, 64)[:-200])
    files = [path_location(str(path)) for path in sorted(tmp_path.rglob("*.exr"))]
    assert differences(files, tmp_path / "rows.duckdb", "full")[0] == []
    done = run("check", "--db", tmp_path / "rows.duckdb")
    assert "nan.exr · NaN" in done.stdout


def test_a_text_that_was_too_long_to_store_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("long.exr").write_bytes(BAD["COMP-06"])
    Path("studio.yaml").write_text(
        "policy: studio\nrules:\n  - {id: STU-01, title: Says it, given: parts,"
        " assert: {attributes.comments: {not_equals: final}}}\n"
    )
    store([path_location("long.exr")], Settings(db_file="rows.duckdb"))
    arguments = ["check", "--policy", "studio.yaml", "--no-default"]
    assert run(*arguments, "long.exr").stdout.startswith("long.exr · ok")
    done = run(*arguments, "--db", "rows.duckdb")
    assert done.stdout.startswith("long.exr · unknown")
    assert "too long to store" in done.stdout


@needed
def test_a_corpus_is_judged_from_its_rows_as_from_its_files(tmp_path: Path) -> None:
    files = [path_location(str(path)) for path in images()[::5]]
    assert differences(files, tmp_path / "rows.duckdb")[0] == []


def test_a_database_is_checked_without_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for frame in (1001, 1002, 1004):
        path = tmp_path / f"sh010/beauty.{frame}.exr"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(simple(4, 4))
    (tmp_path / "other.exr").write_bytes(b"junk")
    files = [path_location(str(path)) for path in sorted(tmp_path.rglob("*.exr"))]
    store(files, Settings(db_file="rows.duckdb"))
    shutil.rmtree("sh010")
    done = run("check", "--db", "rows.duckdb")
    assert done.stdout.splitlines()[:2] == [
        "other.exr · unreadable",
        "sh010/beauty.#.exr 1001-1004 · 3 ok · missing 1003",
    ]
    assert "read" not in done.stdout.splitlines()[-2]
    for name in ("sh010", "sh010/beauty.#.exr", "sh010/beauty.1002.exr", str(tmp_path / "sh010/")):
        lines = run("check", name, "--db", "rows.duckdb").stdout.splitlines()
        assert lines[0].startswith("sh010/beauty.#.exr 100")
        assert "other" not in lines[1]
    assert run("check", "sh020", "--db", "rows.duckdb").exit_code == 2
    assert run("check", "sh020/beauty.[1001-1002].exr", "--db", "rows.duckdb").exit_code == 1
    assert run("check").exit_code == 2


def test_findings_are_stored_and_a_changed_policy_judges_again_without_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in {"good.1001.exr": simple(4, 4), "cut.1001.exr": simple(4, 4)[:-9]}.items():
        Path(name).write_bytes(content)
    paths = [path_location(str(path)) for path in sorted(tmp_path.glob("*.exr"))]
    store(paths, Settings(db_file="rows.duckdb", policies=("default",)))
    for path in tmp_path.glob("*.exr"):
        path.unlink()

    def stored(sql: str) -> list[tuple[object, ...]]:
        held = DuckDBStore("rows.duckdb", read_only=True)
        rows = [tuple(row.values()) for row in held.query(sql).to_pylist()]
        held.close()
        return rows

    facets = "SELECT parse_filename(file_path), status FROM facets WHERE facet = 'policy' ORDER BY 1"
    findings = "SELECT parse_filename(file_path), rule_id, verdict FROM findings ORDER BY ALL"
    assert stored(facets) == [("cut.1001.exr", "fail"), ("good.1001.exr", "pass")]
    writes = stored("SELECT write_id FROM files ORDER BY file_path")
    arguments = ["check", "--db", "rows.duckdb", "--settle", "0", "--store"]
    run(*arguments)
    assert stored("SELECT write_id FROM files ORDER BY file_path") == writes  # nothing has changed
    assert stored(findings) == [("cut.1001.exr", "FILE-01", "fail")]
    Path("studio.yaml").write_text(
        "policy: studio\nrules:\n  - {id: STU-01, title: Wide, given: parts, assert: {width: 5}}\n"
    )
    Path("exr-inspector.yaml").write_text('patterns: ["{shot}.{frame}.exr"]\n')
    run(*arguments, "--policy", "studio.yaml")
    both = [
        ("cut.1001.exr", "FILE-01", "fail"),
        *((f"{name}.1001.exr", "STU-01", "fail") for name in ("cut", "good")),
    ]
    assert stored(findings) == both
    assert stored("SELECT shot FROM files ORDER BY file_path") == [("cut",), ("good",)]
    assert stored("SELECT count(*) FROM channels") == [(6,)]
    run(*arguments)
    assert stored(findings) == both[:1]
    assert stored(facets) == [("cut.1001.exr", "fail"), ("good.1001.exr", "pass")]
    assert stored("SELECT count(*) FROM files WHERE metadata_embedding IS NOT NULL") == [(2,)]
    assert run("check", ".", "--store").exit_code == 2
