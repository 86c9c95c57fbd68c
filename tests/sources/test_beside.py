from __future__ import annotations

from pathlib import Path

import pytest

from exr_inspector.errors import InspectorError
from exr_inspector.location import path_location
from exr_inspector.settings import Settings
from exr_inspector.sources.beside import read_beside
from exr_inspector.sources.opener import Opener
from exr_inspector.sources.s3 import S3Client, S3Object
from tests.sources.server import S3Server


def test_a_local_file_is_found_in_the_folder_of_the_other(tmp_path: Path) -> None:
    folder = tmp_path / "a\\b"
    (folder / "manifests").mkdir(parents=True)
    (folder / "manifests" / "m.json").write_bytes(b"{}")
    location = path_location(folder / "beauty.1001.exr")
    assert read_beside(location, "manifests/m.json", 2, Opener(Settings())) == b"{}"


def test_an_object_is_found_under_the_prefix_of_the_other(s3: S3Server, client: S3Client) -> None:
    s3.put("shots", "sh010/m.json", b"{}")
    location = path_location("s3://shots/sh010/beauty.1001.exr")
    assert read_beside(location, "m.json", 2, lambda found: S3Object(client, found.path)) == b"{}"


@pytest.mark.parametrize(("name", "code"), [("m.json", "LIMIT_EXCEEDED"), ("n.json", "FILE_NOT_FOUND")])
def test_a_file_that_is_too_large_or_absent_is_a_permanent_fault(
    name: str, code: str, tmp_path: Path
) -> None:
    (tmp_path / "m.json").write_bytes(b"{ }")
    with pytest.raises(InspectorError) as caught:
        read_beside(path_location(tmp_path / "x.exr"), name, 2, Opener(Settings()))
    assert (caught.value.code, caught.value.retry) == (code, False)
