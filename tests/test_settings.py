"""Settings: what is accepted, and that no secret ever leaves them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.exr.limits import Limits
from exr_inspector.settings import Settings

ENDPOINTS = ("S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "VAST_DB_ENDPOINT")


def refusal(**mapping: str) -> str:
    with pytest.raises(InspectorError) as refused:
        Settings.from_mapping(mapping)
    assert refused.value.fault is BAD_SETTING
    return str(refused.value)


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    "url", ["https://renderer:hunter2@s3.example.com", "http://hunter2@s3:9000", "http://:hunter2@s3"]
)
def test_an_endpoint_with_a_user_or_password_is_refused_and_never_quoted(name: str, url: str) -> None:
    message = refusal(**{name: url})
    assert f"{name} must not contain a user name or password" in message
    assert "hunter2" not in message


def test_an_at_sign_elsewhere_in_an_endpoint_is_no_password() -> None:
    assert Settings.from_mapping({"S3_ENDPOINT": "http://s3/a@b"}).s3_endpoint == "http://s3/a@b"


@pytest.mark.parametrize("url", ["s3.example.com", "http://", "http://s3:0", "http://s3:port", "http://[::1"])
def test_an_endpoint_must_be_a_url_with_a_host(url: str) -> None:
    assert "S3_ENDPOINT must " in refusal(S3_ENDPOINT=url)


def test_secrets_are_not_in_the_text_of_settings() -> None:
    secrets = {"S3_ACCESS_KEY": "AKIA-hunter2", "S3_SECRET_KEY": "hunter2"}
    assert "hunter2" not in repr(Settings.from_mapping(secrets))


def test_local_roots_are_resolved_folders_or_none(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    text = os.pathsep.join([str(tmp_path / "link"), "/mnt/renders/"])
    assert Settings.from_mapping({}).local_roots is None
    assert Settings.from_mapping({"EXR_INSPECTOR_LOCAL_ROOTS": "none"}).local_roots == ()
    roots = Settings.from_mapping({"EXR_INSPECTOR_LOCAL_ROOTS": text}).local_roots
    assert roots == (str(tmp_path), "/mnt/renders")


@pytest.mark.parametrize("text", ["renders", "~/renders", "/mnt/a" + os.pathsep + "b", os.pathsep])
def test_a_local_root_must_be_absolute(text: str) -> None:
    assert "must be `none`, or absolute folders" in refusal(EXR_INSPECTOR_LOCAL_ROOTS=text)


@pytest.mark.parametrize("text", ["/mnt/renders", "=s3://renders", "/mnt/renders=", "/a=s3://a;b"])
def test_a_path_map_must_be_pairs(text: str) -> None:
    assert "must be pairs PREFIX=CANONICAL" in refusal(EXR_INSPECTOR_PATH_MAP=text)


def test_the_parser_gets_the_limits_of_the_settings() -> None:
    names = Limits.__dataclass_fields__
    values = {f"EXR_INSPECTOR_{name.upper()}": str(2000 + number) for number, name in enumerate(names)}
    assert Settings.from_mapping(values).limits == Limits(*(2000 + number for number in range(len(names))))
    assert Settings().limits == Limits()
