"""`exr-inspector check --watch`: repeat the check, and notify a URL when a sequence changes its state."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from exr_inspector.apps.cli.terminal import harmless, nearby
from exr_inspector.errors import InspectorError
from exr_inspector.settings import Settings
from exr_inspector.shows import Shows

if TYPE_CHECKING:
    from exr_inspector.checks.report import Report


def follow(
    judge: Callable[[], Report], seconds: float, webhook: str, shows: Shows, settings: Settings
) -> None:
    """Repeat the check until Ctrl-C. A webhook that is not accepted is sent again in the next round.

    A transient fault is reported, and the watch continues. Raises InspectorError, BAD_SETTING if there is a
    webhook and no secret to sign it.
    """
    from exr_inspector.checks.transitions import Transitions, payload  # noqa: PLC0415 - so that --help is quick
    from exr_inspector.checks.webhook import send  # noqa: PLC0415

    transitions = Transitions()
    while True:
        try:
            for change in transitions.of(judge()):
                click.echo(harmless(f"{nearby(change.sequence.key)} is {change.state}"), err=True)
                show = shows.of(change.sequence.key)
                if url := webhook or (show.source.webhook if show else None):
                    send(url, payload(change), settings)
        except OSError as error:
            click.echo(f"exr-inspector: the webhook was not accepted: {harmless(str(error))}", err=True)
        except click.UsageError as error:  # there is no file yet
            click.echo(f"exr-inspector: {harmless(error.format_message())}", err=True)
        except InspectorError as error:
            if not error.retry:
                raise
            click.echo(f"exr-inspector: {harmless(str(error))}", err=True)
        time.sleep(seconds)
        shows.forget()
