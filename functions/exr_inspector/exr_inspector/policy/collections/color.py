"""The collection of stated color: colorInteropID, and the chromaticities that go with it.

Sources: ASWF Color Interop Forum, "An ID for Color Interop" and "Identifying the Color Space of OpenEXR
Files", version 1.0.0 of 2026-07-14.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from exr_inspector.policy.collections.header import has_header, part_attributes
from exr_inspector.policy.evidence import Missing
from exr_inspector.policy.facts import NO_HEADER, Facts, Field, Items, collection

DATA, UNKNOWN = "data", "unknown"
"""The ids of images without a color space, and of those whose color space is not known."""

_PIECE = r"[a-z0-9.\-_~/*#%^+()\[\]|]+"
_GRAMMAR = re.compile(rf"(?:{_PIECE}:(?:{_PIECE})?:|{_PIECE}:)?{_PIECE}")

_D65, _D60 = (0.3127, 0.3290), (0.32168, 0.33767)
CHROMATICITIES: dict[str, tuple[float, ...]] = {
    "lin_rec709_scene": (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65),
    "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, *_D60),
    "lin_ap1_scene": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, *_D60),
    "lin_p3d65_scene": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
    "lin_rec2020_scene": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    "lin_adobergb_scene": (0.640, 0.330, 0.210, 0.710, 0.150, 0.060, *_D65),
}
"""x and y of red, green, blue and white by id (Annex A of the second document)."""

TOLERANCE = 0.001

PUBLISHED = frozenset(
    (
        *CHROMATICITIES,
        *("lin_ciexyzd65_scene", "srgb_rec709_scene", "g24_rec709_scene", "g22_rec709_scene"),
        *("g18_rec709_scene", "srgb_ap1_scene", "g22_ap1_scene", "srgb_p3d65_scene", "g22_adobergb_scene"),
        *("srgb_rec709_display", "g24_rec709_display", "srgb_p3d65_display", "srgbe_p3d65_display"),
        *("pq_p3d65_display", "pq_rec2020_display", "hlg_rec2020_display", "g22_rec709_display"),
        *("g22_adobergb_display", "g26_p3d65_display", "g26_xyzd65_display", "pq_xyzd65_display"),
        *("lin_rec709_display", "lin_p3d65_display", "lin_rec2020_display", DATA, UNKNOWN),
    )
)
"""The ids that the forum has published. Any other id has a namespace."""


@collection(
    "color",
    {
        "id": Field("text", "The attribute colorInteropID."),
        "id_type": Field("text", "The type of the attribute colorInteropID."),
        "is_well_formed": Field("flag", "Whether the id follows the grammar."),
        "has_namespace": Field("flag", "Whether the id has a namespace."),
        "is_published": Field("flag", "Whether the forum has published the id."),
        "is_first": Field("flag", "Whether the part is the first."),
        "has_color": Field("flag", "Whether the file has a layer with R, G and B, or with Y."),
        "has_aces_flag": Field("flag", "Whether acesImageContainerFlag is 1."),
        "has_chromaticities": Field("flag", "Whether the part has the attribute chromaticities."),
        "chromaticities": Field("list", "x and y of red, green, blue and white."),
        "stated_chromaticities": Field(
            "list", "The chromaticities that belong to the id, if they are known."
        ),
        "is_chromaticities_match": Field("flag", "Whether the two agree within 0.001; absent if either is."),
        "chromaticities_id": Field("text", "The published id that the chromaticities belong to."),
    },
)
def color(facts: Facts) -> Items:
    """The color attributes of the parts: one item for each part."""
    if not has_header(facts):
        return NO_HEADER
    layers: dict[tuple[int, str | None], set[str]] = {}
    for each in facts.document["channels"]:
        layers.setdefault((each["part_index"], each["layer_name"]), set()).add(each["component_name"])
    has_color = any({"R", "G", "B"} <= each or "Y" in each for each in layers.values())
    return [_color(part, has_color) for part in facts.document["parts"]]


def _color(part: Mapping[str, Any], has_color: bool) -> dict[str, Any]:
    values = part_attributes(part)
    kinds = {each["name"]: each["type"] for each in reversed(part["attributes"])}
    id_, listed = values.get("colorInteropID"), values.get("chromaticities")
    if kinds.get("chromaticities") != "chromaticities":
        listed = None
    elif isinstance(listed, dict):
        listed = [float(point[axis]) for point in listed.values() for axis in "xy"]
    text = id_ if isinstance(id_, str) else None
    stated = CHROMATICITIES.get(text or "")
    unknown = id_ if isinstance(id_, Missing) else None
    return {
        "place": f"parts[{part['index']}]",
        "part_index": part["index"],
        "id": id_,
        "id_type": kinds.get("colorInteropID"),
        "is_well_formed": unknown if text is None else _GRAMMAR.fullmatch(text) is not None,
        "has_namespace": unknown if text is None else ":" in text,
        "is_published": unknown if text is None else text in PUBLISHED,
        "is_first": part["index"] == 0,
        "has_color": has_color,
        "has_aces_flag": values.get("acesImageContainerFlag") == 1,
        "has_chromaticities": "chromaticities" in values,
        "chromaticities": listed,
        "stated_chromaticities": unknown if stated is None else list(stated),
        "is_chromaticities_match": _match(listed, stated) if unknown is None else unknown,
        "chromaticities_id": next(
            (name for name, each in CHROMATICITIES.items() if _match(listed, each) is True), None
        ),
    }


def _match(listed: Any, stated: Sequence[float] | None) -> Any:
    """Return whether chromaticities agree; None if one of them is absent, Missing if they are not known."""
    if isinstance(listed, Missing):
        return listed
    if stated is None or listed is None:
        return None
    return all(abs(each - other) <= TOLERANCE for each, other in zip(listed, stated, strict=True))
