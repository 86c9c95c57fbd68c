"""The real client against a real server: what is asked, and what comes of it."""

from __future__ import annotations

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest

from exr_inspector.settings import KIB, MIB
from exr_inspector.sources.s3 import S3Client, S3Object, make_client
from tests.sources.faults import after, ignore_range, status
from tests.sources.server import S3Server

BODY = bytes(range(256)) * 1024
FIRST = 64 * KIB


def _put(s3: S3Server, body: bytes, key: str = "a.exr") -> str:
    s3.put("shots", key, body)
    return f"s3://shots/{key}"


def test_a_read_is_one_ranged_get(s3: S3Server, client: S3Client) -> None:
    source = S3Object(client, _put(s3, BODY))
    assert source.read(0, FIRST) == BODY[:FIRST]
    (request,) = s3.seen
    assert (request.method, request.range, request.status) == ("GET", "bytes=0-65535", 206)


def test_an_ordinary_read_costs_little_more_on_the_wire_than_its_bytes(
    s3: S3Server, client: S3Client
) -> None:
    S3Object(client, _put(s3, BODY)).read(0, FIRST)
    assert FIRST < s3.sent < FIRST + 2 * KIB


def test_the_stat_after_a_read_costs_nothing(s3: S3Server, client: S3Client) -> None:
    started = datetime.now(timezone.utc).replace(microsecond=0)
    location = _put(s3, BODY)
    source = S3Object(client, location)
    source.read(0, FIRST)
    stat = source.stat()
    assert len(s3.seen) == 1
    assert stat.size == len(BODY)
    assert stat.etag == s3.put("shots", "a.exr", BODY)
    assert stat.mtime.tzinfo is timezone.utc
    assert started <= stat.mtime <= datetime.now(timezone.utc)


def test_a_stat_before_any_read_costs_one_head_request(s3: S3Server, client: S3Client) -> None:
    source = S3Object(client, _put(s3, BODY))
    assert (source.stat().size, source.stat().size) == (len(BODY), len(BODY))
    assert [request.method for request in s3.seen] == ["HEAD"]


def test_a_second_read_is_tied_to_the_first_ones_etag(s3: S3Server, client: S3Client) -> None:
    source = S3Object(client, _put(s3, BODY))
    source.read(0, 10)
    assert source.read(10, 5) == BODY[10:15]
    first, second = s3.seen
    assert "if-match" not in first.headers
    assert second.headers["if-match"] == f'"{source.stat().etag}"'
    assert second.range == "bytes=10-14"


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 1), (0, 300_000), (262_143, 1), (262_143, 9), (262_144, 1), (999_999, 5), (7, 0)],
)
def test_a_read_is_a_slice_clipped_at_the_end(
    s3: S3Server, client: S3Client, start: int, length: int
) -> None:
    source = S3Object(client, _put(s3, BODY))
    assert source.read(start, length) == BODY[start : start + length]
    source.stat()
    assert source.read(start, length) == BODY[start : start + length]


def test_past_the_known_end_nothing_is_asked(s3: S3Server, client: S3Client) -> None:
    source = S3Object(client, _put(s3, BODY))
    source.stat()
    s3.forget()
    assert source.read(len(BODY), 10) == b""
    assert s3.seen == []


def test_an_object_smaller_than_the_range_is_read_whole(s3: S3Server, client: S3Client) -> None:
    source = S3Object(client, _put(s3, b"tiny"))
    assert source.read(0, FIRST) == b"tiny"
    assert source.stat().size == 4
    assert len(s3.seen) == 1


def test_a_zero_byte_object_is_an_empty_file(s3: S3Server, client: S3Client) -> None:
    source = S3Object(client, _put(s3, b""))
    assert source.read(0, FIRST) == b""
    assert source.stat().size == 0
    assert source.stat().etag == "d41d8cd98f00b204e9800998ecf8427e"
    assert [(request.method, request.status) for request in s3.seen] == [("GET", 416), ("HEAD", 200)]


def test_a_zero_byte_object_of_a_server_without_ranges_is_an_empty_file(
    s3: S3Server, client: S3Client
) -> None:
    s3.faults.append(ignore_range)
    source = S3Object(client, _put(s3, b""))
    assert (source.read(0, FIRST), source.stat().size) == (b"", 0)


@pytest.mark.parametrize(
    "key",
    [
        "with space.exr",
        "a+b.exr",
        "100%.exr",
        "take%201.exr",
        "größe/東京.exr",
        "a&b=c?d#e;f.exr",
        "quote'\"<>.exr",
        "double//slash.exr",
        "/leading.exr",
        "~tilde/*star.exr",
    ],
)
def test_an_awkward_key_arrives_as_it_is(s3: S3Server, client: S3Client, key: str) -> None:
    """Each beside objects of the names that a wrong encoding would find."""
    for other in (key.replace("%20", " "), key.replace("+", " "), key.replace("//", "/"), key.lstrip("/")):
        s3.put("shots", other, b"other")
    location = _put(s3, key.encode(), key)
    assert S3Object(client, location).read(0, 100) == key.encode()


def test_a_key_with_a_newline_arrives_as_it_is(s3: S3Server, client: S3Client) -> None:
    """The real server cannot hold one, so the proxy serves it."""
    s3.announce("shots", "two%0Alines.exr", BODY, len(BODY))
    assert S3Object(client, "s3://shots/two\nlines.exr").read(0, 100) == BODY[:100]


def test_idle_connections_are_used_again(s3: S3Server, new_client: S3Client) -> None:
    source = S3Object(new_client, _put(s3, BODY))
    for start in range(0, 100, 10):
        source.read(start, 10)
    assert (len(s3.seen), s3.connections) == (10, 1)


def test_a_server_that_ignores_ranges_is_read_only_as_far_as_needed(s3: S3Server, client: S3Client) -> None:
    s3.faults.extend([ignore_range, ignore_range])
    source = S3Object(client, _put(s3, BODY))
    assert source.read(10, 20) == BODY[10:30]
    assert source.stat().size == len(BODY)
    assert source.read(200_000, 70_000) == BODY[200_000:]


@pytest.mark.parametrize("ranges", [True, False])
def test_of_two_gigabytes_only_what_is_asked_comes(s3: S3Server, client: S3Client, ranges: bool) -> None:
    """Without ranges the server pours until the client hangs up: what its socket holds is the excess."""
    s3.announce("shots", "huge.exr", BODY, 2 << 30)
    if not ranges:
        s3.faults.extend([ignore_range] * 5)
    sources = [S3Object(client, "s3://shots/huge.exr") for _ in range(5)]
    peaks = [_peak_of(source) for source in sources]
    assert [source.stat().size for source in sources] == [2 << 30] * 5
    assert len(s3.seen) == 5
    # The least: the server's threads, in this process too, allocate what they like meanwhile.
    assert min(peaks) < 4 * MIB
    assert max(each.sent for each in s3.seen) < (FIRST + KIB if ranges else 20 * MIB)


def _peak_of(source: S3Object) -> int:
    """The memory that is allocated at most while the first bytes are read."""
    tracemalloc.start()
    try:
        assert source.read(0, FIRST) == BODY[:FIRST]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_large_read_holds_no_second_copy_of_the_object(s3: S3Server, client: S3Client) -> None:
    s3.announce("shots", "huge.exr", BODY, 2 << 30)
    body = S3Object(client, "s3://shots/huge.exr").read(1 << 30, 8 * MIB)
    assert body == bytes(8 * MIB)
    assert [request.range for request in s3.seen] == ["bytes=1073741824-1082130431"]


def test_threads_share_a_client_and_its_bounded_connections(s3: S3Server) -> None:
    gate = threading.Barrier(3, timeout=20)
    s3.faults.extend([after(gate.wait)] * 3)
    locations = [_put(s3, bytes([number]) * 1000, f"{number}.exr") for number in range(60)]
    client = make_client(s3.settings(s3_connections=3))
    with ThreadPoolExecutor(20) as pool:
        bodies = list(pool.map(lambda location: S3Object(client, location).read(0, 1000), locations))
    client.close()
    assert bodies == [bytes([number]) * 1000 for number in range(60)]
    assert (len(s3.seen), s3.connections) == (60, 3)


def test_requests_are_signed_by_version_4_and_name_the_bucket_in_the_path(
    s3: S3Server, client: S3Client
) -> None:
    S3Object(client, _put(s3, BODY)).read(0, 10)
    (request,) = s3.seen
    assert request.target == "/shots/a.exr"
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=test-access-key/")
    assert "/us-east-1/s3/aws4_request" in request.headers["authorization"]
    assert "x-amz-checksum-mode" not in request.headers


def test_an_answer_with_an_error_ends_no_connection(s3: S3Server, new_client: S3Client) -> None:
    location = _put(s3, BODY)
    s3.faults.append(status(503))
    assert S3Object(new_client, location).read(0, 10) == BODY[:10]
    assert (len(s3.seen), s3.connections) == (2, 1)
