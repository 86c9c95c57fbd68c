"""What the tests that kill run in processes of their own: `index`, and an S3 server."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from exr_inspector.apps.cli import commands, executors
from exr_inspector.apps.index import pool
from exr_inspector.sources import s3

# Workers import this module too.
executors.MIN_FILES_FOR_WORKERS = 1
pool.shards.__defaults__ = (20,)
s3.PAUSES = (0.0, 0.0)


def serve(folder: str) -> None:
    """Serve the files of a folder as the bucket `renders`, and print the URL."""
    from tests.sources.server import S3Server

    with S3Server() as server:
        server.bucket("renders")
        for path in sorted(Path(folder).rglob("*.exr")):
            server.put("renders", str(path.relative_to(folder)), path.read_bytes())
        print(server.url, flush=True)
        time.sleep(3600)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    commands(sys.argv[1:])
