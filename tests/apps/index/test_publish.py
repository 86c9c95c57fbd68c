"""The DuckDB file as other processes see it: who holds it, and the copy that they can read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from exr_inspector import mounts
from exr_inspector.apps.cli.terminal import harmless
from exr_inspector.apps.index import publish
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.store import DuckDBStore
from tests.apps.cli.command import environment, run
from tests.apps.index.test_index import DB, index, query


@pytest.fixture
def holder(tree: Path) -> Iterator[int]:
    """Another process that has the database open, after a first run."""
    index(tree, "--publish", "copy.duckdb")
    script = "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script, DB], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.communicate("\n")


def test_a_file_in_use_is_refused_with_its_holder_and_the_copy_is_readable(tree: Path, holder: int) -> None:
    for command in (["index", tree], ["sql", "SELECT 1"], ["similar", tree / "sh001/beauty.1001.exr"]):
        done = run(*command, "--db", DB)
        assert done.exit_code == 2
        assert f"(process {holder}) has the file open" in done.stderr
        assert "DATABASE_IN_USE" in done.stderr
        assert "--publish" in done.stderr
    assert (
        run("sql", "SELECT count(*) AS n FROM files", "--db", "copy.duckdb", "--json").stdout == '{"n":42}\n'
    )
    found = run("similar", tree / "sh001/beauty.1001.exr", "--db", "copy.duckdb", "--json")
    assert found.exit_code == 0
    assert len(found.stdout.splitlines()) == 5


def test_a_copy_has_all_rows_and_the_vectors_of_one_file_of_each_sequence(tree: Path) -> None:
    index(tree, "--publish", "copy.duckdb")
    with duckdb.connect("copy.duckdb", read_only=True) as copy:
        for table in TABLES:
            vectors = ("metadata_embedding", "channel_fingerprint")
            columns = ", ".join(f'"{name}"' for name in TABLES[table].names if name not in vectors)
            sql = f"SELECT {columns} FROM {table} ORDER BY ALL"
            assert copy.execute(sql).fetchall() == query(sql)
            schema = copy.sql(f"FROM {table}").to_arrow_table().schema
            assert schema.names == [*TABLES[table].names, "path_rank"]
            assert copy.execute(
                f"SELECT DISTINCT path_rank, file_path FROM {table} ORDER BY 2"
            ).fetchall() == (
                copy.execute(f"SELECT DISTINCT path_rank, file_path FROM {table} ORDER BY 1").fetchall()
            )
        kept = copy.execute("""
            SELECT coalesce(sequence_key, file_path),
                min(file_path) FILTER (metadata_embedding IS NOT NULL),
                count(channel_fingerprint), min(file_path)
            FROM files GROUP BY ALL
        """).fetchall()
    assert {count for _, _, count, _ in kept} == {1}
    assert all(chosen == first for _, chosen, _, first in kept)


def test_a_copy_is_replaced_as_a_whole_and_readers_keep_theirs(tree: Path) -> None:
    index(tree, "--publish", "it's a copy.duckdb")
    with duckdb.connect("it's a copy.duckdb", read_only=True) as reader:
        (tree / "sh001/beauty.1001.exr").unlink()
        index(tree, "--publish", "it's a copy.duckdb")
        assert reader.execute("SELECT count(*) FROM files").fetchall() == [(42,)]
    with duckdb.connect("it's a copy.duckdb", read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM files").fetchall() == [(41,)]
    assert [each.name for each in Path().glob("*part*")] == []


def test_copies_are_written_when_the_number_of_files_has_doubled(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[int] = []
    monkeypatch.setattr(publish, "FIRST", 10)
    monkeypatch.setattr("exr_inspector.apps.index.pool.SHARD", 4)
    monkeypatch.setattr("exr_inspector.apps.index.pool.shards.__defaults__", (4,))
    copy = DuckDBStore.publish

    def counted(self: DuckDBStore, path: str) -> None:
        copies.append(self.count_files())
        copy(self, path)

    monkeypatch.setattr(DuckDBStore, "publish", counted)
    index(tree, "--publish", "copy.duckdb")
    assert copies == [12, 24, 42]


def test_a_store_on_a_network_file_system_is_refused_unless_it_is_only_read(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(tree)
    monkeypatch.setattr(mounts, "_file_systems", {tree.stat().st_dev: "nfs4 vast:/renders"})
    done = run("index", tree, "--db", "other.duckdb")
    assert done.exit_code == 2
    assert "DATABASE_DENIED: the folder is on nfs4 vast:/renders" in done.stderr
    assert not Path("other.duckdb").exists()
    assert run("sql", "SELECT 1", "--db", DB).exit_code == 0


@pytest.mark.parametrize(
    "name",
    [
        *(DB, "link.duckdb", "hard.duckdb", "other.duckdb", "foreign.duckdb"),
        *("notes.txt", "no/copy.duckdb", "\udcff.duckdb"),
    ],
)
def test_a_snapshot_replaces_nothing_but_a_snapshot(tree: Path, name: str) -> None:
    index(tree)
    Path("link.duckdb").symlink_to(DB)
    Path("hard.duckdb").hardlink_to(DB)
    Path("other.duckdb").write_bytes(Path(DB).read_bytes())
    with duckdb.connect("foreign.duckdb") as foreign:
        foreign.execute("CREATE TABLE snapshot (taken DATE)")
    Path("notes.txt").write_text("what was decided")
    before = Path(name).read_bytes() if Path(name).exists() else None
    done = run("index", tree, "--db", DB, "--publish", name)
    assert (done.exit_code, done.stdout) == (2, ""), "it is refused before the files are listed"
    assert harmless(name) in done.stderr
    assert before is None or Path(name).read_bytes() == before


def test_a_snapshot_for_which_there_is_no_room_replaces_nothing(tree: Path) -> None:
    index(tree, "--publish", "copy.duckdb")
    before = Path("copy.duckdb").read_bytes()
    limited = "import resource, runpy, sys; limit = int(sys.argv.pop(1))\n"
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))\n"
    limited += "runpy.run_module('exr_inspector', run_name='__main__')"
    for limit in range(256 << 10, len(before), 512 << 10):
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                limited,
                str(limit),
                "index",
                tree,
                "--db",
                DB,
                "--publish",
                "copy.duckdb",
            ],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert "DATABASE_FULL" in done.stderr
        assert Path("copy.duckdb").read_bytes() == before


@pytest.mark.parametrize(
    "command",
    [
        ("index", "tree"),
        ("inspect", "-n", "tree/sh001/beauty.1001.exr"),
        ("check", "--store"),
        ("forget", "--attribute", "*", "--yes"),
    ],
)
def test_a_snapshot_is_not_changed(tree: Path, command: tuple[str, ...]) -> None:
    index(tree, "--publish", "copy.duckdb")
    before = Path("copy.duckdb").read_bytes()
    done = run(*command, "--db", "copy.duckdb")
    assert done.exit_code == 2
    assert "NOT_A_DATABASE: this is a snapshot, which is never changed" in done.stderr
    assert Path("copy.duckdb").read_bytes() == before
