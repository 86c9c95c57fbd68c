"""`exr-inspector sql`: run SQL on the embedded store."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from exr_inspector.apps.cli.answer import answer_options, print_answer
from exr_inspector.apps.cli.paths import STDIN
from exr_inspector.apps.cli.stores import queried_db
from exr_inspector.errors import QUERY_LIMIT, InspectorError

_SECONDS = 60.0


@click.command()
@click.argument("statement", required=False)
@click.option(
    "--file",
    "-f",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Read the statement from this file.",
)
@queried_db(required=True)
@answer_options
@click.option(
    "--safe", is_flag=True, help="Run an untrusted statement: no other files, limited time and memory."
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help=f"Stop after this time.  [default: none; {_SECONDS:g} with --safe]",
)
def sql(
    statement: str | None,
    file: str | None,
    db: str,
    form: str | None,
    parquet: str | None,
    safe: bool,
    timeout: float | None,
) -> None:
    """Run a SQL statement on a DuckDB file.

    STATEMENT is SQL, or - for SQL on standard input. The result of the last statement is printed as a table.
    On a terminal, a long table is shown in $PAGER.

    The main tables are files, parts, channels and attributes. docs/DATABASE_SCHEMA.md lists all tables and
    their columns. The database is opened read-only.

    A statement can read and write any file that you can, through COPY and DuckDB's functions, and can load
    extensions. Use --safe for a statement from someone else: it can then access only the database, cannot
    change the configuration, and is limited to 60 seconds, 1 GiB of memory and a result of 64 MiB.
    """
    from exr_inspector.catalog.duckdb.store import DuckDBStore  # noqa: PLC0415 - an extra
    from exr_inspector.catalog.limits import QueryLimits  # noqa: PLC0415

    text = _statement(statement, file)
    seconds = timeout or (_SECONDS if safe else None)
    limits = QueryLimits(seconds=seconds) if safe and seconds else None
    with closing(DuckDBStore(db, read_only=True, limits=limits)) as store, query_limit(seconds):
        answer = store.query(text)
    print_answer(answer, form, parquet)
    if answer.num_columns and not answer.num_rows:
        click.echo("nothing found", err=True)


def _statement(statement: str | None, file: str | None) -> str:
    if (statement is None) == (file is None):
        raise click.UsageError("give one STATEMENT, or name a file with --file")
    if statement not in (None, STDIN):
        data = os.fsencode(statement)
    else:
        data = sys.stdin.buffer.read() if file is None else Path(file).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"the statement is not in UTF-8: {error}") from None


@contextmanager
def query_limit(seconds: float | None) -> Iterator[None]:
    """End the process on Ctrl-C or TERM, or with exit code 2 if the block takes longer. It must not write.

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
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if handlers[signal.SIGINT] is signal.default_int_handler:
        for number in handlers:
            signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        timer.cancel()
        for number, handler in handlers.items():
            signal.signal(number, handler)
