"""Select: the parsed query, and the rows of each of its sub-splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from vastdb.vast_flatbuf.org.apache.arrow.computeir.flatbuf.Relation import Relation
from vastdb.vast_flatbuf.org.apache.arrow.computeir.flatbuf.Source import Source

from tests.vast_server.predicates import Call, as_table, matching, parse
from tests.vast_server.protocol import FINISHED, Part
from tests.vast_server.tables import ROW_ID, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

_ROW_GROUP = 1 << 16  # rows


@dataclass(frozen=True)
class Query:
    """A query. `columns` are all that it mentions, `projection` those that it returns, in order."""

    columns: list[str]
    projection: list[str]
    condition: Call

    @classmethod
    def parse(cls, body: bytes) -> Query:
        source = as_table(Source, Relation.GetRootAs(body).Impl())
        fields = [source.Schema().Fields(i) for i in range(source.Schema().FieldsLength())]
        # A query numbers nested columns depth first: a list and its items are two.
        positions = [field.Name().decode() for field in fields for _ in range(_nodes(field))]
        indexes = [source.Projection(i).Position() for i in range(source.ProjectionLength())]
        projection = dict.fromkeys(positions[index] for index in indexes)
        return cls(list(dict.fromkeys(positions)), list(projection), parse(source.Filter(), positions))


@dataclass(frozen=True)
class Share:
    """The part of a table that one request reads.

    A table is divided into blocks of row groups, which the sub-splits of all splits take in turn. `starts`
    has the row id from which each sub-split of this split continues.
    """

    split: int
    splits: int
    groups: int
    starts: list[int]
    limit: int  # rows for each sub-split in one answer

    @classmethod
    def parse(cls, headers: Mapping[str, str]) -> Share:
        split, splits, groups = (int(word) for word in headers["tabular-split"].split(","))
        count = int(headers["tabular-num-of-subsplits"])
        starts = [int(headers[f"tabular-start-row-id-{i}"].split(",")[1]) for i in range(count)]
        return cls(split, splits, groups, starts, int(headers["tabular-limit-rows"]))

    def parts(self, rows: pa.Table, projection: list[str]) -> Iterator[Part]:
        ids = rows[ROW_ID].to_numpy()
        takers = ids // (_ROW_GROUP * self.groups) % (self.splits * len(self.starts))
        for stream, start in enumerate(self.starts):
            if start != FINISHED:
                mine = np.flatnonzero((takers == self.split * len(self.starts) + stream) & (ids >= start))
                going_on = int(ids[mine[self.limit]]) if len(mine) > self.limit else FINISHED
                yield Part(stream, going_on, rows.take(mine[: self.limit]).select(projection))


def run(table: Table, query: Query, share: Share) -> Iterator[Part]:
    """Return the parts of the result. Raises Refusal for a column that the table does not have."""
    table.check_names(query.columns)
    rows = table.rows.select(list(dict.fromkeys([ROW_ID, *query.columns])))
    return share.parts(matching(rows, query.condition), query.projection)


def _nodes(field: Any) -> int:
    return 1 + sum(_nodes(field.Children(i)) for i in range(field.ChildrenLength()))
