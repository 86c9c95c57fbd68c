"""`exr-inspector check-db`: is VAST DataBase what exr-inspector relies on?"""

from __future__ import annotations

import os

import click

from exr_inspector.apps.cli import show
from exr_inspector.errors import BAD_SETTING, InspectorError, requires_extra
from exr_inspector.settings import Settings


@click.command("check-db")
@click.pass_context
def check_db(ctx: click.Context) -> None:
    """Ask the VAST DataBase of the settings what only a cluster can tell, and print its answers.

    Works in a schema of its own, which it drops at the end. Exit code 1 where the database does something
    that exr-inspector cannot rely on, or where that could not be found out.
    """
    settings = Settings.from_mapping(os.environ)
    if not settings.vast_endpoint:
        raise InspectorError(
            BAD_SETTING, "VAST_DB_ENDPOINT and the settings beside it must be set", "VAST_DB_ENDPOINT"
        )
    # 1.5 s, only here
    with requires_extra("vast"):
        from exr_inspector.apps.vast_check import (  # noqa: PLC0415
            AS_NEEDED,
            TOLD,
            Finding,
            check_database,
        )

    findings: list[Finding] = []
    try:
        findings.extend(check_database(settings))  # one by one: what was found before a failure stays
    finally:
        if findings:
            show.console().print(show.table("", ("question", "answer", ""), findings))
    ctx.exit(0 if all(each.verdict in (AS_NEEDED, TOLD) for each in findings) else 1)
