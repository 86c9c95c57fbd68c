"""What the two vectors see and do not see, and that they are the same everywhere."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
from base64 import b64decode
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exr_inspector.vectors.embedding import (
    CHANNELS,
    EMBEDDING_VERSION,
    METADATA,
    channel_fingerprint,
    metadata_embedding,
)
from exr_inspector.vectors.explain import explain
from exr_inspector.vectors.projection import PLACES, Vector
from tests.vectors.documents import (
    GOLDEN,
    LAYERS,
    OF_PURPOSES,
    RGBA,
    Document,
    attribute,
    beauty,
    box,
    channel,
    document,
    hostile,
    layered,
    nothing,
    part,
    stereo,
)
from tests.vectors.golden import FILE, digest, golden, vectors

ROOT = Path(__file__).parents[2]


def cosine(a: Vector, b: Vector) -> float:
    return float(a.astype(np.float64) @ b.astype(np.float64))


def same(a: Document, b: Document) -> bool:
    return vectors(a) == vectors(b)


# --- form -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", GOLDEN.values(), ids=GOLDEN)
def test_vectors_are_finite_unit_float32_of_their_size(make: Any) -> None:
    for vector, size in ((metadata_embedding(make()), 384), (channel_fingerprint(make()), 128)):
        assert vector.shape == (size,)
        assert vector.dtype == np.float32
        assert vector.flags.c_contiguous
        assert np.isfinite(vector).all()
        assert np.linalg.norm(vector.astype(np.float64)) == pytest.approx(1, abs=1e-6)


def test_weights_add_up_to_100_percent_and_widths_to_the_size() -> None:
    for projection, size in ((METADATA, 384), (CHANNELS, 128)):
        assert sum(projection.weights.values()) == 100
        assert projection.size == size
        for group in projection.groups.values():
            assert (group.width - len(group.vocabulary)) % PLACES == 0
            assert len(set(group.vocabulary)) == len(group.vocabulary)


def test_a_file_without_features_gives_a_fixed_vector() -> None:
    assert metadata_embedding(nothing()).tolist() == [1] + [0] * 383
    assert channel_fingerprint(nothing()).tolist() == [1] + [0] * 127


def test_one_channel_more_changes_the_vector_of_a_thousand_channels_little() -> None:
    wide = layered(*(f"light_{number}" for number in range(332)))
    wider = [*wide, channel("light_332.R")]
    near = cosine(channel_fingerprint(document(wide, part())), channel_fingerprint(document(wider, part())))
    assert 0.99 < near < 1


# --- the same everywhere --------------------------------------------------------------------------


def test_the_golden_vectors_are_those_of_this_version() -> None:
    stored = json.loads(FILE.read_text())
    assert stored["version"] == EMBEDDING_VERSION
    for name, make in GOLDEN.items():
        for kind, text in vectors(make()).items():
            expected = np.frombuffer(b64decode(stored["vectors"][name][kind]), "<f4")
            found = np.frombuffer(b64decode(text), "<f4")
            np.testing.assert_array_equal(found, expected, f"{kind} vector of {name}")
    assert stored["purposes"] == {purpose: digest(make()) for purpose, make in OF_PURPOSES.items()}


@pytest.mark.parametrize("seed", ["0", "1", "4711"])
def test_a_process_with_another_hash_seed_gives_the_same_vectors(seed: str) -> None:
    paths = f"{ROOT}{os.pathsep}{ROOT / 'functions' / 'exr_inspector'}"
    code = "import json, tests.vectors.golden as g; print(json.dumps(g.golden()))"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": paths}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert json.loads(run.stdout) == golden()


def shuffled(given_document: Document, seed: int) -> Document:
    """The document with its parts, channels and attributes in another order."""
    shuffle = random.Random(seed).shuffle
    other = copy.deepcopy(given_document)
    shuffle(other["channels"])
    shuffle(other["parts"])
    for each in other["parts"]:
        shuffle(each["attributes"])
    return other


@pytest.mark.parametrize("make", GOLDEN.values(), ids=GOLDEN)
@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_channels_parts_and_attributes_does_not_matter(make: Any, seed: int) -> None:
    assert same(make(), shuffled(make(), seed))


TEXT = st.text(st.characters(), max_size=40)
SCALARS = st.one_of(
    TEXT,
    st.integers(-(2**31), 2**31 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["NaN", None]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
KNOWN = [
    "chromaticities",
    "software",
    "lensModel",
    "tStop",
    "framesPerSecond",
    "studio/show",
    "arnold/version",
    "colorSpace",
]
ATTRIBUTES = st.builds(
    attribute,
    st.sampled_from(KNOWN) | TEXT,
    VALUES,
    st.sampled_from(["string", "int", "float", "stringvector", "chromaticities", "rational", "odd"]),
)
CHANNEL_LISTS = st.lists(
    st.builds(
        channel,
        TEXT | st.sampled_from(["R", "diffuse.R", "Z"]),
        st.sampled_from(["half", "float", "uint", "unknown(9)"]),
        x_sampling=st.integers(-2, 2),
        p_linear=st.booleans(),
    ),
    max_size=12,
)
EDGES = st.integers(-(2**31), 2**31 - 1)
PARTS = st.builds(
    lambda attributes, windows, **fields: part(
        *attributes, data_window=windows[0], display_window=windows[1], **fields
    ),
    st.lists(ATTRIBUTES, max_size=8),
    st.tuples(*[st.none() | st.builds(box, EDGES, EDGES, EDGES, EDGES)] * 2),
    name=st.none() | TEXT,
    view=st.none() | TEXT,
    compression=st.none() | TEXT,
    pixel_aspect_ratio=st.none() | st.just("NaN") | st.floats(allow_nan=False, allow_infinity=False),
    tile_width=st.none() | st.integers(0, 2**32 - 1),
    color_space=st.none() | TEXT,
    render_software=st.none() | TEXT,
)
DOCUMENTS = st.builds(
    lambda channels, parts: document(channels, *parts), CHANNEL_LISTS, st.lists(PARTS, max_size=3)
)


@given(DOCUMENTS, st.integers(0, 99))
@settings(max_examples=150)
def test_any_document_in_any_order_gives_the_same_finite_unit_vectors(anything: Document, seed: int) -> None:
    for vector in (metadata_embedding(anything), channel_fingerprint(anything)):
        assert np.isfinite(vector).all()
        assert np.linalg.norm(vector.astype(np.float64)) == pytest.approx(1, abs=1e-6)
    assert same(anything, shuffled(anything, seed))


def test_a_value_seen_before_as_another_number_type_changes_nothing() -> None:
    """1, 1.0 and True are equal as keys of a cache, and must therefore give the same features."""
    first, second, third = (beauty(attribute("studio/level", value, "int")) for value in (1, 1.0, True))
    assert same(first, second)
    assert same(first, third)


# --- blind ----------------------------------------------------------------------------------------


def test_the_file_and_the_openimageio_report_are_not_seen() -> None:
    other = beauty()
    other["file"] = {"path": "/elsewhere/comp.0007.exr", "mtime": "1999-01-01T00:00:00Z", "frame_number": 7}
    other["attributes"] = {"Software": "another"}
    other["stats"], other["errors"] = {"status": "skipped"}, [{"code": "BAD_ATTRIBUTE"}]
    assert same(beauty(), other)


VARYING = [
    ("frame", 1001, 1002, "int"),
    ("frameNumber", "0998", "1003", "string"),
    ("studio/note", "checked frame 96", "checked frame 97", "string"),
    ("studio/element", "hero.1001.exr", "hero.1002.exr", "string"),
    ("studio/take", 1001, 1002, "int"),
    ("capDate", "2026:10:01 09:15:30", "2026:10:02 17:00:01", "string"),
    ("Date", "2026/09/11 18:11:31", "2026/09/12 05:07:53", "string"),
    ("studio/made", "Mon Jan 15 14:35:30 2024", "Tue Jan 16 02:00:00 2024", "string"),
    ("utcOffset", 3600.0, 7200.0, "float"),
    ("timeCode", {"time": "01:00:00:00"}, {"time": "01:00:00:01"}, "timecode"),
    ("keyCode", {"count": 1}, {"count": 2}, "keycode"),
    ("imageCounter", 12, 13, "int"),
    ("arnold/AA_seed", 12, 13, "int"),
    ("arnold/host/name", "blade-017", "blade-204", "string"),
    ("arnold/stats/memory/peak", 1554.54, 2031.9, "float"),
    ("vrayInfo/computername", "ws-01", "ws-02", "string"),
    ("vrayInfo/rendertime", " 0h 28m 39.3s", " 2h 57m 33.3s", "string"),
    ("vrayInfo/cpu", "INTEL/Model:15", "INTEL/Model:12", "string"),
    ("vrayInfo/ram", "65440MB", "24576MB", "string"),
    ("vrayInfo/primitives", "15326233", "0", "string"),
    ("rs/hostname", "node1", "node2", "string"),
    ("rs/camera/fov", 0.9, 0.91, "float"),
    ("husk:render_stats", '{"rays": 1}', '{"rays": 2}', "string"),
    ("hostComputer", "a", "b", "string"),
    ("renderTime", "3m 12.5s", "14m 2.25s", "string"),
    ("RenderTime", "00:13.14", "01:02.50", "string"),
    ("cycles.ViewLayer.total_time", "00:00.26", "00:00.18", "string"),
    ("renderMemory", "2.31 GB", "12.90 GB", "string"),
    ("nuke/node_hash", "1d15cdf91144c78c", "1a", "string"),
    ("nuke/input/mtime", "2026-10-01 10:00:00", "2026-10-01 10:00:09", "string"),
    ("studio/job_id", "8812", "17", "string"),
    (
        "studio/asset",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "9b2f1c6e-0000-41d3-9a0c-0305e82c3301",
        "string",
    ),
    ("studio/source", "/mnt/a/b.exr", "C:\\x\\y.exr", "string"),
    ("studio/link", "https://a/1", "https://a/2", "string"),
    ("studio/size", "1543.2 MiB", "7.1 MiB", "string"),
    ("cryptomatte/bda530a/manifest", '{"a": "1"}', '{"b": "2"}', "string"),
    ("studio/by", "anna@rn042", "bo@rn117", "string"),
    ("studio/from", "rn042.farm.local", "rn117.farm.local", "string"),
    ("studio/origin", "10.1.2.3", "192.168.7.15", "string"),
    ("osVersion", "Windows 10.0.19045", "Rocky Linux 9.4", "string"),
    ("gpu/driverVersion", "535.104", "550.54", "string"),
    ("worldToCamera", [0.0] * 16, [1.0] * 16, "m44f"),
    ("studio/report", "words " * 100, "other " * 100, "string"),
]


@pytest.mark.parametrize(("name", "now", "then", "kind"), VARYING, ids=[case[0] for case in VARYING])
def test_a_value_that_changes_from_frame_to_frame_is_not_seen(
    name: str, now: Any, then: Any, kind: str
) -> None:
    assert same(beauty(attribute(name, now, kind)), beauty(attribute(name, then, kind)))


HOSTS = """
    render_node renderNode rendernode RenderNode2 nodename NODE_NAME nuke/node rqdNode slave slaveName
    Deadline/SlaveName blade tractor_blade bladename worker workstation workstationName station server
    licenseServer client rrClient hqueue/clientName host hostName renderhost PixarRenderHost machine agent
    rack cluster instance pod vm desktop renderPC ip ipAddress hostIP macAddress platform processor device
    rendered_on ranOn
"""
JOBS = """
    login loginName LOGNAME user username USERNAME userName account author submitter submittedBy renderedBy
    rendered_by operator email job jobName rrJobID jobid qbjobid tractor_jid taskId openCue/proc cueJob
    queue renderQueue pool Deadline/SecondaryPool slot chunk ChunkSize batchName wedge wedgenum spooler
    submission priority attempt retries session deadline/group flamenco/manager
"""


@pytest.mark.parametrize("name", [*HOSTS.split(), *JOBS.split()])
def test_names_of_hosts_and_jobs_are_not_seen(name: str) -> None:
    first, second, third = (
        beauty(attribute(name, value, kind))
        for value, kind in (("rn042", "string"), ("kestrel", "string"), (["rn042", "anna"], "stringvector"))
    )
    assert same(first, second)
    assert same(first, third)
    assert same(beauty(attribute(name, 3, "int")), beauty(attribute(name, 4, "int")))
    assert not same(beauty(), first)


def test_the_presence_of_a_volatile_attribute_is_seen() -> None:
    assert not same(beauty(), beauty(attribute("arnold/stats/memory/peak", 1.0, "float")))


# --- sensitive ------------------------------------------------------------------------------------


def with_channels(channels: list[dict[str, Any]]) -> Document:
    return {**beauty(), "channels": channels}


HD, LAYERED = beauty(), layered(*LAYERS.split())
CHANGES = [
    (
        "a layer",
        with_channels(layered(*LAYERS.split(), "shadow_matte")),
        {"names", "layers", "purposes", "pixels", "counts"},
    ),
    ("a component", with_channels([*LAYERED[:-1], channel("shadow.A")]), {"names", "components"}),
    (
        "a pixel type",
        with_channels([*LAYERED[:-3], *(channel(each["name"], "float") for each in LAYERED[-3:])]),
        {"pixels"},
    ),
    ("sampling", with_channels([channel("R", x_sampling=2, y_sampling=2), *LAYERED[1:]]), {"pixels"}),
    ("pLinear", with_channels([channel("R", p_linear=True), *LAYERED[1:]]), {"pixels"}),
    ("compression", beauty(compression="dwaa"), {"storage"}),
    ("an unknown compression", beauty(compression="unknown(99)"), {"storage"}),
    ("line order", beauty(line_order="decreasingY"), {"storage"}),
    (
        "tiles",
        beauty(type="tiledimage", tile_width=64, tile_height=64, level_mode="oneLevel"),
        {"storage", "structure"},
    ),
    ("levels", beauty(level_mode="mipmap", rounding_mode="down"), {"structure", "kind"}),
    ("deep", beauty(type="deepscanline"), {"structure", "kind"}),
    ("a part's name", beauty(name="rgba"), {"structure"}),
    ("a view", beauty(view="left"), {"structure"}),
    ("size", beauty(display_window=box(0, 0, 3839, 2159)), {"resolution"}),
    ("pixel aspect", beauty(pixel_aspect_ratio=2.0), {"resolution"}),
    ("overscan", beauty(data_window=box(-96, -54, 2015, 1133)), {"windows"}),
    ("a crop", beauty(data_window=box(100, 100, 900, 900)), {"windows"}),
    ("color space", beauty(color_space="lin_ap1_scene"), {"color"}),
    ("ACES flag", beauty(attribute("acesImageContainerFlag", 1, "int")), {"color"}),
    (
        "chromaticities",
        beauty(attribute("chromaticities", {"red": {"x": 0.64, "y": 0.33}}, "chromaticities")),
        {"color"},
    ),
    ("software", beauty(render_software="Katana 7.0v2"), {"software"}),
    ("lens", beauty(attribute("lensMake", "Cooke")), {"camera"}),
    ("exposure", beauty(attribute("isoSpeed", 800.0, "float")), {"camera"}),
    (
        "frame rate",
        beauty(attribute("framesPerSecond", {"numerator": 48, "denominator": 1}, "rational")),
        {"camera"},
    ),
    ("an attribute", beauty(attribute("studio/thing", None, "float")), {"attributes"}),
    ("a category", beauty(attribute("studio/element", "hero")), {"attributes", "values"}),
]


@pytest.mark.parametrize(
    ("changed", "groups"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES]
)
def test_a_change_is_seen_in_its_groups_and_no_other(changed: Document, groups: set[str]) -> None:
    explanation = explain(HD, changed)
    assert explanation.cosine < 1 - 1e-5
    assert {each.group for each in explanation.groups if each.only_a or each.only_b} | groups == groups
    lower = {each.group for each in explanation.groups if each.cosine is None or each.cosine < 1 - 1e-6}
    silent = {each.group for each in explanation.groups if each.weight == 0}
    assert lower - silent == groups


def test_a_number_of_parts_is_seen() -> None:
    channels = [channel("R"), channel("R", index=1)]
    one, two = document(channels, part()), document(channels, part(), part())
    assert not same(one, two)


@pytest.mark.parametrize("other", ["deepscanline", "tiledimage"])
def test_a_compression_changes_less_than_the_kind_of_image(other: str) -> None:
    assert explain(HD, beauty(compression="piz")).cosine > explain(HD, beauty(type=other)).cosine


LADDER = [(1280, 720), (1440, 810), (1920, 1080), (2048, 1152), (2560, 1440), (3840, 2160), (7680, 4320)]


@pytest.mark.parametrize("size", LADDER)
def test_nearer_sizes_are_nearer(size: tuple[int, int]) -> None:
    def vector(width: int, height: int) -> Vector:
        return metadata_embedding(beauty(display_window=box(0, 0, width - 1, height - 1)))

    here, reach = LADDER.index(size), 1e-4  # sizes that have no bin in common are equally far
    cosines = [cosine(vector(*size), vector(*other)) for other in LADDER]
    rising, falling = pairwise(cosines[: here + 1]), pairwise(cosines[here:])
    assert all(farther < nearer + reach for farther, nearer in rising)
    assert all(nearer + reach > farther for nearer, farther in falling)
    assert sorted(cosines)[-2] < cosines[here] - 0.004


def test_versions_rank_before_major_versions_and_those_before_programs() -> None:
    def of(software: str) -> Vector:
        return metadata_embedding(document(RGBA, part(render_software=software)))

    now = of("Arnold 7.3.2.1")
    patch, minor, major, other = (
        cosine(now, of(each))
        for each in ("Arnold 7.3.2.2", "Arnold 7.4.0.0", "Arnold 6.2.0.1", "RenderMan 7.3.2.1")
    )
    assert 1 > patch > minor > major > other


# --- the fingerprint ------------------------------------------------------------------------------


def test_equal_channels_give_equal_fingerprints_whatever_else_differs() -> None:
    first = document([channel(name) for name in "RGBA"], part())
    second = document(
        [channel(name, index=index) for index, name in enumerate("ABGR")],
        *(part(compression="none", name=name, type="tiledimage") for name in "abgr"),
    )
    assert channel_fingerprint(first).tobytes() == channel_fingerprint(second).tobytes()
    assert not same(first, second)


def test_one_layer_more_changes_the_fingerprint_little_and_other_names_much() -> None:
    ten = channel_fingerprint(document(layered(*LAYERS.split(), "depth_of_field"), part()))
    eleven = channel_fingerprint(document(layered(*LAYERS.split(), "depth_of_field", "shadow_matte"), part()))
    renamed = channel_fingerprint(
        document([channel(f"ViewLayer.{number:02}.{each}") for number in range(11) for each in "RGB"], part())
    )
    assert cosine(ten, eleven) > 0.95
    assert cosine(ten, renamed) < 0.6


@pytest.mark.parametrize(
    "other",
    [
        [*RGBA[:3], channel("A", "float")],
        [*RGBA[:3], channel("A", p_linear=True)],
        [*RGBA[:3], channel("A", x_sampling=2)],
        [*RGBA[:3], channel("a")],
        [*RGBA, channel("Z")],
        [channel(f"left.{name}") for name in "RGBA"],
    ],
)
def test_fingerprints_of_other_channels_differ(other: list[dict[str, Any]]) -> None:
    assert cosine(channel_fingerprint(document(RGBA)), channel_fingerprint(document(other))) < 0.999


def test_unlike_files_have_a_low_cosine() -> None:
    made = [metadata_embedding(make()) for make in (beauty, stereo, hostile, nothing)]
    assert max(cosine(a, b) for index, a in enumerate(made) for b in made[:index]) < 0.6
