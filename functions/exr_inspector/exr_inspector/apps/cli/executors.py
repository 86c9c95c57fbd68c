"""Where `index` inspects: in this process, in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from exr_inspector.errors import requires_extra
from exr_inspector.location import is_object
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from exr_inspector.apps.index.pool import Executor
    from exr_inspector.apps.index.run import Root
    from exr_inspector.catalog.store import Store

# With fewer files, worker processes cost more than they save: they take a second to start.
MIN_FILES_FOR_WORKERS = 1_000


class Dask(NamedTuple):
    """The address of a scheduler, and PEM files for TLS."""

    address: str
    ca: str | None = None
    cert: str | None = None
    key: str | None = None


def executors(
    settings: Settings, store: Store, roots: Sequence[Root], jobs: int | None, dask: Dask | None
) -> Callable[[int], Executor]:
    """Return a function that makes an executor for a number of files.

    Raises InspectorError: BAD_SETTING for an address or certificates that cannot be used, NOT_INSTALLED.
    """
    from exr_inspector.apps.index.pool import Pool, Processes, Workers, serial  # noqa: PLC0415 - so that --help is quick
    from exr_inspector.apps.index.worker import refuse  # noqa: PLC0415
    from exr_inspector.pipeline import Runtime  # noqa: PLC0415
    from exr_inspector.sources.opener import Opener  # noqa: PLC0415

    runtime = Runtime(settings, store, Opener(settings))

    def pool(workers: Workers) -> Executor:
        return Pool(workers, lambda file: refuse(file, runtime))

    if dask:
        with requires_extra("index"):
            from exr_inspector.apps.index.cluster import Cluster  # noqa: PLC0415 - an extra

        certificates = {"tls_ca_file": dask.ca, "tls_client_cert": dask.cert, "tls_client_key": dask.key}
        paths = [each.path for each in roots if not is_object(each.path)]
        cluster = Cluster(dask.address, certificates, settings, paths)
        return lambda _: pool(cluster)
    count = jobs or os.cpu_count() or 1
    return lambda files: (
        serial(runtime) if count == 1 or files < MIN_FILES_FOR_WORKERS else pool(Processes(count, settings))
    )
