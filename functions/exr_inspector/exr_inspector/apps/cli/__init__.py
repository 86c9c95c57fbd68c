"""The command line: arguments, progress, output, exit codes."""

from __future__ import annotations

import signal
import sys
from importlib import import_module
from typing import Any

import click

from exr_inspector.apps.cli.exits import ENDED, INTERRUPTED, WRONG, of_fault
from exr_inspector.apps.cli.terminal import harmless, say, uses_color
from exr_inspector.errors import BAD_QUERY, InspectorError
from exr_inspector.version import VERSION

# Command -> its module. A module is imported when its command is used, because some need slow libraries.
_MODULES = {
    "ask": "ask",
    "browse": "browse",
    "check": "check",
    "check-db": "database",
    "completion": "completion",
    "cryptomatte": "cryptomatte",
    "deploy": "deploy",
    "diff": "diff",
    "explain": "rules",
    "export": "export",
    "forget": "forget",
    "index": "index",
    "inspect": "inspect",
    "invoke": "serve",
    "outliers": "outliers",
    "report": "report",
    "rules": "rules",
    "serve": "serve",
    "shards": "shards",
    "similar": "similar",
    "sql": "query",
    "stats": "stats",
    "thumbnail": "thumbnail",
}


class _Commands(click.Group):
    """A group whose commands report a fault, what to do, and exit with the fault's code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return sorted(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _MODULES:
            return None
        module = import_module(f"{__name__}.{_MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except OSError as error:  # not of a closed pipe, after which click exits quietly
            say(f"exr-inspector: {error}", err=True)
            sys.stdout = None  # or Python would try to write the rest when it exits
            sys.exit(WRONG)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except InspectorError as error:
            _tell(error)
            ctx.exit(of_fault(error.fault, ctx.invoked_subcommand))
        except click.exceptions.NoArgsIsHelpError:
            raise  # its message is the help
        except click.UsageError as error:
            raise click.UsageError(harmless(error.format_message()), error.ctx) from None
        except KeyboardInterrupt:
            click.echo("Interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except RuntimeError as error:
            if str(error) != "Query interrupted":  # what DuckDB makes of a signal during a query
                raise
            ctx.exit(ENDED if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL else INTERRUPTED)


def _tell(error: InspectorError) -> None:
    """Print a fault and its remedy. DuckDB's messages mark the position in a statement on separate lines."""
    first, *rest = error.message.splitlines() if error.fault is BAD_QUERY else [error.message]
    say(f"exr-inspector: {InspectorError(error.fault, first, error.where)}", err=True)
    for line in filter(None, rest):
        say(f"  {line}", err=True)
    say(f"What to do: {error.fault.remedy}", err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="exr-inspector")
@click.pass_context
def commands(ctx: click.Context) -> None:
    """Inspect, index and compare the metadata of OpenEXR files."""
    ctx.color = None if uses_color() else False
    # Characters that the terminal's encoding lacks are printed as escapes.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
