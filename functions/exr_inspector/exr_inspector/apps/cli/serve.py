"""`exr-inspector serve` and `invoke`: the function as DataEngine would run it, on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from exr_inspector.apps.devserver import URL
from exr_inspector.errors import NOT_INSTALLED, STORAGE_UNAVAILABLE, InspectorError

NOT_READY = 503
# Where main.py lies beside the package: in the repository and in the image.
FOLDER = Path(__file__).parents[3]


def _needs_extra(command: Callable[..., Any]) -> Callable[..., Any]:
    """Say which extra is missing where a library of the stand-in is not installed."""

    @wraps(command)
    def guarded(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except ModuleNotFoundError as error:
            message = f"{error.name} is missing: pip install 'exr-inspector[cli,serve]'"
            raise InspectorError(NOT_INSTALLED, message) from error

    return guarded


@click.command()
@click.option("--port", default=8080, show_default=True, help="Port on 127.0.0.1.")
@click.option(
    "--config", metavar="FILE", help="config.yaml with `envs` and `secrets`, as vastde localrun takes it."
)
@click.option("--folder", default=str(FOLDER), help="Folder with main.py.  [default: this project's]")
@click.option(
    "--handler",
    default="main.py",
    show_default=True,
    metavar="FILE",
    help="The handler's file in the folder.",
)
@click.option("--sdk", is_flag=True, help="Let it import the runtime's modules, as batch_main.py does.")
@click.option("--batch", is_flag=True, help="Call the batch handler, as event batching does.")
@_needs_extra
def serve(port: int, config: str | None, folder: str, handler: str, sdk: bool, batch: bool) -> None:
    """Run the deployable folder as the DataEngine runtime would."""
    from exr_inspector.apps.devserver.container import Options  # noqa: PLC0415 - an extra
    from exr_inspector.apps.devserver.deployable import SDK_MODULES  # noqa: PLC0415
    from exr_inspector.apps.devserver.server import serve as run  # noqa: PLC0415

    options = Options(handler_file=handler, sdk=tuple(SDK_MODULES) if sdk else (), batch=batch)
    try:
        run(folder, port, config, options)
    except OSError as error:
        raise click.UsageError(f"port {port}: {error.strerror}") from error


@click.command()
@click.option("--event", "event_file", required=True, metavar="FILE", help="A CloudEvent in JSON or YAML.")
@click.option("--url", default=URL, show_default=True, help="Where the function listens.")
@click.option("--wait", default=0.0, metavar="SECONDS", help="Wait so long for the function to start.")
@click.pass_context
@_needs_extra
def invoke(ctx: click.Context, event_file: str, url: str, wait: float) -> None:
    """Send an event file to a running function, as `vastde functions invoke` does.

    Exit code 0 where the function acknowledges the event, 1 where it would be delivered again.
    """
    from exr_inspector.apps.devserver.invoke import invoke as send  # noqa: PLC0415 - an extra

    try:
        reply = _once_it_answers(lambda: send(event_file, url), wait)
    except OSError as error:
        raise InspectorError(STORAGE_UNAVAILABLE, f"nobody answers: {error}", url) from error
    click.echo(f"{reply.status} {reply.text}".strip())
    ctx.exit(0 if reply.status < 300 else 1)


def _once_it_answers(send: Callable[[], Any], wait: float) -> Any:
    """The reply, once somebody listens and is ready, or when the time is over."""
    deadline = time.monotonic() + wait
    while True:
        over = time.monotonic() > deadline
        try:
            reply = send()
        except ConnectionRefusedError:
            if over:
                raise
        else:
            if over or reply.status != NOT_READY:
                return reply
        time.sleep(0.1)
