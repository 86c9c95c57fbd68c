"""What one attribute tells: what a render is, never when, where or for whom it ran.

Every studio attribute's name counts. Its value counts where it is a category: the same in all frames
of a set-up. It is none if the attribute's name speaks of a frame, a time, a machine, a job, a file, an
identity or a measurement (`VOLATILE`), or if the value looks like one (`MEASURED`). Frame numbers hide
in names and values too, so there a number (`NUMBER`) counts as `#`, whichever number it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from exr_inspector.vectors.numbers import magnitude

Feature = tuple[str, str, float]
"""Group, text, weight within the group."""
Leaves = tuple[tuple[str, "str | float"], ...]
"""A value taken apart: the way to each text or number in it, and that text or number."""
Reader = Callable[[str, Leaves], Iterator[Feature]]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


LONGEST = 96
"""A longer text is prose or data, not a category; in characters."""

MOST = 16
"""So many items of a list are read."""

STRUCTURAL = _names("""
    channels chunkCount compression dataWindow displayWindow lineOrder name pixelAspectRatio preview
    screenWindowCenter screenWindowWidth tiles type version view
""")
"""Told by the part's own fields, or alike in every file."""

COLOUR = _names("acesImageContainerFlag adoptedNeutral chromaticities whiteLuminance")

CAMERA = _names("""
    aperture cameraCCTSetting cameraFirmwareVersion cameraLabel cameraMake cameraModel cameraSerialNumber
    cameraTintSetting captureRate effectiveFocalLength expTime framesPerSecond isoSpeed lensFirmwareVersion
    lensMake lensModel lensSerialNumber nominalFocalLength pinholeFocalLength sensorOverallDimensions
    shutterAngle tStop
""")

CATEGORICAL = _names("string stringvector int envmap deepImageState")
"""Types whose values can be categories."""

SPACE = re.compile("colou?r ?space|color interop id")
"""Words in the name of an attribute that names a colour space."""

SOFTWARE = re.compile(
    r"(^|(?<!\bos)(?<!kernel)(?<!driver) )(software|version|vraycore|vrayversion|renderer|creator)$"
)
"""Last word of the name of an attribute that tells a program or its version; a machine's own are none."""

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
"""Programs and what they call themselves, in lower case; any other goes by the text before its version."""

_ANYWHERE = r"""
    frame time date elapsed duration utc keycode number index seed
    (?<!g)host computer machine workstation hardware memory thread cpu gpu farm slave worker address
    artist login \blog.?name
    job queue chunk spool submi(t|ssion) dispatch schedule wedge
    deadline tractor open.?cue qube afanasy flamenco
    file path folder directory scene command url hash uuid guid checksum manifest
    statistic peak total primitives triangles usage progress
"""

_ALONE = """
    seconds? count(er)?
    node blade(?!s) server client agent station instance cluster rack desktop pc vm pod rendered.on ran.on
    os kernel platform driver device hw proc(essor)? cores mhz v?mem ram ip mac
    user account author operator wrangler email by$
    task pool slot batch priority attempt retry retries session ticket
    [gjpstu]?id
    stat rays w h
"""

VOLATILE = re.compile(
    rf"{'|'.join(_ANYWHERE.split())}|\b(render)?({'|'.join(_ALONE.split())})(s|name|id)?[0-9]*\b", re.ASCII
)
"""Words in the name of an attribute whose value is no category.

Their lines: when, where, for whom and as which job it ran; which file it is; what was measured. Those of the
first list count within other words too, as in `rendertime`, those of the second only alone or as in
`nodes`, `nodename`, `rendernode2`.
"""

MEASURED = re.compile(
    r"[0-9]{1,4}[:/-][0-9]{1,2}[:/-][0-9]{1,2}|^ ?[0-9]+:[0-9]{2}"  # dates, clock times, time codes
    r"|^ ?[0-9.]+ ?(h|m|s|ms|min|sec|hours|minutes|seconds)\b"  # durations
    r"|^[-+]?[0-9]*\.[0-9]+(e[-+]?[0-9]+)?( ?[A-Za-z%]{1,3})?$|^[0-9]+ ?[KMGT]i?B$"  # measures
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}|\b(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}\b"  # identities
    r"|://|^[A-Za-z]:|^[.~]*/|\\|/.*/"  # places
    r"|\w@[A-Za-z]|\.(local|lan|internal|corp)$|\b(10|127|172|192)(\.[0-9]{1,3}){3}\b",  # hosts
    re.ASCII,
)
"""Looks of a value that is no category."""

NUMBER = re.compile(r"[0-9]{4,}|(?<![A-Za-z0-9])(?<![0-9]\.)[0-9]+(?![A-Za-z0-9]|\.[0-9])", re.ASCII)
"""A number that could be a frame's: four digits or more, or standing alone; not `v3`, `rec709`, `1.3`."""

LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
"""For str.translate: str.lower() changes with Python's Unicode tables."""

_PROGRAM = re.compile("|".join(f"({looks})" for looks in PROGRAMS.values()), re.ASCII)
_RELEASE = re.compile(r"(?:(?<![a-z0-9])v)?(?<![0-9.])([0-9]+(?:[.v][0-9]+)*)(?![a-z0-9])", re.ASCII)
_DIGITS = re.compile("[0-9]+")
_NAMESPACE = re.compile("[^/:.]+[/:.]")
_WORD_BREAK = re.compile("(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


def features(attribute: Mapping[str, Any]) -> tuple[Feature, ...]:
    """The features of one attribute of a part."""
    name: str = attribute["name"]
    presence, read = _known(name, attribute["type"])
    return presence + _read(read, name, _leaves(attribute["value"])) if read else presence


@lru_cache(4096)
def _known(name: str, kind: str) -> tuple[tuple[Feature, ...], Reader | None]:
    """What the presence of an attribute of this name and type tells, and how to read its value."""
    if name in STRUCTURAL:
        return (), None
    if name in CAMERA:
        return (), _camera
    if name in COLOUR:
        return (), _colour
    return _presence(name), _reader(name, kind)


def _presence(name: str) -> tuple[Feature, ...]:
    own = ("attributes", _DIGITS.sub("#", name), 1.0)
    namespace = _NAMESPACE.match(name)
    return (own, ("attributes", namespace[0], 3.0)) if namespace else (own,)


def _reader(name: str, kind: str) -> Reader | None:
    if kind not in CATEGORICAL:
        return None
    words = _WORD_BREAK.sub(" ", name).translate(LOWER)
    if kind == "string" and SPACE.search(words):
        return _space
    if kind == "string" and SOFTWARE.search(words):
        return _software
    return None if VOLATILE.search(words) else _category


@lru_cache(4096)
def _read(read: Reader, name: str, leaves: Leaves) -> tuple[Feature, ...]:
    return tuple(read(name, leaves))


def _leaves(value: Any, way: str = "") -> Leaves:
    match value:
        case str():
            return ((way, value[: LONGEST + 1]),)
        case int() | float():
            return ((way, value),)
        case list():
            return tuple(leaf for item in value[:MOST] for leaf in _leaves(item, way))
        case {"numerator": int(above), "denominator": int(below)}:
            return ((way, above / (below or 1)),)
        case dict():
            return tuple(leaf for key in value for leaf in _leaves(value[key], f"{way}.{key}"))
    return ()


def _camera(name: str, leaves: Leaves) -> Iterator[Feature]:
    for _, leaf in leaves:
        told = ((f"{name} {leaf}", 1.0),) if isinstance(leaf, str) else magnitude(name, leaf, 1)
        yield from (("camera", text, weight) for text, weight in told)


def _colour(name: str, leaves: Leaves) -> Iterator[Feature]:
    for way, leaf in leaves:
        told = leaf if isinstance(leaf, str) else round(max(-1e6, min(leaf, 1e6)) * 1000)
        yield "colour", f"{name}{way} {told}", 0.5


def _space(_: str, leaves: Leaves) -> Iterator[Feature]:
    return (space(leaf) for _, leaf in leaves if isinstance(leaf, str) and leaf)


def space(name: str) -> Feature:
    """A colour space, whichever attribute named it."""
    return "colour", f"space {name}", 4.0


def _software(name: str, leaves: Leaves) -> Iterator[Feature]:
    return (each for _, leaf in leaves if isinstance(leaf, str) for each in program(leaf, name))


def program(text: str, attribute: str) -> Iterator[Feature]:
    """A program, and its version in up to three steps, from a text like `Arnold 7.3.2.1 linux`.

    Where the text is a bare version, the attribute's name tells the program, as in `nuke/version`.
    """
    text = text.translate(LOWER)
    release = _RELEASE.search(text)
    said = text[: release.start()] if release else text
    name = _program(said) or _program(attribute.translate(LOWER)) or said.strip(" :/_-") or attribute
    yield "software", name, 12.0
    if release:
        numbers = re.split("[.v]", release[1])
        for depth in range(1, min(len(numbers), 3)):
            yield "software", f"{name} {'.'.join(numbers[:depth])}", 3.0
        yield "software", f"{name} {release[1]} exactly", 0.5


def _program(text: str) -> str:
    found = _PROGRAM.search(text)
    return list(PROGRAMS)[found.lastindex - 1] if found and found.lastindex else ""


def _category(name: str, leaves: Leaves) -> Iterator[Feature]:
    """Whole numbers weigh little: a counter of no telling name looks like a setting."""
    for _, leaf in leaves:
        text, weight = (leaf, 1.0) if isinstance(leaf, str) else (f"{leaf:.0f}", 0.125)
        if text and len(text) <= LONGEST and not MEASURED.search(text):
            yield "values", f"{name} {text if len(text) < 4 else NUMBER.sub('#', text)}", weight
