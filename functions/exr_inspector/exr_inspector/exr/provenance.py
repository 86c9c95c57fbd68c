"""What a part states about its origin: the software that wrote it, and its color space.

Each fact has one table of rules, in order of precedence. The columns `render_software` and `color_space`, and
through them the vectors, rest on these rules; the `*_source` columns name the attribute a value came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from exr_inspector.exr.header import Part

ACES_FLAG, ACES_SPACE = "acesImageContainerFlag", "lin_ap0_scene"
COLOR_SPACES = ("colorInteropID", "oiio:ColorSpace", "arnold/color_space")
"""Attributes that name a color space; the ACES flag comes before them (ColorInterop 1.0)."""

COLOR_SPACE_NAME = re.compile(
    r"(^|[/:._ ])(output|image|file|rendering|render)?[_ ]?colou?r[_ -]?space$", re.IGNORECASE
)
"""Other attributes that name a color space, in any namespace."""

SOFTWARE = {
    "software": "",
    "Software": "",
    "generatedBy": "",
    "rendererinfo": "",
    "spi:renderer": "",
    "fileCreatedBy": "",
    "arnold/version": "Arnold",
    "vrayInfo/vrayversion": "V-Ray",
    "rs/version": "Redshift",
    "renderman/version": "RenderMan",
    "husk:version": "Karma",
    "blender/version": "Blender",
    "nuke/version": "Nuke",
}
"""Attributes that name the software, and its product name if the value is a version alone."""

SOFTWARE_NAME = re.compile(r"(^|[/:._ ])(software|renderer|creator[_ ]?tool)$", re.IGNORECASE)
"""Other attributes that name the software, in any namespace."""

OTHER_SUBJECT = re.compile(
    r"(^|[/:._ -])(input|source|src|texture|display|monitor|camera|exif|host|driver|os)([/:._ -]|$)",
    re.IGNORECASE,
)
"""Words in an attribute's name that show that it does not describe this image or its writer."""

MAX_PROGRAM = 80
"""Characters of a program's name with its version."""

MAX_TEXT = 1024
"""Characters of the text that they are looked for in."""

_RELEASE = r"[0-9]+(?:\.[0-9A-Za-z]+)*"
_NAMED_RELEASE = re.compile(
    rf"(?=\S*[A-Za-z])(?P<program>\S(?:[^,;:(\[]*?\S)??)[\s:/_-]+(?:version\s+)?v?(?P<release>{_RELEASE})(?![\w-]*/)",
    re.IGNORECASE,
)
_BARE_RELEASE = re.compile(rf"v?({_RELEASE})(?=\s|$)")
_PATH = re.compile(r"""["']?(?:[A-Za-z]:)?[~.]{0,2}[/\\]""")
_EXECUTABLE = re.compile(r"""["']?(?:.*[/\\])?(?P<program>[^/\\"']+?)\.exe\b""", re.IGNORECASE)
_ARGUMENT = re.compile(
    r"\s--?[A-Za-z]|^\S+\s+\S*(?:[/\\]|\.(?:exr|tx|tiff?|png|jpe?g|dpx|hdr|nk|py)(?:\s|$))"
)


class Stated(NamedTuple):
    """A fact and the attribute that states it; both None if none does."""

    value: str | None = None
    source: str | None = None


NOT_STATED = Stated()


def color_space(part: Part) -> Stated:
    """Return the color space that a part states; never a guess from chromaticities."""
    if ACES_FLAG in part.by_name and part.value(ACES_FLAG, "int") == 1:
        return Stated(ACES_SPACE, ACES_FLAG)
    for name, text in _texts(part, COLOR_SPACES, COLOR_SPACE_NAME):
        return Stated(text, name)
    return NOT_STATED


def render_software(part: Part) -> Stated:
    """Return the program that wrote a part, with its version if one is stated, as `Nuke 15.1v2`."""
    for name, text in _texts(part, SOFTWARE, SOFTWARE_NAME):
        if program := program_of(text):
            product = SOFTWARE.get(name, "")
            is_named = product.lower() in program.lower()
            return Stated(program if is_named else f"{product} {program}", name)
    return NOT_STATED


def _texts(part: Part, names: Iterable[str], pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return name and text of string attributes: those of `names`, then others with a name that matches."""
    known = part.by_name
    named = [known[name] for name in names if name in known]
    others = [each for each in part.strings if _matches(pattern, each[0])]
    return [(name, text) for name, kind, _, text, _ in (*named, *others) if kind == "string" and text]


@lru_cache(4096)
def _matches(pattern: re.Pattern[str], name: str) -> bool:
    return bool(pattern.search(name)) and not OTHER_SUBJECT.search(name)


def program_of(text: str) -> str:
    """Return the program and version in a text, without build details; for a command line, the command.

    `OpenImageIO 2.5.4 : oiiotool a.tif -o b.exr` gives `OpenImageIO 2.5.4`; `/usr/bin/oiiotool a.tif` gives
    `oiiotool`. A text without a version is returned unchanged, up to MAX_PROGRAM characters.
    """
    lines = text[:MAX_TEXT].split(" : ", maxsplit=1)[0].strip().splitlines()
    if not lines:
        return ""
    text = lines[0]
    if _PATH.match(text) or _ARGUMENT.search(text):
        text = _command(text)
    elif bare := _BARE_RELEASE.match(text):
        text = bare[1]
    elif found := _NAMED_RELEASE.match(text):
        text = f"{found['program']} {found['release']}"
    return text[:MAX_PROGRAM].rstrip()


def _command(text: str) -> str:
    """Return the name of a command line's command, and the version if one follows it."""
    if executable := _EXECUTABLE.match(text):
        return executable["program"]
    command, _, rest = text.partition(" ")
    name = re.split(r"[/\\]", command.strip("\"'"))[-1]
    release = _BARE_RELEASE.match(rest.lstrip())
    return f"{name} {release[1]}" if release else name
