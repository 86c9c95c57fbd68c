"""Certificates are verified unless the settings say otherwise; proxies come from the environment."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import certifi
import pytest

from exr_inspector import errors
from exr_inspector.catalog.vast.store import VastStore
from exr_inspector.errors import InspectorError
from tests.catalog.backends import Vast, tables
from tests.catalog.rows import delivered, expected
from tests.sources.test_s3_tls import certificate  # noqa: F401 - the fixture
from tests.vast_server.server import VastServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture
def secured(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vast]:  # noqa: F811 - see above
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)
    server = VastServer()
    server.secure(certificate)
    with server:
        yield Vast(server, None)


def store_of(database: Vast, *, verify: bool) -> VastStore:
    return VastStore(database.settings(vast_verify_tls=verify, vast_attempts=1))


def test_a_certificate_of_an_unknown_authority_is_refused(secured: Vast) -> None:
    with pytest.raises(InspectorError) as failure:
        store_of(secured, verify=True).ensure_tables()
    assert failure.value.fault is errors.DATABASE_UNAVAILABLE
    assert secured.server.requests == []


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("bundle", ["", *BUNDLES])
def test_the_check_can_be_switched_off_whatever_the_environment_names(
    secured: Vast, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    if bundle:
        monkeypatch.setenv(bundle, certifi.where())
    store = store_of(secured, verify=False)
    store.upsert([delivered("a")])
    store.close()
    assert tables(secured) == expected(delivered("a"))


def test_the_environment_can_name_a_private_authority(
    secured: Vast,
    certificate: Path,  # noqa: F811 - see above
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    store = store_of(secured, verify=True)
    store.upsert([delivered("a")])
    store.close()
    assert tables(secured) == expected(delivered("a"))


# --- a private authority as a setting ---------------------------------------------------------------------


@pytest.mark.parametrize("bundle", ["", *BUNDLES])
def test_a_private_authority_is_a_setting_that_precedes_the_environment(
    secured: Vast,
    certificate: Path,  # noqa: F811 - see above
    monkeypatch: pytest.MonkeyPatch,
    bundle: str,
) -> None:
    if bundle:
        monkeypatch.setenv(bundle, certifi.where())
    store = VastStore(secured.settings(ca_bundle=str(certificate), vast_attempts=1))
    store.upsert([delivered("a")])
    assert store.vector(delivered("a").file_id, "channels") is None
    store.close()
    assert tables(secured) == expected(delivered("a"))


def test_an_authority_that_did_not_sign_the_certificate_is_refused(secured: Vast) -> None:
    with pytest.raises(InspectorError) as failure:
        VastStore(secured.settings(ca_bundle=certifi.where(), vast_attempts=1)).ensure_tables()
    assert failure.value.fault is errors.DATABASE_UNAVAILABLE


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\n"])
def test_an_authority_that_cannot_be_read_is_a_wrong_setting(
    database: Vast, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InspectorError, match="EXR_INSPECTOR_CA_BUNDLE") as failure:
        VastStore(database.settings(ca_bundle=str(path))).ensure_tables()
    assert failure.value.fault is errors.BAD_SETTING
    assert str(path) in str(failure.value)


# --- proxies ----------------------------------------------------------------------------------------------


@pytest.fixture
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.usefixtures("_no_proxies")
def test_requests_go_through_the_proxy_of_the_environment(
    database: Vast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in is the proxy here, as it takes requests for any host."""
    monkeypatch.setenv("HTTP_PROXY", database.server.endpoint)
    store = VastStore(database.settings(vast_endpoint="http://vast.invalid", vast_attempts=1))
    store.upsert([delivered("a")])
    store.close()
    assert tables(database) == expected(delivered("a"))


@pytest.mark.usefixtures("_no_proxies")
@pytest.mark.parametrize(("exempt", "is_reached"), [("127.0.0.1", True), ("", False)])
def test_a_host_of_no_proxy_is_reached_directly(
    database: Vast, monkeypatch: pytest.MonkeyPatch, exempt: str, is_reached: bool
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", exempt)
    store = VastStore(database.settings(vast_attempts=1), wait=database.wait)
    with contextlib.nullcontext() if is_reached else pytest.raises(InspectorError):
        store.upsert([delivered("a")])
    store.close()


@pytest.mark.usefixtures("_no_proxies")
def test_the_environment_is_asked_for_proxies_once_for_a_session(
    database: Vast, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counted(url: str, no_proxy: str | None = None) -> dict[str, str]:
        asked.append(url)
        return {}

    monkeypatch.setattr("exr_inspector.catalog.vast.sdk.get_environ_proxies", counted)
    monkeypatch.setattr("requests.sessions.get_environ_proxies", counted)
    store = VastStore(database.settings())
    store.upsert([delivered("a")])
    store.upsert([delivered("b")])
    store.close()
    assert len(asked) == 1
