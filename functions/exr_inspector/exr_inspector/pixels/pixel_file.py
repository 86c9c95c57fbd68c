"""A file whose chunks are read and decoded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase

from exr_inspector.errors import BAD_CONFIG, CHUNK_CORRUPT, COMPLETENESS_UNKNOWN, UNKNOWN_CODE, InspectorError
from exr_inspector.exr.completeness import assess
from exr_inspector.exr.conformance import check_parts
from exr_inspector.exr.header import Header
from exr_inspector.exr.limits import Limits
from exr_inspector.pixels.decode import Decoder, decoder_version
from exr_inspector.pixels.fetch import ChunkReader
from exr_inspector.pixels.memory import shared_memory
from exr_inspector.pixels.stream import OWN_DEEP, PartStream, channels_of
from exr_inspector.sources.protocol import Source
from exr_inspector.sources.read_ahead import ReadAhead
from exr_inspector.version_reader import read_header

MAX_HEADS = 1 << 12
"""Chunk heads that are read of a file without an offset table."""
WORKERS = 2
"""Processes that decode one file: more would wait for the process that reads and accumulates."""


class PixelFile:
    """The header and the offset table of one version of a file, and the processes that decode its chunks.

    Close it to end the processes. `header_bytes` counts the bytes that were read.
    """

    def __init__(self, source: Source, limits: Limits, seconds: float | None = None) -> None:
        """Read the header and the table. Chunks that are not decoded within `seconds` are skipped.

        Raises InspectorError: a fault of the file, or of its store; NOT_INSTALLED without the extra `pixels`.
        """
        self.deadline = None if seconds is None else time.monotonic() + seconds
        self.version = decoder_version()
        self.source = source
        self._ahead = ReadAhead(source)
        self.header: Header = read_header(self._ahead, limits)
        found = assess(self.header, self._ahead.read, source.stat().size, MAX_HEADS)
        self.header_bytes = max(len(self._ahead.prefix), self.header.size)
        if found.table is None:
            faults = [each for each in check_parts(self.header) if each.fault.status]
            message = "the header does not define how the pixels are divided into chunks"
            raise faults[0] if faults else InspectorError(UNKNOWN_CODE, message)
        if found.table.offsets is None:
            raise found.error or InspectorError(COMPLETENESS_UNKNOWN, "the offset table was not read")
        self.table = found.table
        self.decoders = [Decoder() for _ in range(WORKERS)]

    def stream(
        self, part: int, channels: Sequence[str] | None = None, *, counts_only: bool = False
    ) -> PartStream:
        """Return the stream of a part: the channels that match names or patterns such as `*.R`, or all.

        With `counts_only`, a deep part gives the sample counts of its pixels and no channel. Their samples
        are not read, unless only the OpenEXR library can unpack the counts.

        Raises InspectorError: BAD_CONFIG if there is no such part, CHUNK_CORRUPT if its channels or its
        compression are not valid.
        """
        if not 0 <= part < len(self.header.parts):
            raise InspectorError(
                BAD_CONFIG, f"the file has {len(self.header.parts)} parts, but no part {part}"
            )
        layout = self.table.layouts[part]
        if layout.channels is None or layout.compression is None:
            invalid = "compression" if layout.channels else "pixel type or sampling of a channel"
            raise InspectorError(CHUNK_CORRUPT, f"the {invalid} is not valid")
        found = self.header.parts[part]
        every = channels_of(found, layout)
        wanted = [
            each
            for each in every
            if not counts_only
            and (channels is None or any(fnmatchcase(each.name, pattern) for pattern in channels))
        ]
        counts_only = counts_only and layout.is_deep and layout.compression in OWN_DEEP
        reader = ChunkReader(self._ahead, self.table, part, shared_memory().max_chunk, counts_only)
        return PartStream(part, found, layout, reader, self.decoders, every, wanted, self.deadline)

    def close(self) -> None:
        """End the processes."""
        for decoder in self.decoders:
            with suppress(OSError):
                decoder.close()
