"""Data and numbers of requests, tested through the real SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
import vastdb
import vastdb.errors

from tests.vast_server.clients import COLUMNS, NOON, SCHEMA, client_of, connected, files, rows_of, sizes
from tests.vast_server.server import VastServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.vast_server.clients import Client


@pytest.mark.parametrize("version", ["5.4", "5.5"])
def test_a_session_learns_the_version(version: Any) -> None:
    with VastServer(version) as server, connected(server) as session:
        assert session.api.vast_version == (*(int(part) for part in version.split(".")), 0, 0)


def test_a_wrong_key_is_forbidden() -> None:
    with VastServer() as server, pytest.raises(vastdb.errors.Forbidden):
        vastdb.connect(endpoint=server.endpoint, access="someone", secret=server.secret_key)


def test_an_insert_returns_the_row_ids_that_a_select_shows(client: Client) -> None:
    with client.session.transaction() as tx:
        table = client.table(tx)
        row_ids = table.insert(files("d", "e")).to_pylist()
        found = rows_of(table, table["path"].isin(["d", "e"]), columns=["path"], internal_row_id=True)
    assert found == [{"path": "d", "$row_id": row_ids[0]}, {"path": "e", "$row_id": row_ids[1]}]


def test_values_of_every_type_that_a_store_needs_come_back(client: Client) -> None:
    vector = pa.list_(pa.field("item", pa.float32(), nullable=False), 3)
    columns = {
        "flag": pa.array([True, None, False]),
        "small": pa.array([1, None, -(2**31)], pa.int32()),
        "large": pa.array([2**63 - 1, None, -(2**63)], pa.int64()),
        "ratio": pa.array([0.5, None, float("inf")], pa.float64()),
        "single": pa.array([0.25, None, -0.0], pa.float32()),
        "text": pa.array(["ß", None, ""], pa.string()),
        "seen": pa.array([0, None, -1], pa.timestamp("us")),
        "seen_utc": pa.array([NOON, None, NOON], pa.timestamp("us", "UTC")),
        "vector": pa.array([[1, 2, 3], None, [0, -1, 0.5]], vector),
    }
    rows = pa.table(columns)
    with client.session.transaction() as tx:
        table = tx.bucket(client.server.bucket).schema(SCHEMA).create_table("types", rows.schema)
        table.insert(rows)
        assert table.select().read_all() == rows


PREDICATES: dict[str, tuple[Callable[[Any], Any], list[str | None]]] = {
    "equal": (lambda t: t["path"] == "b", ["b"]),
    "not equal": (lambda t: t["path"] != "b", ["a", "c"]),
    "isin": (lambda t: t["path"].isin(["a", "c", "z"]), ["a", "c"]),
    "less, of strings": (lambda t: t["path"] < "b", ["a"]),
    "at least, of ints": (lambda t: t["size"] >= 2, ["c", None]),
    "between": (lambda t: t["size"].between(1, 2), ["b", "c"]),
    "after, of timestamps": (lambda t: t["seen"] > NOON, ["b", "c", None]),
    "null": (lambda t: t["path"].isnull(), [None]),
    "not null": (lambda t: ~t["path"].isnull(), ["a", "b", "c"]),
    "prefix": (lambda t: t["path"].startswith("a"), ["a"]),
    "and": (lambda t: (t["path"] > "a") & (t["size"] < 2), ["b"]),
    "or": (lambda t: (t["path"] == "a") | (t["path"] > "b"), ["a", "c"]),
    "an or that is null in part": (lambda t: (t["path"] == "a") | t["path"].isnull(), ["a", None]),
    "nothing": (lambda t: t["path"] == "z", []),
}


@pytest.mark.parametrize("name", PREDICATES)
def test_a_predicate_finds_its_rows(shared: Client, name: str) -> None:
    predicate, expected = PREDICATES[name]
    with shared.session.transaction() as tx:
        table = shared.table(tx)
        assert [row["path"] for row in rows_of(table, predicate(table))] == expected


def test_a_select_gives_the_columns_and_the_rows_that_it_asks_for(shared: Client) -> None:
    with shared.session.transaction() as tx:
        table = shared.table(tx)
        assert rows_of(table, columns=["size", "path"], limit_rows=1) == [{"size": 0, "path": "a"}]
        assert table.select(columns=[]).read_all().num_rows == 4


def test_update_and_delete_go_by_row_id(client: Client) -> None:
    with client.session.transaction() as tx:
        client.table(tx).update(sizes([2, 0], 9))
        client.table(tx).delete(sizes([1], 0))
        assert rows_of(client.table(tx), columns=["path", "size"]) == [
            {"path": "a", "size": 9},
            {"path": "c", "size": 9},
            {"path": None, "size": 3},
        ]


@pytest.mark.parametrize("row_ids", [[99], [0, 0]], ids=["unknown", "twice"])
def test_a_row_id_that_is_unknown_or_comes_twice_is_refused(client: Client, row_ids: list[int]) -> None:
    refusals = (vastdb.errors.NotFound, vastdb.errors.BadRequest)
    with pytest.raises(refusals), client.session.transaction() as tx:
        client.table(tx).update(sizes(row_ids, 1))


def test_an_added_column_is_null_in_the_rows_before_it(client: Client) -> None:
    with client.session.transaction() as tx:
        table = tx.bucket(client.server.bucket).schema(SCHEMA).table("files")
        table.add_column(pa.schema([("note", pa.string())]))
        assert {row["note"] for row in rows_of(table)} == {None}


def test_kept_metadata_fails_when_a_column_is_gone(client: Client) -> None:
    with client.session.transaction() as tx:
        table = tx.bucket(client.server.bucket).schema(SCHEMA).table("files")
        table.drop_column(pa.schema([COLUMNS.field("size")]))
    with pytest.raises(vastdb.errors.NotFound), client.session.transaction() as tx:
        client.table(tx).insert(files("d"))
    with pytest.raises(vastdb.errors.NotFound), client.session.transaction() as tx:
        rows_of(client.table(tx))


def test_a_schema_is_dropped_only_when_it_is_empty(client: Client) -> None:
    with pytest.raises(vastdb.errors.Conflict), client.session.transaction() as tx:
        tx.bucket(client.server.bucket).schema(SCHEMA).drop()
    with client.session.transaction() as tx:
        schema = tx.bucket(client.server.bucket).schema(SCHEMA)
        schema.table("files").drop()
        schema.drop()
    with client.session.transaction() as tx:
        assert tx.bucket(client.server.bucket).schema(SCHEMA, fail_if_missing=False) is None


def test_a_cell_of_more_than_126_kib_is_refused(client: Client) -> None:
    with client.session.transaction() as tx:
        client.table(tx).insert(files("x" * 126 * 1024))
    with pytest.raises(vastdb.errors.BadRequest), client.session.transaction() as tx:
        client.table(tx).insert(files("x" * (126 * 1024 + 1)))


def test_a_request_of_more_than_5_mib_is_refused(client: Client) -> None:
    with pytest.raises(vastdb.errors.BadRequest, match="EntityTooLarge"), client.session.transaction() as tx:
        client.session.api.insert_rows(client.server.bucket, SCHEMA, "files", b" " * (5 * 2**20 + 1), tx.txid)


# --- requests ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "expected"), [("5.4", 6), ("5.5", 5)])
def test_opening_a_table_by_name_costs_what_it_costs_on_a_cluster(version: Any, expected: int) -> None:
    with client_of(VastServer(version)) as client, client.session.transaction() as tx:
        with client.server.counting() as kinds:
            tx.bucket(client.server.bucket).schema(SCHEMA).table("files")
        assert len(kinds) == expected


def test_kept_metadata_costs_one_request_a_step(client: Client) -> None:
    with client.server.counting() as kinds, client.session.transaction() as tx:
        table = client.table(tx)
        (row_id,) = table.insert(files("d")).to_pylist()
        rows_of(table, table["path"] == "d")
        table.update(sizes([row_id], 7))
        table.delete(sizes([row_id], 0))
    assert kinds == ["begin", "insert", "select", "update", "delete", "commit"]


def test_the_first_select_of_a_session_looks_for_the_address_of_the_data(shared: Client) -> None:
    with (
        connected(shared.server) as session,
        shared.server.counting() as kinds,
        session.transaction() as tx,
    ):
        rows_of(shared.table(tx))
    assert kinds == ["begin", "begin", "rollback", "select", "commit"]
