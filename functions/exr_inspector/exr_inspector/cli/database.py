"""`exr-inspector check-db`: is VAST DataBase what exr-inspector relies on?"""

from __future__ import annotations

import os

import click

from exr_inspector.cli import show
from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.settings import Settings

_MARKS = {True: "as needed", False: "NOT AS NEEDED", None: ""}


@click.command("check-db")
@click.pass_context
def check_db(ctx: click.Context) -> None:
    """Ask the VAST DataBase of the settings what only a cluster can tell, and print its answers.

    Works in a schema of its own, which it drops at the end. Exit code 1 where the database does something
    that exr-inspector cannot rely on.
    """
    settings = Settings.from_mapping(os.environ)
    if not settings.vast_endpoint:
        raise InspectorError(
            BAD_SETTING, "VAST_DB_ENDPOINT and the settings beside it must be set", "VAST_DB_ENDPOINT"
        )
    from exr_inspector.storage.vast_check import check_database  # noqa: PLC0415 - 1.5 s, only here

    findings = list(check_database(settings))
    rows = ([each.question, each.answer, _MARKS[each.as_needed]] for each in findings)
    show.console().print(show.table("", ("question", "answer", ""), rows))
    ctx.exit(1 if any(each.as_needed is False for each in findings) else 0)
