"""A database whose certificate nobody vouches for is not spoken to, unless the settings say so."""

from __future__ import annotations

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


def test_a_certificate_that_nobody_vouches_for_is_refused(secured: Vast) -> None:
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


def test_a_studios_own_authority_can_be_named(
    secured: Vast,
    certificate: Path,  # noqa: F811 - see above
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    store = store_of(secured, verify=True)
    store.upsert([delivered("a")])
    store.close()
    assert tables(secured) == expected(delivered("a"))
