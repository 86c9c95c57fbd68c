"""The tests that the SDK ships, run against the server: they state how a cluster responds.

`LEFT_OUT` has each test that is not run, with the reason.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import vastdb

from tests.slow import slow
from tests.vast_server.server import VastServer

if TYPE_CHECKING:
    from tests.vast_server.server import Version

SDK_TESTS = Path(vastdb.__file__).parent / "tests"

FILES = (
    "test_configs.py",
    "test_fixed_list.py",
    "test_sanity.py",
    "test_schemas.py",
    "test_table_in_tx.py",
    "test_tables.py",
)

CLIENT_ONLY = "asks nothing of a server"
SORTED = "sorted tables: the store has none"
RENAMING = "renaming: the store renames nothing"
PROJECTIONS = "projections: the store has none"
OTHER_TABLES = "tables and snapshots that a cluster keeps by itself"

LEFT_OUT = {
    "test_adbc_integration.py": "speaks to the native ADBC driver, not to this protocol",
    "test_blob_expansion.py": "skips itself; the store expands no blobs",
    "test_by_column_inserter.py": CLIENT_ONLY,
    "test_duckdb.py": "calls a method that DuckDB no longer has",
    "test_ibis_utils.py": CLIENT_ONLY,
    "test_imports.py": "imports of Parquet files over S3: the store imports nothing",
    "test_nested.py": "columns of structs and maps: the store has none",
    "test_projections.py": PROJECTIONS,
    "test_util.py": CLIENT_ONLY,
    "test_vector_index.py": "vector indexes: the store has none",
    "test_vector_search.py": "speaks to the native ADBC driver, not to this protocol",
    "test_sanity.py::test_bad_endpoint": "looks up a host name outside this machine",
    "test_sanity.py::test_version_extraction": CLIENT_ONLY,
    "test_schemas.py::test_list_snapshots": OTHER_TABLES,
    "test_schemas.py::test_schemas": RENAMING,
    "test_table_in_tx.py::test_projections": PROJECTIONS,
    "test_tables.py::test_audit_log_select": OTHER_TABLES,
    "test_tables.py::test_catalog_select": OTHER_TABLES,
    "test_tables.py::test_catalog_snapshots_select": OTHER_TABLES,
    "test_tables.py::test_elysium_double_enable": SORTED,
    "test_tables.py::test_elysium_splits": SORTED,
    "test_tables.py::test_elysium_tx": SORTED,
    "test_tables.py::test_elysium_update_table_tx": SORTED,
    "test_tables.py::test_external_row_id": "row ids that the client chooses: the store chooses none",
    "test_tables.py::test_insert_by_columns_sorted": SORTED,
    "test_tables.py::test_list_columns_with_pagination": "64,000 columns keep the SDK busy for 20 s",
    "test_tables.py::test_rename_column": RENAMING,
    "test_tables.py::test_rename_schema": RENAMING,
    "test_tables.py::test_rename_table": RENAMING,
    "test_tables.py::test_select_splits_sanity": "needs a plugin of pytest for its `check`",
    "test_tables.py::test_select_with_priority": "priorities of queries: the store sets none",
    "test_tables.py::test_table_metadata_does_not_currupt_schema_ORION_351713": CLIENT_ONLY,
    "test_tables.py::test_tables_elysium": SORTED,
    "test_tables.py::test_tables_elysium_no_such_column": SORTED,
}
# These take long and do not depend on the version.
ONCE = ("test_fixed_list.py::test_fixed_list_type_values", "test_tables.py::test_filters")


@pytest.mark.parametrize(
    ("version", "left_out", "expected"), [*slow(("5.5", (), 105)), ("5.4", ONCE, 89)], ids=["5.5", "5.4"]
)
def test_the_tests_of_the_sdk_pass(version: Version, left_out: tuple[str, ...], expected: int) -> None:
    with VastServer(version) as server:
        output = run_sdk_tests(server, [*LEFT_OUT, *left_out])
        assert server.open_transactions == []
    assert re.search(rf"^{expected} passed, \d+ deselected, \d+ warnings in", output, re.MULTILINE), output


def test_every_file_of_the_sdk_is_run_or_left_out_with_a_reason() -> None:
    shipped = {path.name for path in SDK_TESTS.glob("test_*.py")}
    assert shipped == {*FILES, *(name for name in LEFT_OUT if "::" not in name)}


@pytest.mark.parametrize("name", [name for name in (*LEFT_OUT, *ONCE) if "::" in name])
def test_what_is_left_out_exists(name: str) -> None:
    file, _colons, function = name.partition("::")
    assert file in FILES
    assert f"def {function}(" in (SDK_TESTS / file).read_text()


def run_sdk_tests(server: VastServer, left_out: list[str]) -> str:
    options = {
        "--rootdir": str(SDK_TESTS),
        "--tabular-endpoint-url": server.endpoint,
        "--tabular-access-key": server.access_key,
        "--tabular-secret-key": server.secret_key,
        "--tabular-bucket-name": server.bucket,
    }
    arguments = [f"{option}={value}" for option, value in options.items()]
    arguments += [f"--deselect={name}" for name in left_out if "::" in name]
    arguments += ["-q", "--disable-warnings", "-p", "no:cacheprovider", "-c", os.devnull]
    arguments += [str(SDK_TESTS / file) for file in FILES]
    command = [sys.executable, "-B", "-m", "pytest", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=SDK_TESTS)
    return finished.stdout + finished.stderr
