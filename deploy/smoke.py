"""`python smoke.py FOLDER FILE.exr`: start the function in its folder and give it one file.

Prints one line of JSON: what came of the file, seconds, and memory. Only the standard library and the
function's own, so that it runs in an environment that holds nothing else.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
from types import SimpleNamespace
from typing import Any


def smoke(folder: str, file: str) -> dict[str, Any]:
    """Import `main` from the folder as the runtime does, run `init`, and `handler` twice on the file."""
    started = time.perf_counter()
    sys.path.insert(0, folder)
    import main  # noqa: PLC0415 - the folder is known only now

    imported = time.perf_counter()
    ctx = SimpleNamespace(logger=logging.getLogger("smoke"), secrets={})
    main.init(ctx)
    ready = time.perf_counter()
    event = {"data": {"path": file}}
    document = main.handler(ctx, event)
    first = time.perf_counter()
    main.handler(ctx, event)
    return {
        "status": document["file"]["status"],
        "opens_in_openimageio": document["file"]["openimageio"]["opens"],
        "persistence": document["persistence"]["status"],
        "import_seconds": round(imported - started, 3),
        "init_seconds": round(ready - imported, 3),
        "first_event_seconds": round(first - ready, 3),
        "next_event_seconds": round(time.perf_counter() - first, 3),
        "peak_memory_mib": round(_peak_memory() / 2**20, 1),
    }


def _peak_memory() -> int:
    """Bytes. Linux counts in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Exit 1 where the file is not ok. EXR_INSPECTOR_DB, if set, takes the rows; no other setting counts."""
    for name in list(os.environ):
        if name.startswith(("EXR_INSPECTOR_", "S3_", "VAST_DB_", "AWS_")) and name != "EXR_INSPECTOR_DB":
            del os.environ[name]
    found = smoke(*sys.argv[1:])
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(0 if found["status"] == "ok" else 1)


if __name__ == "__main__":
    main()
