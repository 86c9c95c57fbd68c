"""Requests for objects are what botocore's own client would send, in its environment."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.credentials import RefreshableCredentials

from exr_inspector.errors import InspectorError
from exr_inspector.settings import Settings
from exr_inspector.sources.s3 import S3Client, S3Object, make_client
from tests.sources.server import S3Server

AWKWARD = ["a b+c.exr", "sq001/ä ü/%41~.exr", "sq=1&x?/#1;2.exr", "/./../a//b.exr", "日本.exr"]


@pytest.mark.parametrize("key", AWKWARD)
def test_a_key_is_written_and_signed_as_the_client_does(
    s3: S3Server, client: S3Client, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    noon = datetime(2026, 10, 1, 12, tzinfo=timezone.utc)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: noon)
    s3.put("shots", key, b"bytes")
    s3.forget()
    assert S3Object(client, f"s3://shots/{key}").read(0, 10) == b"bytes"
    theirs = client._api.get_object(Bucket="shots", Key=key, Range="bytes=0-9")
    assert theirs["Body"].read() == b"bytes"
    ours, clients = s3.seen
    assert ours.target == clients.target
    assert ours.headers["authorization"] == clients.headers["authorization"]


def test_without_an_endpoint_objects_are_read_from_the_regions_address() -> None:
    client = make_client(Settings(s3_region="eu-central-1", s3_access_key="a", s3_secret_key="s"))
    assert client._objects._address("shots") == "https://s3.eu-central-1.amazonaws.com/shots/"
    client.close()


def test_the_environment_names_the_proxy(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    s3._announced["http://store.invalid/shots/a.exr"] = _announced(s3)
    monkeypatch.setenv("HTTP_PROXY", s3.url)
    client = make_client(s3.settings(s3_endpoint="http://store.invalid"))
    assert S3Object(client, "s3://shots/a.exr").read(0, 5) == b"bytes"
    client.close()
    assert [each.target for each in s3.seen] == ["http://store.invalid/shots/a.exr"]


def test_the_environment_exempts_a_store_from_the_proxy(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = make_client(s3.settings())
    s3.announce("shots", "announced.exr", b"bytes", 5)
    assert S3Object(client, "s3://shots/announced.exr").stat().size == 5
    client.close()


def test_keys_and_token_of_the_environment_sign_if_no_setting_does(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"ACCESS_KEY_ID": "theirs", "SECRET_ACCESS_KEY": "s", "SESSION_TOKEN": "t"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    client = make_client(Settings(s3_endpoint=s3.url))
    s3.announce("shots", "announced.exr", b"bytes", 5)
    S3Object(client, "s3://shots/announced.exr").stat()
    client.close()
    (request,) = s3.seen
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=theirs/")
    assert request.headers["x-amz-security-token"] == "t"


def test_credentials_that_expire_are_renewed(s3: S3Server) -> None:
    client = make_client(s3.settings())

    def keys(name: str, hours: int) -> dict[str, Any]:
        expires = datetime.now(timezone.utc) + timedelta(hours=hours)
        return {"access_key": name, "secret_key": "s", "token": "t", "expiry_time": expires.isoformat()}

    client._objects._credentials = RefreshableCredentials.create_from_metadata(
        keys("expired", -1), lambda: keys("renewed", 1), "test"
    )
    s3.announce("shots", "announced.exr", b"bytes", 5)
    source = S3Object(client, "s3://shots/announced.exr")
    source.stat()
    client.close()
    (request,) = s3.seen
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=renewed/")


def test_no_credentials_at_all_are_storage_denied(s3: S3Server) -> None:
    client = make_client(s3.settings())
    client._objects._credentials = None
    with pytest.raises(InspectorError, match="STORAGE_DENIED"):
        S3Object(client, "s3://shots/a.exr").stat()
    client.close()
    assert s3.seen == []


def _announced(s3: S3Server) -> Any:
    s3.announce("shots", "announced.exr", b"bytes", 5)
    return s3._announced["/shots/announced.exr"]
