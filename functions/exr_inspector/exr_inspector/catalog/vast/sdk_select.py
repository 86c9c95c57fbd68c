"""Selects of rows by their keys, at little more than the cost of their request.

The SDK takes 0.1 ms for each key to build a request, and reads the response in pieces of a few bytes.
Requests for equally many keys of one length differ in the bytes of the keys only: the SDK builds the first,
for placeholders, and the others are copies of it.
"""

# ruff: noqa: SLF001 - as in `sdk`

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from exr_inspector.catalog.vast.sdk import (
    ONE_REQUEST,
    Api,
    QueryDataRequest,
    SplitWorker,
    TableInTransaction,
    TableMetadata,
    TableType,
)

# Limits of the cache of a table: keys of a request, and requests.
MAX_KEYS, MAX_TEMPLATES = 256, 64
_MIN_LENGTH = 16  # a shorter text might be found elsewhere in the request
_PLACEHOLDER = 0x7A5B_3C9D_1E0F_0000  # of the first key


def select_keys(table: Any, columns: Sequence[str], key: str, keys: Sequence[Any]) -> Any:
    """Return a reader of `columns` and `$row_id` of the rows whose `key` is one of `keys`.

    Keys are texts, or integers of 64 bits.
    """
    template = _template(table, columns, key, keys)
    if template:
        worker = SplitWorker(
            api=_Buffered(table._tx._rpc.api),
            query_data_request=template.request_for(keys),
            bucket_name=table.ref.bucket,
            schema_name=table.ref.schema,
            table_name=table.ref.table,
            txid=table._tx.active_txid,
            query_imports_table=False,
            split_id=0,
            config=template.config,
        )
        return worker.split_record_batch_reader()
    predicate = table[key].isin(list(keys))
    # The SDK appends `$row_id` to the list that it gets.
    try:
        (reader,) = table.select_splits(list(columns), predicate, ONE_REQUEST, internal_row_id=True)
    except NotImplementedError:  # a partitioned table; `select` starts threads and a queue
        reader = table.select(list(columns), predicate, ONE_REQUEST, internal_row_id=True)
    return reader


@dataclass(frozen=True)
class Template:
    """A request of the SDK, and the position of each key's bytes in it. `config` says how it is executed."""

    config: Any
    request: Any
    positions: Sequence[int]

    def request_for(self, keys: Sequence[Any]) -> Any:
        """Return a copy of the request for other keys."""
        content = bytearray(self.request.serialized)
        for position, key in zip(self.positions, map(_encoded, keys), strict=True):
            content[position : position + len(key)] = key
        return QueryDataRequest(bytes(content), self.request.response_schema, self.request.response_parser)


class _Buffered:
    """What a SplitWorker calls of the SDK's API. The whole response is received before it is decoded."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def query_data(self, **given: Any) -> Any:
        response = self._api.query_data(**given)
        response.raw = pa.BufferReader(response.content)
        return response


def _encoded(key: str | int) -> bytes:
    return key.encode() if isinstance(key, str) else key.to_bytes(8, "little", signed=True)


def _template(table: Any, columns: Sequence[str], key: str, keys: Sequence[Any]) -> Template | None:
    """Return the template for keys like these; None if there is none, and the SDK builds each request."""
    if not (
        isinstance(table, TableInTransaction)
        and isinstance(table._metadata, TableMetadata)
        and isinstance(table._tx._rpc.api, Api)
        and table._metadata.table_type not in (TableType.Partitioned, TableType.SortedPartitions)
    ):
        return None
    lengths = {len(_encoded(each)) for each in keys}
    if len(keys) > MAX_KEYS or len(lengths) > 1:
        return None
    known = table._metadata.templates
    shape = (tuple(columns), key, len(keys), *lengths)
    if shape not in known:
        if len(known) >= MAX_TEMPLATES:
            known.clear()
        known[shape] = _built(table, columns, key, keys)
    return known.get(shape)  # None if another thread has just made room


def _built(table: Any, columns: Sequence[str], key: str, keys: Sequence[Any]) -> Template | None:
    places: list[Any] = [_PLACEHOLDER + number for number in range(len(keys))]
    if isinstance(keys[0], str):
        if len(_encoded(keys[0])) < _MIN_LENGTH:
            return None
        places = [f"{place:x}".rjust(len(_encoded(keys[0])), "~") for place in places]
    config, request, _ = table._select_prepare(
        table.arrow_schema, ONE_REQUEST, list(columns), table[key].isin(places), internal_row_id=True
    )
    content = bytes(request.serialized)
    encoded = [_encoded(each) for each in places]
    if any(content.count(each) != 1 for each in encoded):
        return None
    return Template(config, request, [content.index(each) for each in encoded])
