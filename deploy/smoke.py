"""Start the function and pass it one file: `python smoke.py FOLDER FILE.exr`.

Print one line of JSON: the status of the file, seconds, and memory. Needs only the standard library and the
function's own requirements.
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
    """Import `main` from `folder` like the runtime, call `init`, and call `handler` twice with `file`."""
    started = time.perf_counter()
    sys.path.insert(0, folder)
    import main  # noqa: PLC0415 - the folder is an argument

    imported = time.perf_counter()
    ctx = SimpleNamespace(logger=logging.getLogger("smoke"), secrets={})
    main.init(ctx)
    ready = time.perf_counter()
    event = {"data": {"path": file}}
    document = main.handler(ctx, event)
    first = time.perf_counter()
    main.handler(ctx, event)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "status": document["file"]["status"],
        "opens_in_openimageio": document["file"]["openimageio"]["opens"],
        "persistence": document["persistence"]["status"],
        "import_seconds": round(imported - started, 3),
        "init_seconds": round(ready - imported, 3),
        "first_event_seconds": round(first - ready, 3),
        "next_event_seconds": round(time.perf_counter() - first, 3),
        # Linux reports KiB, macOS reports bytes.
        "peak_memory_mib": round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1),
    }


def main() -> None:
    """Exit with code 1 if the file is not ok. Of the settings, only EXR_INSPECTOR_DB has an effect."""
    for name in list(os.environ):
        if name.startswith(("EXR_INSPECTOR_", "S3_", "VAST_DB_", "AWS_")) and name != "EXR_INSPECTOR_DB":
            del os.environ[name]
    found = smoke(*sys.argv[1:])
    sys.stdout.write(json.dumps(found) + "\n")
    sys.exit(0 if found["status"] == "ok" else 1)


if __name__ == "__main__":
    main()
