"""The real function over HTTP, reading from the test's S3 server, and what it leaves in its tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exr_inspector.apps.devserver.config import RunConfig
from exr_inspector.apps.devserver.container import Options
from exr_inspector.apps.devserver.server import Running, running
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.plan import AUDIT_COLUMNS
from tests.sources import faults
from tests.sources.server import S3Server

FOLDER = Path(__file__).parents[2] / "functions" / "exr_inspector"
BUCKET = "shots"
S3_FAULTS = (faults.status(500), faults.status(503), faults.reset, faults.cut)

# Both ways to build the function. Batches are small because one read that fails brings all of a batch again.
MODES = {
    "single": Options(log_level="CRITICAL"),
    "batch": Options(
        log_level="CRITICAL", handler_file="batch_main.py", sdk=("vast.dataengine.sdk",), batch_size=8
    ),
}

Rows = dict[str, list[str]]


@contextmanager
def function(s3: S3Server, database: Path, mode: str = "single") -> Iterator[Running]:
    """The deployable folder, run by the stand-in in one of MODES."""
    settings = s3.settings()
    envs = {
        "S3_ENDPOINT": settings.s3_endpoint,
        "S3_ACCESS_KEY": settings.s3_access_key,
        "S3_SECRET_KEY": settings.s3_secret_key,
        "EXR_INSPECTOR_DB": str(database),
    }
    with running(FOLDER, RunConfig(envs), MODES[mode]) as made:
        yield made


def rows_in(database: Path) -> Rows:
    """All rows by table, as text and in an order of their own, without the columns that tell of the run."""
    store = DuckDBStore(str(database))
    columns = {
        table: [
            name
            for name in schema.names
            if name == "sequencer" or name not in (*AUDIT_COLUMNS, "computed_at")
        ]
        for table, schema in TABLES.items()
    }
    found = {
        table: sorted(map(str, store.query(f"SELECT {', '.join(names)} FROM {table}").to_pylist()))
        for table, names in columns.items()
    }
    store.close()
    return found
