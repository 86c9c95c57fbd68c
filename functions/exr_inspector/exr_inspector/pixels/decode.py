"""Decode stitched files in a helper process, which a file may crash or hang."""

from __future__ import annotations

import importlib.metadata
import json
import os
import socket
import sys
import time
from contextlib import suppress
from functools import cache
from struct import Struct
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from exr_inspector.errors import CHUNK_CORRUPT, DECODER_LOST, NOT_INSTALLED, InspectorError
from exr_inspector.pixels.deep import DeepChunks
from exr_inspector.pixels.helper import WORKER, Helper, shared_helper
from exr_inspector.pixels.memory import decoder_memory

MIN_VERSION = (3, 5, 3) if sys.version_info >= (3, 11) else (3, 5, 2)
"""The first version of OpenEXR that may be used: older ones have known vulnerabilities.

3.5.2 is the last one for Python 3.10. It lacks 15 fixes, so do not use that for files that are not trusted.
"""
DTYPES: dict[str, np.dtype[Any]] = {
    "half": np.dtype("<f2"),
    "float": np.dtype("<f4"),
    "uint": np.dtype("<u4"),
}

# The protocol of the worker, which is not imported: OpenEXR belongs into the helper process.
_REQUEST, _RESPONSE = Struct("<II"), Struct("<IQ")
_MAX_TEXT = 1 << 16

Array = npt.NDArray[Any]


class DecodeError(Exception):
    """A stitched file cannot be decoded; the message is the reason."""

    fault = CHUNK_CORRUPT


class DecoderLostError(DecodeError):
    """The process that decoded a file crashed, hung, or reached a limit."""

    fault = DECODER_LOST


class Job(NamedTuple):
    """A stitched file, and what its decoding must give.

    `planes`: positions of the wanted channels among the sorted names. `channels`: their number in the file.
    `types`: pixel types of the wanted channels. `shapes`: their rows and columns; in deep files only the
    first is used, for the pixels. `size`: bytes of all decoded samples. `chunks`: of deep files
    that are decoded without the OpenEXR library.
    """

    file: bytes
    planes: list[int]
    channels: int
    types: list[str]
    shapes: list[tuple[int, int]]
    size: int
    is_deep: bool = False
    chunks: DeepChunks | None = None


@cache
def decoder_version() -> str:
    """Return the version of OpenEXR. Raises InspectorError(NOT_INSTALLED) if it is absent or too old."""
    least = ".".join(map(str, MIN_VERSION))
    advice = f"pixel statistics need OpenEXR {least} or later and xxhash: pip install 'exr-inspector[pixels]'"
    try:
        version = importlib.metadata.version("OpenEXR")
        importlib.metadata.version("xxhash")
    except importlib.metadata.PackageNotFoundError:
        raise InspectorError(NOT_INSTALLED, advice) from None
    if tuple(int(each) for each in version.split(".")[:3] if each.isdigit()) < MIN_VERSION:
        raise InspectorError(NOT_INSTALLED, f"{advice}; version {version} is installed")
    return version


class Decoder:
    """Decodes the groups of one file in a process of its own, and in a new one after a crash.

    `seconds` limits the time and the CPU time of one group; `memory` what the process may take, in bytes,
    beyond what it shares with others.
    """

    def __init__(
        self, seconds: float = 60, helper: Helper | None = None, memory: int = decoder_memory(8 << 20)
    ) -> None:
        self.seconds = seconds
        self.memory = memory
        self._given = helper
        self._helper: Helper | None = None
        self._child = 0
        self._limit = 0
        self._data: socket.socket | None = None
        self._job: Job | None = None
        self._error: OSError | None = None

    def close(self) -> None:
        """End the process, if there is one."""
        self._end()

    def decode(self, job: Job) -> list[Array]:
        """Return the samples of the wanted channels; of a deep file, the sample counts of its pixels first.

        Raises DecodeError, also if the samples are not those that the job states.
        """
        self.submit(job)
        return self.result()

    @property
    def is_busy(self) -> bool:
        """Whether a job was submitted whose result was not taken."""
        return self._job is not None

    def submit(self, job: Job) -> None:
        """Begin to decode; `result` raises whatever fails. Drops a job whose result was not taken."""
        if self._job is not None:
            self._end()
        if self._data is None or self.memory > self._limit:
            self._begin()
        assert self._data is not None
        self._job, self._error = job, None
        try:
            self._data.settimeout(self.seconds)
            _send(self._data, job, self.seconds)
        except OSError as error:
            self._error = error

    def result(self, deadline: float | None = None) -> list[Array]:
        """Return what `decode` returns, of the job that was submitted.

        A job that is not done at `deadline`, a time of `time.monotonic`, is lost.
        """
        job, error = self._job, self._error
        assert job is not None
        assert self._data is not None
        self._job = self._error = None
        try:
            if error:
                raise error
            end = time.monotonic() + self.seconds
            reply, payload = _answer(self._data, job, end if deadline is None else min(end, deadline))
        except TimeoutError:
            self._end()
            raise DecoderLostError(f"the decoder took more than {self.seconds:g} seconds") from None
        except (OSError, ValueError, TypeError) as lost:
            raise DecoderLostError(_cause(self._end(), lost)) from None
        if "error" in reply:
            raise DecodeError(str(reply["error"])[:500])
        return _planes(job, reply, payload)

    def _begin(self) -> None:
        self._end()
        for is_last in (False, True):
            self._helper = self._given or shared_helper()
            try:
                self._child, self._data = self._helper.start(self.memory)
            except OSError as error:
                if is_last:
                    raise InspectorError(
                        NOT_INSTALLED,
                        f"the process that decodes pixels does not start ({error}); try `python -m {WORKER}`",
                    ) from error
            else:
                self._limit = self.memory
                return

    def _end(self) -> int:
        """End the decoder, if there is one; return its wait status."""
        if self._data is None or self._helper is None:
            return 0
        self._job = None
        self._data.close()
        self._data = None
        with suppress(OSError):
            return self._helper.kill(self._child)
        return 0


def _send(data: socket.socket, job: Job, seconds: float) -> None:
    request = {"planes": job.planes, "deep": job.is_deep, "chunks": job.chunks, "seconds": int(seconds)}
    text = json.dumps(request).encode()
    data.sendall(_REQUEST.pack(len(text), len(job.file)) + text)
    data.sendall(job.file)


def _answer(data: socket.socket, job: Job, end: float) -> tuple[dict[str, Any], memoryview]:
    """Return the answer to a job and its samples. Raises OSError, ValueError, TypeError."""
    text_size, size = _RESPONSE.unpack(_receive(data, _RESPONSE.size, end))
    if text_size > _MAX_TEXT + 32 * len(job.planes) or size > job.size:
        raise ValueError("the decoder's answer is too large")
    reply = json.loads(bytes(_receive(data, text_size, end)))
    if not isinstance(reply, dict):
        raise TypeError("the decoder's answer is not an object")
    return reply, _receive(data, size, end)


def _receive(data: socket.socket, size: int, end: float) -> memoryview:
    """Return `size` bytes. Raises TimeoutError after `end`, and OSError if the socket is closed before."""
    view = memoryview(np.empty(size, np.uint8).data)
    held = 0
    while held < size:
        data.settimeout(max(end - time.monotonic(), 0.001))
        count = data.recv_into(view[held:])
        if not count:
            raise ConnectionResetError("the decoder ended")
        held += count
    return view


def _cause(status: int, error: Exception) -> str:
    """Return why a decoder was lost, from its wait status."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0 and code != -9:
        return f"the decoder was ended by signal {-code}"
    return f"the decoder ended with exit code {code}" if code > 0 else f"the decoder was lost: {error}"


def _planes(job: Job, reply: dict[str, Any], payload: memoryview) -> list[Array]:
    """Return the samples as arrays. Raises DecodeError if they are not those that the job states."""
    if reply.get("count") != job.channels:
        raise DecodeError(f"the decoder found {reply.get('count')} channels instead of {job.channels}")
    rest = payload
    planes: list[Array] = []
    if job.is_deep:
        rows, columns = job.shapes[0]
        counts, rest = _take(rest, np.dtype("<u4"), rows * columns)
        planes.append(counts.reshape(rows, columns))
        total = int(counts.sum(dtype=np.uint64))
        sizes: list[tuple[int, ...]] = [(total,)] * len(job.types)
    else:
        sizes = list(job.shapes)
    for type_, shape in zip(job.types, sizes, strict=True):
        plane, rest = _take(rest, DTYPES[type_], int(np.prod(shape)))
        planes.append(plane.reshape(shape))
    if len(rest):
        raise DecodeError("the decoder gave more samples than the chunks have")
    return planes


def _take(data: memoryview, dtype: np.dtype[Any], count: int) -> tuple[Array, memoryview]:
    size = count * dtype.itemsize
    if size > len(data):
        raise DecodeError("the decoder gave fewer samples than the chunks have")
    return np.frombuffer(data[:size], dtype), data[size:]
