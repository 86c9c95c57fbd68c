"""Listings: which files they yield, what they say of each, and whether they were complete."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from exr_inspector.mounts import file_system
from exr_inspector.settings import Settings
from exr_inspector.sources import listing as module
from exr_inspector.sources.listing import listing
from exr_inspector.sources.local import LocalFile
from exr_inspector.sources.opener import Opener
from exr_inspector.sources.protocol import Listed
from tests.sources.faults import status
from tests.sources.server import S3Server


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b.EXR", "a.exr", "notes.txt", "sub/c.exr", "sub/deep.exr/d.exr"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"12345")
    return tmp_path / "tree"


def _names(root: Path, **options: bool) -> list[str]:
    found = listing(str(root), Opener(Settings()), **options)
    names = sorted(each.path.removeprefix(str(root)).lstrip("/") for each in found)
    assert found.errors == []
    return names


# --- folders --------------------------------------------------------------------------------------------


def test_a_folder_lists_the_exr_files_below_it_in_any_case(tree: Path) -> None:
    assert _names(tree) == ["a.exr", "b.EXR", "sub/c.exr", "sub/deep.exr/d.exr"]
    assert _names(tree, recursive=False) == ["a.exr", "b.EXR"]


def test_a_file_lists_itself_whatever_its_name(tree: Path) -> None:
    assert [each.path for each in listing(str(tree / "notes.txt"), Opener(Settings()))] == [
        str(tree / "notes.txt")
    ]


def test_an_entry_has_the_version_that_reading_the_file_finds(tree: Path) -> None:
    os.utime(tree / "a.exr", ns=(0, 1_790_846_130_123_456_789))
    found = {each.path: each for each in listing(str(tree), Opener(Settings()))}
    entry, stat = found[str(tree / "a.exr")], LocalFile(tree / "a.exr").stat()
    times = [int(each.timestamp() * 10**6 + 0.5) for each in (stat.mtime, stat.ctime) if each]
    assert entry[1:4] == (5, 1_790_846_130_123_456, None)
    assert [entry.mtime, entry.ctime] == times
    assert (entry.inode, entry.device) == (stat.inode, stat.device)


def test_a_listing_names_the_file_systems_that_it_saw(tree: Path) -> None:
    found = listing(str(tree), Opener(Settings()))
    assert len(list(found)) == 4
    assert found.devices == {file_system(tree.stat().st_dev, str(tree))}


def test_links_to_files_are_files_and_links_to_folders_are_not_followed(tree: Path) -> None:
    (tree / "link.exr").symlink_to(tree / "a.exr")
    (tree / "loop").symlink_to(tree)
    (tree / "loop.exr").symlink_to(tree)
    (tree / "dangling.exr").symlink_to(tree / "absent")
    (tree / "round.exr").symlink_to(tree / "round.exr")
    found = {Path(each.path).name: each for each in listing(str(tree), Opener(Settings()))}
    assert sorted(found) == ["a.exr", "b.EXR", "c.exr", "d.exr", "dangling.exr", "link.exr", "round.exr"]
    assert found["link.exr"].size == 5
    assert found["dangling.exr"] == Listed(str(tree / "dangling.exr"))
    assert found["round.exr"].size is None


def test_a_named_pipe_is_listed_so_that_it_is_reported(tree: Path) -> None:
    os.mkfifo(tree / "pipe.exr")
    assert "pipe.exr" in _names(tree)


def test_names_that_are_not_utf_8_are_listed(tree: Path) -> None:
    os.mknod(os.fsencode(tree) + b"/\xff.exr")
    assert str(tree) + "/\udcff.exr" in [each.path for each in listing(str(tree), Opener(Settings()))]


def test_a_folder_that_cannot_be_read_makes_a_listing_incomplete(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def guarded(folder: str) -> Any:
        if folder.endswith("sub"):
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return scan(folder)

    monkeypatch.setattr(os, "scandir", guarded)
    found = listing(str(tree), Opener(Settings()))
    assert sorted(Path(each.path).name for each in found) == ["a.exr", "b.EXR"]
    assert [(each.code, each.where) for each in found.errors] == [("STORAGE_DENIED", str(tree / "sub"))]


def test_a_folder_that_breaks_off_makes_a_listing_incomplete(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network file system may fail in the middle of a folder."""
    scan = os.scandir

    def breaking(folder: str) -> Any:
        with scan(folder) as found:
            yield next(found)
        raise OSError(errno.EIO, "Input/output error", folder)

    monkeypatch.setattr(os, "scandir", breaking)
    found = listing(str(tree), Opener(Settings()))
    assert len(list(found)) <= 1
    assert {each.code for each in found.errors} == {"STORAGE_UNAVAILABLE"}


def test_a_root_that_does_not_exist_is_an_error(tree: Path) -> None:
    found = listing(str(tree / "absent"), Opener(Settings()))
    assert list(found) == []
    assert [each.code for each in found.errors] == ["FILE_NOT_FOUND"]


def test_a_folder_of_many_files_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 3)
    for index in range(10):
        (tmp_path / f"{index}.exr").touch()
    assert _names(tmp_path) == [f"{index}.exr" for index in range(10)]


# --- buckets --------------------------------------------------------------------------------------------


@pytest.fixture(params=["obstore", "boto3"])
def opener(request: pytest.FixtureRequest, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Opener:
    """List with both libraries, or only with boto3."""
    if request.param == "obstore":
        pytest.importorskip("obstore")
    else:
        monkeypatch.setattr(Opener, "fast_listing", lambda *_: None)
    return Opener(s3.settings())


def _keys(root: str, opener: Opener, **options: bool) -> list[str]:
    found = listing(root, opener, **options)
    names = sorted(each.path.removeprefix("s3://shots/") for each in found)
    assert found.errors == []
    return names


def test_a_prefix_lists_the_exr_objects_below_it(s3: S3Server, opener: Opener) -> None:
    for name in ("hill/a.exr", "hill/sub/b c+d%20.EXR", "hill/notes.txt", "hills.exr", "hill/層.exr"):
        s3.put("shots", name, b"12345")
    expected = ["hill/a.exr", "hill/sub/b c+d%20.EXR", "hill/層.exr"]
    assert _keys("s3://shots/hill", opener) == _keys("s3://shots/hill/", opener) == expected
    assert _keys("s3://shots/hill", opener, recursive=False) == ["hill/a.exr", "hill/層.exr"]
    assert "hills.exr" in _keys("s3://shots", opener)


def test_an_object_lists_only_itself(s3: S3Server, opener: Opener) -> None:
    for name in ("alone/a.exr", "alone/a.exr.exr", "alone/a.exr/b.exr"):
        s3.put("shots", name, b"1")
    assert _keys("s3://shots/alone/a.exr", opener) == ["alone/a.exr"]
    assert _keys("s3://shots/alone/a.exr/", opener) == ["alone/a.exr/b.exr"]


def test_an_entry_of_an_object_has_its_version(s3: S3Server, opener: Opener) -> None:
    etag = s3.put("shots", "one/a.exr", b"12345")
    (entry,) = listing("s3://shots/one", opener)
    assert (entry.size, entry.etag, entry.ctime, entry.inode, entry.device) == (5, etag, None, None, None)
    assert entry.mtime
    assert entry.mtime > 10**15


def _small_pages(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    api = opener.client()._api
    pages = api.list_objects_v2
    monkeypatch.setattr(api, "list_objects_v2", lambda **names: pages(MaxKeys=2, **names))


def test_a_listing_has_all_pages_and_many_prefixes(
    s3: S3Server, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"pages/{folder}/{index}.exr" for folder in ("a", "b/c", "b/d") for index in range(5)]
    for name in names:
        s3.put("shots", name, b"1")
    assert _keys("s3://shots/pages", opener) == names
    _small_pages(opener, monkeypatch)
    assert _keys("s3://shots/pages", opener) == names
    assert _keys("s3://shots/pages/a", opener, recursive=False) == names[:5]


def test_a_listing_that_fails_half_way_says_so(
    s3: S3Server, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exr_inspector.sources.s3.PAUSES", ())
    for index in range(5):
        s3.put("shots", f"half/{index}.exr", b"1")
    monkeypatch.setattr(Opener, "fast_listing", lambda *_: None)
    _small_pages(opener, monkeypatch)
    s3.forget()
    s3.plan = lambda number: status(503) if number > 2 else None
    found = listing("s3://shots/half", opener)
    assert len(list(found)) == 2
    assert [each.code for each in found.errors] == ["STORAGE_UNAVAILABLE"]


def test_a_store_that_refuses_is_an_error(s3: S3Server, opener: Opener) -> None:
    s3.plan = lambda _: status(403, "AccessDenied")
    found = listing("s3://shots/any", opener)
    assert list(found) == []
    assert [each.code for each in found.errors] == ["STORAGE_DENIED"]


ODD = [
    "a b+c%20.exr", "層.exr", "ünï.exr", "e\u0301.exr", "q?x=1&y.exr", "t\tab.exr", "back\\slash.exr",
    "[1]*.exr", "🎬.exr", "~.exr", "#1.exr", "%2F.exr", "space .exr", " lead.exr", "'quote\".exr",
    "<&>.exr", ".exr", "...exr",
]  # fmt: skip
# obstore refuses these, and the stream that they are in.
REFUSED = ["double//slash.exr", "a/./b.exr", "a/../b.exr", "control\x01.exr"]


def test_a_bucket_of_strange_keys_is_listed_whole(s3: S3Server, opener: Opener) -> None:
    names = [
        *(f"odd/{folder}/{each}" for folder in range(9) for each in ODD),
        *(f"odd/x/{each}" for each in REFUSED),
    ]
    names += [f"/odd-lead/{index}.exr" for index in range(201 - len(names))]
    for name in (*names, "odd/marker.exr/", "odd/x/marker.exr/"):
        s3.put("shots", name, b"" if name.endswith("/") else b"1")
    s3.put("shots", "odd/empty.exr", b"")
    found = {each for each in _keys("s3://shots", opener) if "odd" in each}
    for name in names:
        s3.delete("shots", name)
    assert found == {*names, "odd/empty.exr"}
    assert len(names) == 201
