"""Generate documents from the code; with --check, report those that are out of date."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from docs.library import document, library, versions
from docs.questions import questions
from docs.reference import policy_schema, rules, show_schema
from exr_inspector.apps.cli import commands
from exr_inspector.apps.cli.exits import MEANINGS
from exr_inspector.apps.deployment.settings import DEPLOYMENT, Deployment
from exr_inspector.apps.export.record import COLUMNS as EXPORTED
from exr_inspector.apps.export.record import EXPORT_VERSION
from exr_inspector.catalog.columns import COLUMNS
from exr_inspector.errors import FAULTS, Fault
from exr_inspector.settings import SETTINGS, Setting, Settings
from exr_inspector.telemetry import METRICS, Metric

DOCS = Path(__file__).parent
WIDTH = 100
NOTE = "<!-- Generated from the code by `make docs`; edit the code. -->"


def troubleshooting() -> Iterator[str]:
    """Yield the hand-written part, up to the note, and the table of all codes."""
    yield from (_held("TROUBLESHOOTING.md").partition(NOTE)[0].rstrip(), "", NOTE, "", "## All codes", "")
    yield "Every fault has a stable code. A document lists faults in `errors` as `{code, message, where}`;"
    yield "otherwise they are raised as `InspectorError`. **Permanent** faults are recorded and the event is"
    yield "acknowledged. **Transient** faults are raised out of the handler, so that DataEngine retries."
    for title, retry in (("Permanent", False), ("Transient", True)):
        yield from (
            "",
            f"## {title} faults",
            "",
            "| code | file status | meaning | remedy |",
            "|---|---|---|---|",
        )
        yield from (_error(fault) for fault in FAULTS.values() if fault.retry is retry)


def compatibility() -> Iterator[str]:
    """Yield the hand-written part, up to the note, and the table of packages."""
    yield from (_held("COMPATIBILITY.md").partition(NOTE)[0].rstrip(), "", NOTE, *versions())


def _error(fault: Fault) -> str:
    return f"| `{fault.code}` | {fault.status or ''} | {fault.meaning} | {fault.remedy} |"


def configuration() -> Iterator[str]:
    yield from ("# Configuration", "", NOTE, "")
    yield "Settings come from the environment. Keys of a DataEngine secret with these names override it."
    yield "If a setting has several names, the first that is set is used. An empty value counts as not set."
    yield from _settings(Settings, SETTINGS, absent="")
    yield from ("", "## Deployment", "")
    yield "Only `deploy.sh` and `exr-inspector deploy` read these, from a `.env` file; the function does not."
    yield "[DEPLOYMENT_AUTOMATION.md](DEPLOYMENT_AUTOMATION.md) explains where to find the values."
    yield from _settings(Deployment, DEPLOYMENT, absent="required")


def _settings(defaults: type, settings: Mapping[str, Setting], absent: str) -> Iterator[str]:
    yield from ("", "| name | default | meaning |", "|---|---|---|")
    for name, setting in settings.items():
        default = getattr(defaults, name)
        yield _setting(absent if default is None else _default(default), setting)


def _default(default: object) -> str:
    return "" if default == "" else f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _setting(shown: str, setting: Setting) -> str:
    secret = " Secret; never logged." if setting.secret else ""
    return f"| {', '.join(f'`{env}`' for env in setting.env)} | {shown} | {setting.meaning}{secret} |"


def database_schema() -> Iterator[str]:
    yield from ("# Database schema", "", NOTE, "")
    yield "DuckDB and VAST DataBase have the same tables. A file's rows share its `file_id`. Every column may"
    yield "be null. Times are in UTC. Text longer than 126 KB is replaced by its size and hash:"
    yield '`{"elided": {"size_bytes": ..., "sha256": ...}}`.'
    for table, columns in COLUMNS.items():
        yield from ("", f"## {table}", "", "| column | type | meaning |", "|---|---|---|")
        yield from (f"| `{each.name}` | {_kind(each.type)} | {each.meaning} |" for each in columns)


def _kind(kind: object) -> str:
    return str(kind).replace("fixed_size_list<item: float not null>", "float32 vector").replace("[us]", "")


def export() -> Iterator[str]:
    yield from ("# Export", "", NOTE, "")
    yield "`exr-inspector export` writes one record for each sequence, or for each file with `--per file`, to"
    yield "a folder: as Parquet with zstd, JSON Lines, CSV, or entities with the fields of ShotGrid's public"
    yield "schema. `manifest.json` is written last and counts the rows. Read only the files that it names."
    yield from (
        "",
        f"## Columns, version {EXPORT_VERSION}",
        "",
        "| column | type | meaning |",
        "|---|---|---|",
    )
    yield from (f"| `{each.name}` | {_kind(each.type)} | {each.meaning} |" for each in EXPORTED)
    yield from ("", (DOCS / "export_recipes.txt").read_text().rstrip())


def metrics() -> Iterator[str]:
    yield from ("# Metrics", "", NOTE, "")
    yield "The function records these metrics through `ctx`, if the runtime provides OpenTelemetry"
    yield "instruments. The last column has the names that a Prometheus exporter gives them; the dashboard"
    yield "`deploy/grafana.json` uses these names. [PROD_RUNBOOK.md](PROD_RUNBOOK.md) has alerts, and the"
    yield "metrics of the runtime itself."
    yield from (
        "",
        "| metric | kind | unit | attributes | meaning | name in Prometheus |",
        "|---|---|---|---|---|---|",
    )
    for name, metric in METRICS.items():
        attributes = ", ".join(f"`{each}`" for each in metric.attributes)
        cells = (f"`{name}`", metric.kind, metric.unit, attributes, metric.description)
        yield f"| {' | '.join(cells)} | `{prometheus_name(name, metric)}` |"


def prometheus_name(name: str, metric: Metric) -> str:
    """Return the name that OpenTelemetry gives a metric in Prometheus. The runtime's counters lack units."""
    suffix = "total" if metric.kind == "counter" else {"ms": "milliseconds"}[metric.unit]
    return f"{name.replace('.', '_')}_{suffix}"


def cli() -> Iterator[str]:
    yield from ("# Command line", "", NOTE, "")
    yield from (
        "PATH is a file, a folder, a sequence, a pattern, an S3 object or prefix, or `-` for such names on",
        "standard input, separated by line breaks or NUL. A folder or prefix means the `.exr` files in it;",
        "`check`, `outliers` and `index` include subfolders, the other commands with `-r`. Write sequences",
        "as in fileseq, Nuke, Houdini or printf: `beauty.#.exr`, `beauty.%04d.exr`, `beauty.$F4.exr`,",
        "`beauty.1001-1100#.exr`.",
        "",
        "| exit code | meaning |",
        "|---|---|",
        *(f"| {code} | {meaning} |" for code, meaning in MEANINGS.items()),
        "",
        "If both 1 and 3 apply, the exit code is 1.",
    )
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
        if isinstance(command, click.Group) and command.commands:
            yield from _commands(command, context)


GENERATED = {
    "TROUBLESHOOTING.md": troubleshooting,
    "CONFIGURATION.md": configuration,
    "DATABASE_SCHEMA.md": database_schema,
    "CLI.md": cli,
    "METRICS.md": metrics,
    "RULES.md": rules,
    "policy.schema.json": policy_schema,
    "show.schema.json": show_schema,
    "EXPORT.md": export,
    "API.md": library,
    "DOCUMENT.md": document,
    "COMPATIBILITY.md": compatibility,
    "VAST_ANALYTICS_QUERIES.md": questions,
}


def stale() -> list[str]:
    """Return the documents that differ from what the code generates."""
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
