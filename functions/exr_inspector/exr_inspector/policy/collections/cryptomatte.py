"""Collections of cryptomattes: what the header and the manifests say about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exr_inspector.exr.codes import is_unknown
from exr_inspector.exr.cryptomatte import (
    Cryptomatte,
    Found,
    Manifest,
    describe,
    find_cryptomattes,
    manifest_path,
    parse_manifest,
)
from exr_inspector.policy.collections.header import has_header
from exr_inspector.policy.evidence import Missing
from exr_inspector.policy.facts import NO_HEADER, Facts, Field, Items, collection

SIDECARS = "sidecars"
"""The evidence in `Facts.extra`: the text of each side-car manifest by its stated path; None if it cannot be
read."""

_NO_SIDECAR = Missing("the side-car manifest was not read", is_requested=False)
_NO_CODEC = Missing("the compression is not known")
_LOST = Missing("the manifest was too long to store, was forgotten, or cannot be decoded")

_COUNTS = {
    "bad_ids_count": Field("integer", "Names of the manifest whose id is not eight hexadecimal digits."),
    "mismatched_count": Field("integer", "Names whose id is not their hash."),
    "unclamped_count": Field("integer", "Names whose id is their hash, but not a normal float."),
    "collisions_count": Field("integer", "Names that have the id of an earlier name."),
}
_NAMES = {
    "bad_ids": Field("list", "The first of the names whose id is not eight hexadecimal digits."),
    "mismatched": Field("list", "The first of the names whose id is not their hash."),
    "unclamped": Field("list", "The first of the names whose id is not a normal float."),
    "collisions": Field("list", "The first of the names that have the id of another name."),
}


@collection(
    "cryptomattes",
    {
        "key": Field("text", "The key in the names of the attributes, such as `f834d0a`."),
        "view": Field("text", "The view of the part."),
        "name": Field("text", "The name; the names of the layers begin with it."),
        "hash": Field("text", "The hash that the header states."),
        "conversion": Field("text", "The conversion of hashes to ids that the header states."),
        "layers": Field("list", "The numbered layers."),
        "ranks": Field("integer", "Pairs of an id and a coverage channel."),
        "types": Field("list", "The pixel types of the channels of its layers, each once."),
        "compressions": Field("list", "The compressions of the parts with its layers, each once."),
        "missing_channels": Field("list", "Channels that layers without a gap would have."),
        "damaged_channels": Field("list", "Channels whose values the codec may change."),
        "discouraged_channels": Field("list", "Channels with a lossy codec that keeps their values."),
        "has_preview": Field("flag", "Whether it has the deprecated layer of preview colors."),
        "manifest_file": Field("text", "The path of the side-car manifest that the header states."),
        "is_manifest_file_allowed": Field("flag", "Whether that path stays in the folder of the file."),
        "is_manifest_file_found": Field("flag", "Whether the side-car manifest can be read."),
        "has_manifest": Field("flag", "Whether the header has a manifest, or names a side-car."),
        "manifest_error": Field("text", "Why the manifest is invalid."),
        "object_count": Field("integer", "Objects of the manifest."),
        **_COUNTS,
        **_NAMES,
    },
)
def cryptomattes(facts: Facts) -> Items:
    """The Cryptomattes that the header's attributes describe."""
    if not has_header(facts):
        return NO_HEADER
    document, sidecars = facts.document, facts.extra.get(SIDECARS)
    lost = frozenset(
        each["name"] for part in document["parts"] for each in part["attributes"] if each["value"] is None
    )
    return [_item(each, document, lost, sidecars) for each in find(document).cryptomattes]


@collection(
    "cryptomatte_layers",
    {
        "name": Field("text", "The name of the layers without their number."),
        "is_described": Field("flag", "Whether the header has attributes of a cryptomatte with this name."),
    },
)
def cryptomatte_layers(facts: Facts) -> Items:
    """Names of numbered layers that belong, or seem to belong, to a Cryptomatte: `crypto_object`."""
    if not has_header(facts):
        return NO_HEADER
    found = find(facts.document)
    described = [each.name for each in found.cryptomattes if each.layers]
    return [
        {"place": f"layers[{name}]", "part_index": None, "name": name, "is_described": is_described}
        for names, is_described in ((described, True), (found.unclaimed, False))
        for name in names
    ]


def find(document: Mapping[str, Any]) -> Found:
    """Return the cryptomattes of a document. A text that is not known is empty."""
    texts = [
        {each["name"]: each["value"] or "" for each in part["attributes"] if each["type"] == "string"}
        for part in document["parts"]
    ]
    return find_cryptomattes(document["parts"], texts, document["channels"])


def _item(
    found: Cryptomatte, document: Mapping[str, Any], lost: frozenset[str], sidecars: Any
) -> dict[str, Any]:
    """Return the facts of a cryptomatte. `lost` has the names of attributes whose value is not known."""
    manifest, is_file_found = _manifest(found, sidecars)
    if found.manifest == "" and lost.intersection(
        f"{prefix}cryptomatte/{found.key}/manifest" for prefix in ("", "exr/")
    ):
        manifest = _LOST
    known = manifest if isinstance(manifest, Manifest) else None
    described = describe(found, document["parts"], known)
    if any(not each or is_unknown(each) for each in described["compressions"]):
        described |= dict.fromkeys(("damaged_channels", "discouraged_channels"), _NO_CODEC)
    if isinstance(manifest, Missing):
        described |= dict.fromkeys((*_COUNTS, *_NAMES, "manifest_error", "object_count"), manifest)
    path = found.manifest_file
    return {
        "place": f"parts[{found.part_index}].cryptomattes[{found.key}]",
        **described,
        "is_manifest_file_allowed": None if path is None else manifest_path(path) is not None,
        "is_manifest_file_found": is_file_found,
        "has_manifest": found.manifest is not None or path is not None,
    }


def _manifest(found: Cryptomatte, sidecars: Any) -> tuple[Manifest | Missing | None, bool | Missing | None]:
    """Return the manifest, and whether the side-car can be read; None for each that the header lacks."""
    path = found.manifest_file
    is_found: bool | Missing | None = None
    if path is not None:
        is_known = sidecars is not None and path in sidecars
        is_found = sidecars[path] is not None if is_known else _NO_SIDECAR
    if found.manifest is not None:
        return parse_manifest(found.manifest), is_found
    if path is None:
        return None, None
    if is_found is True:
        return parse_manifest(sidecars[path]), True
    return (is_found if isinstance(is_found, Missing) else None), is_found
