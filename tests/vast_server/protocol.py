"""The bodies of responses: flatbuffers for lists and statistics, Arrow streams for columns and rows."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import flatbuffers
import pyarrow as pa
from vastdb.vast_flatbuf.tabular import (
    GetTableStatsResponse,
    ListSchemasResponse,
    ListTablesResponse,
    ObjectDetails,
    VipRange,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.vast_server.tables import Table

FINISHED = (1 << 48) - 1  # the row id at which a sub-split has nothing more to send

_COMPLETED = struct.pack("<L", 0xFFFFFFFE)
_END_OF_STREAM = struct.pack("<LL", 0xFFFFFFFF, 0)
_ADDRESS = "127.0.0.1"


class Part(NamedTuple):
    """What one sub-split sends: rows, and the row id from which the next request continues."""

    stream: int
    next_row_id: int
    rows: pa.Table


def schema_list(bucket: str, names: Iterable[str]) -> bytes:
    builder = flatbuffers.Builder()
    details = [_details(builder, name) for name in names]
    schemas = _vector(builder, ListSchemasResponse.StartSchemasVector, details)
    bucket_name = builder.CreateString(bucket)
    ListSchemasResponse.Start(builder)
    ListSchemasResponse.AddBucketName(builder, bucket_name)
    ListSchemasResponse.AddSchemas(builder, schemas)
    return _finished(builder, ListSchemasResponse.End(builder))


def table_list(bucket: str, schema: str, named: Mapping[str, Table]) -> bytes:
    builder = flatbuffers.Builder()
    details = [_details(builder, name, table) for name, table in named.items()]
    tables = _vector(builder, ListTablesResponse.StartTablesVector, details)
    bucket_name, schema_name = builder.CreateString(bucket), builder.CreateString(schema)
    ListTablesResponse.Start(builder)
    ListTablesResponse.AddBucketName(builder, bucket_name)
    ListTablesResponse.AddSchemaName(builder, schema_name)
    ListTablesResponse.AddTables(builder, tables)
    return _finished(builder, ListTablesResponse.End(builder))


def table_statistics(table: Table) -> bytes:
    """Return statistics with the address where the SDK looks for data: this machine's own."""
    builder = flatbuffers.Builder()
    start = builder.CreateString(_ADDRESS)
    VipRange.Start(builder)
    VipRange.AddStartAddress(builder, start)
    VipRange.AddAddressCount(builder, 1)
    addresses = _vector(builder, GetTableStatsResponse.StartVipsVector, [VipRange.End(builder)])
    GetTableStatsResponse.Start(builder)
    GetTableStatsResponse.AddNumRows(builder, len(table.rows))
    GetTableStatsResponse.AddSizeInBytes(builder, table.rows.nbytes)
    GetTableStatsResponse.AddVips(builder, addresses)
    return _finished(builder, GetTableStatsResponse.End(builder))


def arrow_stream(batch: pa.RecordBatch) -> bytes:
    return b"".join([batch.schema.serialize(), batch.serialize(), _END_OF_STREAM])


def query_stream(parts: Iterable[Part]) -> bytes:
    """Return Arrow streams, one for each part; each message has the stream's number and the next row id.

    A cluster sends a stream for each column. The SDK also accepts all columns in one, in a fraction of the
    time.
    """
    messages: list[Any] = []
    for part in parts:
        batch = pa.RecordBatch.from_struct_array(part.rows.to_struct_array().combine_chunks())
        prefix = struct.pack("<LQ", part.stream, part.next_row_id)
        for message in (batch.schema.serialize(), batch.serialize(), _END_OF_STREAM):
            messages += (prefix, message)
    return b"".join([*messages, _COMPLETED])


def _details(builder: Any, name: str, table: Table | None = None) -> int:
    strings = [builder.CreateString(text) for text in (name, "", str(table.handle if table else 0))]
    ObjectDetails.Start(builder)
    ObjectDetails.AddName(builder, strings[0])
    ObjectDetails.AddProperties(builder, strings[1])
    ObjectDetails.AddHandle(builder, strings[2])
    ObjectDetails.AddNumRows(builder, len(table.rows) if table else 0)
    offset: int = ObjectDetails.End(builder)
    return offset


def _vector(builder: Any, start: Any, offsets: list[int]) -> int:
    start(builder, len(offsets))
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    vector: int = builder.EndVector()
    return vector


def _finished(builder: Any, root: int) -> bytes:
    builder.Finish(root)
    return bytes(builder.Output())
