"""The command line: arguments, progress, printing, exit codes.

Exit codes: 0 all is well, 1 some file is not ok, 2 wrong usage or an environment that does not allow it.
"""

from __future__ import annotations

import errno
import sys

import click

from exr_inspector.apps.cli.database import check_db
from exr_inspector.apps.cli.deploy import deploy
from exr_inspector.apps.cli.inspect import inspect
from exr_inspector.apps.cli.query import sql
from exr_inspector.apps.cli.serve import invoke, serve
from exr_inspector.apps.cli.show import harmless
from exr_inspector.apps.cli.similar import similar
from exr_inspector.errors import InspectorError
from exr_inspector.version import VERSION


class _Commands(click.Group):
    """A group whose commands end in one line and exit code 2 where they cannot do their work."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except InspectorError as error:
            click.echo(f"exr-inspector: {harmless(str(error))}\nWhat to do: {error.fault.remedy}", err=True)
            ctx.exit(2)
        except click.UsageError as error:
            raise click.UsageError(harmless(error.format_message()), error.ctx) from None
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click ends quietly where the reader has gone away
            click.echo(f"exr-inspector: {harmless(str(error))}", err=True)
            sys.stdout = None  # or Python would try to write the rest when it ends
            ctx.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="exr-inspector")
def commands() -> None:
    """Know what is inside every OpenEXR file."""
    # Characters that the terminal's encoding lacks appear as escapes.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


commands.add_command(inspect)
commands.add_command(sql)
commands.add_command(similar)
commands.add_command(check_db)
commands.add_command(serve)
commands.add_command(invoke)
commands.add_command(deploy)
