"""`exr-inspector sql`: run SQL on the embedded store."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import count

import click

from exr_inspector.apps.cli.table import print_table
from exr_inspector.apps.cli.terminal import json_text

# A query neither creates nor changes a database.
DATABASE_FILE = click.Path(exists=True, dir_okay=False)


@click.command()
@click.argument("statement")
@click.option(
    "--db",
    metavar="FILE",
    required=True,
    envvar="EXR_INSPECTOR_DB",
    type=DATABASE_FILE,
    help="The DuckDB file. EXR_INSPECTOR_DB is the default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per row.")
def sql(statement: str, db: str, as_json: bool) -> None:
    """Run a SQL statement and print the result as a table.

    The tables are files, parts, channels and attributes; docs/DATABASE_SCHEMA.md lists their columns.
    """
    from exr_inspector.catalog.duckdb.store import DuckDBStore  # noqa: PLC0415 - an extra

    store = DuckDBStore(db, read_only=True)
    answer = store.query(statement)
    store.close()
    names = _distinct(answer.column_names)
    columns = (column.to_pylist() for column in answer.columns)
    rows = ([_plain(value) for value in row] for row in zip(*columns, strict=True))
    if not as_json:
        print_table(names, rows)
        return
    for row in rows:
        click.echo(json_text(dict(zip(names, row, strict=True))))


def _distinct(names: Sequence[str]) -> list[str]:
    """Return different column names, as a JSON object needs them: the second of two `a` becomes `a_1`."""
    found: list[str] = []
    for name in names:
        others = (f"{name}_{number}" for number in count(1))
        free = (each for each in others if each not in {*names, *found})
        found.append(next(free) if name in found else name)
    return found


def _plain(value: object) -> object:
    """Return a value that JSON can represent; text for any other."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return _number(value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return value if isinstance(value, float) and abs(value) < float("inf") else str(value)


def _number(value: Decimal) -> int | float | str:
    """Return a number if a double, which readers of JSON use, shows the same digits; else text."""
    if value == value.to_integral_value():
        return int(value)  # the sum of integers
    nearest = float(value)
    return nearest if Decimal(repr(nearest)) == value else str(value)
