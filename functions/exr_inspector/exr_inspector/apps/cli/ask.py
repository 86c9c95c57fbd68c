"""`exr-inspector ask`: answers to the questions of `apps/questions`."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any

import click

from exr_inspector.apps.cli.answer import answer_options, print_answer
from exr_inspector.apps.cli.paths import local_name
from exr_inspector.apps.cli.query import query_limit
from exr_inspector.apps.cli.stores import queried_db
from exr_inspector.apps.cli.table import print_table
from exr_inspector.apps.cli.terminal import json_text
from exr_inspector.apps.questions.contents import SECTIONS
from exr_inspector.apps.questions.load import names, nearest, question, questions
from exr_inspector.apps.questions.question import EMPTY, Dialect, Parameter, Question
from exr_inspector.errors import InspectorError
from exr_inspector.location import folder_names
from exr_inspector.settings import Settings

_TYPES: dict[str, Any] = {"number": float, "count": click.IntRange(1)}


class _Questions(click.Group):
    """A group with a command for each question."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return _command(question(cmd_name)) if cmd_name in names() else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in names():
            near = nearest(args[0])
            hint = f"; is it {' or '.join(near)}?" if near else "; --list shows all"
            raise click.UsageError(f"there is no question {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for section in SECTIONS:
            with formatter.section(section.title):
                formatter.write_dl([(name, question(name).title) for name in section.names])


@click.group(cls=_Questions, invoke_without_command=True, subcommand_metavar="QUESTION")
@click.option("--list", "-l", "is_list", is_flag=True, help="List the questions.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="With --list: print JSON Lines with the options, one object per question.",
)
@click.pass_context
def ask(ctx: click.Context, is_list: bool, as_json: bool) -> None:
    """Answer a question about a DuckDB file without SQL.

    `exr-inspector ask QUESTION --help` explains a question and its options. docs/VAST_ANALYTICS_QUERIES.md
    has the SQL; option values are bound as parameters. On a terminal, a long table is shown in $PAGER.
    """
    if ctx.invoked_subcommand:
        if is_list or as_json:
            raise click.UsageError(
                "--list and --json take no question; options of a question follow its name"
            )
    elif as_json and is_list:
        for each in questions():
            click.echo(json_text(_entry(each)))
    elif is_list:
        print_table(("name", "question"), [(each.name, each.title) for each in questions()], is_answer=True)
    else:
        click.echo(ctx.get_help())


def _entry(each: Question) -> dict[str, Any]:
    parameters = [
        {"name": it.name, "kind": it.kind, "default": it.default, "meaning": it.meaning}
        for it in each.parameters
    ]
    return {"name": each.name, "title": each.title, "section": each.section, "parameters": parameters}


def _command(each: Question) -> click.Command:
    """Return the command of a question."""
    text = f"{each.title}\n\n{each.description}"

    @click.command(each.name, help=text, short_help=each.title)
    @queried_db(required=False)
    @answer_options
    @click.option("--sql", "dialect", type=click.Choice(["duckdb", "trino"]), help="Print the SQL instead.")
    def command(
        db: str | None, form: str | None, parquet: str | None, dialect: Dialect | None, **values: object
    ) -> None:
        values = _located(each, values)
        if dialect:
            click.echo(each.text(values, dialect))
        elif db:
            _answer(each, values, db, form, parquet)
        else:
            raise click.UsageError("name a database with --db or EXR_INSPECTOR_DB")

    command.params[:0] = [_option(parameter) for parameter in each.parameters]
    return command


def _option(parameter: Parameter) -> click.Option:
    return click.Option(
        [f"--{parameter.name.replace('_', '-')}", parameter.name],
        type=_TYPES.get(parameter.kind, str),
        metavar=parameter.kind.upper(),
        required=parameter.default is None,
        help=parameter.meaning
        + (f"  [default: {parameter.default}]" if parameter.default not in (None, "%") else ""),
    )


def _located(each: Question, values: dict[str, object]) -> dict[str, object]:
    """Return the values with names of files and folders that exist as the paths that are stored."""
    settings = Settings.from_mapping(os.environ)
    kinds = {parameter.name: parameter.kind for parameter in each.parameters}
    return {
        name: folder_names(local_name(str(value), settings), settings.paths)[0]
        if kinds[name] == "path" and os.path.lexists(str(value))
        else value
        for name, value in values.items()
    }


def _answer(
    each: Question, values: dict[str, object], db: str, form: str | None, parquet: str | None
) -> None:
    from exr_inspector.catalog.duckdb.store import DuckDBStore  # noqa: PLC0415 - an extra

    statement = each.bind(values)
    with closing(DuckDBStore(db, read_only=True)) as store, query_limit(None):
        try:
            answer = store.query(*statement)
        except InspectorError:
            store.check_columns()
            raise
        counts = {} if answer.num_rows else each.counts(values)
        numbers = {table: store.query(*bound)["n"][0].as_py() for table, bound in counts.items()}
    print_answer(answer, form, parquet)
    if not answer.num_rows:
        click.echo(next((EMPTY[table] for table in numbers if not numbers[table]), "nothing found"), err=True)
