from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from exr_inspector import inspect
from exr_inspector.errors import STORAGE_UNAVAILABLE, InspectorError
from exr_inspector.exr.header import Header, parse_header
from exr_inspector.exr.limits import Limits
from exr_inspector.extra_evidence import ExtraReader
from exr_inspector.location import path_location
from exr_inspector.policy.collections.aces import OFFSETS_RISE, SCAN_LINES_MD5
from exr_inspector.policy.collections.cryptomatte import SIDECARS
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener
from exr_inspector.sources.protocol import Source
from tests.policy import studio_files as files

PLAIN = Settings(openimageio=False)
ALL = ("aces_container", "cryptomattes")


def _read(folder: Path, data: bytes, collections: tuple[str, ...] = ALL, **options: Any) -> dict[str, Any]:
    path = folder / "x.exr"
    path.write_bytes(data)
    reader = ExtraReader(Opener(PLAIN), Limits(), collections, **options)
    return reader.read(inspect(path, PLAIN), path_location(path))


CONTAINER = files.checksummed()


def test_the_scan_lines_are_hashed_only_if_pixels_may_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exr_inspector.extra_evidence.PIECE", 7)
    header = parse_header(CONTAINER)
    assert isinstance(header, Header)
    digest = hashlib.md5(CONTAINER[header.size + 8 * 4 :]).hexdigest()
    assert _read(tmp_path, CONTAINER) == {SIDECARS: {}, OFFSETS_RISE: True}
    found = _read(tmp_path, CONTAINER, with_pixels=True)
    assert found == {SIDECARS: {}, OFFSETS_RISE: True, SCAN_LINES_MD5: digest}


def test_nothing_is_read_for_policies_that_do_not_look_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exr_inspector.extra_evidence.read_header", lambda *_: pytest.fail("read"))
    assert _read(tmp_path, CONTAINER, ("parts", "channels"), with_pixels=True) == {}
    assert _read(tmp_path, files.image(), ALL, with_pixels=True) == {SIDECARS: {}}


def test_a_file_that_is_cut_gives_no_evidence(tmp_path: Path) -> None:
    header = parse_header(CONTAINER)
    assert isinstance(header, Header)
    assert _read(tmp_path, CONTAINER[: header.size + 5], with_pixels=True) == {SIDECARS: {}}


def test_a_fault_of_the_store_is_raised(tmp_path: Path) -> None:
    def refuse(_: object) -> Source:
        raise InspectorError(STORAGE_UNAVAILABLE, "no answer")

    path = tmp_path / "x.exr"
    path.write_bytes(files.crypto(texts={"manif_file": "crypto.json"}))
    with pytest.raises(InspectorError, match="no answer"):
        ExtraReader(refuse, Limits(), ALL).read(inspect(path, PLAIN), path_location(path))


def test_sidecars_are_none_if_they_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "crypto.json").write_text("{}")
    there = _read(tmp_path, files.crypto(texts={"manif_file": "crypto.json"}))
    absent = _read(tmp_path, files.crypto(texts={"manif_file": "none.json"}))
    outside = _read(tmp_path, files.crypto(texts={"manif_file": "../crypto.json"}))
    assert there == {SIDECARS: {"crypto.json": b"{}"}}
    assert absent == {SIDECARS: {"none.json": None}}
    assert outside == {SIDECARS: {"../crypto.json": None}}
