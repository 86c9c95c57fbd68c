# mypy: disable-error-code="no-untyped-call"
"""Inspect many files on an existing Dask cluster: a scheduler, and workers on any machine."""

from __future__ import annotations

import logging
import pkgutil
import platform
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack, suppress
from ipaddress import ip_address
from posixpath import exists
from typing import Any
from urllib.parse import urlsplit

from distributed import CancelledError, Client, Future, KilledWorker, Security, wait
from typing_extensions import Self

from exr_inspector.apps.index import worker
from exr_inspector.apps.index.pool import Shard
from exr_inspector.errors import BAD_SETTING, NO_WORKERS, InspectorError
from exr_inspector.settings import Settings

# Seconds to wait for the scheduler, and for its first worker.
TIMEOUT = 20
# Versions that must be equal on the client, the scheduler and the workers. Functions of Python's standard
# library look them up, since these work even if the versions differ.
VERSIONS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "Python": (platform.python_version_tuple, ()),
    "distributed": (pkgutil.resolve_name, ("distributed:__version__",)),
    "exr-inspector": (pkgutil.resolve_name, ("exr_inspector.version:VERSION",)),
}


class Cluster:
    """The workers of a Dask cluster. If a worker dies, Dask repeats its shard on another worker.

    Raises InspectorError: BAD_SETTING for an unsafe address or unreadable certificates; NO_WORKERS, on entry
    or in the block, if the scheduler cannot be reached or is lost, or if versions or paths differ.
    """

    lost = KilledWorker

    def __init__(
        self, address: str, certificates: Mapping[str, str | None], settings: Settings, paths: Iterable[str]
    ) -> None:
        """`certificates` are options of `Security`. Dask's configuration provides the missing options.

        `paths` are local paths that must exist on each worker.
        """
        _check_address(address)
        self._address = address
        self._security = _security(address, certificates)
        self._settings = settings
        self._paths = list(paths)

    def __enter__(self) -> Self:
        # Their messages duplicate raised errors, some with a traceback.
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = Client(self._address, security=self._security, timeout=TIMEOUT)
        except OSError as error:
            raise self._unavailable(f"does not answer: {error}") from error
        with ExitStack() as stack:
            stack.push(self)
            self._compare()
            stack.pop_all()
        return self

    def __exit__(self, _: object, error: BaseException | None, *__: object) -> None:
        self._client.close()
        if isinstance(error, (CancelledError, OSError)):
            raise self._unavailable("no longer answers") from error

    def count(self) -> int:
        # Without workers, tasks wait for new ones.
        return max(sum(self._client.nthreads().values()), 1)

    def submit(self, shard: Shard) -> Future[Any]:
        return self._client.submit(worker.inspect_shard, shard, self._settings, pure=False)

    def wait(self, futures: Collection[Future[Any]]) -> Collection[Future[Any]]:
        done: Collection[Future[Any]] = wait(list(futures), return_when="FIRST_COMPLETED").done
        return done

    def _compare(self) -> None:
        """Raise NO_WORKERS without workers, for a different version, or for a path missing on a worker."""
        try:
            self._client.wait_for_workers(1, TIMEOUT)
        except TimeoutError as error:
            raise self._unavailable("has no worker") from error
        for each in self._client.nthreads():
            _check_address(each)
        for name, (look, arguments) in VERSIONS.items():
            ours = _comparable(look(*arguments))
            for side, found in self._everywhere(look, *arguments).items():
                if (theirs := _comparable(found)) != ours:
                    raise InspectorError(NO_WORKERS, f"{side} has {name} {theirs}, and this is {ours}")
        for path in self._paths:
            for each, is_there in self._client.run(exists, path).items():
                if not is_there:
                    raise InspectorError(NO_WORKERS, f"the worker {each} does not see {path}")

    def _everywhere(self, look: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Return a function's result, or its error, on the scheduler and on each worker."""
        try:
            found = self._client.run_on_scheduler(look, *arguments)
        except ImportError as error:
            found = error
        workers = self._client.run(look, *arguments, on_error="return")
        return {"the scheduler": found, **{f"the worker {each}": value for each, value in workers.items()}}

    def _unavailable(self, what: str) -> InspectorError:
        return InspectorError(NO_WORKERS, f"the scheduler {what}", self._address)


def _comparable(version: Any) -> str:
    """Return a version, without the patch level of Python, which need not match."""
    return ".".join(version[:2]) if isinstance(version, tuple) else str(version)


def _check_address(address: str) -> None:
    """Raise BAD_SETTING unless an address is encrypted or on this machine."""
    scheme, host, port = "", "", None
    with suppress(ValueError):  # unbalanced brackets; a port that is not a number
        parts = urlsplit(address)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    if scheme not in ("tls", "tcp") or not (host and port):
        raise InspectorError(BAD_SETTING, "name the scheduler as tls://HOST:PORT", address)
    if scheme == "tcp" and not _is_loopback(host):
        message = (
            "a Dask worker runs any code that it receives, and tcp:// neither encrypts nor authenticates;"
            " start scheduler and workers with certificates, and name tls://HOST:PORT"
        )
        raise InspectorError(BAD_SETTING, message, address)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _security(address: str, certificates: Mapping[str, str | None]) -> Security | None:
    if address.startswith("tcp://"):
        return None
    given = {name: path for name, path in certificates.items() if path}
    try:
        security = Security(require_encryption=True, **given)
        has_context = security.get_connection_args("client")["ssl_context"] is not None
    except OSError as error:  # includes SSLError
        message = f"the certificates cannot be read: {error}"
        raise InspectorError(BAD_SETTING, message, ", ".join(given.values())) from error
    if not has_context:
        message = (
            "tls:// needs --dask-ca, --dask-cert and --dask-key, or distributed.comm.tls in the configuration"
            " of Dask"
        )
        raise InspectorError(BAD_SETTING, message, address)
    return security
