"""`exr-inspector browse`: show the catalog in a browser."""

from __future__ import annotations

import os
import socket
import webbrowser
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from exr_inspector.apps.cli.stores import DATABASE_FILE, selected_store
from exr_inspector.apps.cli.terminal import harmless
from exr_inspector.errors import requires_extra
from exr_inspector.location import folder_names
from exr_inspector.settings import Settings


@click.command()
@click.option(
    "--db",
    metavar="FILE",
    type=DATABASE_FILE,
    help="The DuckDB file: a snapshot written by `index --publish`, or a store, which is copied. By default,"
    " the store that the settings select is copied.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=0,
    show_default="a free one",
    type=click.IntRange(0, 65535),
    help="Port to listen on.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in a browser.")
@click.option(
    "--share",
    "shared",
    multiple=True,
    metavar="FOLDER",
    help="Also print a URL that gives access only to the files below this folder. Repeatable.",
)
def browse(db: str | None, host: str, port: int, opens: bool, shared: tuple[str, ...]) -> None:
    """Show the catalog in a browser, until Ctrl-C.

    The URL contains a token, which every request needs. A snapshot is read directly, and again after
    `exr-inspector index --publish` replaces it. Any other store is copied once, at startup. Every page states
    the date of its data.
    """
    with requires_extra("browse"):  # here, so that --help is quick
        from exr_inspector.apps.web.app import make_site  # noqa: PLC0415
        from exr_inspector.apps.web.security import Access, host_names, leading_page, new_token  # noqa: PLC0415
        from exr_inspector.apps.web.server import BACKLOG, address, entrance, serve  # noqa: PLC0415
        from exr_inspector.apps.web.snapshot import pulled_path, snapshot_path  # noqa: PLC0415
        from exr_inspector.catalog.duckdb.snapshot import ALL, Scope  # noqa: PLC0415

    settings = Settings.from_mapping(os.environ)
    if db or (settings.db_file and not settings.vast_endpoint):
        given = db or settings.db_file
        path = snapshot_path(given)
        is_copy = path != given
    else:
        with closing(selected_store(settings)) as store:
            path, is_copy = pulled_path(store), True
    site = make_site(path, settings, is_copy=is_copy)
    tokens = {new_token(): ALL}
    for folder in shared:
        tokens[new_token()] = Scope(folder_names(folder, settings.paths))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise click.UsageError(f"{host}, port {port}: {error.strerror}") from error

    def started() -> None:
        url = address(listener)
        for token, name in zip(tokens, ("all files", *shared), strict=True):
            click.echo(f"{harmless(name, keep='')}: {entrance(url, token)}")
        if opens:
            # Others can read the arguments of processes, and so the URL, but not this file.
            link.write_text(leading_page(entrance(url, next(iter(tokens)))))
            webbrowser.open(link.as_uri())

    with TemporaryDirectory(prefix="exr-inspector-") as folder, listener, suppress(KeyboardInterrupt):
        link = Path(folder, "browse.html")
        serve(site, Access(tokens, host_names(host)), listener, started)
