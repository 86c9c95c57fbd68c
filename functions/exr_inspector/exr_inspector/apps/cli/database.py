"""`exr-inspector check-db`: test whether VAST DataBase behaves as exr-inspector needs."""

from __future__ import annotations

import os

import click

from exr_inspector.apps.cli.table import print_table
from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.settings import Settings


@click.command("check-db")
@click.pass_context
def check_db(ctx: click.Context) -> None:
    """Test the VAST DataBase of the settings, and print how it behaves.

    The test creates a schema and drops it at the end. Exit code 1 if the database does something that
    exr-inspector cannot rely on, or if a test gave no answer.
    """
    settings = Settings.from_mapping(os.environ)
    if not settings.vast_endpoint:
        raise InspectorError(
            BAD_SETTING, "VAST_DB_ENDPOINT and the settings beside it must be set", "VAST_DB_ENDPOINT"
        )
    # 1.5 s, only here
    from exr_inspector.apps.vast_check import AS_NEEDED, TOLD, Finding, check_database  # noqa: PLC0415

    findings: list[Finding] = []
    try:
        findings.extend(check_database(settings))  # one by one: findings before a failure are printed
    finally:
        if findings:
            print_table(("question", "answer", ""), findings)
    ctx.exit(0 if all(each.verdict in (AS_NEEDED, TOLD) for each in findings) else 1)
