"""What a check starts from: policies, the sequences to judge, and the evidence of their files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from exr_inspector import pipeline
from exr_inspector.checks.judge import Evidence, Look
from exr_inspector.document.model import Document
from exr_inspector.document.serialize import to_json
from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.extra_evidence import ExtraReader
from exr_inspector.location import Location
from exr_inspector.parallel import side_by_side
from exr_inspector.pixels.stats import Mode, pixel_stats
from exr_inspector.policy.model import Policy
from exr_inspector.policy_files import PolicyFiles
from exr_inspector.settings import Settings
from exr_inspector.sources.opener import Opener

# Files that are read side by side, if they are objects.
BATCH = 16


def load_policies(names: Iterable[str], settings: Settings | None = None, folder: str = "") -> list[Policy]:
    """Return the policies of these names, each once: packs, `s3://bucket/key`, or files relative to `folder`.

    Raises InspectorError: BAD_POLICY, and transient faults of the store of a policy.
    """
    files, opener = PolicyFiles(Path(folder).absolute()), Opener(settings or Settings())
    return [files.load(name, opener) for name in dict.fromkeys(names)]


def look_at_files(
    settings: Settings,
    pixels: Mode | None = None,
    budget: int | None = None,
    policies: Iterable[Policy] = (),
) -> Look:
    """Return a function that reads files: headers, pixels according to `pixels`, and other evidence for
    `policies`.
    """
    # OpenImageIO's report is made only for rules that look at it.
    has_report = any("openimageio" in to_json(rule.source) for policy in policies for rule in policy.rules)
    settings = replace(settings, openimageio=settings.openimageio and has_report, stats="none", policies=())
    opener = Opener(settings)
    runtime = pipeline.Runtime(settings, None, opener)
    collections = {rule.given for policy in policies for rule in policy.rules}
    extras = ExtraReader(opener, settings.limits, collections, with_pixels=pixels == "full")

    def measure(pair: tuple[Location, Document]) -> Evidence:
        location, document = pair
        if document["file"]["status"] in (None, "missing"):
            return Evidence(document)
        try:
            extra = extras.read(document, location)
            if pixels is None:
                return Evidence(document, extra=extra)
            found = pixel_stats(location, pixels, budget, settings=settings)
            return Evidence(document, found, extra=extra)
        except InspectorError as error:
            if not error.retry:
                raise
            return Evidence(document, fault=error)

    def look(files: Sequence[Location]) -> Iterator[Evidence]:
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            requests = [pipeline.request_for(each, settings) for each in batch]
            documents = pipeline.inspect_many(requests, runtime, keep_faults=True)
            pairs = list(zip(batch, documents, strict=True))
            if any(each.scheme == "s3" for each in batch):
                yield from side_by_side(measure, pairs)
            else:
                yield from map(measure, pairs)

    return look


def fingerprints(path: str) -> frozenset[str]:
    """Return the fingerprints of the findings in a report of --format json. Raises InspectorError."""
    try:
        report = json.loads(Path(path).read_bytes())
        return frozenset(each["fingerprint"] for found in report["sequences"] for each in found["findings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InspectorError(BAD_SETTING, f"{path} is not a report of --format json: {error}") from None
