"""Read a source from its start in growing pieces, and cache them."""

from __future__ import annotations

from exr_inspector.sources.protocol import Source


class ReadAhead:
    """The first bytes of a source, read in few requests and served again from memory."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.prefix = b""

    def held(self, start: int, length: int) -> bytes | None:
        """Return those bytes if they were already read, else None."""
        end = min(start + length, self.source.stat().size)
        return self.prefix[start:end] if end <= len(self.prefix) else None

    def read(self, start: int, length: int) -> bytes:
        held = self.held(start, length)
        return self.source.read(start, length) if held is None else held

    def grow(self, size: int) -> None:
        """Hold the first `size` bytes of the file, or all of it."""
        more = self.source.read(len(self.prefix), size - len(self.prefix))
        self.prefix = self.prefix + more if self.prefix else more
