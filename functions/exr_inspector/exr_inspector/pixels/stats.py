"""Statistics of the pixels of one file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from exr_inspector.errors import BAD_CONFIG, NOT_INSTALLED, PIXELS_LIMIT, Fault, InspectorError
from exr_inspector.location import Location, path_location
from exr_inspector.pixels.beauty import find_beauty
from exr_inspector.pixels.decode import decoder_version
from exr_inspector.pixels.fetch import SAMPLE_GAP
from exr_inspector.pixels.image import Frame, Tap
from exr_inspector.pixels.measure import Measure
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.plan import MIN_SAMPLE, Plan, plan_full, plan_sample
from exr_inspector.pixels.roles import Role, channel_roles
from exr_inspector.pixels.stream import PartStream
from exr_inspector.pixels.thumbnail import SIZE, picture_of, read_picture
from exr_inspector.settings import MIB, Settings
from exr_inspector.sources.opener import Opener
from exr_inspector.sources.protocol import Source
from exr_inspector.version_reader import read_unchanged

DEFAULT_BUDGET = 32 * MIB
"""Bytes that a sample reads at most, unless 16 chunks are more."""
MAX_CHANNELS = 256
"""Channels that are measured at once: each takes 0.5 MiB."""

Mode = Literal["full", "sampled"]
AnyMode = Literal["full", "sampled", "counts"]


@dataclass(frozen=True)
class Request:
    """The arguments of `pixel_stats`."""

    mode: AnyMode
    budget: int
    parts: Sequence[int] | None
    channels: Sequence[str] | None
    settings: Settings
    dry_run: bool = False
    seconds: float | None = None
    look: bool = False
    """Whether the result has `look`: the columns of the picture, from `thumbnail`."""


def pixel_stats(  # noqa: PLR0913, PLR0917 - the options of the command
    path: str | os.PathLike[str] | Location,
    mode: AnyMode = "full",
    budget: int | None = None,
    parts: Sequence[int] | None = None,
    channels: Sequence[str] | None = None,
    settings: Settings | None = None,
    *,
    seconds: float | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Return statistics of the decoded pixels of a file, for each channel of the full-resolution image.

    `full` reads every chunk: all values are exact, except percentiles of float and uint channels. `sampled`
    reads at least 16 chunks and about `budget` bytes (default 32 MiB): min and max are inner bounds, and
    counts are those of the sample. `counts` reads only the sample counts of deep pixels: `deep` has their
    statistics, and `channels` is empty. `parts` are indexes; `channels` are names or patterns such as `*.R`.

    Chunks that are not decoded within `seconds`, or would need more memory than the instance has, are
    skipped. Time spent waiting for memory that other files use counts too.

    With `dry_run`, no pixels are read: `status` is `planned`, and `coverage` counts the chunks and bytes to
    read.

    The result has `status`: `ok`; `partial` if a chunk failed or is missing; `failed` if no pixel was read. A
    fault of the file is in `failures`. If no sample of a channel is finite, its values are None.

    Raises InspectorError: NOT_INSTALLED without the extra `pixels`, BAD_CONFIG for an unknown mode, BAD_EVENT
    for an invalid path, and transient faults of the file system or object store.
    """
    decoder_version()
    if mode not in get_args(AnyMode) or (budget is not None and budget < 0):
        modes = ", ".join(get_args(AnyMode))
        raise InspectorError(BAD_CONFIG, f"the mode is one of {modes}, not {mode!r}; the budget at least 0")
    settings = settings or Settings()
    location = path_location(path, settings.paths)
    request = Request(
        mode, DEFAULT_BUDGET if budget is None else budget, parts, channels, settings, dry_run, seconds
    )
    opener = Opener(settings)
    return read_unchanged(lambda: _Reading(opener(location), request).result())


def source_stats(
    source: Source, mode: Mode, budget: int, settings: Settings, seconds: float | None = None
) -> dict[str, Any]:
    """Return the result of `pixel_stats` for the version of a file that a source reads, and its look.

    `look` has the columns of `Picture.look`, or is None. A sample spends a quarter of `budget` on it.
    """
    request = Request(mode, budget, None, None, settings, seconds=seconds, look=True)
    return _Reading(source, request).result()


class _Reading:
    """One version of a file, read once."""

    def __init__(self, source: Source, request: Request) -> None:
        self.source = source
        self.request = request
        self.failures: list[dict[str, Any]] = []
        self.measures: list[Measure] = []
        self.header_bytes = self.parts = 0

    def result(self) -> dict[str, Any]:
        """Measure the file. A permanent fault is part of the result; any other is raised."""
        try:
            file = PixelFile(self.source, self.request.settings.limits, self.request.seconds)
        except InspectorError as error:
            return self._refused(error)
        self.header_bytes, self.parts = file.header_bytes, len(file.header.parts)
        with closing(file):
            try:
                plans = self._prepare(file)
            except InspectorError as error:
                return self._refused(error)
            if self.request.dry_run:
                return self._planned(plans)
            tap = self._tap(file, plans) if self.request.look else None
            for measure, plan in plans:
                measure.run(plan, tap.add if tap and tap.stream is measure.stream else None)
            look = self._look(file, tap) if self.request.look else {}
        report = self._report()
        if look.get("look"):
            more = look["look_coverage"]["bytes_read"] - self.header_bytes
            report["coverage"]["bytes_read"] += max(more, 0)
        return {**report, **look}

    def _tap(self, file: PixelFile, plans: list[tuple[Measure, Plan]]) -> Tap | None:
        """Return what makes the picture while its part is measured, if all of it is read at full resolution.

        A picture from a smaller level costs less, and one of a sample reads other chunks.
        """
        beauty = find_beauty(file.header)
        for measure, plan in plans if beauty else ():
            if beauty and measure.stream.index == beauty.part and plan.is_full:
                frame = Frame.of(measure.stream, SIZE)
                if frame.plan.level == plan.level:
                    return Tap(measure.stream, beauty.channels, frame)
        return None

    def _look(self, file: PixelFile, tap: Tap | None) -> dict[str, Any]:
        """Return `look` and `look_coverage`. Without a picture, the latter says why."""
        budget = self.request.budget // 4 if self.request.mode == "sampled" else None
        beauty = find_beauty(file.header)
        try:
            if tap and beauty:
                picture = picture_of(file, beauty, tap.image())
            else:
                picture = read_picture(file, budget=budget)
            look = picture.look() if picture else None
        except InspectorError as error:
            if error.retry:
                raise
            return {"look": None, "look_coverage": error.entry()}
        return {"look": look, "look_coverage": picture.coverage if picture else None}

    def _refused(self, error: InspectorError) -> dict[str, Any]:
        if error.retry or error.fault is NOT_INSTALLED:
            raise error
        self._fail(error.fault, error.message)
        return self._report()

    def _prepare(self, file: PixelFile) -> list[tuple[Measure, Plan]]:
        """Return the plan of each part. Raises InspectorError."""
        wanted, roles = self.request.parts, channel_roles(file.header)
        for index in range(len(file.header.parts)) if wanted is None else sorted(set(wanted)):
            try:
                stream = file.stream(index, self.request.channels, counts_only=self.request.mode == "counts")
                self._add(stream, roles)
            except InspectorError as error:
                if error.fault is BAD_CONFIG:
                    raise
                self._fail(error.fault, error.message, index)
        if not (self.measures or self.failures):
            lacks = "part that is deep" if self.request.mode == "counts" else "channel of these names"
            self._fail(BAD_CONFIG, f"the file has no {lacks}")
        return [(measure, self._plan(measure.stream)) for measure in self.measures]

    def _add(self, stream: PartStream, roles: Mapping[tuple[int, str], Role]) -> None:
        held = sum(len(each.channels) for each in self.measures)
        if held + len(stream.channels) > MAX_CHANNELS:
            message = (
                f"{held + len(stream.channels)} channels are more than the {MAX_CHANNELS} measured at once"
            )
            raise InspectorError(PIXELS_LIMIT, message)
        if stream.channels or (self.request.mode == "counts" and stream.layout.is_deep):
            self.measures.append(Measure(stream, roles))

    def _plan(self, stream: PartStream) -> Plan:
        """Return the units of a part to read: its share of the budget, and at least MIN_SAMPLE of them."""
        plan = plan_full(stream.layout)
        if self.request.mode != "sampled":
            return plan
        sizes = [sum(map(stream.reader.packed_size, unit)) for unit in plan.units]
        budget = self.request.budget // len(self.measures)
        if sum(sizes) <= budget:
            return plan
        stream.reader.max_gap = SAMPLE_GAP
        count = max(MIN_SAMPLE, int(budget // max(float(np.median(sizes)), 1.0)))
        stat = self.source.stat()
        seed = f"{stat.etag or stat.mtime.isoformat()} {stat.size} {stream.index}"
        return plan_sample(plan, count, seed)

    def _fail(self, fault: Fault, message: str, part: int | None = None) -> None:
        failure = {"part_index": part, "code": fault.code, "message": message, "chunks": None, "first": None}
        self.failures.append(failure)

    def _planned(self, plans: list[tuple[Measure, Plan]]) -> dict[str, Any]:
        chunks = [
            (measure.stream.reader, index) for measure, plan in plans for unit in plan.units for index in unit
        ]
        size = sum(reader.layout.head_size + reader.packed_size(index) for reader, index in chunks)
        report = self._report()
        coverage = {**report["coverage"], "chunks_planned": len(chunks), "bytes_planned": size}
        status = "planned" if plans else "failed"
        return {**report, "status": status, "coverage": coverage, "channels": [], "deep": []}

    def _report(self) -> dict[str, Any]:
        from exr_inspector.pixels.hashes import file_hash  # noqa: PLC0415 - needs an optional library

        streams = [measure.stream for measure in self.measures]
        failures = [*self.failures, *(each for found in streams for each in found.failures.values())]
        read = sum(stream.chunks_read for stream in streams)
        levels = (stream.layout.levels[0] for stream in streams)
        total = sum(level.columns * level.rows for level in levels)
        parts = [measure.part_result() for measure in self.measures]
        is_whole = bool(read) and read == total and not self.failures
        return {
            "status": "failed" if not read else "partial" if failures else "ok",
            "mode": self.request.mode,
            "coverage": {
                "chunks": total,
                "chunks_read": read,
                "bytes_read": self.header_bytes + sum(each.reader.bytes_read for each in streams),
                "requests": sum(each.reader.requests for each in streams),
                "exact": is_whole,
                "decoder": {"name": "OpenEXR", "version": decoder_version()},
            },
            "hash": file_hash(each["hash"] for each in parts)
            if is_whole and len(parts) == self.parts
            else None,
            "parts": parts,
            "channels": [each for measure in self.measures for each in measure.channel_results()],
            "deep": [each.deep.result(each.stream.index) for each in self.measures if each.deep],
            "failures": failures,
        }
