"""The process that starts decoders. To start it early costs little: this module does not need numpy."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from struct import Struct

WORKER = "exr_inspector.pixels.worker"

_MESSAGE = Struct("<cq")  # as in the worker, which is not imported: OpenEXR belongs into the helper process
_START_SECONDS = 60


class Helper:
    """The server process that starts decoders. Threads may share it."""

    def __init__(self, module: str = WORKER) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_START_SECONDS)
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - this interpreter
                [sys.executable, "-m", module],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,  # the library prints to it
                stderr=subprocess.DEVNULL,
                env=_environment(),
                cwd="/",
                start_new_session=True,
            )

    def start(self, memory: int) -> tuple[int, socket.socket]:
        """Start a decoder that may take `memory` bytes; return its process id and its socket."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                with self._lock:
                    socket.send_fds(self._control, [_MESSAGE.pack(b"S", memory)], [theirs.fileno()])
                    return self._answer(), ours
            except OSError:
                ours.close()
                raise

    def kill(self, child: int) -> int:
        """End a decoder and return its wait status."""
        with self._lock:
            self._control.sendall(_MESSAGE.pack(b"K", child))
            return self._answer()

    def _answer(self) -> int:
        data = self._control.recv(_MESSAGE.size, socket.MSG_WAITALL)
        if len(data) < _MESSAGE.size:
            raise ConnectionResetError("the helper process ended")
        return int(_MESSAGE.unpack(data)[1])

    def close(self) -> None:
        """End the process and all decoders."""
        self._control.close()
        if self.owner == os.getpid():
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def _environment() -> dict[str, str]:
    """Return an environment without secrets, in which numpy starts no threads.

    glibc keeps the memory of each decoded chunk for the next one. Returning it to the system costs a third
    of the CPU time.
    """
    kept = {
        name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ
    }
    path = os.pathsep.join(str(Path(each).absolute()) for each in sys.path)
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    memory = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(128 << 20)}
    return {**kept, **threads, **memory, "PYTHONPATH": path}


_shared: Helper | None = None
_shared_lock = threading.Lock()


def shared_helper() -> Helper:
    """Return the helper of this process; start it if it is not there or has ended."""
    global _shared  # noqa: PLW0603 - one helper serves all threads
    with _shared_lock:
        if _shared is None or _shared.owner != os.getpid() or _shared.process.poll() is not None:
            if _shared is not None:
                _shared.close()
            _shared = Helper()
        return _shared


def close_shared_helper() -> None:
    """End the helper of this process, if it has one."""
    global _shared  # noqa: PLW0603
    with _shared_lock:
        if _shared is not None:
            _shared.close()
            _shared = None


atexit.register(close_shared_helper)
