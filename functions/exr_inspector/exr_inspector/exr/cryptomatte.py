"""Cryptomatte: what a header states about its id mattes, by version 1.2.0 of the specification.

A cryptomatte has a name and numbered layers. In `crypto_object00`, R holds in each pixel the id of the object
with the highest rank and G its coverage, B and A those of the next rank. An id is the bits of a float.
Attributes `cryptomatte/<key>/...` describe it, and its manifest has the names and ids of the objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from exr_inspector.errors import requires_extra
from exr_inspector.exr.facts import ChannelFacts, PartFacts
from exr_inspector.exr.header import MAX_NAME_BYTES, Header
from exr_inspector.exr.loss import LOSSY_CODECS, is_lossy
from exr_inspector.exr.values import clean

HASH, CONVERSION = "MurmurHash3_32", "uint32_to_float32"
"""The only hash and conversion that the specification defines."""

NO_OBJECT = 0
"""The id of samples that no object covers."""
MAX_MANIFEST_BYTES = 32 << 20
MAX_OBJECTS = 1 << 18
"""Objects of a manifest. A manifest with more is refused before it is decoded."""

MAX_CRYPTOMATTES = 16
"""Cryptomattes of a file whose side-cars are read and whose coverage is computed; real files have a few."""
MAX_EXAMPLES = 10

_ATTRIBUTE = re.compile(r"(?:exr/)?cryptomatte/([^/]*)/(name|hash|conversion|manifest|manif_file)")
_LAYER = re.compile(r"(.+)([0-9]{2})", re.DOTALL)
_COMPONENTS = {"r": "r", "red": "r", "g": "g", "green": "g", "b": "b", "blue": "b", "a": "a", "alpha": "a"}
_FLAT_OBJECT = re.compile(r"\s*\{[\s:,]*\}\s*")
_ID = re.compile("[0-9a-fA-F]{8}")


class Layer(NamedTuple):
    """A numbered layer of a cryptomatte. `channels` has its channels by component: r, g, b, a."""

    number: int
    part_index: int
    channels: dict[str, ChannelFacts]


class Rank(NamedTuple):
    """The channels of one rank, which are in one part: the names of the id and the coverage channel."""

    part_index: int
    id: str
    coverage: str


@dataclass(frozen=True)
class Cryptomatte:
    """What a header states about one cryptomatte. Texts that it does not state are None.

    `part_index` is the first part with its attributes; `view` is that of a multi-view file. `has_preview`
    tells whether the deprecated layer of preview colors exists.
    """

    key: str
    part_index: int
    view: str | None
    name: str | None
    hash: str | None
    conversion: str | None
    manifest: str | None
    manifest_file: str | None
    layers: tuple[Layer, ...]
    has_preview: bool

    @property
    def ranks(self) -> list[Rank]:
        """The ranks that have an id and a coverage channel, the highest first."""
        return [
            Rank(layer.part_index, layer.channels[id_]["name"], layer.channels[coverage]["name"])
            for layer in self.layers
            for id_, coverage in ("rg", "ba")
            if id_ in layer.channels and coverage in layer.channels
        ]

    @property
    def missing_channels(self) -> list[str]:
        """Channels that complete layers, numbered from 00 without a gap, would have, such as `name01.a`."""
        present = {(layer.number, component) for layer in self.layers for component in layer.channels}
        count = self.layers[-1].number + 1 if self.layers else 1
        name = (self.name or "")[:MAX_NAME_BYTES]
        return [
            f"{name}{number:02}.{component}"
            for number in range(count)
            for component in "rgba"
            if (number, component) not in present
        ]


class Found(NamedTuple):
    """The cryptomattes of a file, and the names of layers that look like one but have no attributes."""

    cryptomattes: list[Cryptomatte]
    unclaimed: list[str]


_Layers = dict[tuple[str | None, str], dict[int, Layer]]
"""Layers by view and name, by number; the number of a layer without one is -1."""


def find_cryptomattes(
    parts: Sequence[PartFacts], texts: Sequence[Mapping[str, str]], channels: Iterable[ChannelFacts]
) -> Found:
    """Return the cryptomattes of a file. `texts` has the string attributes of each part.

    The attributes and the layers of one may be in different parts of the same view. If several parts have the
    same attribute or layer, the first counts.
    """
    stated: dict[tuple[str | None, str], dict[str, str]] = {}
    first: dict[tuple[str | None, str], int] = {}
    for part, attributes in zip(parts, texts, strict=True):
        for attribute, text in attributes.items():
            if found := _ATTRIBUTE.fullmatch(attribute):
                place = part["view"], found[1]
                stated.setdefault(place, {}).setdefault(found[2], text)
                first.setdefault(place, part["index"])
    layers = _layers(parts, channels)
    cryptomattes = []
    for (view, key), fields in stated.items():
        name = fields.get("name")
        numbered = dict(layers.get((view, name), {})) if name else {}
        preview = numbered.pop(-1, None)
        cryptomattes.append(
            Cryptomatte(
                key=key,
                part_index=first[view, key],
                view=view,
                name=name,
                hash=fields.get("hash"),
                conversion=fields.get("conversion"),
                manifest=fields.get("manifest"),
                manifest_file=fields.get("manif_file"),
                layers=tuple(numbered[number] for number in sorted(numbered)),
                has_preview=preview is not None,
            )
        )
    claimed = {(each.view, each.name) for each in cryptomattes}
    unclaimed = [
        name
        for (view, name), numbered in layers.items()
        if "crypto" in name.lower()
        and (view, name) not in claimed
        and any(
            number >= 0
            and {"r", "g"} <= layer.channels.keys()
            and (view, f"{name}{number:02}") not in claimed  # the preview of a name that ends in digits
            for number, layer in numbered.items()
        )
    ]
    return Found(cryptomattes, unclaimed)


def _layers(parts: Sequence[PartFacts], channels: Iterable[ChannelFacts]) -> _Layers:
    layers: _Layers = {}
    for channel in channels:
        component = _COMPONENTS.get(channel["component_name"].lower())
        layer, index = channel["layer_name"], channel["part_index"]
        if layer and component:
            split = _LAYER.fullmatch(layer)
            names = [(layer, -1), (split[1], int(split[2]))] if split else [(layer, -1)]
            for name, number in names:
                numbered = layers.setdefault((parts[index]["view"], name), {})
                found = numbered.setdefault(number, Layer(number, index, {}))
                if found.part_index == index:
                    found.channels.setdefault(component, channel)
    return layers


def stated_names(header: Header) -> set[str]:
    """Return the names of the cryptomattes that the attributes of any part describe."""
    return {
        each.value
        for part in header.parts
        for each in part.strings
        if each.value and (found := _ATTRIBUTE.fullmatch(each.name)) and found[2] == "name"
    }


def is_matte(layer: str, names: Container[str]) -> bool:
    """Return whether a layer holds ids rather than a picture, given the names of the file's cryptomattes.

    It has such a name, with or without the number of a rank, or contains `crypto`.
    """
    split = _LAYER.fullmatch(layer)
    return "crypto" in layer.lower() or layer in names or (split is not None and split[1] in names)


# --- the manifest ---------------------------------------------------------------------------------------


class Manifest(NamedTuple):
    """The objects of a manifest, in stored order: name and id as stated. `error` says why it is not valid.

    `bad_ids` are the names whose id is not eight hexadecimal digits.
    """

    objects: list[tuple[str, int]]
    bad_ids: list[str]
    error: str | None = None


def parse_manifest(text: str | bytes) -> Manifest:
    """Decode a manifest: a flat JSON object of names and ids. Surrogates in names become escapes.

    Anything else is refused before it is decoded, since a hostile text takes many times its size in memory.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        _check_manifest(text)
        pairs: list[tuple[str, str]] = json.loads(text, object_pairs_hook=list)
    except ValueError as error:
        return Manifest([], [], f"the manifest is not valid: {error}")
    named = [(clean(name), id_) for name, id_ in pairs]
    objects = [(name, int(id_, 16)) for name, id_ in named if _ID.fullmatch(id_)]
    return Manifest(objects, [name for name, id_ in named if not _ID.fullmatch(id_)])


def _check_manifest(text: str) -> None:
    """Raise ValueError unless a text can be a flat object of acceptable size."""
    if len(text) > MAX_MANIFEST_BYTES:
        raise ValueError(f"it has {len(text)} characters; {MAX_MANIFEST_BYTES} are read")
    plain = text.replace("\\\\", "").replace('\\"', "")
    if plain.count('"') > 4 * MAX_OBJECTS:
        raise ValueError(f"it has {plain.count(chr(34)) // 4} objects; {MAX_OBJECTS} are read")
    if not _FLAT_OBJECT.fullmatch("".join(plain.split('"')[::2])):  # what is outside of strings
        raise ValueError("it is not a JSON object of names and ids")


class Verified(NamedTuple):
    """Names of a manifest whose ids are wrong.

    `mismatched`: the id is not the hash of the name. `unclamped`: it is, but lacks the change of one bit that
    makes it a normal float, so that it does not occur in pixels. `collisions`: another name has the same id.
    """

    mismatched: list[str]
    unclamped: list[str]
    collisions: list[str]


def verify(objects: Iterable[tuple[str, int]]) -> Verified:
    """Compare the ids of a manifest with the hashes of its names. Raises InspectorError: NOT_INSTALLED."""
    with requires_extra("policy"):
        import mmh3  # noqa: PLC0415 - only if a manifest is verified

    result = Verified([], [], [])
    names: dict[int, str] = {}
    for name, stated in objects:
        hashed = mmh3.hash(name.encode(), signed=False)
        if stated != clamped(hashed):
            (result.unclamped if stated == hashed else result.mismatched).append(name)
        if names.setdefault(stated, name) != name:
            result.collisions.append(name)
    return result


def clamped(bits: int) -> int:
    """Return a hash as an id: exponents 0 and 255, which are not normal floats, become 1 and 254."""
    return bits ^ (1 << 23) if (bits >> 23) & 0xFF in (0, 0xFF) else bits


def manifest_path(stated: str) -> str | None:
    """Return the path of a side-car manifest, relative to the file's folder; None if it is not allowed.

    The specification allows relative paths with forward slashes that do not begin with `./` or `../`. A
    path that leaves the folder in any way is refused.
    """
    steps = stated.split("/")
    if not stated.endswith(".json") or "\\" in stated or "\0" in stated or ":" in steps[0]:
        return None
    return None if {"", ".", ".."}.intersection(steps) else stated


# --- as JSON --------------------------------------------------------------------------------------------


def describe(found: Cryptomatte, parts: Sequence[PartFacts], manifest: Manifest | None) -> dict[str, Any]:
    """Return the facts of a cryptomatte and its manifest, without the objects, as JSON values.

    Channels are `damaged` if their codec may change their values. They are `discouraged` if it changes those
    of other types or names, so that a program that renames or converts a channel before it writes with the
    same codec damages it. Lists of names have at most MAX_EXAMPLES; a count comes with each.
    """
    channels = [(layer, each) for layer in found.layers for each in layer.channels.values()]
    damaged, discouraged = [], []
    for layer, channel in channels:
        compression = parts[layer.part_index]["compression"] or ""
        if is_lossy(compression, channel["type"], channel["name"]):
            damaged.append(channel["name"])
        elif compression in LOSSY_CODECS:
            discouraged.append(channel["name"])
    facts: dict[str, Any] = {
        "key": found.key,
        "part_index": found.part_index,
        "view": found.view,
        "name": found.name,
        "hash": found.hash,
        "conversion": found.conversion,
        "layers": [f"{found.name}{layer.number:02}" for layer in found.layers],
        "ranks": len(found.ranks),
        "types": sorted({channel["type"] for _, channel in channels}),
        "compressions": sorted({parts[layer.part_index]["compression"] or "" for layer in found.layers}),
        "missing_channels": found.missing_channels,
        "damaged_channels": damaged,
        "discouraged_channels": discouraged,
        "has_preview": found.has_preview,
        "manifest_file": found.manifest_file,
        "manifest_error": manifest.error if manifest else None,
        "object_count": len(manifest.objects) if manifest else None,
    }
    wrong = (
        verify(manifest.objects)._asdict()
        if manifest
        else {"mismatched": [], "unclamped": [], "collisions": []}
    )
    for kind, names in {"bad_ids": manifest.bad_ids if manifest else [], **wrong}.items():
        facts[f"{kind}_count"], facts[kind] = len(names), names[:MAX_EXAMPLES]
    return facts
