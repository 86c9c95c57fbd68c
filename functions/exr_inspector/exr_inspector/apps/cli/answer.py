"""Answers to SQL: a table for people, and JSON Lines, CSV or Parquet for programs."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import click

from exr_inspector.apps.cli.output import completed
from exr_inspector.apps.cli.table import print_table
from exr_inspector.apps.cli.terminal import harmless, json_text, plural

if TYPE_CHECKING:
    import pyarrow as pa

Command = TypeVar("Command", bound=Callable[..., Any])

OPTIONS = (
    click.option("--json", "form", flag_value="json", help="Print JSON Lines: one object per row."),
    click.option("--csv", "form", flag_value="csv", help="Print CSV that is safe to open in a spreadsheet."),
    click.option(
        "--parquet",
        metavar="FILE",
        type=click.Path(dir_okay=False),
        help="Write the result to this Parquet file.",
    ),
)


def answer_options(command: Command) -> Command:
    """Give a command the options `form` and `parquet`, which `print_answer` takes."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def print_answer(answer: pa.Table, form: str | None, parquet: str | None) -> None:
    """Print an answer, or write it to a file. Raises click.UsageError if the file cannot be written."""
    if form and parquet:
        raise click.UsageError(f"--parquet writes a file; drop --{form}")
    names = _distinct(answer.column_names)
    if parquet:
        _write_parquet(answer.rename_columns(names), parquet)
        return
    columns = (column.to_pylist() for column in answer.columns)
    rows = ([_plain(value) for value in row] for row in zip(*columns, strict=True))
    if form == "json":
        for row in rows:
            click.echo(json_text(dict(zip(names, row, strict=True))))
    elif form == "csv":
        _write_csv(names, rows)
    else:
        print_table(names, rows, is_answer=True)


@dataclass
class _Lines:
    """Standard output for `csv`. A terminal must not execute what a cell contains."""

    is_terminal: bool

    def write(self, line: str) -> None:
        click.echo(harmless(line) if self.is_terminal else line, nl=False)


def _write_csv(names: Sequence[str], rows: Iterator[list[Any]]) -> None:
    from exr_inspector.apps.export.record import cell  # noqa: PLC0415 - so that --help is quick

    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    writer = csv.writer(_Lines(sys.stdout.isatty()), lineterminator="\n")
    writer.writerow(map(cell, names))
    writer.writerows(map(cell, row) for row in rows)


def _write_parquet(answer: pa.Table, path: str) -> None:
    import pyarrow as pa  # noqa: PLC0415 - so that --help is quick
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with completed(path) as part:
            pq.write_table(answer, part, compression="zstd")
    except pa.ArrowNotImplementedError as error:
        raise click.UsageError(f"Parquet has no type for a column: {error}") from error
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror or error}") from error
    click.echo(f"{plural(answer.num_rows, 'row')} in {harmless(path)}", err=True)


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
    """Return a number if a double, as JSON readers use, has the same digits; otherwise text."""
    if value == value.to_integral_value():
        return int(value)  # the sum of integers
    nearest = float(value)
    return nearest if Decimal(repr(nearest)) == value else str(value)
