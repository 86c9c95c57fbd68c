"""`exr-inspector inspect FILE`: as short as it can be, and everything with --all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exr_inspector
from exr_inspector.apps.cli.terminal import harmless
from tests.apps.cli.command import on_terminal, run
from tests.exrfiles.attributes import Attribute, attribute
from tests.exrfiles.demo import simple
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write

SHOT = "shots/sq010/sh010"
# Lines at 80 columns that the demo's files took when each attribute had its own.
LINES_BEFORE = {
    "assets/hill/textures/hill_albedo.exr": 43,
    f"{SHOT}/beauty.1001.exr": 76,
    f"{SHOT}/deep.1001.exr": 50,
    f"{SHOT}/plate.1001.exr": 50,
    f"{SHOT}/stereo.1001.exr": 60,
    "shots/sq010/sh020/beauty.1004.exr": 77,
}


def shown(path: Path, *options: str) -> list[str]:
    return run("inspect", "--table", path, *options).stdout.splitlines()


@pytest.mark.parametrize("name", LINES_BEFORE)
def test_a_file_of_the_demo_takes_less_than_half_of_the_lines(demo: Path, name: str) -> None:
    lines = on_terminal("inspect", str(demo / name), columns=80).lines
    assert len(lines) < LINES_BEFORE[name] / 2
    assert "" not in lines
    assert max(map(len, lines[:-1])) <= 80


def test_a_file_is_described_as_people_do(demo: Path) -> None:
    head = [" ".join(line.split()) for line in shown(demo / SHOT / "beauty.1001.exr")[1:4]]
    assert head[0] == "status ok, complete, 7 of 7 chunks, 91,116 bytes, OpenImageIO opens it"
    assert head[1] == "image scanlineimage, zip, [-8,-8 - 167,97] 176x106 in display [0,0 - 159,89] 160x90"
    assert head[2].startswith("channels RGBA half, Z float, albedo.RGB half, crypto_object00.RGBA float, ")


def test_facts_that_all_parts_share_are_shown_once(demo: Path) -> None:
    lines = [" ".join(line.split()) for line in shown(demo / SHOT / "stereo.1001.exr")]
    assert lines[2:5] == [
        "4 parts scanlineimage, zip, [0,0 - 95,53] 96x54, 4 chunks",
        "part 0 rgba.left, view left, rgba.RGBA half",
        "part 1 depth.left, view left, depth.Z float",
    ]
    assert lines.count("cameraLabel: shotcam") == 1


def test_attributes_of_some_parts_name_them(tmp_path: Path) -> None:
    gray = {"Y": np.zeros((4, 4), np.float16)}
    values = (1, 1, 2)
    parts = [
        scanline(gray, [attribute("name", "string", f"p{index}"), attribute("mine", "int", value)])
        for index, value in enumerate(values)
    ]
    path = tmp_path / "parts.exr"
    path.write_bytes(write(*parts))
    assert {"  mine: 1 (parts 0,1)", "  mine: 2 (part 2)"} <= set(shown(path))


def test_the_reason_why_openimageio_refuses_a_file_is_shown(demo: Path) -> None:
    assert shown(demo / SHOT / "plate.1001.exr")[2].startswith(
        'OpenImageIO  refuses it: Subsampled channels are not supported (channel "BY"'
    )
    assert "BY,RY half sampled 2x2, Y half" in shown(demo / SHOT / "plate.1001.exr")[4]


def test_the_levels_of_a_texture_have_their_sizes(demo: Path) -> None:
    assert (
        "tiles 32x32, mipmap 128x128 64x64 32x32 16x16 8x8 4x4 2x2 1x1, "
        in shown(demo / "assets/hill/textures/hill_albedo.exr")[2]
    )


@pytest.mark.parametrize(
    ("type_name", "value", "text"),
    [
        ("timecode", (0x01020304, 0), "01:02:03:04"),
        ("timecode", (0x01020344, 0xABC), "01:02:03;04 drop-frame, user data 0x00000abc"),
        ("m33f", (1, 0, 0.5, 0, 1, 0, 0, 0, 1), "1 0 0.5, 0 1 0, 0 0 1"),
        ("rational", (24000, 1001), "24000/1001 (23.976)"),
        ("float", 2.0, "2"),
        ("double", 0.1, "0.1"),
        ("box2f", (0, 0.5, 1, 1), "[0,0.5 - 1,1]"),
    ],
)
def test_a_value_is_shown_as_people_read_it(tmp_path: Path, type_name: str, value: object, text: str) -> None:
    path = tmp_path / "a.exr"
    path.write_bytes(simple(4, 4, attributes=[attribute("mine", type_name, value)]))
    assert f"  mine: {text}" in shown(path)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif value is not None and not isinstance(value, bool):
        yield value


def _is_shown(leaf: Any, text: str) -> bool:
    if isinstance(leaf, str):
        return harmless(leaf, keep="") in text or json.dumps(leaf, ensure_ascii=False)[1:-1] in text
    return str(leaf).removesuffix(".0") in text


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with bad attributes, long ones, and a preview."""
    attributes = [
        attribute("timeCode", "timecode", (0x01020344, 77)),
        attribute("long", "string", "x" * 9000),
        Attribute(b"strange", b"mine", b"\x1b[31m"),
        Attribute(b"latin", b"string", b"caf\xe9"),
        Attribute(b"broken", b"int", b""),
        Attribute(b"caf\xe9", b"string", b"name"),
    ]
    path = tmp_path_factory.mktemp("strange") / "strange.exr"
    path.write_bytes(simple(4, 4, attributes=attributes))
    return path


@pytest.mark.parametrize("name", [*LINES_BEFORE, "strange"])
def test_all_shows_every_fact_of_the_document(demo: Path, strange: Path, name: str) -> None:
    path = strange if name == "strange" else demo / name
    document = exr_inspector.inspect(path)
    text = "\n".join(shown(path, "--all"))
    assert [leaf for leaf in _leaves(document) if not _is_shown(leaf, text)] == []
    assert all(key in text for key in ("is_deep", "is_tiled", "is_multiview", "p_linear"))


@pytest.mark.parametrize("columns", [40, 80])
def test_all_is_folded_and_never_truncated_on_a_terminal(strange: Path, columns: int) -> None:
    screen = on_terminal("inspect", "--all", str(strange), columns=columns)
    assert screen.text.count("x") > 9000
    assert "…" not in screen.text


def test_all_of_many_files_shows_each_in_full(demo: Path) -> None:
    done = run("inspect", "--all", demo / SHOT / "beauty.1001.exr", demo / SHOT / "deep.1001.exr")
    assert done.stdout.count("\nheader_hash ") == 2


@pytest.mark.parametrize("option", ["--json", "--pretty", "--jsonl", "--compact", "--no-output"])
def test_all_is_not_for_json(demo: Path, option: str) -> None:
    assert run("inspect", "--all", option, demo / SHOT / "beauty.1001.exr").exit_code == 2


def test_wide_characters_keep_the_columns_of_attributes(tmp_path: Path) -> None:
    names = [attribute(f"a{number}", "string", "東京タワー") for number in range(4)]
    path = tmp_path / "a.exr"
    path.write_bytes(simple(4, 4, attributes=names))
    lines = on_terminal("inspect", str(path), columns=80).lines
    assert any("  a0: 東京タワー" + " " * 26 in line for line in lines)
