"""`persist_to_vast_database` with a fake session: without a network."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import vastdb.errors

from exr_inspector import errors, inspect
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.persist import persist_to_vast_database
from exr_inspector.catalog.vast.transactions import MAX_ROLLBACKS
from exr_inspector.errors import InspectorError
from exr_inspector.location import path_location
from exr_inspector.settings import SETTINGS as SETTINGS_BY_NAME
from exr_inspector.settings import Settings
from tests.catalog.fake_session import FakeSession, FakeTable, answered
from tests.exrfiles.demo import simple

if TYPE_CHECKING:
    from pathlib import Path

    from tests.document.documents import Document

SETTINGS = Settings(vast_bucket="studio", vast_attempts=1)


@pytest.fixture(autouse=True)
def _unconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in SETTINGS_BY_NAME.values():
        for name in setting.env:
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def document(tmp_path: Path) -> Document:
    path = tmp_path / "beauty.1001.exr"
    path.write_bytes(simple(8, 4))
    return {**inspect(path)}


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


def counts(session: FakeSession) -> list[int]:
    return [count for table in TABLES if (count := len(session.rows(table)))]


def test_a_new_file_is_inserted(session: FakeSession, document: Document) -> None:
    answer = persist_to_vast_database(document, session, SETTINGS)
    location = document["file"]["path"]
    assert answer["status"] == "stored"
    assert answer["inserted"] is True
    assert answer["file_id"] == path_location(location).file_id
    assert counts(session) == [1, 1, 3, len(document["parts"][0]["attributes"]), 1]
    assert session.rows("files")[0]["file_path"] == location
    assert "rollback" not in session.calls


def test_a_known_file_increments_its_inspection_count(session: FakeSession, document: Document) -> None:
    first = persist_to_vast_database(document, session, SETTINGS)
    held = counts(session)
    second = persist_to_vast_database(document, session, SETTINGS)
    assert (second["status"], second["inserted"], second["file_id"]) == ("stored", False, first["file_id"])
    assert counts(session) == held
    assert session.rows("files")[0]["inspection_count"] == 2


def test_a_changed_file_replaces_its_rows(session: FakeSession, document: Document) -> None:
    persist_to_vast_database(document, session, SETTINGS)
    changed = copy.deepcopy(document)
    del changed["channels"][1:]
    answer = persist_to_vast_database(changed, session, SETTINGS)
    assert (answer["status"], answer["inserted"]) == ("stored", False)
    assert counts(session)[:3] == [1, 1, 1]


@pytest.mark.parametrize("step", ["select", "update", "insert"])
def test_a_failure_inside_the_transaction_is_raised_and_leaves_nothing(
    session: FakeSession, document: Document, step: str
) -> None:
    persist_to_vast_database(document, session, SETTINGS)
    held = copy.deepcopy(session.tables)
    changed = copy.deepcopy(document)
    changed["file"]["path"] = "/elsewhere/beauty.1001.exr"
    session.failing[step] = answered(vastdb.errors.ServiceUnavailable, 503)
    with pytest.raises(InspectorError) as failure:
        persist_to_vast_database(changed, session, SETTINGS)
    assert failure.value.fault is errors.DATABASE_UNAVAILABLE
    assert failure.value.retry
    assert session.calls[-1] == "rollback"
    assert {name: table.rows for name, table in session.tables.items()} == {
        name: table.rows for name, table in held.items()
    }


def test_a_failing_rollback_does_not_hide_the_first_error(session: FakeSession, document: Document) -> None:
    session.failing["insert"] = answered(vastdb.errors.Forbidden, 403)
    session.failing["rollback"] = vastdb.errors.ConnectionError(OSError("gone"), may_retry=False)
    with pytest.raises(InspectorError) as failure:
        persist_to_vast_database(document, session, SETTINGS)
    assert failure.value.fault is errors.DATABASE_DENIED
    assert session.calls[-MAX_ROLLBACKS:] == ["rollback"] * MAX_ROLLBACKS


def test_an_unexpected_error_is_raised_unchanged(session: FakeSession, document: Document) -> None:
    persist_to_vast_database(document, session, SETTINGS)
    session.failing["update"] = ValueError("unexpected")
    with pytest.raises(ValueError, match="unexpected"):
        persist_to_vast_database(document, session, SETTINGS)
    assert session.calls[-1] == "rollback"


def test_without_a_database_nothing_is_stored(document: Document) -> None:
    answer = persist_to_vast_database(document)
    assert (answer["status"], answer["inserted"]) == ("skipped", False)
    assert answer["file_id"] == path_location(document["file"]["path"]).file_id
    assert "VAST_DB_ENDPOINT" in answer["message"]


@pytest.mark.parametrize(
    ("environment", "absent"),
    [
        ({"VAST_DB_ENDPOINT": "http://127.0.0.1:1"}, "VAST_DB_ACCESS_KEY"),
        ({"VAST_DB_BUCKET": "studio", "VAST_DB_ACCESS_KEY": "a"}, "VAST_DB_ENDPOINT"),
    ],
)
def test_missing_credentials_are_a_coded_error(
    document: Document, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], absent: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    answer = persist_to_vast_database(document)
    assert (answer["status"], answer["inserted"]) == ("error", False)
    assert answer["message"].startswith("BAD_SETTING")
    assert absent in answer["message"]


def test_a_session_without_a_bucket_is_a_coded_error(session: FakeSession, document: Document) -> None:
    answer = persist_to_vast_database(document, session)
    assert (answer["status"], session.calls) == ("error", [])
    assert "VAST_DB_BUCKET" in answer["message"]


def test_with_a_session_only_the_bucket_is_required(
    session: FakeSession, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session has the address and the keys."""
    monkeypatch.setenv("VAST_DB_BUCKET", "studio")
    monkeypatch.setenv("VAST_DB_SCHEMA", "renders")
    answer = persist_to_vast_database(document, session)
    assert (answer["status"], answer["message"]) == ("stored", "inserted in studio/renders")


def test_columns_are_sent_in_the_tables_order(session: FakeSession, document: Document) -> None:
    """It differs from ours if columns were added later. The fake checks the order; the server uses names."""
    session.tables = {name: FakeTable(pa.schema(list(schema)[::-1])) for name, schema in TABLES.items()}
    assert persist_to_vast_database(document, session, SETTINGS)["inserted"] is True


def test_the_result_is_plain_data(session: FakeSession, document: Document) -> None:
    answer: dict[str, Any] = persist_to_vast_database(document, session, SETTINGS)
    assert list(answer) == ["status", "file_id", "inserted", "message"]
    assert {type(value) for value in answer.values()} == {str, bool}
