"""`python -m exr_inspector` and the command `exr-inspector`."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

_STREAMS = {"stdin": "r", "stdout": "w", "stderr": "w"}


def main() -> None:
    """Run the command line, or name the extra that it needs."""
    for name, mode in _STREAMS.items():
        if getattr(sys, name) is None:
            # The caller closed it. No other file may get its number, or output would land there.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    signal.signal(signal.SIGTERM, _end)
    try:
        from exr_inspector.apps.cli import commands  # noqa: PLC0415 - its libraries are an extra
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith("exr_inspector"):
            missing = f"{missing} is left out of the deployed function. The command line"
        sys.stderr.write(f"exr-inspector: {missing} is not installed: pip install 'exr-inspector[cli]'\n")
        sys.exit(2)
    except KeyboardInterrupt:  # `commands` answers to it from here on
        sys.exit(130)
    commands(prog_name="exr-inspector")


def _end(number: int, _frame: FrameType | None) -> None:
    """End as after a fault: a transaction is rolled back, and no half file or temporary folder is left."""
    signal.signal(number, signal.SIG_DFL)  # a second signal does not wait for that
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
