"""`exr-inspector sql`: ask the embedded store."""

from __future__ import annotations

from decimal import Decimal

import click

from exr_inspector.cli import show


@click.command()
@click.argument("statement")
@click.option(
    "--db",
    metavar="FILE",
    required=True,
    envvar="EXR_INSPECTOR_DB",
    type=click.Path(exists=True, dir_okay=False),
    help="The DuckDB file; EXR_INSPECTOR_DB is its default.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON Lines: one object per row.")
def sql(statement: str, db: str, as_json: bool) -> None:
    """Print the answer to a SQL statement as a table.

    The tables are files, parts, channels and attributes; docs/DATABASE_SCHEMA.md lists their columns.
    """
    from exr_inspector.storage.duckdb_store import DuckDBStore  # noqa: PLC0415 - only where it is asked

    store = DuckDBStore(db, read_only=True)
    answer = store.query(statement)
    store.close()
    if as_json:
        for row in answer.to_pylist():
            click.echo(show.json_text(_plain(row)))
        return
    rows = zip(*(column.to_pylist() for column in answer.columns), strict=True)
    show.console().print(
        show.table("", answer.column_names, ([_plain(value) for value in row] for row in rows))
    )


def _plain(value: object) -> object:
    """What JSON has no form for, as text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)  # the sum of whole numbers
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return value if isinstance(value, float) and abs(value) < float("inf") else str(value)
