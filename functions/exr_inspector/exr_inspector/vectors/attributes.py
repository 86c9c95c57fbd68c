"""The features of one attribute: what a render is, never when, where or for whom it was rendered.

The name of every studio attribute is a feature. Its value is one if it is a category: the same in all frames
of a setup. A value is not a category if the attribute's name speaks of a frame, a time, a machine, a job, a
file, an identity or a measurement (`VOLATILE`), or if the value looks like one (`MEASURED`). Frame numbers
are also inside names and values, so a number in them counts as `#` (`NUMBER`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from exr_inspector.vectors.numbers import LOWER, magnitude
from exr_inspector.vectors.weights import KINDS, WEIGHTS

Feature = tuple[str, str, float]
"""Group, text, weight within the group."""
Leaves = tuple[tuple[str, "str | float"], ...]
"""The texts and numbers in a value, each with the path of keys that leads to it."""
Reader = Callable[[str, Leaves], Iterator[Feature]]

MAX_TEXT = 96
"""Characters of a category; a longer text is prose or data."""
MAX_ITEMS = 16
"""Items of a list that are read."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


STRUCTURAL = frozenset(
    _words("""
    channels chunkCount compression dataWindow displayWindow lineOrder name pixelAspectRatio preview
    screenWindowCenter screenWindowWidth tiles type version view
    """)
)
"""Attributes that the part's own fields describe, or that are alike in every file."""

COLOR = frozenset(_words("acesImageContainerFlag adoptedNeutral chromaticities whiteLuminance"))

CAMERA = frozenset(
    _words("""
    aperture cameraCCTSetting cameraFirmwareVersion cameraLabel cameraMake cameraModel cameraSerialNumber
    cameraTintSetting captureRate effectiveFocalLength expTime framesPerSecond isoSpeed lensFirmwareVersion
    lensMake lensModel lensSerialNumber nominalFocalLength pinholeFocalLength sensorOverallDimensions
    shutterAngle tStop
    """)
)

CATEGORICAL = frozenset(_words("string stringvector int envmap deepImageState"))
"""Types whose values can be categories."""

PROGRAMS = {
    "3delight": "3delight",
    "after effects": "after ?effects",
    "arnold": "arnold",
    "blender": "blender|cycles",
    "corona": "corona",
    "flame": "flame",
    "fusion": "fusion",
    "gaffer": "gaffer",
    "houdini": "houdini|karma|mantra|husk",
    "katana": "katana",
    "moonray": "moonray",
    "natron": "natron",
    "nuke": "nuke",
    "octane": "octane",
    "openimageio": "openimageio|oiiotool",
    "redshift": "redshift|^rs/",
    "renderman": "renderman|prman",
    "resolve": "resolve",
    "unreal": "unreal",
    "v-ray": "v-?ray",
}
"""Programs and patterns of their names, in lower case. Others are named by the text before their version."""

RELEASES = tuple(f"release {number}" for number in range(8))
"""The last number of a version, modulo 8."""

KIND_OF = {"cameraMake": "photograph", "cameraModel": "photograph", "multiView": "views"}
"""Attributes whose presence shows what the file is for."""

CRYPTOMATTE = "cryptomatte/"
"""The namespace of Cryptomatte's attributes."""

OCCASION = _words(r"""
    frame time date elapsed duration utc keycode number index seed
    (?<!g)host computer machine workstation hardware memory thread cpu gpu farm slave worker address
    artist login \blog.?name
    job queue chunk spool submi(t|ssion) dispatch schedule wedge
    deadline tractor open.?cue qube afanasy flamenco
""")
"""Words of when, where, by whom and as which job a file was rendered."""

ANYWHERE = OCCASION + _words("""
    file path folder directory scene command url hash uuid guid checksum manifest
    statistic peak total primitives triangles usage progress
    software version renderer creator vraycore colou?r.?space
""")
"""Words that also match inside others, as in `rendertime`. By line: the run; the identity of the file;
measurements; facts that `render_software` and `color_space` describe."""

OCCASION_ALONE = _words("""
    seconds? count(er)?
    node blade(?!s) server client agent station instance cluster rack desktop pc vm pod rendered.on ran.on
    os kernel platform driver device hw proc(essor)? cores mhz v?mem ram ip mac
    user account author operator wrangler email by$
    task pool slot batch priority attempt retry retries session ticket
""")
"""Words of an occasion that count only alone, or as in `nodes`, `nodename`, `rendernode2`."""

ALONE = OCCASION_ALONE + _words("""
    [gjpstu]?id
    stat rays w h
""")
"""All words that count only alone; the others are those of identities and measurements."""


def volatile(anywhere: Iterable[str], alone: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of names whose values are not categories."""
    words = rf"\b(render)?({'|'.join(alone)})(s|name|id)?[0-9]*\b"
    return re.compile("|".join((*anywhere, words)), re.ASCII)


VOLATILE = volatile(ANYWHERE, ALONE)

MEASURED = re.compile(
    r"[0-9]{1,4}[:/-][0-9]{1,2}[:/-][0-9]{1,2}|^ ?[0-9]+:[0-9]{2}"  # dates, clock times, time codes
    r"|^ ?[0-9.]+ ?(h|m|s|ms|min|sec|hours|minutes|seconds)\b"  # durations
    r"|^[-+]?[0-9]*\.[0-9]+(e[-+]?[0-9]+)?( ?[A-Za-z%]{1,3})?$|^[0-9]+ ?[KMGT]i?B$"  # measures
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}|\b(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}\b"  # identities
    r"|://|^[A-Za-z]:|^[.~]*/|\\|/.*/"  # paths and URLs
    r"|\w@[A-Za-z]|\.(local|lan|internal|corp)$|\b(10|127|172|192)(\.[0-9]{1,3}){3}\b",  # hosts
    re.ASCII,
)
"""Patterns of values that are not categories."""

NUMBER = re.compile(r"[0-9]{4,}|(?<![A-Za-z0-9])(?<![0-9]\.)[0-9]+(?![A-Za-z0-9]|\.[0-9])", re.ASCII)
"""A number that could be a frame's: four digits or more, or standing alone; not `v3`, `rec709`, `1.3`."""

_PROGRAM = re.compile("|".join(f"({pattern})" for pattern in PROGRAMS.values()), re.ASCII)
_RELEASE = re.compile(r"(?:(?<![a-z0-9])v)?(?<![0-9.])([0-9]+(?:[.v][0-9]+)*)(?![a-z0-9])", re.ASCII)
_CRYPTOMATTE_KEY = re.compile("(?<=^cryptomatte/)[^/]*/")
_DIGITS = re.compile("[0-9]+")
_NAMESPACE = re.compile("[^/:.]+[/:.]")
_WORD_BREAK = re.compile("(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


def features(attribute: Mapping[str, Any]) -> tuple[Feature, ...]:
    """Return the features of one attribute of a part; not of a structural one."""
    name, kind, value = attribute["name"], attribute["type"], attribute["value"]
    if isinstance(value, str):
        return _of_text(name, kind, value[: MAX_TEXT + 1])
    presence, reader = _known(name, kind)
    return presence + _of_value(reader, name, _leaves(value)) if reader else presence


@lru_cache(4096)
def _of_text(name: str, kind: str, text: str) -> tuple[Feature, ...]:
    presence, reader = _known(name, kind)
    return (*presence, *reader(name, (("", text),))) if reader else presence


@lru_cache(4096)
def _known(name: str, kind: str) -> tuple[tuple[Feature, ...], Reader | None]:
    """Return the features of the presence of an attribute, and the reader of its value."""
    if name in CAMERA:
        return tuple(_presence_of_kind(name)), _camera
    if name in COLOR:
        return (), _color
    presence = (*_presence_of_kind(name), *_presence(_without_key(name)))
    if name == "envmap":
        return presence, _environment
    is_category = kind in CATEGORICAL and not VOLATILE.search(name_words(name))
    return presence, _category if is_category else None


def name_words(name: str) -> str:
    """Return the words of a name in lower case, as `render time` of `renderTime`."""
    return _WORD_BREAK.sub(" ", name).translate(LOWER)


def _presence_of_kind(name: str) -> Iterator[Feature]:
    kind = "cryptomatte" if name.startswith(CRYPTOMATTE) else KIND_OF.get(name)
    if kind:
        yield "kind", kind, KINDS[kind]


def _without_key(name: str) -> str:
    """Return a name without the key of a Cryptomatte, which is made from its layer's name."""
    return _CRYPTOMATTE_KEY.sub("", name) if name.startswith(CRYPTOMATTE) else name


def _presence(name: str) -> Iterator[Feature]:
    yield "attributes", _DIGITS.sub("#", name), WEIGHTS["attribute"]
    if namespace := _NAMESPACE.match(name):
        yield "attributes", namespace[0], WEIGHTS["namespace"]


@lru_cache(4096)
def _of_value(reader: Reader, name: str, leaves: Leaves) -> tuple[Feature, ...]:
    return tuple(reader(name, leaves))


def _leaves(value: Any, path: str = "") -> Leaves:
    match value:
        case str():
            return ((path, value[: MAX_TEXT + 1]),)
        case int() | float():
            return ((path, value),)
        case list():
            return tuple(leaf for item in value[:MAX_ITEMS] for leaf in _leaves(item, path))
        case {"numerator": int(above), "denominator": int(below)}:
            return ((path, above / (below or 1)),)
        case dict():
            return tuple(leaf for key in value for leaf in _leaves(value[key], f"{path}.{key}"))
    return ()


def _camera(name: str, leaves: Leaves) -> Iterator[Feature]:
    for _, leaf in leaves:
        if isinstance(leaf, str):
            yield "camera", f"{name} {leaf}", WEIGHTS["camera text"]
        else:
            for feature, share in magnitude("camera", leaf, name):
                yield "camera", feature, share * WEIGHTS["camera number"]


def _color(name: str, leaves: Leaves) -> Iterator[Feature]:
    for path, leaf in leaves:
        value = leaf if isinstance(leaf, str) else round(max(-1e6, min(leaf, 1e6)) * 1000)
        yield "color", f"{name}{path} {value}", WEIGHTS["color value"]


def _environment(_: str, leaves: Leaves) -> Iterator[Feature]:
    yield "kind", "environment map", KINDS["environment map"]
    for _, leaf in leaves:
        if leaf in ("latlong", "cube"):
            yield "kind", str(leaf), KINDS[str(leaf)]


def _category(name: str, leaves: Leaves) -> Iterator[Feature]:
    name = _without_key(name)
    for _, leaf in leaves:
        text, kind = (leaf, "text") if isinstance(leaf, str) else (f"{leaf:.0f}", "whole number")
        if text and len(text) <= MAX_TEXT and not MEASURED.search(text):
            yield "values", f"{name} {text if len(text) < 4 else NUMBER.sub('#', text)}", WEIGHTS[kind]


def space(name: str) -> Feature:
    """Return the feature of a part's color space."""
    return "color", f"space {name}", WEIGHTS["color space"]


def program(text: str) -> Iterator[Feature]:
    """Yield a program, and its version in up to four steps, from a text like `Arnold 7.3.2.1`.

    The last number of a version has a known word (`RELEASES`), so that consecutive releases always differ.
    """
    text = text.translate(LOWER)
    release = _RELEASE.search(text)
    before = text[: release.start()] if release else text
    known = _PROGRAM.search(before)
    name = list(PROGRAMS)[known.lastindex - 1] if known and known.lastindex else before.strip(" :/_-")
    yield "software", name, WEIGHTS["program"]
    if release:
        numbers = re.split("[.v]", release[1])
        for depth in range(1, min(len(numbers), 3)):
            yield "software", f"{name} {'.'.join(numbers[:depth])}", WEIGHTS["version"]
        yield "software", f"{name} {release[1]} exactly", WEIGHTS["exact version"]
        yield "software", RELEASES[int(numbers[-1][-9:]) % len(RELEASES)], WEIGHTS["release"]
