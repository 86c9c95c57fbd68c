"""Every way in which a store fails has its code, and its number of requests."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from exr_inspector.errors import InspectorError
from exr_inspector.reading import s3 as module
from exr_inspector.reading.s3 import S3Client, S3Object, make_client
from exr_inspector.settings import MIB, Settings
from tests.s3.faults import (
    Fault,
    after,
    altered,
    cut,
    every,
    ignore_range,
    reset,
    reset_within,
    stall,
    status,
    trickle,
)
from tests.s3.proxy import HOST
from tests.s3.server import S3Server

BODY = bytes(range(256)) * 1024
TRIES = 1 + len(module.PAUSES)


@pytest.fixture
def location(s3: S3Server) -> str:
    s3.put("shots", "a.exr", BODY)
    return "s3://shots/a.exr"


def _code(source: S3Object, start: int = 0, length: int = 65536) -> str:
    with pytest.raises(InspectorError) as refusal:
        source.read(start, length)
    assert refusal.value.where == source.location
    return refusal.value.code


@contextmanager
def _released() -> Iterator[threading.Event]:
    event = threading.Event()
    try:
        yield event
    finally:
        event.set()


TRANSIENT = [
    pytest.param(status(500), id="500"),
    pytest.param(status(503, "SlowDown"), id="503"),
    pytest.param(status(429), id="429"),
    pytest.param(status(400, "RequestTimeout"), id="400 RequestTimeout"),
    pytest.param(reset, id="reset"),
    pytest.param(reset_within, id="reset within the body"),
    pytest.param(cut, id="cut body"),
    pytest.param(altered(Content_Range="bytes 5-10/262144"), id="another range"),
    pytest.param(altered(Content_Range="bytes 0-65535/*"), id="no size"),
    pytest.param(altered(Last_Modified=None), id="no time"),
]


@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_passing_fault_is_cured_by_asking_again(
    s3: S3Server, client: S3Client, location: str, fault: Fault
) -> None:
    s3.faults.extend([fault] * (TRIES - 1))
    assert S3Object(client, location).read(0, 65536) == BODY[:65536]
    assert len(s3.seen) == TRIES


@pytest.mark.parametrize("fault", TRANSIENT)
def test_a_lasting_fault_is_storage_unavailable_after_three_requests(
    s3: S3Server, client: S3Client, location: str, fault: Fault
) -> None:
    s3.plan = every(1, [fault])
    assert _code(S3Object(client, location)) == "STORAGE_UNAVAILABLE"
    assert len(s3.seen) == TRIES


def test_a_stalled_server_is_storage_unavailable(s3: S3Server, location: str) -> None:
    client = make_client(s3.settings(s3_read_timeout=0.1))
    with _released() as release:
        s3.plan = every(1, [stall(release)])
        assert _code(S3Object(client, location)) == "STORAGE_UNAVAILABLE"
    client.close()
    assert len(s3.seen) == TRIES


def test_a_body_that_only_trickles_is_storage_unavailable(s3: S3Server, location: str) -> None:
    """Every byte comes within the timeout, but 64 KiB would take half an hour."""
    client = make_client(s3.settings(s3_read_timeout=0.2))
    with _released() as release:
        s3.plan = every(1, [trickle(release, 0.03)])
        assert _code(S3Object(client, location)) == "STORAGE_UNAVAILABLE"
    client.close()
    assert len(s3.seen) == TRIES


def test_a_server_that_is_not_there_is_storage_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        settings = Settings(s3_endpoint=f"http://{HOST}:{port}", s3_access_key="a", s3_secret_key="b")
        client = make_client(settings)
        assert _code(S3Object(client, "s3://shots/a.exr")) == "STORAGE_UNAVAILABLE"
    client.close()


FINAL = [
    pytest.param(status(403, "AccessDenied"), "STORAGE_DENIED", id="403"),
    pytest.param(status(401, "Unauthorized"), "STORAGE_DENIED", id="401"),
    pytest.param(status(400, "ExpiredToken"), "STORAGE_DENIED", id="expired token"),
    pytest.param(status(404, "NoSuchKey"), "FILE_NOT_FOUND", id="404"),
    pytest.param(status(400, "KeyTooLongError"), "FILE_NOT_FOUND", id="key too long"),
    pytest.param(status(412, "PreconditionFailed"), "OBJECT_CHANGED", id="412"),
]


@pytest.mark.parametrize(("fault", "code"), FINAL)
def test_what_asking_again_cannot_cure_is_asked_once(
    s3: S3Server, client: S3Client, location: str, fault: Fault, code: str
) -> None:
    s3.plan = every(1, [fault])
    assert _code(S3Object(client, location)) == code
    assert len(s3.seen) == 1


@pytest.mark.parametrize("absent", ["s3://shots/absent.exr", "s3://no-such-bucket/a.exr"])
def test_an_absent_object_or_bucket_is_file_not_found(s3: S3Server, client: S3Client, absent: str) -> None:
    assert _code(S3Object(client, absent)) == "FILE_NOT_FOUND"
    assert len(s3.seen) == 1


@pytest.mark.parametrize(
    "impossible", ["s3://", "s3://shots", "s3://no bucket/a.exr", "s3://shots/\ud800.exr"]
)
def test_a_name_that_no_object_can_have_is_refused_unasked(
    s3: S3Server, client: S3Client, impossible: str
) -> None:
    assert _code(S3Object(client, impossible)) == "BAD_EVENT"
    assert s3.seen == []


def test_an_object_replaced_between_two_reads_is_noticed_by_the_server(
    s3: S3Server, client: S3Client, location: str
) -> None:
    source = S3Object(client, location)
    source.read(0, 10)
    s3.put("shots", "a.exr", BODY[::-1])
    assert _code(source, 10) == "OBJECT_CHANGED"
    assert [request.status for request in s3.seen] == [206, 412]


def test_an_object_replaced_is_noticed_even_if_the_server_ignores_if_match(
    s3: S3Server, client: S3Client, location: str
) -> None:
    source = S3Object(client, location)
    source.read(0, 10)
    s3.put("shots", "a.exr", BODY + b"longer")
    s3.faults.append(lambda proxy: proxy.answer(proxy.ask(without=("if-match",))))
    assert _code(source, 10) == "OBJECT_CHANGED"


def test_an_object_deleted_between_two_reads_is_file_not_found(
    s3: S3Server, client: S3Client, location: str
) -> None:
    source = S3Object(client, location)
    source.read(0, 10)
    s3.delete("shots", "a.exr")
    assert _code(source, 10) == "FILE_NOT_FOUND"


def test_an_object_replaced_during_the_first_tries_is_read_as_it_is_then(
    s3: S3Server, client: S3Client, location: str
) -> None:
    def replace_and_cut(proxy: Any) -> None:
        cut(proxy)
        s3.put("shots", "a.exr", b"new")

    s3.faults.append(replace_and_cut)
    source = S3Object(client, location)
    assert (source.read(0, 65536), source.stat().size) == (b"new", 3)


def test_an_empty_object_that_fills_before_it_is_looked_at_is_asked_again(
    s3: S3Server, client: S3Client
) -> None:
    s3.put("shots", "empty.exr", b"")
    s3.faults.extend(
        [lambda proxy: proxy.answer(proxy.ask()), after(lambda: s3.put("shots", "empty.exr", BODY))]
    )
    assert S3Object(client, "s3://shots/empty.exr").read(0, 10) == BODY[:10]
    assert [request.method for request in s3.seen] == ["GET", "HEAD", "GET"]


def test_a_server_that_ignores_ranges_and_breaks_off_is_noticed(
    s3: S3Server, client: S3Client, location: str
) -> None:
    def pour_and_cut(proxy: Any) -> None:
        proxy.answer(proxy.ask(without=("range",)), keep=0.1)
        proxy.close_connection = True

    s3.plan = every(1, [pour_and_cut])
    assert _code(S3Object(client, location)) == "STORAGE_UNAVAILABLE"


def test_a_failed_read_leaves_the_source_usable(s3: S3Server, client: S3Client, location: str) -> None:
    source = S3Object(client, location)
    s3.faults.extend([status(500)] * TRIES)
    assert _code(source) == "STORAGE_UNAVAILABLE"
    assert source.read(0, 65536) == BODY[:65536]


def test_faults_leave_no_slot_taken(s3: S3Server, location: str) -> None:
    client = make_client(s3.settings(s3_connections=1))
    s3.faults.extend([cut, reset, status(500), ignore_range, status(403), reset_within])
    sources = [S3Object(client, location) for _ in range(3)]
    assert [_code(sources[0]), len(sources[1].read(0, 10)), _code(sources[2])] == [
        "STORAGE_UNAVAILABLE",
        10,
        "STORAGE_DENIED",
    ]
    assert sources[2].read(0, MIB) == BODY
    client.close()


def test_absent_credentials_are_storage_denied(s3: S3Server, client: S3Client) -> None:
    class Unsigned:
        def get_object(self, **_: object) -> None:
            raise NoCredentialsError

    unsigned: Any = Unsigned()
    assert _code(S3Object(S3Client(unsigned, Settings()), "s3://shots/a.exr")) == "STORAGE_DENIED"


@pytest.mark.parametrize(
    "wrong", [{"s3_endpoint": "http://"}, {"s3_access_key": "only"}, {"s3_region": "not a region!"}]
)
def test_settings_that_make_no_client_are_bad_settings(wrong: dict[str, Any]) -> None:
    with pytest.raises(InspectorError, match="BAD_SETTING"):
        make_client(Settings(**wrong))


def test_the_pauses_between_tries_are_short_and_grow(location: str, s3: S3Server) -> None:
    pauses: list[float] = []
    client = S3Client(make_client(s3.settings())._api, s3.settings(), pauses.append)
    s3.plan = every(1, [status(500)])
    assert _code(S3Object(client, location)) == "STORAGE_UNAVAILABLE"
    client.close()
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, module.PAUSES, strict=True))
