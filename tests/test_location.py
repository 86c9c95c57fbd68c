"""Locations: one file, one identity, whatever it is called."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector import inspect_many
from exr_inspector.errors import BAD_EVENT, InspectorError
from exr_inspector.events.parse import requests_of
from exr_inspector.location import PathMap, folder_names, impossible_name, object_location, path_location
from exr_inspector.settings import Settings
from tests.exrfiles.demo import simple

VAST = PathMap.parse(r"/mnt/vast/renders=s3://renders; \\vast\renders=s3://renders;/mnt/vast=s3://other")


def test_a_file_id_is_the_hash_of_its_path_as_in_release_1_0() -> None:
    for path in ("/show/a.1001.exr", "s3://shots/a.1001.exr"):
        location = path_location(path)
        assert location.file_id == hashlib.sha256(path.encode()).hexdigest()[:32]
        assert (location.path, location.canonical) == (path, path)


def test_a_local_path_is_absolute_and_normalized(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    location = path_location("sub/../a.exr")
    assert (location.scheme, location.bucket, location.key) == ("file", "", str(tmp_path / "a.exr"))
    assert path_location(Path("a.exr")) == path_location(os.fspath(tmp_path) + "//./a.exr") == location


def test_an_objects_key_is_opaque() -> None:
    location = object_location("shots", "a//b/%20.exr")
    assert (location.scheme, location.bucket, location.key) == ("s3", "shots", "a//b/%20.exr")
    assert location.path == "s3://shots/a//b/%20.exr"


@pytest.mark.parametrize("key", ["", "a/../b.exr", "./a.exr", "a\0.exr", "\ud800.exr"])
def test_what_no_object_can_be_called_is_refused(key: str) -> None:
    with pytest.raises(InspectorError) as refused:
        object_location("shots", key)
    assert refused.value.fault is BAD_EVENT


@pytest.mark.parametrize(
    "path",
    [
        "/mnt/vast/renders/sh010/a.1001.exr",
        "/mnt/vast/renders/./sh010//a.1001.exr",
        r"\\vast\renders\sh010\a.1001.exr",
        "s3://renders/sh010/a.1001.exr",
    ],
)
def test_all_names_of_one_file_have_one_identity(path: str) -> None:
    location = path_location(path, VAST)
    assert location.canonical == "s3://renders/sh010/a.1001.exr"
    assert location.file_id == path_location("s3://renders/sh010/a.1001.exr").file_id


def test_the_longest_prefix_wins_and_ends_at_a_slash() -> None:
    assert path_location("/mnt/vast/a.exr", VAST).canonical == "s3://other/a.exr"
    assert path_location("/mnt/vast/renders2/a.exr", VAST).canonical == "s3://other/renders2/a.exr"
    assert path_location("/mnt/vastly/a.exr", VAST).canonical == "/mnt/vastly/a.exr"


def test_the_length_of_the_canonical_name_does_not_matter() -> None:
    paths = PathMap.parse("/mnt/a=s3://a-long-name;/mnt/a/b=s3://b")
    assert path_location("/mnt/a/b/c.exr", paths).canonical == "s3://b/c.exr"


def test_a_name_of_another_platform_is_opened_under_this_ones(tmp_path: Path) -> None:
    assert path_location(r"\\vast\renders\a.exr", VAST).path == "/mnt/vast/renders/a.exr"
    assert VAST.display("s3://renders/a.exr") == "/mnt/vast/renders/a.exr"
    assert VAST.display("s3://elsewhere/a.exr") == "s3://elsewhere/a.exr"


@given(st.lists(st.sampled_from(["a", "b", "ab", "a.exr", "ö"]), min_size=1, max_size=5))
def test_the_display_path_is_a_name_of_the_same_file(steps: list[str]) -> None:
    canonical = "s3://renders/" + "/".join(steps)
    assert path_location(VAST.display(canonical), VAST).canonical == canonical


def test_events_and_paths_meet_in_one_identity() -> None:
    event = {"data": {"s3_bucket": "renders", "s3_key": "sh010/a.1001.exr"}}
    (request,) = requests_of(event, VAST)
    assert request.locations[0].file_id == path_location("/mnt/vast/renders/sh010/a.1001.exr", VAST).file_id


def test_a_mapped_file_is_read_from_its_path_and_documented_under_its_canonical_name(tmp_path: Path) -> None:
    (tmp_path / "a.1001.exr").write_bytes(simple(4, 4))
    settings = Settings(path_map=f"{tmp_path}=s3://renders/sh010")
    (document,) = inspect_many([tmp_path / "a.1001.exr"], settings)
    assert (document["file"]["status"], document["file"]["path"]) == ("ok", "s3://renders/sh010/a.1001.exr")


@pytest.mark.parametrize("text", ["/mnt/renders", "=s3://renders", "/mnt/renders=", "a=b;c", " ; = "])
def test_a_map_of_anything_but_pairs_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be pairs PREFIX=CANONICAL"):
        PathMap.parse(text)


@pytest.mark.parametrize("path", ["Z:\\renders\\sh1\\a.exr", "Z:/renders/sh1/a.exr"])
def test_a_path_on_a_drive_is_mapped_with_either_slash(path: str) -> None:
    assert PathMap.parse("Z:\\renders=s3://shows").canonical(path) == "s3://shows/sh1/a.exr"


@pytest.mark.skipif(os.sep != "/", reason="paths on drives are native to Windows")
@pytest.mark.parametrize("prefix", ["Z:\\renders", "Z:/renders", "\\\\filer\\renders", "//filer/renders"])
def test_a_name_of_windows_is_not_shown_elsewhere(prefix: str) -> None:
    assert PathMap.parse(f"{prefix}=s3://shows").display("s3://shows/a.exr") == "s3://shows/a.exr"
    both = PathMap.parse(f"{prefix}=s3://shows;/mnt/renders=s3://shows")
    assert both.display("s3://shows/a.exr") == "/mnt/renders/a.exr"


def test_a_refusal_quotes_the_beginning_of_a_long_name() -> None:
    error = impossible_name("b", "k" * 300)
    assert error.message == f"no object can have the name {'b/' + 'k' * 198!r}"
    with pytest.raises(InspectorError) as raised:
        path_location("\0" * 300)
    assert raised.value.message == f"no file can have the path {chr(0) * 200!r}"


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("/", ("",)),
        ("/shows/dune/", ("/shows/dune",)),
        ("/mnt/shows/a", ("/mnt/shows/a", "s3://renders/a")),
        ("s3://renders/a/", ("s3://renders/a",)),
        ("s3://renders/", ("s3://renders",)),
        ("s3://renders", ("s3://renders",)),
    ],
)
def test_a_folder_has_the_names_that_its_files_begin_with(name: str, names: tuple[str, ...]) -> None:
    assert folder_names(name, PathMap.parse("/mnt/shows=s3://renders")) == names
