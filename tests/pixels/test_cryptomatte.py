from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exr_inspector
from exr_inspector import InspectorError, cryptomattes
from exr_inspector.exr.cryptomatte import NO_OBJECT
from exr_inspector.pixels import coverage
from exr_inspector.pixels.coverage import Coverage
from exr_inspector.pixels.places import Block
from tests.exrfiles.attributes import attribute
from tests.exrfiles.cryptomatte import channels, metadata, object_id
from tests.exrfiles.demo import layered_beauty
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.parts import deep_scanline, scanline, tiled
from tests.exrfiles.scene import BALLS, View, draw
from tests.exrfiles.writer import Part, write
from tests.pixels.images import Planes, library_file

WIDTH, HEIGHT, ORIGIN = 70, 50, (-3, 11)
NAMES = [f"/obj/{letter}" for letter in "abcdefgh"]


def _visible(seed: int = 1) -> Planes:
    """What eight objects cover: discs, in parts transparent, in the order of their depth."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    left = np.ones((HEIGHT, WIDTH), np.float32)
    found = {}
    for name in NAMES[:-1]:  # nothing shows the last one
        center, radius = random.uniform(0, 1, 2) * (WIDTH, HEIGHT), random.uniform(5, 20)
        alpha = np.clip(radius - np.hypot(x - center[0], y - center[1]), 0, 1) * random.uniform(0.3, 1)
        found[name] = (left * alpha).astype(np.float32)
        left = left * (1 - alpha.astype(np.float32))
    return found


def _expected(planes: Planes, layer: str, ids: dict[int, str | None]) -> dict[str | None, Any]:
    """Area, pixels and box of each id, pixel by pixel from whole planes."""
    found: dict[str | None, Any] = {}
    for id_, name in ids.items():
        weight = np.zeros((HEIGHT, WIDTH))
        for number in range(3):
            for id_name, coverage_name in ("RG", "BA"):
                is_here = planes[f"{layer}{number:02}.{id_name}"].view(np.uint32) == id_
                weight += np.where(is_here, planes[f"{layer}{number:02}.{coverage_name}"], 0)
        rows, columns = np.nonzero(weight)
        box = None
        if len(rows):
            (x, y), low, high = ORIGIN, (columns.min(), rows.min()), (columns.max(), rows.max())
            corners = ((int(low[0]) + x, int(low[1]) + y), (int(high[0]) + x, int(high[1]) + y))
            box = dict(
                zip(("min", "max"), (dict(zip("xy", corner, strict=True)) for corner in corners), strict=True)
            )
        found[name] = (pytest.approx(float(weight.sum())), len(rows), box)
    return found


def _found(path: Path, data: bytes, **options: Any) -> dict[str, Any]:
    (path / "x.exr").write_bytes(data)
    found = cryptomattes(path / "x.exr", **options)
    json.dumps(found, allow_nan=False)
    return found


def _objects(found: dict[str, Any], index: int = 0) -> dict[str | None, Any]:
    objects = found["cryptomattes"][index]["objects"]
    return {each["name"]: (each["area"], each["pixels"], each["box"]) for each in objects}


MANIFEST = json.dumps({name: f"{object_id(name):08x}" for name in NAMES})
PLANES = channels("id", _visible())
IDS: dict[int, str | None] = {object_id(name): name for name in NAMES}


@pytest.mark.parametrize(
    "part",
    [
        scanline(PLANES, metadata("id", NAMES), origin=ORIGIN),
        scanline(PLANES, metadata("id", NAMES), origin=ORIGIN, compression="none", line_order="decreasingY"),
        tiled({(0, 0): PLANES}, Tiling(16, 24), metadata("id", NAMES), origin=ORIGIN),
    ],
    ids=["scan lines", "scan lines backwards", "tiles"],
)
def test_each_object_has_its_area_pixels_and_box(part: Part, tmp_path: Path) -> None:
    found = _found(tmp_path, write(part), coverage=True)
    assert (found["status"], found["failures"]) == ("ok", [])
    assert _objects(found) == _expected(PLANES, "id", IDS)
    assert _objects(found)["/obj/h"] == (0, 0, None)
    areas = [each["area"] for each in found["cryptomattes"][0]["objects"]]
    assert areas == sorted(areas, reverse=True)


def test_small_groups_give_the_same_coverage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exr_inspector.pixels.plan.groups.__defaults__", (4096,))
    found = _found(tmp_path, write(scanline(PLANES, metadata("id", NAMES), origin=ORIGIN)), coverage=True)
    assert _objects(found) == _expected(PLANES, "id", IDS)


def test_layers_in_parts_of_their_own_are_added(tmp_path: Path) -> None:
    parts = [
        scanline(
            {
                name.removeprefix(f"id{number:02}."): plane
                for name, plane in PLANES.items()
                if f"id{number:02}." in name
            },
            [attribute("name", "string", f"id{number:02}"), *(metadata("id", NAMES) if number == 1 else ())],
            origin=ORIGIN,
        )
        for number in range(3)
    ]
    assert _objects(_found(tmp_path, write(*parts), coverage=True)) == _expected(PLANES, "id", IDS)


def test_the_areas_of_a_render_add_up_to_its_alpha(tmp_path: Path) -> None:
    objects = _objects(_found(tmp_path, layered_beauty(), coverage=True))
    alpha = draw(View(160, 90, 8)).alpha
    assert set(objects) == {ball.name for ball in BALLS}
    assert sum(area for area, _, _ in objects.values()) == pytest.approx(float(alpha.sum()), rel=1e-5)


def test_without_coverage_no_pixel_is_read(tmp_path: Path) -> None:
    data = write(scanline(PLANES, metadata("id", NAMES)))
    found = _found(tmp_path, data[: len(data) // 2])
    assert found["status"] == "ok"
    assert _objects(found) == dict.fromkeys(NAMES, (None, None, None))


def test_ids_outside_of_the_manifest_are_objects_without_a_name(tmp_path: Path) -> None:
    data = write(scanline(PLANES, metadata("id", NAMES[:1]), origin=ORIGIN))
    objects = _found(tmp_path, data, coverage=True)["cryptomattes"][0]["objects"]
    unnamed = {int(each["id"], 16): each["area"] for each in objects if each["name"] is None}
    expected = _expected(PLANES, "id", {object_id(name): name for name in NAMES})
    assert unnamed == {object_id(name): expected[name][0] for name in NAMES[1:-1]}


def test_a_missing_chunk_costs_only_its_pixels(tmp_path: Path) -> None:
    data = write(scanline(PLANES, metadata("id", NAMES), origin=ORIGIN, compression="none"))
    found = _found(tmp_path, data[: len(data) // 2], coverage=True)
    assert found["status"] == "partial"
    assert {each["code"] for each in found["failures"]} == {"CHUNKS_MISSING"}
    seen = [box["max"]["y"] for _, _, box in _objects(found).values() if box]
    assert ORIGIN[1] < max(seen) < ORIGIN[1] + HEIGHT - 1


@pytest.mark.parametrize("codec", ["pxr24", "dwaa"])
def test_a_damaged_cryptomatte_shows_in_ids_without_a_name(codec: str, tmp_path: Path) -> None:
    texts = {each.name.decode(): each.value.decode() for each in metadata("id", NAMES)}
    data = library_file(PLANES, codec, tmp_path / "y.exr", **texts)
    (found,) = _found(tmp_path, data, coverage=True)["cryptomattes"]
    assert found["damaged_channels"]
    assert any(each["name"] is None for each in found["objects"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda planes: {name: plane.astype(np.float16) for name, plane in planes.items()}, "id00.B is half"),
        (lambda planes: {"id00.G": planes["id00.G"]}, "no layer has an id and a coverage channel"),
    ],
)
def test_channels_that_cannot_hold_ids_are_not_measured(change: Any, reason: str, tmp_path: Path) -> None:
    with np.errstate(over="ignore"):
        planes = change(PLANES)
    found = _found(tmp_path, write(scanline(planes, metadata("id", NAMES))), coverage=True)
    (only,) = found["cryptomattes"]
    assert found["status"] == "ok"
    assert reason in only["coverage"]["error"]
    assert {each["area"] for each in only["objects"]} == {None}


def test_subsampled_and_deep_channels_are_not_measured(tmp_path: Path) -> None:
    halved = {**PLANES, "id00.R": PLANES["id00.R"][:, ::2].copy()}
    flat = scanline(halved, metadata("id", NAMES), sampling={"id00.R": (2, 1)})
    samples = {name: plane.ravel() for name, plane in PLANES.items()}
    deep = deep_scanline(np.ones((HEIGHT, WIDTH), np.int32), samples, metadata("id", NAMES))
    errors = [
        _found(tmp_path, write(part), coverage=True)["cryptomattes"][0]["coverage"]["error"]
        for part in (flat, deep)
    ]
    assert errors == ["id00.R is subsampled", "the part is deep"]


def test_the_cryptomattes_of_a_hostile_file_are_bounded(tmp_path: Path) -> None:
    keys = [f"{number:07x}" for number in range(500)]
    texts = [attribute(f"cryptomatte/{key}/name", "string", "id") for key in keys]
    texts += [attribute(f"cryptomatte/{key}/manif_file", "string", f"{key}.json") for key in keys]
    for key in keys:
        (tmp_path / f"{key}.json").write_text(MANIFEST)
    found = _found(tmp_path, write(scanline(PLANES, texts)), coverage=True)["cryptomattes"]
    assert sum(each["manifest_source"] == "sidecar" for each in found) == 16
    assert {each["coverage"]["error"] for each in found[16:]} == {"the file has more than 16 cryptomattes"}
    assert {len(each["objects"]) for each in found[:16]} == {8}


# --- the side-car ---------------------------------------------------------------------------------------


def _with_sidecar(path: str, *, manifest: str | None = None) -> bytes:
    texts = [each for each in metadata("id", ()) if not each.name.endswith(b"/manifest")]
    key = texts[0].name.decode().rpartition("/")[0]
    texts.append(attribute(f"{key}/manif_file", "string", path))
    if manifest is not None:
        texts.append(attribute(f"{key}/manifest", "string", manifest))
    return write(scanline(PLANES, texts))


def test_the_names_come_from_a_sidecar(tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "id.json").write_text(MANIFEST)
    (found,) = _found(tmp_path, _with_sidecar("manifests/id.json"), coverage=True)["cryptomattes"]
    assert (found["manifest_source"], found["object_count"], found["mismatched_count"]) == ("sidecar", 8, 0)
    assert {each["name"] for each in found["objects"]} == set(NAMES)


def test_a_valid_manifest_in_the_header_comes_first(tmp_path: Path) -> None:
    (tmp_path / "id.json").write_text('{"a":"00000001"}')
    (found,) = _found(tmp_path, _with_sidecar("id.json", manifest=MANIFEST))["cryptomattes"]
    assert (found["manifest_source"], found["object_count"]) == ("header", 8)
    (found,) = _found(tmp_path, _with_sidecar("id.json", manifest="{"))["cryptomattes"]
    assert (found["manifest_source"], found["object_count"]) == ("sidecar", 1)


def test_a_sidecar_that_cannot_be_read_is_an_error_of_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "large.json").write_text(MANIFEST)
    monkeypatch.setattr("exr_inspector.pixels.cryptomatte.MAX_MANIFEST_BYTES", 10)
    reasons = {
        "none.json": "cannot be read",
        "folder.json": "cannot be read",
        "../x.json": "not allowed",
        "large.json": f"has {len(MANIFEST)} bytes; 10 are read",
    }
    for path, reason in reasons.items():
        found = _found(tmp_path, _with_sidecar(path))
        assert reason in found["cryptomattes"][0]["manifest_error"]
        assert (found["status"], found["cryptomattes"][0]["objects"]) == ("ok", [])


# --- files without one, and bad files -------------------------------------------------------------------


def test_a_file_without_a_cryptomatte_has_none(tmp_path: Path) -> None:
    assert _found(tmp_path, write(scanline({"R": PLANES["id00.G"]})), coverage=True) == {
        "status": "ok",
        "cryptomattes": [],
        "unclaimed_layers": [],
        "failures": [],
    }


def test_a_file_that_is_no_exr_fails_with_its_fault(tmp_path: Path) -> None:
    for options in ({}, {"coverage": True}):
        found = _found(tmp_path, b"not an image", **options)
        assert (found["status"], found["failures"][0]["code"]) == ("failed", "NOT_AN_EXR")


def test_coverage_needs_the_pixel_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> str:
        raise InspectorError(exr_inspector.errors.NOT_INSTALLED, "absent")

    monkeypatch.setattr("exr_inspector.pixels.pixel_file.decoder_version", absent)
    data = write(scanline(PLANES, metadata("id", NAMES)))
    assert _found(tmp_path, data)["status"] == "ok"
    with pytest.raises(InspectorError) as caught:
        _found(tmp_path, data, coverage=True)
    assert caught.value.code == "NOT_INSTALLED"


# --- the accumulation -----------------------------------------------------------------------------------


def _block(bits: Any) -> Block:
    samples = np.array(bits, np.uint32).view(np.float32)
    return Block(np.arange(samples.shape[0]), np.arange(samples.shape[1]), samples)


def test_ids_without_a_name_are_bounded_and_every_counted_id_is_exact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coverage, "MAX_UNNAMED", 2)
    found = Coverage([7])
    full = np.ones((1, 5), np.float32)
    found.add(_block([[1, 1, 2, 3, 3]]), full)
    found.add(_block([[3, 2, 7, 7, 4]]), full)
    assert {id_: each["pixels"] for id_, each in found.by_id().items()} == {1: 2, 3: 3, 7: 2}
    assert (found.other_pixels, found.other_area) == (3, 3.0)


def test_samples_without_an_object_or_with_impossible_coverage_do_not_count() -> None:
    found = Coverage([])
    weights = np.array([[1, 0, -0.5, np.nan, np.inf, 0.5]], np.float32)
    found.add(_block([[NO_OBJECT, 5, 5, 5, 5, 5]]), weights)
    assert found.by_id() == {
        5: {"area": 0.5, "pixels": 1, "box": {"min": {"x": 5, "y": 0}, "max": {"x": 5, "y": 0}}}
    }
    assert found.invalid == 3


def test_every_bit_pattern_is_an_id() -> None:
    bits = [0x7FC00000, 0x7F800000, 0xFF800000, 0x80000000, 1, 0xFFFFFFFF]
    found = Coverage([])
    found.add(_block([bits]), np.ones((1, 6), np.float32))
    assert set(found.by_id()) == set(bits)
