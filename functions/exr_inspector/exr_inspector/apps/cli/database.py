"""`exr-inspector check-db`: test whether VAST DataBase behaves as exr-inspector needs."""

from __future__ import annotations

import os

import click

from exr_inspector.apps.cli.table import print_table
from exr_inspector.errors import BAD_SETTING, InspectorError, requires_extra
from exr_inspector.settings import Settings


@click.command("check-db")
@click.option(
    "--roll-back-stale",
    "minutes",
    type=click.IntRange(min=0),
    metavar="MINUTES",
    help="Roll back transactions that a killed process of this machine left open at least MINUTES ago.",
)
@click.pass_context
def check_db(ctx: click.Context, minutes: int | None) -> None:
    """Test the behavior of the configured VAST DataBase.

    The test creates a schema, and drops it at the end. Then the open transactions of this machine's processes
    are listed, from VAST_DB_JOURNAL. The exit code is 1 if the database lacks a behavior that exr-inspector
    relies on, if a test was inconclusive, or if a killed process left a transaction open.
    """
    settings = Settings.from_mapping(os.environ)
    if not settings.vast_endpoint:
        raise InspectorError(
            BAD_SETTING, "VAST_DB_ENDPOINT and the settings beside it must be set", "VAST_DB_ENDPOINT"
        )
    with requires_extra("vast"):  # takes 1.5 s to import
        from exr_inspector.apps.vast_check import (  # noqa: PLC0415
            AS_NEEDED,
            INFORMATION,
            Finding,
            check_database,
            recorded_transactions,
        )

    findings: list[Finding] = []
    try:
        # One by one, so that results before a failure are printed.
        findings.extend(check_database(settings))
        findings.extend(recorded_transactions(settings, None if minutes is None else 60.0 * minutes))
    finally:
        if findings:
            print_table(("question", "answer", ""), findings)
    ctx.exit(0 if all(each.verdict in (AS_NEEDED, INFORMATION) for each in findings) else 1)
