"""Headers read from the store: how many requests they cost, and how many bytes."""

from __future__ import annotations

import tracemalloc

import pytest

from exr_inspector.exr.header import Header
from exr_inspector.exr.limits import Limits
from exr_inspector.settings import KIB, MIB
from exr_inspector.sources.read_ahead import ReadAhead
from exr_inspector.sources.s3 import S3Client, S3Object
from exr_inspector.version_reader import read_header
from tests.exrfiles.attributes import attribute
from tests.exrfiles.demo import layered_beauty, simple
from tests.sources.server import S3Server


def _read(client: S3Client, key: str) -> Header:
    return read_header(ReadAhead(S3Object(client, f"s3://shots/{key}")), Limits())


def test_an_ordinary_header_costs_one_get_of_64_kib(s3: S3Server, client: S3Client) -> None:
    s3.put("shots", "beauty.exr", layered_beauty())
    _read(client, "beauty.exr")
    (request,) = s3.seen
    assert (request.method, request.range) == ("GET", "bytes=0-65535")
    assert s3.sent < 64 * KIB + KIB


@pytest.mark.parametrize("followers", [0, 40_000])
def test_a_manifest_of_5_mb_costs_at_most_3_gets_and_twice_the_header(
    s3: S3Server, client: S3Client, followers: int
) -> None:
    """With what follows the manifest larger than one more small piece, too."""
    manifest = attribute("cryptomatte/8ab3c7d/manifest", "string", "m" * 5_000_000)
    last = attribute("zlast", "string", "z" * followers)
    file = simple(4, 4, attributes=[manifest, last]) + bytes(20 * MIB)
    s3.put("shots", "crypto.exr", file)
    header = _read(client, "crypto.exr")
    assert header.size > 5_000_000
    assert len(s3.seen) <= 3
    assert sum(request.body for request in s3.seen) <= 2 * header.size


def test_the_header_of_an_object_of_2_gb_takes_little_memory(s3: S3Server, client: S3Client) -> None:
    s3.announce("shots", "huge.exr", layered_beauty(), 2 << 30)
    tracemalloc.start()
    try:
        _read(client, "huge.exr")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(s3.seen) == 1
    assert peak < 20 * MIB
