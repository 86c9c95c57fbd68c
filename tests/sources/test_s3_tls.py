"""A store whose certificate nobody vouches for is not spoken to, unless the settings say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from exr_inspector.errors import InspectorError
from exr_inspector.sources.s3 import S3Object, make_client
from tests.sources.proxy import HOST
from tests.sources.server import S3Server


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for this machine, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    )
    return file


@pytest.fixture
def secured(certificate: Path) -> Iterator[S3Server]:
    with S3Server() as server:
        server.secure(certificate)
        server.announce("shots", "a.exr", b"bytes", 5)
        yield server


def test_a_certificate_that_nobody_vouches_for_is_refused(secured: S3Server) -> None:
    client = make_client(secured.settings())
    with pytest.raises(InspectorError, match=r"STORAGE_UNAVAILABLE.*CERTIFICATE_VERIFY_FAILED"):
        S3Object(client, "s3://shots/a.exr").stat()
    client.close()
    assert secured.seen == []


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_the_check_can_be_switched_off(secured: S3Server) -> None:
    client = make_client(secured.settings(s3_verify_tls=False))
    assert S3Object(client, "s3://shots/a.exr").read(0, 10) == b"bytes"
    client.close()


def test_a_studios_own_authority_can_be_named(
    secured: S3Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    client = make_client(secured.settings())
    assert S3Object(client, "s3://shots/a.exr").read(0, 10) == b"bytes"
    client.close()


def test_a_private_authority_is_a_setting_that_precedes_the_environment(
    secured: S3Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", certifi.where())
    client = make_client(secured.settings(ca_bundle=str(certificate)))
    assert S3Object(client, "s3://shots/a.exr").read(0, 10) == b"bytes"
    client.close()


def test_an_authority_that_cannot_be_read_is_a_wrong_setting(secured: S3Server, tmp_path: Path) -> None:
    with pytest.raises(InspectorError, match=r"BAD_SETTING.*EXR_INSPECTOR_CA_BUNDLE"):
        make_client(secured.settings(ca_bundle=str(tmp_path / "absent.pem")))
