"""`exr-inspector sql`: ask the embedded store."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import count

import click

from exr_inspector.apps.cli import show

# Whoever only asks neither makes nor changes a database.
DATABASE_FILE = click.Path(exists=True, dir_okay=False)


@click.command()
@click.argument("statement")
@click.option(
    "--db",
    metavar="FILE",
    required=True,
    envvar="EXR_INSPECTOR_DB",
    type=DATABASE_FILE,
    help="The DuckDB file; EXR_INSPECTOR_DB is its default.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines: one object per row.")
def sql(statement: str, db: str, as_json: bool) -> None:
    """Print the answer to a SQL statement as a table.

    The tables are files, parts, channels and attributes; docs/DATABASE_SCHEMA.md lists their columns.
    """
    from exr_inspector.catalog.duckdb.store import DuckDBStore  # noqa: PLC0415 - only where it is asked

    store = DuckDBStore(db, read_only=True)
    answer = store.query(statement)
    store.close()
    names = _distinct(answer.column_names)
    columns = (column.to_pylist() for column in answer.columns)
    rows = ([_plain(value) for value in row] for row in zip(*columns, strict=True))
    if as_json:
        for row in rows:
            click.echo(show.json_text(dict(zip(names, row, strict=True))))
        return
    show.console().print(show.table("", names, rows))


def _distinct(names: Sequence[str]) -> list[str]:
    """Column names that each tell one column, as a JSON object needs: of two `a` the second is `a_1`."""
    found: list[str] = []
    for name in names:
        others = (f"{name}_{number}" for number in count(1))
        free = (each for each in others if each not in {*names, *found})
        found.append(next(free) if name in found else name)
    return found


def _plain(value: object) -> object:
    """What JSON has no form for, as text."""
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
    """A number where a double shows the same digits, as readers of JSON have doubles; else text."""
    if value == value.to_integral_value():
        return int(value)  # the sum of whole numbers
    nearest = float(value)
    return nearest if Decimal(repr(nearest)) == value else str(value)
