"""The helper process: `python -m exr_inspector.pixels.worker`. It decodes files that may be hostile.

The server imports OpenEXR once and forks a child for each file, so that a crash ends a child. It has one
thread, since only such a process forks safely, and the program that uses it may have many. This isolates
crashes. It is not a sandbox: hostile code in a child would have the rights of the user.

Standard input of the server is a socket. Each message is one of
- `START`: a memory limit, with the socket of a new child as a descriptor; the answer is the child's id;
- `KILL`: a child's id; the child is killed and reaped, and the answer is its wait status.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import OpenEXR

from exr_inspector.pixels.deep import DeepChunks

MESSAGE = struct.Struct("<cq")
START, KILL = b"S", b"K"
REQUEST = struct.Struct("<II")
"""Bytes of the JSON text and of the stitched file that follow."""
RESPONSE = struct.Struct("<IQ")
"""Bytes of the JSON text and of the samples that follow."""

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38

Array = npt.NDArray[Any]


def serve(control: socket.socket) -> None:
    """Answer messages until the program that started the server closes the socket; then kill the children."""
    children: set[int] = set()
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, MESSAGE.size, 1)
        if len(data) < MESSAGE.size:
            break
        kind, number = MESSAGE.unpack(data)
        if kind == START:
            child = _fork(control, descriptors[0], number)
            children.add(child)
            control.sendall(MESSAGE.pack(START, child))
        elif number in children:
            children.remove(number)
            control.sendall(MESSAGE.pack(KILL, _reap(number)))
    for child in children:
        _reap(child)


def _reap(child: int) -> int:
    """Kill a child, which is not reaped yet, so that its id is its own; return its wait status."""
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _fork(control: socket.socket, descriptor: int, memory: int) -> int:
    child = os.fork()
    if child:
        os.close(descriptor)
        return child
    status = 1
    try:
        control.close()
        limit_child(memory)
        with socket.socket(fileno=descriptor) as data:
            _answer(data)
        status = 0
    finally:
        os._exit(status)


def limit_child(memory: int) -> None:
    """Limit this process to `memory` bytes more than it has, without core files or new privileges."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with suppress(OSError, ValueError):  # other systems have no such file, or no such limit
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 0)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _answer(data: socket.socket) -> None:
    """Decode the files that arrive, one after another, until the socket is closed."""
    while True:
        head = _receive(data, REQUEST.size).getvalue()
        if not head:
            return
        text_size, file_size = REQUEST.unpack(head)
        request = json.loads(_receive(data, text_size).getvalue())
        _limit_time(request["seconds"])
        reply, planes = _attempt(request, _receive(data, file_size))
        text = json.dumps(reply).encode()
        data.sendall(RESPONSE.pack(len(text), sum(plane.nbytes for plane in planes)) + text)
        for plane in planes:
            data.sendall(plane.reshape(-1).view(np.uint8).data)


def _attempt(request: dict[str, Any], file: io.BytesIO) -> tuple[dict[str, Any], list[Array]]:
    try:
        planes = request["planes"]
        if request["chunks"]:
            found = DeepChunks(*request["chunks"]).decode(file.getvalue(), planes)
            return {"count": len(request["chunks"][-1])}, found
        return decode_deep(file, planes) if request["deep"] else decode_flat(file, planes)
    except Exception as error:  # noqa: BLE001 - the library documents no exception types
        return {"error": (str(error) or type(error).__name__)[:500]}, []


def _limit_time(seconds: int) -> None:
    """Limit the CPU time of the next file; the kernel then ends the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + seconds + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def _receive(data: socket.socket, size: int) -> io.BytesIO:
    """Return `size` bytes, fewer if the socket was closed, without a second copy of them."""
    stream = io.BytesIO(bytes(size))
    held = 0
    with stream.getbuffer() as view:
        while held < size:
            count = data.recv_into(view[held:])
            if not count:
                break
            held += count
    stream.truncate(held)
    return stream


def decode_flat(file: io.BytesIO, planes: list[int]) -> tuple[dict[str, Any], list[Array]]:
    """Return the samples of the channels with these positions among the sorted names."""
    channels = _channels(file)
    found = [np.ascontiguousarray(channels[index]) for index in planes]
    return {"count": len(channels)}, found


def decode_deep(file: io.BytesIO, planes: list[int]) -> tuple[dict[str, Any], list[Array]]:
    """Return the sample counts of all pixels, then each channel's samples, pixel after pixel."""
    channels = _channels(file)
    counts, found = [], []
    for index in planes or [0]:
        pixels = channels[index].ravel()
        counts.append(np.array([0 if each is None else len(each) for each in pixels], np.uint32))
        samples = [each for each in pixels if each is not None]
        found.append(np.concatenate(samples) if samples else np.zeros(0, np.float32))
    if any(not np.array_equal(each, counts[0]) for each in counts):
        raise ValueError("the channels have different numbers of samples")
    return {"count": len(channels)}, [counts[0], *found[: len(planes)]]


def _channels(file: io.BytesIO) -> list[Array]:
    """Return the samples of all channels of a file of one part, by the bytes of their names."""
    with OpenEXR.File(file, separate_channels=True) as opened:
        if len(opened.parts) != 1:  # the library only prints why
            raise ValueError("the OpenEXR library cannot decode the chunks")
        channels = opened.parts[0].channels
        return [channels[name].pixels for name in sorted(channels)]


def main() -> None:
    """Serve the socket that is this process's standard input."""
    OpenEXR.set_global_thread_count(0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    with socket.socket(fileno=0) as control:
        serve(control)


if __name__ == "__main__":
    main()
