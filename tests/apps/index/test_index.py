"""`exr-inspector index`: what it inspects, what it stores, what it deletes and what it must not."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from exr_inspector import mounts
from exr_inspector.catalog.duckdb.inventory import Inventory
from exr_inspector.errors import DATABASE_FULL, InspectorError
from tests.apps.cli.command import run
from tests.apps.index.conftest import OLD, write
from tests.exrfiles.demo import simple, truncated

DB = "rows.duckdb"


def index(*arguments: object, code: int = 0, db: str = DB) -> dict[str, Any]:
    done = run("index", *arguments, "--db", db, "--json")
    assert done.exit_code == code, done.output
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def counts(summary: dict[str, Any]) -> list[int]:
    return [summary[name] for name in ("seen", "new", "changed", "unchanged", "gone", "failed")]


def query(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(DB, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def names() -> set[str]:
    return {Path(path).name for (path,) in query("SELECT file_path FROM files")}


# --- what differs ---------------------------------------------------------------------------------------


def test_a_second_run_finds_nothing_to_do(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert counts(index(tree)) == [42, 42, 0, 0, 0, 0]
    monkeypatch.setattr("exr_inspector.pipeline.inspect_many", None)
    monkeypatch.setattr("exr_inspector.apps.index.worker.inspect_many", None)
    assert counts(index(tree)) == [42, 0, 0, 42, 0, 0]


def test_a_root_whose_name_is_not_utf_8_is_indexed_judged_and_forgotten(tree: Path) -> None:
    root = os.fsdecode(b"caf\xe9")
    tree.rename(root)
    assert counts(index(root)) == [42, 42, 0, 0, 0, 0]
    assert counts(index(root)) == [42, 0, 0, 42, 0, 0]
    Path(root, "sh000/cut.exr").unlink()
    assert counts(index(root)) == [41, 0, 0, 41, 1, 0]
    assert r"caf\xe9" in query("SELECT min(file_path_normalized) FROM files")[0][0]
    assert "4 sequences, 41 files" in run("check", "--db", DB, root).stdout
    assert "fake.exr" in run("ask", "bad-frames", "--path", root, "--db", DB).stdout
    run("forget", "--path", root, "--db", DB, "--yes")
    assert query("SELECT count(*) FROM files") == [(0,)]


def test_the_summary_line_counts_the_files(tree: Path) -> None:
    assert run("index", tree, "--db", DB).stdout == (
        "42 seen, 42 new, 0 changed, 0 unchanged, 0 gone, 0 failed\n"
    )


def test_the_tables_are_those_that_inspect_makes(tree: Path) -> None:
    index(tree)
    run("inspect", "-r", tree, "--db", "inspected.duckdb", "-n", "-q")
    ours = query("SELECT file_id, facts_hash, status, inode, ctime, device, writing FROM files ORDER BY 1")
    with duckdb.connect("inspected.duckdb") as other:
        theirs = other.execute(
            "SELECT file_id, facts_hash, status, inode, ctime, device, writing FROM files ORDER BY 1"
        ).fetchall()
    assert ours == theirs
    assert all(device and inode for *_, inode, _, device, _ in ours)


def test_only_what_is_new_or_changed_is_inspected(tree: Path) -> None:
    index(tree)
    write(tree / "sh009/new.exr", simple(4, 4))
    write(tree / "sh001/beauty.1001.exr", simple(8, 8))
    assert counts(index(tree)) == [43, 1, 1, 41, 0, 0]
    inspected = query("SELECT count(*) FILTER (inspection_count = 2), max(inspection_count) FROM files")
    assert inspected == [(1, 2)]


def test_a_file_is_changed_if_a_copy_kept_its_time_and_size(tree: Path) -> None:
    """rsync and `cp -p` restore the modification time; ctime and inode tell."""
    index(tree)
    before = (tree / "sh001/beauty.1001.exr").stat()
    write(tree / "other", simple(4, 4, compression="none")[: before.st_size].ljust(before.st_size, b"\0"))
    (tree / "other").replace(tree / "sh001/beauty.1001.exr")
    after = (tree / "sh001/beauty.1001.exr").stat()
    assert (before.st_size, before.st_mtime) == (after.st_size, after.st_mtime)
    assert counts(index(tree)) == [42, 0, 1, 41, 0, 0]
    assert counts(index(tree)) == [42, 0, 0, 42, 0, 0]


def test_a_file_of_which_only_the_inode_changed_keeps_its_facts_and_is_unchanged_afterwards(
    tree: Path,
) -> None:
    index(tree)
    hashes = query("SELECT file_id, facts_hash FROM files ORDER BY 1")
    (tree / "sh001/beauty.1001.exr").chmod(0o600)
    assert counts(index(tree)) == [42, 0, 1, 41, 0, 0]
    assert query("SELECT file_id, facts_hash FROM files ORDER BY 1") == hashes
    assert counts(index(tree)) == [42, 0, 0, 42, 0, 0]


def test_rows_of_an_older_version_are_inspected_again(tree: Path) -> None:
    index(tree)
    with duckdb.connect(DB) as connection:
        connection.execute("UPDATE files SET embedding_version = 0 WHERE file_path LIKE '%sh001%'")
        connection.execute("UPDATE facets SET engine_version = 0 WHERE file_path LIKE '%sh002%'")
        connection.execute("UPDATE files SET ctime = NULL WHERE file_path LIKE '%sh003%'")
    assert counts(index(tree)) == [42, 0, 30, 12, 0, 0]


def test_an_incomplete_young_file_is_being_written_and_inspected_again(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "sh001/young.exr").write_bytes(truncated(simple(64, 64)))
    index(tree)
    assert query("SELECT file_path LIKE '%/young.exr', status FROM files WHERE writing") == [
        (True, "incomplete")
    ]
    assert counts(index(tree)) == [43, 0, 1, 42, 0, 0]
    monkeypatch.setenv("EXR_INSPECTOR_SETTLE_SECONDS", "0")
    assert counts(index(tree)) == [43, 0, 1, 42, 0, 0]
    assert query("SELECT count(*) FROM files WHERE writing") == [(0,)]
    assert counts(index(tree)) == [43, 0, 0, 43, 0, 0]


def test_a_link_that_leads_nowhere_has_a_row_and_is_unchanged_afterwards(tree: Path) -> None:
    (tree / "sh001/link.exr").symlink_to("absent")
    assert counts(index(tree)) == [43, 43, 0, 0, 0, 0]
    assert query("SELECT status FROM files WHERE file_path LIKE '%/link.exr'") == [("missing",)]
    assert counts(index(tree)) == [43, 0, 0, 43, 0, 0]


# --- roots ----------------------------------------------------------------------------------------------


def test_files_patterns_and_overlapping_roots_are_inspected_once(tree: Path) -> None:
    summary = index(tree / "sh001", tree / "sh001", tree, tree / "sh002/beauty.1001.exr", "tree/sh00*")
    assert counts(summary) == [42, 42, 0, 0, 0, 0]


def test_named_files_say_nothing_of_others(tree: Path) -> None:
    index(tree)
    (tree / "sh001/beauty.1002.exr").unlink()
    assert counts(index(tree / "sh001/beauty.1001.exr", tree / "sh002/beauty.1001.exr")) == [2, 0, 0, 2, 0, 0]
    assert "beauty.1002.exr" in names()
    assert len(query("SELECT * FROM files")) == 42


def test_a_root_beside_another_of_a_longer_name_is_another(tree: Path) -> None:
    write(tree.parent / "tree2/a.exr", simple(4, 4))
    index(tree, tree.parent / "tree2")
    (tree / "sh001/beauty.1001.exr").unlink()
    assert counts(index(tree)) == [41, 0, 0, 41, 1, 0]
    assert "a.exr" in names()


# --- what is gone ---------------------------------------------------------------------------------------


def test_the_rows_of_a_file_that_is_gone_are_deleted(tree: Path) -> None:
    index(tree)
    (tree / "sh001/beauty.1001.exr").unlink()
    summary = index(tree)
    assert counts(summary) == [41, 0, 0, 41, 1, 0]
    assert (summary["deleted"], summary["kept"]) == (1, [])
    gone = query("SELECT count(*) FROM parts WHERE file_path LIKE '%sh001/beauty.1001.exr'")
    assert gone == [(0,)]


def _kept(tree: Path, *arguments: object, code: int = 0, gone: int = 1) -> str:
    """Return why nothing was deleted."""
    before = query("SELECT file_id FROM files ORDER BY 1")
    summary = index(tree, *arguments, code=code)
    assert query("SELECT file_id FROM files ORDER BY 1") == before
    assert (summary["gone"], summary["deleted"]) == (gone, 0)
    ((root, files, reason),) = [each.values() for each in summary["kept"]]
    assert (root, files) == (str(tree), gone)
    return str(reason)


def test_many_rows_are_deleted_only_with_consent(tree: Path) -> None:
    index(tree)
    for path in (tree / "sh001").iterdir():
        path.unlink()
    assert _kept(tree, gone=10) == "they are more than 5 % of its 42 files; --yes deletes them"
    assert "more than 20 %" in _kept(tree, "--max-delete", "20", gone=10)
    assert index(tree, "--max-delete", "25")["deleted"] == 10


def test_consent_deletes_any_number(tree: Path) -> None:
    index(tree)
    for path in (tree / "sh001").iterdir():
        path.unlink()
    assert index(tree, "--yes")["deleted"] == 10


def test_an_empty_root_deletes_nothing_even_with_consent(tree: Path) -> None:
    """An export that is not mounted is an empty folder."""
    index(tree)
    tree.rename(tree.parent / "away")
    tree.mkdir()
    assert "perhaps it is not mounted; --allow-empty deletes them" in _kept(tree, "--yes", gone=42)


def test_an_empty_root_is_deleted_from_if_it_may_be_empty(tree: Path) -> None:
    index(tree)
    shutil.rmtree(tree)
    assert "not all of it could be listed" in _kept(tree, "--allow-empty", code=1, gone=42)
    tree.mkdir()
    assert _kept(tree, "--allow-empty", "--no-delete", gone=42) == "--no-delete"
    assert index(tree, "--allow-empty")["deleted"] == 42


def test_an_empty_folder_on_another_file_system_is_not_mounted(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(tree)
    shutil.rmtree(tree)
    tree.mkdir()
    monkeypatch.setattr(mounts, "_file_systems", {tree.stat().st_dev: "ext4 /dev/other"})
    assert "which was not found below it" in _kept(tree, "--allow-empty", gone=42)


def test_a_root_that_does_not_exist_deletes_nothing(tree: Path) -> None:
    index(tree)
    tree.rename(tree.parent / "away")
    assert "not all of it could be listed: FILE_NOT_FOUND" in _kept(tree, "--yes", code=1, gone=42)


def test_another_file_system_deletes_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the mount point of an export, other files may lie."""
    index(tree)
    (tree / "sh001/beauty.1001.exr").unlink()
    monkeypatch.setattr(mounts, "_file_systems", {tree.stat().st_dev: "ext4 /dev/other"})
    device = query("SELECT DISTINCT device FROM files")[0][0]
    assert f"files were on {device}, which was not found below it" in _kept(tree)
    assert index(tree, "--yes")["deleted"] == 1


def test_a_folder_that_cannot_be_read_deletes_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(tree)
    (tree / "sh001/beauty.1001.exr").unlink()
    scan = os.scandir

    def guarded(folder: str) -> Any:
        if str(folder).endswith("sh003"):
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return scan(folder)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", guarded)
        assert "STORAGE_DENIED" in _kept(tree, "--yes", code=1, gone=11)
    assert index(tree)["deleted"] == 1


def test_no_delete_keeps_what_is_gone(tree: Path) -> None:
    index(tree)
    (tree / "sh001/beauty.1001.exr").unlink()
    assert _kept(tree, "--no-delete") == "--no-delete"


def test_a_dry_run_changes_nothing_and_says_what_it_takes(tree: Path) -> None:
    index(tree)
    (tree / "sh001/beauty.1001.exr").unlink()
    write(tree / "sh001/new.exr", simple(4, 4))
    before = Path(DB).read_bytes()
    summary = index(tree, "--dry-run")
    assert counts(summary) == [42, 1, 0, 41, 1, 0]
    assert (summary["deleted"], summary["size_bytes"]) == (0, (tree / "sh001/new.exr").stat().st_size)
    assert Path(DB).read_bytes() == before
    assert (
        "a run would read at most 0 MiB with at least 0 requests"
        in run("index", tree, "--db", DB, "--dry-run").stdout
    )


# --- trouble --------------------------------------------------------------------------------------------


def test_a_file_that_vanishes_after_it_was_listed_keeps_its_row(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file system may have been unmounted."""
    index(tree)
    write(tree / "sh001/beauty.1001.exr", simple(8, 8))
    write(tree / "sh001/new.exr", simple(8, 8))
    from exr_inspector.apps.index import worker

    inspect = worker.inspect_files

    def late(files: Any, runtime: Any) -> Any:
        for each in files:
            Path(each.path).unlink()
        return inspect(files, runtime)

    with monkeypatch.context() as patch:
        patch.setattr(worker, "inspect_files", late)
        assert counts(index(tree)) == [41, 0, 0, 41, 0, 0]
    assert len(query("SELECT * FROM files")) == 42
    assert query("SELECT count(*) FROM files WHERE status = 'missing'") == [(0,)]
    assert counts(index(tree)) == [41, 0, 0, 41, 1, 0]


def test_a_root_that_is_unmounted_before_the_deletion_deletes_nothing(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(tree)
    (tree / "sh001/beauty.1001.exr").unlink()
    from exr_inspector.apps.index import run as module

    monkeypatch.setattr(module, "_is_there", lambda *_: False)
    assert _kept(tree) == "it was unmounted"


def test_a_file_that_came_back_is_not_deleted(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index(tree)
    (tree / "sh001/beauty.1001.exr").unlink()
    from exr_inspector.apps.index import run as module

    reconcile = module.Run._reconcile

    def late(self: Any, *arguments: Any, **options: Any) -> None:
        write(tree / "sh001/beauty.1001.exr", simple(4, 4))
        reconcile(self, *arguments, **options)

    monkeypatch.setattr(module.Run, "_reconcile", late)
    assert index(tree)["deleted"] == 0
    assert len(query("SELECT * FROM files")) == 42


def test_a_named_pipe_fails_and_the_others_are_stored(tree: Path) -> None:
    os.mkfifo(tree / "pipe.exr")
    summary = index(tree, code=1)
    assert counts(summary) == [43, 42, 0, 0, 0, 1]
    assert "NOT_A_FILE" in summary["faults"][0]


def test_names_that_are_not_utf_8_are_stored_and_deleted(tree: Path) -> None:
    name = os.fsencode(tree) + b"/sh001/\xff.exr"
    with Path(os.fsdecode(name)).open("wb") as file:
        file.write(simple(4, 4))
    assert counts(index(tree)) == [43, 43, 0, 0, 0, 0]
    assert counts(index(tree)) == [43, 0, 0, 43, 0, 0]
    Path(os.fsdecode(name)).unlink()
    assert counts(index(tree)) == [42, 0, 0, 42, 1, 0]
    assert len(query("SELECT * FROM files")) == 42


def test_a_database_is_needed(tree: Path) -> None:
    done = run("index", tree)
    assert done.exit_code == 2
    assert "BAD_SETTING: name a database with --db" in done.stderr


def test_a_file_system_that_gives_other_times_is_compared_as_it_is_stored(tree: Path) -> None:
    write(tree / "sh001/old.exr", simple(4, 4), time=-1)
    write(tree / "sh001/new.exr", simple(4, 4), time=OLD * 5)
    index(tree)
    assert counts(index(tree)) == [44, 0, 0, 44, 0, 0]


def test_no_database_is_created_if_there_is_no_root(tmp_path: Path) -> None:
    done = run("index", tmp_path / "absent", "--db", tmp_path / "rows.duckdb")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "rows.duckdb was not created" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_root_without_files_is_mentioned(tmp_path: Path) -> None:
    done = run("index", tmp_path, "--db", tmp_path / "rows.duckdb")
    assert done.stderr == "The roots contain no .exr file\n"


def test_a_fault_before_the_listing_says_nothing_of_the_roots(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise InspectorError(DATABASE_FULL, "No space left on device")

    monkeypatch.setattr(Inventory, "copy_stored", fail)
    done = run("index", tree, "--db", DB)
    assert (done.exit_code, done.stderr.splitlines()[0]) == (
        2,
        "exr-inspector: DATABASE_FULL: No space left on device",
    )
