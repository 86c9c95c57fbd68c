"""Writes the documents that are generated from the code; with --check, says which of them are out of date."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from exr_inspector.apps.cli import commands
from exr_inspector.apps.deployment.settings import DEPLOYMENT, Deployment
from exr_inspector.catalog.rows import COLUMNS
from exr_inspector.errors import FAULTS, Fault
from exr_inspector.settings import SETTINGS, Setting, Settings

DOCS = Path(__file__).parent
WIDTH = 100
NOTE = "<!-- Generated from the code by `make docs`; edit the code. -->"


def errors() -> Iterator[str]:
    yield from ("# Errors", "", NOTE, "")
    yield "Every fault has a stable code. It stands in a document's `errors` as `{code, message, where}`,"
    yield "or is raised as `InspectorError`. **Permanent** faults are recorded and the event is acknowledged;"
    yield "**transient** ones are raised out of the handler, so that the event is delivered again."
    for title, retry in (("Permanent", False), ("Transient", True)):
        yield from (
            "",
            f"## {title}",
            "",
            "| code | status of the file | what it means | what to do |",
            "|---|---|---|---|",
        )
        yield from (_error(fault) for fault in FAULTS.values() if fault.retry is retry)


def _error(fault: Fault) -> str:
    return f"| `{fault.code}` | {fault.status or ''} | {fault.meaning} | {fault.remedy} |"


def configuration() -> Iterator[str]:
    yield from ("# Configuration", "", NOTE, "")
    yield "Settings come from the environment; a DataEngine secret whose keys have these names overlays it."
    yield "Where a setting has several names, the first that is set counts. Empty text counts as not set."
    yield from _settings(Settings, SETTINGS)
    yield from ("", "## Deployment", "")
    yield "Only `deploy.sh` and `exr-inspector deploy` read these, from a `.env` file; the function does not."
    yield "[DEPLOYMENT_AUTOMATION.md](DEPLOYMENT_AUTOMATION.md) tells where their values come from."
    yield from _settings(Deployment, DEPLOYMENT)


def _settings(defaults: type, settings: Mapping[str, Setting]) -> Iterator[str]:
    yield from ("", "| name | default | meaning |", "|---|---|---|")
    yield from (_setting(getattr(defaults, name), setting) for name, setting in settings.items())


def _setting(default: object, setting: Setting) -> str:
    shown = "" if default == "" else f"`{str(default).lower() if isinstance(default, bool) else default}`"
    shown = "none: must be set" if default is None else shown
    secret = " Secret: never logged." if setting.secret else ""
    return f"| {', '.join(f'`{env}`' for env in setting.env)} | {shown} | {setting.meaning}{secret} |"


def database_schema() -> Iterator[str]:
    yield from ("# Database schema", "", NOTE, "")
    yield "DuckDB and VAST DataBase hold the same tables. A file's rows share its `file_id`; every"
    yield "column may be null. Times are in UTC. A text of more than 126 KB is replaced by its size and hash:"
    yield '`{"elided": {"size_bytes": ..., "sha256": ...}}`.'
    for table, columns in COLUMNS.items():
        yield from ("", f"## {table}", "", "| column | type | meaning |", "|---|---|---|")
        yield from (f"| `{each.name}` | {_kind(each.type)} | {each.meaning} |" for each in columns)


def _kind(kind: object) -> str:
    return str(kind).replace("fixed_size_list<item: float not null>", "float32 vector").replace("[us]", "")


def cli() -> Iterator[str]:
    yield from ("# Command line", "", NOTE, "")
    yield "Exit codes: 0 all is well, 1 some file is not ok, 2 wrong usage or an unfit environment."
    above = click.Context(
        commands,
        info_name="exr-inspector",
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **commands.context_settings,
    )
    yield from ("", "```text", commands.get_help(above), "```")
    yield from _commands(commands, above)


def _commands(group: click.Group, above: click.Context) -> Iterator[str]:
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        assert command is not None
        context = click.Context(
            command, info_name=name, parent=above, terminal_width=WIDTH, max_content_width=WIDTH
        )
        yield from ("", f"## {context.command_path}", "", "```text", command.get_help(context), "```")
        if isinstance(command, click.Group):
            yield from _commands(command, context)


GENERATED = {
    "ERRORS.md": errors,
    "CONFIGURATION.md": configuration,
    "DATABASE_SCHEMA.md": database_schema,
    "CLI.md": cli,
}


def stale() -> list[str]:
    """The documents that are not what the code gives."""
    return [name for name, made in GENERATED.items() if _held(name) != _text(made())]


def _held(name: str) -> str:
    path = DOCS / name
    return path.read_text() if path.exists() else ""


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def main() -> None:
    if "--check" in sys.argv:
        found = stale()
        sys.exit(f"out of date, run `make docs`: {', '.join(found)}" if found else 0)
    for name, made in GENERATED.items():
        (DOCS / name).write_text(_text(made()))


if __name__ == "__main__":
    main()
