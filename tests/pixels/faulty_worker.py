"""The worker with a decoder that fails on some pixels: a sample of 666 is fatal."""

from __future__ import annotations

import io
import os
import signal
import time
from typing import Any

import numpy as np

from exr_inspector.pixels import worker

_decode = worker.decode_flat


def _fails(fault: str) -> None:
    if fault == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif fault == "exit":
        os._exit(3)
    elif fault == "hang":
        time.sleep(600)
    elif fault == "spin":
        while True:
            pass
    elif fault == "memory":
        np.ones(1 << 33, np.uint8)


def main(fault: str) -> None:
    def decode_flat(file: io.BytesIO, planes: list[int]) -> tuple[dict[str, Any], list[Any]]:
        reply, found = _decode(file, planes)
        if (found[0] == 666).any():
            _fails(fault)
        return reply, found

    worker.decode_flat = decode_flat
    worker.main()
