"""The databases of the commands: the DuckDB file of `--db`, or the store that the settings select."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from exr_inspector.apps.cli.paths import complete_paths
from exr_inspector.catalog.connect import open_store
from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from exr_inspector.catalog.store import Store
    from exr_inspector.checks.stored import StoredFiles
    from exr_inspector.shows import Shows

Command = TypeVar("Command", bound=Callable[..., Any])

# A query neither creates nor changes a database.
DATABASE_FILE = click.Path(exists=True, dir_okay=False)
_HELP = "The DuckDB file. By default, the settings select the store."
written_db = click.option("--db", metavar="FILE", shell_complete=complete_paths, help=_HELP)
read_db = click.option("--db", metavar="FILE", type=DATABASE_FILE, help=_HELP)


def queried_db(*, required: bool) -> Callable[[Command], Command]:
    """Return the option `--db` of commands that run SQL."""
    return click.option(
        "--db",
        metavar="FILE",
        required=required,
        envvar="EXR_INSPECTOR_DB",
        show_envvar=True,
        type=DATABASE_FILE,
        help="The DuckDB file.",
    )


def with_db(settings: Settings, path: str) -> Settings:
    """Return the settings with a DuckDB file as the store, whatever they select."""
    return replace(settings, db_file=path, vast_endpoint="")


def archive_settings(settings: Settings) -> Settings:
    """Return the settings of the archive: `rows.gone.duckdb` beside `rows.duckdb`, or the schema X_gone."""
    path = Path(settings.db_file)
    return replace(
        settings,
        db_file=str(path.with_name(f"{path.stem}.gone{path.suffix}")) if settings.db_file else "",
        vast_schema=f"{settings.vast_schema}_gone",
    )


def selected_store(settings: Settings, *, read_only: bool = False) -> Store:
    """Open the store that the settings select. Raises InspectorError(BAD_SETTING) if they select none."""
    store = open_store(settings, read_only=read_only)
    if store is None:
        raise InspectorError(
            BAD_SETTING, "name a database with --db, EXR_INSPECTOR_DB or VAST_DB_ENDPOINT", "--db"
        )
    return store


def compared_store(settings: Settings) -> Store:
    """Open the store that the settings select to compare with it. An absent DuckDB file is not created."""
    return selected_store(with_db(settings, ":memory:") if is_absent(settings) else settings)


def is_absent(settings: Settings) -> bool:
    """Return whether the settings select a DuckDB file that does not exist."""
    return bool(settings.db_file) and not settings.vast_endpoint and not Path(settings.db_file).exists()


@contextmanager
def stored_files(
    path: str | None, shows: Shows | None = None, *, with_looks: bool = False
) -> Iterator[StoredFiles | None]:
    """Open the stored files of a DuckDB file; None without one. With `shows`, store findings at the end."""
    if not path:
        yield None
        return
    from exr_inspector.catalog.duckdb.store import DuckDBStore  # noqa: PLC0415 - only if it is named
    from exr_inspector.checks.stored import StoredFiles  # noqa: PLC0415

    with closing(DuckDBStore(path, read_only=shows is None)) as store:
        stored = StoredFiles(store, shows, with_looks=with_looks)
        yield stored
        stored.flush()
