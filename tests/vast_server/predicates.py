"""The filter of a query: from flatbuffers to terms, and from terms to a mask over rows.

The SDK sends an AND of ORs of calls, each on one column and literals of its type
(`vastdb._internal.Predicate`). Every name in it except `and` and `or` is a function of Arrow.
"""

from __future__ import annotations

import decimal
import functools
import importlib
import operator
import struct
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from vastdb.vast_flatbuf.org.apache.arrow.computeir.flatbuf.Call import Call as CallTable
from vastdb.vast_flatbuf.org.apache.arrow.computeir.flatbuf.ExpressionImpl import ExpressionImpl
from vastdb.vast_flatbuf.org.apache.arrow.computeir.flatbuf.FieldIndex import FieldIndex
from vastdb.vast_flatbuf.org.apache.arrow.computeir.flatbuf.FieldRef import FieldRef
from vastdb.vast_flatbuf.org.apache.arrow.computeir.flatbuf.Literal import Literal
from vastdb.vast_flatbuf.org.apache.arrow.computeir.flatbuf.LiteralImpl import LiteralImpl

from tests.vast_server.answers import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vastdb.vast_flatbuf.org.apache.arrow.computeir.flatbuf.Expression import Expression

_LITERALS = {number: name for name, number in vars(LiteralImpl).items() if name.endswith("Literal")}

# Arrow cannot compare lists, so these compare Python lists, item by item.
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "less": operator.lt,
    "less_equal": operator.le,
}


@dataclass(frozen=True)
class Column:
    name: str


@dataclass(frozen=True)
class Call:
    """A function call. `arguments` are calls, or a column and literals: numbers, bytes, lists of these."""

    function: str
    arguments: list[Any]

    @property
    def column(self) -> str:
        return str(self.arguments[0].name)


def as_table(kind: type, union: Any) -> Any:
    """Return a member of a flatbuffer union as the table type `kind`."""
    table = kind()
    table.Init(union.Bytes, union.Pos)
    return table


def parse(expression: Expression, columns: Sequence[str]) -> Any:
    """Return the terms of a filter. `columns` has the name of the column at each position."""
    implementation = expression.Impl()
    if expression.ImplType() == ExpressionImpl.Call:
        call = as_table(CallTable, implementation)
        arguments = [parse(call.Arguments(i), columns) for i in range(call.ArgumentsLength())]
        return Call(call.Name().decode(), arguments)
    if expression.ImplType() == ExpressionImpl.FieldRef:
        reference = as_table(FieldRef, implementation)
        return Column(columns[as_table(FieldIndex, reference.Ref()).Position()])
    return _literal(as_table(Literal, implementation))


def matching(rows: pa.Table, call: Call) -> pa.Table:
    """Return the rows for which `call` is true: neither false nor null."""
    return rows.filter(_mask(rows, call)) if call.arguments else rows


def _mask(rows: pa.Table, call: Call) -> Any:
    if call.function == "and":
        return functools.reduce(pc.and_kleene, [_mask(rows, each) for each in call.arguments])
    if call.function == "or":
        return functools.reduce(pc.or_kleene, _alternatives(rows, call.arguments))
    column = rows[call.column]
    if call.function in {"is_null", "is_valid"}:
        return pc.call_function(call.function, [column])
    if call.function == "match_substring":
        return pc.match_substring(column, call.arguments[1].decode())
    if call.function not in _COMPARISONS:
        raise invalid(f"unknown function {call.function}")
    return _compare(column, call.function, call.arguments[1])


def _alternatives(rows: pa.Table, calls: list[Call]) -> list[Any]:
    """Return the masks of an OR. `isin` arrives as thousands of `equal`, which are looked up together."""
    masks = []
    wanted: defaultdict[str, list[Any]] = defaultdict(list)
    for call in calls:
        if call.function == "equal" and not _is_list(rows[call.column].type):
            wanted[call.column].append(call.arguments[1])
        else:
            masks.append(_mask(rows, call))
    for name, literals in wanted.items():
        column = _comparable(rows[name])
        masks.append(pc.is_in(column, value_set=_values(literals, column.type)))
    return masks


def _compare(column: pa.ChunkedArray, function: str, literal: Any) -> Any:
    if _is_list(column.type):
        compare, wanted = _COMPARISONS[function], _values(literal, column.type.value_type).to_pylist()
        cells = column.to_pylist()
        return pa.array([None if cell is None else compare(cell, wanted) for cell in cells], pa.bool_())
    column = _comparable(column)
    return pc.call_function(function, [column, _values([literal], column.type)[0]])


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind))


def _comparable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return strings as bytes: the bound of a prefix search need not be valid UTF-8."""
    return column.cast(pa.binary()) if pa.types.is_string(column.type) else column


def _values(literals: list[Any], kind: pa.DataType) -> pa.Array:
    """Return literals as an array of the column's type."""
    if pa.types.is_temporal(kind):
        return pa.array(literals, pa.int32() if kind.bit_width == 32 else pa.int64()).view(kind)
    if pa.types.is_decimal(kind):
        return pa.array([decimal.Decimal(each).scaleb(-kind.scale) for each in literals], kind)
    return pa.array(literals, kind)


def _literal(literal: Literal) -> Any:
    name = _LITERALS[literal.ImplType()]
    table = as_table(_literal_type(name), literal.Impl())
    if name == "ListLiteral":
        return [_literal(table.Values(i)) for i in range(table.ValuesLength())]
    if name == "Float16Literal":
        return struct.unpack("<e", struct.pack("<H", table.Value()))[0]
    if name == "DecimalLiteral":
        return int.from_bytes(table.ValueAsNumpy().tobytes(), "little", signed=True)
    return table.ValueAsNumpy().tobytes() if name == "BinaryLiteral" else table.Value()


@functools.cache
def _literal_type(name: str) -> type:
    module = importlib.import_module(f"vastdb.vast_flatbuf.org.apache.arrow.computeir.flatbuf.{name}")
    kind: type = getattr(module, name)
    return kind
