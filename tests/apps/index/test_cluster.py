"""`index --dask`: a real scheduler and real workers, encrypted, killed, and of another version."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dask
import pytest

from exr_inspector import version
from exr_inspector.apps.index import cluster as module
from exr_inspector.apps.index import pool, worker
from exr_inspector.errors import InspectorError
from exr_inspector.settings import Settings
from tests.apps.cli.command import COMMAND, ending, environment, run
from tests.apps.index import faulty
from tests.apps.index.conftest import write
from tests.apps.index.dask_cluster import (
    Cluster,
    guide,
    make_certificates,
    running_scheduler,
    running_workers,
)
from tests.apps.index.test_index import DB, counts, index, query
from tests.apps.index.test_pool import rows
from tests.catalog import backends
from tests.exrfiles.demo import simple


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Run a scheduler and two workers, which speak TLS."""
    folder = tmp_path_factory.mktemp("cluster")
    with running_scheduler(folder, is_encrypted=True) as found, running_workers(found, 2):
        yield found


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool.shards, "__defaults__", (11,))


def _refused(tree: Path, *options: str) -> str:
    done = run("index", tree, "--db", DB, *options)
    assert done.exit_code == 2, done.output
    return done.stderr


# --- what it does -----------------------------------------------------------------------------------------


def test_a_cluster_makes_the_tables_that_one_process_makes(tree: Path, cluster: Cluster) -> None:
    assert counts(index(tree, *cluster.options)) == [42, 42, 0, 0, 0, 0]
    index(tree, "-j1", db="one.duckdb")
    assert rows(DB) == rows("one.duckdb")


@pytest.mark.slow
def test_a_file_that_kills_workers_becomes_a_row_and_costs_no_other(
    tree: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tree / "sh001/killer.exr", simple(4, 4))
    write(tree / "sh003/once.exr", simple(4, 4))
    monkeypatch.setattr(pool.shards, "__defaults__", (2,))
    monkeypatch.setattr(worker, "inspect_shard", faulty.inspect_shard)
    assert counts(index(tree, *cluster.options)) == [44, 44, 0, 0, 0, 0]
    lost = query("SELECT file_path, status FROM files WHERE errors_json LIKE '%WORKER_LOST%'")
    assert lost == [(str(tree / "sh001/killer.exr"), "unsupported")]
    assert query("SELECT count(*), count(DISTINCT file_id) FROM files") == [(44, 44)]


@pytest.mark.slow
def test_workers_store_rows_in_vast_database_themselves(
    tree: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    with backends.vast() as database:
        settings = database.settings()
        for name in ("endpoint", "access_key", "secret_key", "bucket", "journal"):
            monkeypatch.setenv(f"VAST_DB_{name.upper()}", getattr(settings, f"vast_{name}"))
        done = run("index", tree, *cluster.options)
        assert (done.exit_code, done.stdout[:15]) == (0, "42 seen, 42 new")
        file_ids = [row["file_id"] for row in backends.rows(database, "files")]
        assert len(file_ids) == len(set(file_ids)) == 42


def test_nothing_is_asked_of_the_cluster_if_nothing_is_new(tree: Path) -> None:
    index(tree)
    assert counts(index(tree, "--dask", "tcp://127.0.0.1:1")) == [42, 0, 0, 42, 0, 0]


# --- what it refuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:8786", "tcp://farm:8786", "tcp://[2001:db8::1]:8786"])
def test_an_open_address_of_another_machine_is_refused(tree: Path, address: str) -> None:
    message = _refused(tree, "--dask", address)
    assert "BAD_SETTING: a Dask worker runs any code that it receives" in message
    assert "name tls://HOST:PORT" in message


@pytest.mark.parametrize(
    "address", ["farm:8786", "tls://farm", "tls://farm:none", "inproc://a:1", "tls://[:1"]
)
def test_what_is_no_address_is_refused(tree: Path, address: str) -> None:
    assert "BAD_SETTING: name the scheduler as tls://HOST:PORT" in _refused(tree, "--dask", address)


def test_tls_needs_certificates(tree: Path, cluster: Cluster, tmp_path: Path) -> None:
    assert "tls:// needs --dask-ca, --dask-cert" in _refused(tree, "--dask", cluster.address)
    absent = ["--dask", cluster.address, "--dask-ca", "absent.pem", "--dask-cert", "absent.pem"]
    assert "BAD_SETTING: the certificates cannot be read" in _refused(tree, *absent)


def test_certificates_may_be_those_of_dasks_configuration(tree: Path, cluster: Cluster) -> None:
    files = {"ca-file": "ca.pem", "client.cert": "cert.pem", "client.key": "key.pem"}
    paths = {f"distributed.comm.tls.{name}": str(cluster.folder / file) for name, file in files.items()}
    with dask.config.set(paths):
        assert index(tree, "--dask", cluster.address)["new"] == 42


def test_a_stranger_is_not_let_in(tree: Path, cluster: Cluster, tmp_path: Path) -> None:
    strange = guide("exr-inspector index /renders", cluster.address, make_certificates(tmp_path))
    message = _refused(tree, *strange)
    assert "NO_WORKERS: the scheduler does not answer" in message


def test_processes_of_this_machine_are_not_counted(tree: Path) -> None:
    assert "--dask uses none" in _refused(tree, "--dask", "tcp://127.0.0.1:1", "-j2")


def test_another_version_is_named(tree: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = version.VERSION
    with monkeypatch.context() as patch:
        patch.setattr(version, "VERSION", "0.9")
        message = f"NO_WORKERS: the scheduler has exr-inspector {ours}, and this is 0.9"
        assert message in _refused(tree, *cluster.options)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version", sys.version.replace(platform.python_version(), "3.9.1"))
        assert ", and this is 3.9\n" in _refused(tree, *cluster.options)


def test_a_worker_that_does_not_see_the_folder_is_named(cluster: Cluster) -> None:
    files = {"tls_ca_file": "ca.pem", "tls_client_cert": "cert.pem", "tls_client_key": "key.pem"}
    certificates = {name: str(cluster.folder / file) for name, file in files.items()}
    found = module.Cluster(cluster.address, certificates, Settings(), ["/no/such/folder"])
    with pytest.raises(InspectorError, match=r"NO_WORKERS: the worker tls://.* does not see /no/such"):
        found.__enter__()


# --- the scheduler ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_scheduler_is_reported_and_the_next_run_completes(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool.shards, "__defaults__", (500,))
    for number in range(200):
        write(tree / f"many/frame.{number:04}.exr", simple(4, 4))
    with running_scheduler(tmp_path, is_encrypted=False) as found:
        monkeypatch.setattr(module, "TIMEOUT", 1)
        assert "NO_WORKERS: the scheduler has no worker" in _refused(tree, *found.options)
        script = (
            "from exr_inspector.apps.cli import commands; from exr_inspector.apps.index import pool\n"
            "pool.shards.__defaults__ = (10,)\n"
            f"commands(['index', 'tree', '--db', {DB!r}, *{found.options!r}])"
        )
        with (
            running_workers(found, 1),
            ending(
                subprocess.Popen(
                    [COMMAND[0], "-c", script],
                    env=environment(),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            ) as driver,
        ):
            while not (log := Path(f"{DB}.wal")).exists() or log.stat().st_size < 50_000:
                assert driver.poll() is None
                time.sleep(0.01)
            found.scheduler.kill()
            out, errors = driver.communicate()
    assert driver.returncode == 2
    assert errors.startswith("exr-inspector: NO_WORKERS: the scheduler no longer answers")
    assert "then run the command again; it continues with the files that are not stored" in errors
    assert "Traceback" not in errors
    stored = query("SELECT count(*) FROM files")[0][0]
    assert 0 < stored < 242
    assert out.startswith(f"242 seen, {stored} new")
    assert counts(index(tree)) == [242, 242 - stored, 0, stored, 0, 0]
    index(tree, db="clean.duckdb")
    assert rows(DB) == rows("clean.duckdb")
