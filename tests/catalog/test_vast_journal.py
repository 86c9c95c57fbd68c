"""Transactions of killed processes: the error says what they block, and the next process rolls them back."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector import errors
from exr_inspector.apps.cli import commands
from exr_inspector.apps.vast_check import ENDED, ROLLED_BACK, recorded_transactions
from exr_inspector.catalog.vast import journal, transactions
from exr_inspector.catalog.vast.journal import SUFFIX, Entry, Journal, default_folder, folder_of, records
from exr_inspector.catalog.vast.locks import shard_of
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.errors import InspectorError
from tests.catalog.backends import Vast, rows, tables
from tests.catalog.deliveries import batch, held, wanted
from tests.catalog.dying import Dying, dying
from tests.catalog.rows import delivered, expected
from tests.vast_server.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exr_inspector.settings import Settings

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="journals are locked with flock")

FILE = delivered("a", version=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journals"


@pytest.fixture
def settings(database: Vast, folder: Path) -> Settings:
    return database.settings(vast_journal=str(folder), vast_attempts=2)


@contextlib.contextmanager
def blocked(database: Vast, settings: Settings) -> Iterator[VastStore]:
    """Provide a store of this process whose transaction is open and cannot be rolled back."""
    store = VastStore(settings, wait=database.wait)
    store.ensure_tables()
    database.server.faults.every(Fault(status=500), on="rollback")
    database.server.faults.at(1, Fault(status=403), on="insert")
    with pytest.raises(InspectorError):
        store.upsert([FILE])
    database.server.faults.clear()
    assert len(database.server.open_transactions) == 1
    yield store
    store.close()


@pytest.fixture(scope="module")
def process() -> Iterator[Dying]:
    with dying() as process:
        yield process


@pytest.fixture
def killed(process: Dying, database: Vast, settings: Settings) -> None:
    """Someone has delivered `batch("x")`, and was killed before the commit."""
    database.store().upsert(held("x"))
    assert process.die(settings, 6, "x")


# --- the error --------------------------------------------------------------------------------------------


def test_a_conflict_says_which_shard_is_held_and_since_when(database: Vast, settings: Settings) -> None:
    with blocked(database, settings), pytest.raises(InspectorError) as refusal:
        database.store(vast_attempts=2).upsert([FILE])
    assert refusal.value.fault is errors.DATABASE_CONFLICT
    assert f"the lock of shard {shard_of(FILE.file_id)}, under which no write was" in refusal.value.message
    assert "attempt 2 since 20" in refusal.value.message


def test_a_conflict_names_the_last_committed_write_under_the_lock(database: Vast, settings: Settings) -> None:
    database.store().upsert([delivered("a")])
    (row,) = rows(database, "files")
    (lock,) = [each for each in rows(database, "locks") if each["holder"]]
    assert (lock["holder"], lock["held_since"]) == (row["write_id"], row["last_inspected"])
    with blocked(database, settings), pytest.raises(InspectorError) as refusal:
        database.store(vast_attempts=2).upsert([FILE])
    assert f"is {row['write_id']} (transaction {lock['transaction_id']}, {lock['held_since']} UTC)" in str(
        refusal.value
    )


def test_a_conflict_of_a_batch_names_some_of_its_shards(database: Vast, settings: Settings) -> None:
    files = [FILE, *(delivered(f"b{number}") for number in range(5))]
    with blocked(database, settings), pytest.raises(InspectorError, match=r"shards \d+, \d+, \d+ and 3 more"):
        database.store(vast_attempts=2).upsert(files)


# --- the next process -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("killed")
def test_the_next_process_rolls_back_what_a_killed_one_left_open(
    database: Vast, settings: Settings, folder: Path
) -> None:
    assert len(database.server.open_transactions) == 1
    with pytest.raises(InspectorError, match="DATABASE_CONFLICT"):
        database.store(vast_attempts=2).upsert(batch("x"))
    store = VastStore(settings, wait=database.wait)
    store.upsert(batch("x"))
    assert tables(database) == wanted("x")
    assert database.server.open_transactions == []
    store.close()
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("killed")
def test_a_rollback_that_fails_is_left_to_the_process_after_the_next(
    database: Vast, settings: Settings
) -> None:
    database.server.faults.every(Fault(status=500), on="rollback")
    VastStore(settings, wait=database.wait).ensure_tables()
    database.server.faults.clear()
    assert len(database.server.open_transactions) == 1
    VastStore(settings, wait=database.wait).ensure_tables()
    assert database.server.open_transactions == []


def test_transactions_of_a_running_process_are_left_alone(database: Vast, settings: Settings) -> None:
    with blocked(database, settings):
        other = VastStore(settings, wait=database.wait)
        other.upsert([delivered("b")])
        other.close()
        assert len(database.server.open_transactions) == 1
    assert database.server.open_transactions == []


@pytest.mark.usefixtures("killed")
def test_transactions_of_another_database_are_left_alone(database: Vast, settings: Settings) -> None:
    other = VastStore(
        database.settings(vast_journal=settings.vast_journal, vast_schema="other"), wait=database.wait
    )
    other.ensure_tables()
    assert len(database.server.open_transactions) == 1
    database.server.expire()


@pytest.mark.usefixtures("killed")
def test_old_transactions_are_listed_and_rolled_back_on_request(
    database: Vast, settings: Settings, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(transactions, "MAX_ABANDONED_AGE", -1.0)
    (txid,) = database.server.open_transactions
    VastStore(settings, wait=database.wait).ensure_tables()
    assert database.server.open_transactions == [txid]
    (found,) = recorded_transactions(settings, 3600)
    assert found.question.startswith(f"transaction {txid}, write ")
    assert "the process no longer exists" in found.answer
    (found,) = recorded_transactions(settings, 0)
    assert found.answer == ROLLED_BACK
    assert database.server.open_transactions == []
    assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("killed")
def test_a_recorded_transaction_that_has_ended_is_said_to_have(database: Vast, settings: Settings) -> None:
    database.server.expire()
    assert [each.answer for each in recorded_transactions(settings, None)] == [ENDED]
    assert list(recorded_transactions(settings, None)) == []


@pytest.mark.usefixtures("killed")
def test_check_db_lists_open_transactions_and_rolls_them_back(
    database: Vast, settings: Settings, folder: Path
) -> None:
    environment = {
        "VAST_DB_ENDPOINT": settings.vast_endpoint,
        "VAST_DB_ACCESS_KEY": settings.vast_access_key,
        "VAST_DB_SECRET_KEY": settings.vast_secret_key,
        "VAST_DB_BUCKET": settings.vast_bucket,
        "VAST_DB_JOURNAL": str(folder),
    }
    (txid,) = database.server.open_transactions
    done = CliRunner().invoke(commands, ["check-db"], env=environment)
    assert f"transaction {txid}" in done.output
    assert done.exit_code == 1
    assert database.server.open_transactions == [txid]
    done = CliRunner().invoke(commands, ["check-db", "--roll-back-stale", "0"], env=environment)
    assert "rolled back" in done.output
    assert done.exit_code == 0, done.output
    assert database.server.open_transactions == []


# --- journals ---------------------------------------------------------------------------------------------


def test_a_journal_holds_open_transactions_alone_and_no_secret(
    database: Vast, settings: Settings, folder: Path
) -> None:
    store = VastStore(settings, wait=database.wait)
    store.upsert([delivered("b")])
    (path,) = folder.iterdir()
    assert json.loads(path.read_text())["entries"] == []
    with blocked(database, settings):
        texts = [path.read_text() for path in folder.iterdir()]
        assert sum(f'"transaction": {database.server.open_transactions[0]},' in text for text in texts) == 1
        assert not any(database.server.secret_key in text for text in texts)
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    store.close()
    assert list(folder.iterdir()) == []


def test_a_folder_that_others_can_write_to_is_not_used(
    database: Vast, settings: Settings, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    with caplog.at_level(logging.WARNING, "exr_inspector"):
        store = VastStore(settings, wait=database.wait)
        store.upsert([FILE])
        store.close()
    assert "Open transactions are not recorded" in caplog.text
    assert list(folder.iterdir()) == []
    assert tables(database) == expected(FILE)


def test_a_forked_process_has_a_journal_of_its_own(folder: Path) -> None:
    kept = Journal(folder, "db")
    kept.add(Entry.of(1, "w1", (1,)))
    child = os.fork()
    if child == 0:
        kept.add(Entry.of(2, "w2", (2,)))
        os._exit(0)
    os.waitpid(child, 0)
    found = {each.is_running: [entry.transaction for entry in each.entries] for each in records(folder, "db")}
    assert found == {True: [1], False: [2]}
    kept.remove(1)
    kept.close()


@given(content=st.one_of(st.binary(max_size=200), st.from_regex(r'\{"entries": \[.*\]\}', fullmatch=True)))
def test_a_file_that_is_no_journal_is_passed_over(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    folder = tmp_path_factory.mktemp("journals")
    (folder / f"x{SUFFIX}").write_bytes(content.encode() if isinstance(content, str) else content)
    assert list(records(folder, "db")) == []


def test_by_default_each_user_has_a_folder_of_journals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "default_folder", default_folder)
    found = folder_of("")
    assert found == default_folder()
    assert found
    assert found.name.endswith(f"-{os.getuid()}")


def test_the_setting_none_keeps_no_journal() -> None:
    assert folder_of("none") is None
    kept = Journal(None, "db")
    kept.add(Entry.of(1, "w", (1,)))
    kept.remove(1)
    kept.close()
