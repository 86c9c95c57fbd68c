"""Selects by key: copies of requests are the requests that the SDK would build."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from exr_inspector.catalog.plan import STORED_COLUMNS
from exr_inspector.catalog.vast import sdk, sdk_select
from exr_inspector.catalog.vast.locks import LOCKS, SHARDS
from exr_inspector.catalog.vast.sdk_select import MAX_KEYS, MAX_TEMPLATES, select_keys
from tests.catalog.backends import Vast, vast
from tests.catalog.rows import delivered

NAMES = ["a", "b", "c"]


@pytest.fixture(scope="module")
def stored() -> Iterator[Vast]:
    with vast(tables=True) as database:
        database.store().upsert([delivered(name) for name in NAMES])
        yield database


@pytest.fixture
def tables(stored: Vast) -> Iterator[dict[str, Any]]:
    """The tables in a transaction of a store that has selected nothing yet."""
    store = stored.store()
    metadata = store._tables.current()
    with store.transactions.begin(metadata) as transaction:
        yield {name: sdk.table_of(transaction.sdk, each) for name, each in metadata.items()}
    store.close()


def built(table: Any, columns: list[str], key: str, keys: list[Any]) -> bytes:
    """Return the request as the SDK builds it."""
    _, request, _ = table._select_prepare(
        table.arrow_schema, sdk.ONE_REQUEST, list(columns), table[key].isin(keys), internal_row_id=True
    )
    return bytes(request.serialized)


def ids(count: int) -> list[str]:
    return [delivered(f"file-{number}").file_id for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 15, 100, MAX_KEYS])
def test_a_copied_request_is_the_one_that_the_sdk_builds(tables: dict[str, Any], count: int) -> None:
    columns = list(STORED_COLUMNS)
    select_keys(tables["files"], columns, "file_id", ids(count)[::-1])
    (template,) = tables["files"]._metadata.templates.values()
    assert template.request_for(ids(count)).serialized == built(
        tables["files"], columns, "file_id", ids(count)
    )


def test_a_copied_request_for_shards_is_the_one_that_the_sdk_builds(tables: dict[str, Any]) -> None:
    shards = [1, 77, SHARDS - 1]
    select_keys(tables["locks"], LOCKS.names, "shard", [5, 6, 7])
    (template,) = tables["locks"]._metadata.templates.values()
    assert template.request_for(shards).serialized == built(tables["locks"], LOCKS.names, "shard", shards)


@pytest.mark.parametrize("shards", [[0], [0, 1, 2], [2, 1, 0], [-1, 0, 2**40]])
def test_any_shards_are_found(tables: dict[str, Any], shards: list[int]) -> None:
    """The SDK leaves out a zero, which a copied request spells out."""
    found = select_keys(tables["locks"], ["shard"], "shard", shards).read_all()
    assert sorted(found["shard"].to_pylist()) == sorted(each for each in shards if 0 <= each < SHARDS)


@pytest.mark.parametrize(
    "others",
    [[], ["x" * 32], ["short"], ["x" * 40], ["ä" * 16], [f"{number:032x}" for number in range(MAX_KEYS)]],
    ids=["none", "absent", "short", "long", "not ASCII", "many"],
)
def test_keys_are_found_among_any_others(tables: dict[str, Any], others: list[str]) -> None:
    wanted = [delivered(name).file_id for name in NAMES]
    found = select_keys(tables["files"], ["file_id"], "file_id", [*others, *wanted]).read_all()
    assert sorted(found["file_id"].to_pylist()) == sorted(wanted)
    assert found.column_names == ["file_id", "$row_id"]


@pytest.mark.parametrize("key", ["k", "~" * 16, "7a5b3c9d1e0f0000", "~" * 8 + "7a5b3c9d1e0f0001"])
def test_a_key_that_looks_like_a_placeholder_is_only_a_key(tables: dict[str, Any], key: str) -> None:
    assert select_keys(tables["files"], ["file_id"], "file_id", [key]).read_all().num_rows == 0
    wanted = delivered("a").file_id
    found = select_keys(tables["files"], ["file_id"], "file_id", [wanted]).read_all()
    assert found["file_id"].to_pylist() == [wanted]


def test_a_table_keeps_few_templates(tables: dict[str, Any]) -> None:
    for count in range(1, MAX_TEMPLATES + 10):
        select_keys(tables["files"], ["file_id"], "file_id", ids(count))
    assert 0 < len(tables["files"]._metadata.templates) <= MAX_TEMPLATES


def test_keys_of_a_table_that_has_no_templates_are_found_too(
    tables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk_select, "_template", lambda *_: None)
    wanted = [delivered(name).file_id for name in NAMES]
    found = select_keys(tables["files"], ["file_id"], "file_id", wanted).read_all()
    assert sorted(found["file_id"].to_pylist()) == sorted(wanted)
