"""List a root by VAST Catalog, a table of all files of a cluster that is as old as its last snapshot.

No cluster has confirmed the columns and their meaning: they are those that public code uses. `check-db` says
whether the table is there and has them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from exr_inspector.catalog.arrow import after
from exr_inspector.catalog.vast import sdk
from exr_inspector.catalog.vast.errors import decoding
from exr_inspector.catalog.vast.transactions import Transactions
from exr_inspector.errors import BAD_SETTING, TABLE_MISMATCH, InspectorError
from exr_inspector.location import is_exr, is_object
from exr_inspector.mounts import file_system
from exr_inspector.settings import Settings
from exr_inspector.sources.protocol import Listed

# Column -> what its type has to be. A path is `parent_path` with `name`.
COLUMNS: dict[str, Callable[[pa.DataType], bool]] = {
    "parent_path": pa.types.is_string,
    "name": pa.types.is_string,
    "element_type": pa.types.is_string,
    "size": pa.types.is_integer,
    "mtime": pa.types.is_timestamp,
    "ctime": pa.types.is_timestamp,
}
# How much the clock of the cluster may differ from those of the machines that inspect.
SKEW = timedelta(minutes=5)


def open_catalog(transaction: Any) -> Any:
    """Return the table of the catalog. Raises InspectorError: BAD_SETTING without one, TABLE_MISMATCH."""
    try:
        table = transaction.catalog(fail_if_missing=False)
    except sdk.errors.NotFound:
        table = None
    if table is None:
        message = "the cluster has no VAST Catalog, or these keys do not see it"
        raise InspectorError(BAD_SETTING, message, "--catalog")
    types = {field.name: field.type for field in table.arrow_schema}
    for name, is_right in COLUMNS.items():
        if name not in types or not is_right(types[name]):
            message = f"the catalog's column {name} is {types.get(name, 'absent')}"
            raise InspectorError(TABLE_MISMATCH, message, "VAST Catalog")
    return table


class Catalog:
    """Lists a root whose path on the cluster is `path`, as `sources.listing.Listing` says.

    `as_of` is the time of the last change that the catalog shows below the root, folders included, less SKEW:
    what was inspected later may be newer than the catalog.
    """

    def __init__(self, root: str, path: str, settings: Settings) -> None:
        self.errors: list[InspectorError] = []
        self.devices: set[str] = set()
        self.as_of: datetime | None = datetime.min  # noqa: DTZ901 - stored times have no zone
        self._root = root
        self._path = path.rstrip("/") + "/"
        self._transactions = Transactions(
            lambda: sdk.connect(settings), settings.vast_endpoint, settings.vast_attempts
        )

    def __iter__(self) -> Iterator[Listed]:
        try:
            if not is_object(self._root):
                self.devices.add(file_system(os.stat(self._root).st_dev, self._root))  # noqa: PTH116
            for transaction in self._transactions.attempts():
                with transaction:
                    table = open_catalog(transaction.sdk)
                    where = (table["parent_path"] >= self._path) & (table["parent_path"] < after(self._path))
                    with decoding():
                        for batch in table.select(list(COLUMNS), where):
                            yield from self._listed(batch)
        except (InspectorError, OSError) as error:
            fault = error if isinstance(error, InspectorError) else InspectorError(BAD_SETTING, str(error))
            self.errors.append(fault)
        finally:
            self._transactions.close()

    def _listed(self, batch: pa.RecordBatch) -> Iterator[Listed]:
        latest = pc.max(batch["ctime"].cast(pa.timestamp("us"), safe=False)).as_py()
        if latest is not None and self.as_of is not None:
            self.as_of = max(self.as_of, latest - SKEW)
        times = [
            batch[name].cast(pa.timestamp("us"), safe=False).cast(pa.int64()) for name in ("mtime", "ctime")
        ]
        names = (batch[name].to_pylist() for name in ("parent_path", "name", "element_type", "size"))
        for parent, name, kind, size, mtime, ctime in zip(
            *names, *(each.to_pylist() for each in times), strict=True
        ):
            if kind == "FILE" and is_exr(name):
                below = (parent + name)[len(self._path) :]
                yield Listed(f"{self._root.rstrip('/')}/{below}", size, mtime, None, ctime)
