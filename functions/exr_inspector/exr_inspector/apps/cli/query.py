"""`exr-inspector sql`: run SQL on the embedded store."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from itertools import count

import click

from exr_inspector.apps.cli.stores import DATABASE_FILE
from exr_inspector.apps.cli.table import print_table
from exr_inspector.apps.cli.terminal import json_text
from exr_inspector.errors import QUERY_LIMIT, InspectorError

_SECONDS = 60.0


@click.command()
@click.argument("statement")
@click.option(
    "--db",
    metavar="FILE",
    required=True,
    envvar="EXR_INSPECTOR_DB",
    show_envvar=True,
    type=DATABASE_FILE,
    help="The DuckDB file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per row.")
@click.option("--safe", is_flag=True, help="Run a statement that is not trusted: no other files, and limits.")
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help=f"Stop after this time.  [default: none; {_SECONDS:g} with --safe]",
)
def sql(statement: str, db: str, as_json: bool, safe: bool, timeout: float | None) -> None:
    """Run a SQL statement on a DuckDB file, and print the result as a table.

    The main tables are files, parts, channels and attributes. docs/DATABASE_SCHEMA.md lists all tables and
    their columns. The database is opened read-only.

    The statement is yours: DuckDB's functions and COPY read and write whatever files you can, and can load
    extensions. Use --safe for a statement from someone else. It then reaches no file but the database, cannot
    change the configuration, and may use 60 seconds, 1 GiB of memory, and 64 MiB for its answer.
    """
    from exr_inspector.catalog.duckdb.store import DuckDBStore  # noqa: PLC0415 - an extra
    from exr_inspector.catalog.limits import QueryLimits  # noqa: PLC0415

    seconds = timeout or (_SECONDS if safe else None)
    limits = QueryLimits(seconds=seconds) if safe and seconds else None
    with closing(DuckDBStore(db, read_only=True, limits=limits)) as store, query_limit(seconds):
        answer = store.query(statement)
    names = _distinct(answer.column_names)
    columns = (column.to_pylist() for column in answer.columns)
    rows = ([_plain(value) for value in row] for row in zip(*columns, strict=True))
    if not as_json:
        print_table(names, rows)
        return
    for row in rows:
        click.echo(json_text(dict(zip(names, row, strict=True))))


@contextmanager
def query_limit(seconds: float | None) -> Iterator[None]:
    """End the process on Ctrl-C, or with exit code 2 if the block takes longer. The block must not write.

    DuckDB checks for interrupts between blocks of rows, so a single expression can run for minutes.
    """

    def end() -> None:
        error = InspectorError(QUERY_LIMIT, f"the query took longer than {seconds:g} seconds")
        click.echo(f"exr-inspector: {error}\nWhat to do: {error.fault.remedy}", err=True)
        os._exit(2)

    timer = threading.Timer(seconds or 0, end)
    timer.daemon = True
    if seconds is not None:
        timer.start()
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, handler)


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
