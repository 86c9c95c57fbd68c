"""Every failure of the SDK and of the server becomes a coded error, and is retried only if that may help."""

from __future__ import annotations

import contextlib
import http.server
import inspect
import threading
from typing import TYPE_CHECKING

import pytest
import requests
import urllib3
import vastdb.errors
from vastdb._internal import QueryDataInternalError

from exr_inspector import errors
from exr_inspector.catalog.search import Search
from exr_inspector.catalog.vast.errors import FAILURES, verdict_of
from exr_inspector.catalog.vast.sdk import connect
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.catalog.vast.transactions import FIRST_WAIT, MAX_WAIT
from exr_inspector.errors import Fault as CodedFault
from exr_inspector.errors import InspectorError
from exr_inspector.settings import Settings
from exr_inspector.vectors.embedding import EMBEDDING_VERSION
from tests.catalog.backends import tables
from tests.catalog.conftest import TIMEOUT
from tests.catalog.rows import delivered, expected, with_cells
from tests.vast_server.answers import Framing
from tests.vast_server.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.catalog.backends import Vast

DOWN, BUSY = errors.DATABASE_UNAVAILABLE, errors.DATABASE_CONFLICT
DENIED, REFUSED = errors.DATABASE_DENIED, errors.DATABASE_REFUSED

# The fault of each response, and the number of requests if two attempts are allowed.
ANSWERS: dict[str, tuple[Fault, CodedFault, int]] = {
    "400": (Fault(status=400), REFUSED, 2),  # one more with fresh metadata, as for others below
    "401": (Fault(status=401), DENIED, 1),
    "403": (Fault(status=403), DENIED, 1),
    "404": (Fault(status=404), DOWN, 3),
    "405": (Fault(status=405), REFUSED, 2),
    "408": (Fault(status=408), DOWN, 2),
    "409": (Fault(status=409), BUSY, 3),
    "413": (Fault(status=413), REFUSED, 2),
    "429": (Fault(status=429), DOWN, 2),
    "500": (Fault(status=500), DOWN, 3),
    "501": (Fault(status=501), REFUSED, 2),
    "502": (Fault(status=502), DOWN, 2),
    "503": (Fault(status=503), DOWN, 2),
    "504": (Fault(status=504), DOWN, 2),
    "507": (Fault(status=507), DOWN, 2),
    "reset": (Fault(reset=True), DOWN, 2),
    "slow down": (Fault(status=503, code="SlowDown"), DOWN, 2),
    "cut": (Fault(cut=True, after=True), DOWN, 2),
    "timeout": (Fault(status=500, delay=2 * TIMEOUT), DOWN, 2),
}


@pytest.fixture(scope="module")
def conflict() -> str:
    return "write"  # the mode does not matter here


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_ends_as_its_fault_after_as_many_tries_as_may_help(
    shared: Vast, name: str, answer: str
) -> None:
    fault, coded, tries = ANSWERS[answer]
    store = shared.store(vast_attempts=2)
    store.ensure_tables()
    shared.server.faults.every(fault, on="insert")
    with shared.server.counting() as kinds, pytest.raises(InspectorError) as failure:
        store.upsert([delivered(name)])
    assert failure.value.fault is coded
    assert failure.value.where == store.name
    assert kinds.count("insert") == tries
    assert tables(shared, name) == expected()


@pytest.mark.parametrize(("length", "who"), [(127 << 10, "BadRequest"), (6 << 20, "TooWideRow")])
def test_rows_that_no_request_takes_are_refused_and_their_event_comes_again(
    shared: Vast, name: str, length: int, who: str
) -> None:
    """A cell is larger than the server accepts, or larger than the SDK sends."""
    wide = with_cells(delivered(name), "files", openimageio_message="x" * length)
    with pytest.raises(InspectorError, match=who) as failure:
        shared.store().upsert([wide])
    assert failure.value.fault is REFUSED
    assert failure.value.retry
    assert tables(shared, name) == expected()


@pytest.mark.parametrize("answer", ["404", "409", "timeout"])
@pytest.mark.parametrize("step", ["begin", "update"])
def test_a_single_failure_is_not_visible_from_outside(
    shared: Vast, name: str, step: str, answer: str
) -> None:
    store, file = shared.store(), delivered(name)
    store.ensure_tables()
    shared.server.faults.at(1, ANSWERS[answer][0], on=step)
    assert [outcome.action for outcome in store.upsert([file])] == ["inserted"]
    assert tables(shared, name) == expected(file)


# --- truncated responses ------------------------------------------------------------------------------------

CUTS = [
    Fault(cut=True, after=True, framing=framing, kept=kept)
    for framing in Framing
    for kept in (0, 0.1, 0.4, 0.7, 0.99)
]


@pytest.mark.parametrize("step", ["select", "insert"])
def test_an_answer_that_is_cut_anywhere_is_asked_for_again(shared: Vast, name: str, step: str) -> None:
    store = shared.store()
    store.ensure_tables()
    for number, cut in enumerate(CUTS):
        file = delivered(f"{name}{number}.")
        shared.server.faults.at(1, cut, on=step)
        assert [outcome.action for outcome in store.upsert([file])] == ["inserted"]
        assert tables(shared, f"{name}{number}.") == expected(file)


@pytest.mark.parametrize("step", ["schema", "table", "columns", "stats"])
def test_metadata_that_is_cut_anywhere_is_asked_for_again(shared: Vast, step: str) -> None:
    for cut in CUTS:
        shared.server.faults.at(1, cut, on=step)
        shared.store().ensure_tables()


def test_an_answer_that_is_always_cut_is_a_database_that_is_down(shared: Vast, name: str) -> None:
    store = shared.store(vast_attempts=2)
    store.ensure_tables()
    for framing in (Framing.LENGTH, Framing.CLOSE):
        shared.server.faults.every(Fault(cut=True, framing=framing, after=True), on="select")
        with pytest.raises(InspectorError) as failure:
            store.lookup([delivered(name).file_id])
        shared.server.faults.clear()
        assert failure.value.fault is DOWN


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(cut=True, after=True, framing=Framing.LENGTH)])
def test_a_search_that_is_interrupted_is_not_reported_as_a_bad_condition(
    shared: Vast, name: str, fault: Fault
) -> None:
    """DuckDB, which reads the rows, reports an invalid query."""
    store = shared.store()
    store.upsert([with_cells(delivered(name), "files", embedding_version=EMBEDDING_VERSION)])
    shared.server.faults.at(1, fault, on="select")
    vector = store.vector(delivered(name).file_id, "channels")
    assert vector
    shared.server.faults.at(1, fault, on="select")
    (found,) = store.search(Search(vector, "channels", f"file_path LIKE '%{name}%'", 3))
    assert found.file_id == delivered(name).file_id


# --- the table of verdicts ----------------------------------------------------------------------------------


def test_stale_metadata_that_is_answered_as_a_conflict_is_looked_at_again(database: Vast) -> None:
    store = database.store(vast_attempts=3)
    store.ensure_tables()
    reloaded = False

    def conflicts(kind: str) -> bool:
        nonlocal reloaded
        reloaded |= kind == "columns"
        return kind == "insert" and not reloaded

    database.server.faults.every(Fault(status=409), on=conflicts)
    store.upsert([delivered("a")])
    assert tables(database) == expected(delivered("a"))


def test_every_error_of_the_sdk_has_its_verdict() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(vastdb.errors, inspect.isclass)
        if issubclass(kind, Exception)
        and kind is not vastdb.errors.ImportFilesError  # the store imports no files
    ]
    assert len(kinds) > 25
    assert [kind for kind in kinds if not issubclass(kind, FAILURES)] == []


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ReadTimeout(),
        requests.exceptions.ChunkedEncodingError(),
        urllib3.exceptions.ReadTimeoutError(None, "", ""),  # type: ignore[arg-type]
        QueryDataInternalError(),
        EOFError(),
        ConnectionResetError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_broken_response_is_retried(error: Exception) -> None:
    assert isinstance(error, FAILURES)
    verdict = verdict_of(error)
    assert verdict is not None
    assert (verdict.fault, verdict.again) == (DOWN, True)


def test_waits_grow_are_random_and_end(database: Vast) -> None:
    store = database.store(vast_attempts=12)
    store.ensure_tables()
    database.server.faults.every(Fault(status=409), on="select")
    with pytest.raises(InspectorError, match="DATABASE_CONFLICT"):
        store.upsert([delivered("a")])
    longest = [min(FIRST_WAIT * 2**number, MAX_WAIT) for number in range(11)]
    assert len(database.waits) == 11
    assert all(0 <= wait <= most for wait, most in zip(database.waits, longest, strict=True))
    assert len(set(database.waits)) > 1


# --- the session ------------------------------------------------------------------------------------------


def test_a_bucket_that_is_not_there_is_a_wrong_setting(database: Vast) -> None:
    with pytest.raises(InspectorError) as failure:
        VastStore(database.settings(vast_bucket="elsewhere"), database.session).ensure_tables()
    assert failure.value.fault is errors.BAD_SETTING
    assert "elsewhere" in str(failure.value)


@pytest.mark.parametrize(
    "endpoint", ["http://", "http://:8080", "http://[::1", "http://x:99999", "https://x:y"]
)
def test_an_address_without_a_host_or_a_port_that_is_none_is_a_wrong_setting(endpoint: str) -> None:
    with pytest.raises(InspectorError, match="BAD_SETTING: VAST_DB_ENDPOINT must name a host"):
        Settings.from_mapping({"VAST_DB_ENDPOINT": endpoint})


def test_wrong_keys_are_denied(database: Vast) -> None:
    with pytest.raises(InspectorError) as failure:
        VastStore(database.settings(vast_access_key="someone")).ensure_tables()
    assert failure.value.fault is DENIED


def test_a_store_is_made_while_the_database_is_down_and_works_when_it_is_up(database: Vast) -> None:
    store = VastStore(database.settings(vast_attempts=1), wait=database.waits.append)
    database.server.faults.at(1, Fault(status=500), on="version")
    with pytest.raises(InspectorError) as failure:
        store.ensure_tables()
    assert failure.value.fault is DOWN
    store.upsert([delivered("a")])
    assert tables(database) == expected(delivered("a"))
    store.close()


def test_one_session_serves_all_that_a_store_does(database: Vast) -> None:
    store = VastStore(database.settings())
    with database.server.counting() as kinds:
        store.ensure_tables()
        store.upsert([delivered("a")])
        store.lookup([delivered("a").file_id])
    store.close()
    assert kinds.count("version") == 1


def test_a_session_has_the_timeout_and_the_tls_check_of_the_settings(database: Vast) -> None:
    session = connect(database.settings(vast_timeout=7.0, vast_verify_tls=False))
    assert session.api.timeout == 7.0
    assert session.api._ssl_verify is False
    session = connect(database.settings())
    assert session.api._ssl_verify is True


def test_the_name_of_a_store_shows_no_credentials() -> None:
    settings = Settings(
        vast_endpoint="https://user:hush@vast.example:8443",
        vast_access_key="key",
        vast_secret_key="hush",
        vast_bucket="studio",
    )
    assert VastStore(settings).name == "vast.example:8443/studio/exr_metadata"


def test_errors_show_no_credentials(database: Vast) -> None:
    database.server.faults.every(Fault(status=503))
    with pytest.raises(InspectorError) as failure:
        VastStore(database.settings(vast_attempts=1), database.session).ensure_tables()
    assert database.server.secret_key not in repr(failure.value.entry())
    database.server.faults.clear()


def test_an_address_where_no_vast_database_answers_is_a_wrong_setting() -> None:
    with _other_server() as endpoint, pytest.raises(InspectorError) as failure:
        VastStore(_settings_for(endpoint)).ensure_tables()
    assert failure.value.fault is errors.BAD_SETTING


def _settings_for(endpoint: str) -> Settings:
    return Settings(vast_endpoint=endpoint, vast_access_key="a", vast_secret_key="b", vast_bucket="c")


@contextlib.contextmanager
def _other_server() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
