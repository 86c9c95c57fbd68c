"""The facets that an index ensures: the requested ones, and the stored rows that satisfy the request."""

from __future__ import annotations

import os
from dataclasses import replace

from exr_inspector.catalog.duckdb.inventory import HAS_HEADER, HEADER, IS_SUPPORTED, Wanted
from exr_inspector.catalog.facets import CRYPTOMATTE_VERSION, PIXELS_VERSION, POLICY_VERSION
from exr_inspector.errors import requires_extra
from exr_inspector.judge import DEFAULT
from exr_inspector.location import is_object
from exr_inspector.mattes import requests as requests_of_mattes
from exr_inspector.measurer import requests as requests_of_pixels
from exr_inspector.policy_files import OpenSource, PolicyFiles
from exr_inspector.settings import SETTINGS, Settings


def with_facets(settings: Settings, text: str) -> Settings:
    """Return the settings that ask for the facets of a text such as `header,pixels:sampled,policy:default`.

    Raises ValueError.
    """
    stats = cryptomatte = "none"
    policies: list[str] = []
    for item in filter(None, (each.strip() for each in text.split(","))):
        facet, _, mode = item.partition(":")
        if facet == "pixels":
            stats = SETTINGS["stats"].parse(mode or "sampled")
        elif facet == "cryptomatte":
            cryptomatte = SETTINGS["cryptomatte"].parse(mode or "objects")
        elif facet == "policy":
            policies.append(_policy(mode or DEFAULT))
        elif item != "header":
            raise ValueError(f"{item!r} is not header, pixels:MODE, cryptomatte:MODE or policy:NAME")
    return replace(settings, stats=stats, cryptomatte=cryptomatte, policies=tuple(policies))


def _policy(name: str) -> str:
    with requires_extra("policy"):
        from exr_inspector.policy.load import is_pack  # noqa: PLC0415 - only if policies are used
    return name if is_pack(name) or is_object(name) else os.path.abspath(name)  # noqa: PTH100 - text, as typed


def wanted(settings: Settings, open_source: OpenSource) -> list[Wanted]:
    """Return the facets that the settings ask for.

    Raises InspectorError: BAD_POLICY for a policy that cannot be read, NOT_INSTALLED for a library.
    """
    found = [HEADER]
    if settings.stats != "none":
        with requires_extra("pixels"):
            import exr_inspector.pixels.stats  # noqa: F401, PLC0415 - only if pixels are read
        asked = requests_of_pixels(settings.stats, settings)
        found.append(Wanted("pixels", PIXELS_VERSION, asked, HAS_HEADER))
    if settings.cryptomatte != "none":
        asked = requests_of_mattes(settings.cryptomatte)
        found.append(Wanted("cryptomatte", CRYPTOMATTE_VERSION, asked, HAS_HEADER))
    if settings.policies:
        with requires_extra("policy"):
            from exr_inspector.catalog.finding_rows import policy_request  # noqa: PLC0415
            from exr_inspector.policy.evaluate import effective  # noqa: PLC0415
        files = PolicyFiles()
        policies = effective([files.load(each, open_source) for each in settings.policies])
        request = policy_request({each.id: each.hash for each in policies})
        found.append(Wanted("policy", POLICY_VERSION, [request], IS_SUPPORTED))
    return found
