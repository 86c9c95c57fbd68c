"""`exr-inspector serve` and `invoke`: run the function on this machine like DataEngine does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial, wraps
from pathlib import Path
from typing import Any

import click

from exr_inspector.apps.cli.terminal import harmless, json_text
from exr_inspector.apps.devserver import URL
from exr_inspector.errors import NOT_INSTALLED, STORAGE_UNAVAILABLE, InspectorError

NOT_READY = 503
# The folder of main.py: beside the package in a clone and in the image, inside it in a wheel (setup.py).
PACKAGE = Path(__file__).parents[2]
FOLDER = PACKAGE.parent if (PACKAGE.parent / "main.py").is_file() else PACKAGE / "function"


def _needs_extra(command: Callable[..., Any]) -> Callable[..., Any]:
    """Report the missing extra if a library of the development server is not installed."""

    @wraps(command)
    def guarded(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except ModuleNotFoundError as error:
            message = f"{error.name} is not installed: pip install 'exr-inspector[cli,serve]'"
            raise InspectorError(NOT_INSTALLED, message) from error

    return guarded


@click.command()
@click.option("--port", default=8080, show_default=True, help="Port on 127.0.0.1.")
@click.option(
    "--config",
    metavar="FILE",
    help="config.yaml with `envs` and `secrets`, as for vastde localrun.",
)
@click.option(
    "--folder",
    default=str(FOLDER),
    help="Folder that contains main.py.  [default: the one that is installed]",
)
@click.option(
    "--handler",
    default="main.py",
    show_default=True,
    metavar="FILE",
    help="File of the handler in the folder.",
)
@click.option("--sdk", is_flag=True, help="Provide the runtime's modules, which batch_main.py imports.")
@click.option("--batch", is_flag=True, help="Call the batch handler, as DataEngine does with event batching.")
@click.option("--batch-size", default=20, show_default=True, help="Maximum events in a batch.")
@_needs_extra
def serve(
    port: int, config: str | None, folder: str, handler: str, sdk: bool, batch: bool, batch_size: int
) -> None:
    """Run the function locally, as DataEngine does."""
    from exr_inspector.apps.devserver.container import Options  # noqa: PLC0415 - an extra
    from exr_inspector.apps.devserver.deployable import SDK_MODULES  # noqa: PLC0415
    from exr_inspector.apps.devserver.server import serve as run  # noqa: PLC0415

    modules = tuple(SDK_MODULES) if sdk else ()
    options = Options(handler_file=handler, sdk=modules, batch=batch, batch_size=batch_size)
    try:
        run(folder, port, config, options)
    except OSError as error:
        raise click.UsageError(f"port {port}: {error.strerror}") from error


@click.command()
@click.option(
    "--event",
    "event_file",
    required=True,
    metavar="FILE",
    help="An event in JSON or YAML: a CloudEvent, a plain event, or a Kafka record of `kcat -J`; in a .jsonl"
    " file, one per line.",
)
@click.option("--url", default=URL, show_default=True, help="Address of the function.")
@click.option("--wait", default=0.0, metavar="SECONDS", help="Maximum wait for the function to be ready.")
@click.option(
    "--failed",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the failed lines of a .jsonl file to this file, and continue.",
)
@click.pass_context
@_needs_extra
def invoke(ctx: click.Context, event_file: str, url: str, wait: float, failed: Path | None) -> None:
    """Send the events of a file to a running function.

    Events are sent as `vastde functions invoke` sends them. A development server returns the function's
    answer, which is printed; the real runtime does not return it. For a .jsonl file, only files that are not
    ok are printed. The exit code is 0 if the function acknowledges every event, and 1 if DataEngine would
    deliver one again.
    """
    from exr_inspector.apps.devserver import invoke as client  # noqa: PLC0415 - an extra

    is_lines = event_file.endswith(".jsonl")
    if failed and (not is_lines or (failed.exists() and failed.samefile(event_file))):
        raise click.UsageError("--failed needs a .jsonl file of events, and another file to write to")
    deadline = time.monotonic() + wait
    total = failures = 0
    with failed.open("w", 1, "utf-8") if failed else nullcontext() as file:
        for each in client.event_texts(event_file):
            total += 1
            try:
                send = partial(client.send, each.event(), url, preferences=client.WANTS_ANSWER)
                reply = _when_ready(send, deadline)
            except (InspectorError, OSError) as error:
                fault = error
                if isinstance(error, OSError):
                    message = f"the function does not respond: {error}"
                    fault = InspectorError(STORAGE_UNAVAILABLE, message, url)
                if file is None:
                    raise fault from error
                reply = client.Reply(0, str(fault))
            _print_reply(reply, each.where, brief=is_lines)
            if not 200 <= reply.status < 300:
                failures += 1
                if file is not None:
                    file.write(f"{each.text}\n")
    if failed:
        click.echo(f"{total} events: {total - failures} acknowledged, {failures} failed", err=True)
    ctx.exit(1 if failures else 0)


def _when_ready(send: Callable[[], Any], deadline: float) -> Any:
    """Send until the function is ready or the deadline is over, and return its reply. Raises OSError."""
    while True:
        expired = time.monotonic() > deadline
        try:
            reply = send()
        except ConnectionRefusedError:
            if expired:
                raise
        else:
            if expired or reply.status != NOT_READY:
                return reply
        time.sleep(0.1)


def _print_reply(reply: Any, where: str, *, brief: bool) -> None:
    """Print the HTTP status to standard error, and the answer or the error to standard output.

    Print the document of one file, but of several files, or if `brief`, a line per file that is not ok.
    """
    click.echo(f"{reply.status or 'not sent'} {harmless(where)}", err=True)
    try:
        answer = json.loads(reply.text) if reply.status == 200 else None
    except ValueError:
        answer = None
    documents = answer.get("documents") if isinstance(answer, dict) else None
    if brief and isinstance(answer, dict) and "file" in answer:
        documents = [answer]
    if isinstance(documents, list):
        faulty = [each for each in documents if each["file"]["status"] not in ("ok", None) or each["errors"]]
        if not brief:
            click.echo(f"{len(documents)} files: {len(documents) - len(faulty)} ok, {len(faulty)} not ok")
        for document in faulty:
            click.echo(harmless(_fault_line(document), keep=""))
    elif answer is not None:
        click.echo(json_text(answer, indent=2))
    elif reply.text:
        click.echo(harmless(reply.text))


def _fault_line(document: Mapping[str, Any]) -> str:
    """Return status, path and faults of a file. A truncated answer has a size in place of a list or path."""
    file, errors = document["file"], document["errors"]
    faults = "; ".join(f"{each['code']}: {each['message']}" for each in errors if isinstance(each, dict))
    if isinstance(errors, dict):
        faults = "too many faults for the answer"
    return f"{file['status'] or 'no status':12} {file['path']}  {faults}".rstrip()
