"""The `vastdb` SDK as the store uses it. Only this module and `sdk_select` know its private parts.

The SDK has no public way to send each request once, to read rows from the configured address only, or to
commit and roll back a transaction by its id. Importing this module checks the SDK's version and the private
parts that provide these, and raises InspectorError(NOT_INSTALLED) if the SDK is absent or different.
"""

# ruff: noqa: SLF001 - the private parts are what this module is for

from __future__ import annotations

import copy
import inspect
import logging
import os
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies

from exr_inspector.errors import BAD_SETTING, NOT_INSTALLED, InspectorError
from exr_inspector.settings import Settings

# Connections that stay open; DataEngine runs up to 20 events at once in one instance.
MAX_IDLE_CONNECTIONS = 24
REQUIREMENT = "vastdb>=2.1,<2.2"

try:
    import vastdb
    from vastdb import errors, table_metadata
    from vastdb._internal import QueryDataInternalError, QueryDataRequest, VastdbApi
    from vastdb._session_context import SessionContext
    from vastdb.config import BackoffConfig, QueryConfig, SessionConfig
    from vastdb.features import Features
    from vastdb.session import Session
    from vastdb.table import SplitWorker, TableInTransaction
    from vastdb.table_metadata import TableRef, TableType
    from vastdb.transaction import Transaction
except ImportError as error:
    raise InspectorError(
        NOT_INSTALLED,
        f"the VAST DataBase store cannot import its SDK ({error}): pip install 'exr-inspector[vast]'",
    ) from error

__all__ = [
    "QueryDataInternalError",
    "QueryDataRequest",
    "SplitWorker",
    "TableInTransaction",
    "TableRef",
    "TableType",
    "errors",
]

# The private parts and the parameters that this module relies on.
_METHODS = {
    *("_session_create", "_single_request", "with_endpoints"),
    *("begin_transaction", "commit_transaction", "get_transaction", "rollback_transaction"),
}
_ATTRIBUTES = {"_backoff_decorator", "_request", "_sessions", "_ssl_verify", "access_key", "secret_key"}
_PARAMETERS: dict[Any, str] = {
    VastdbApi: "access_key secret_key endpoints max_entities_per_page ssl_verify timeout backoff_config"
    " version_check",
    SessionContext: "api endpoint config",
    Features: "vast_version",
    TableInTransaction: "metadata tx session_context",
    Transaction: "txid _session_context",
    TableInTransaction.select_splits: "columns predicate config internal_row_id",
    TableInTransaction._select_prepare: "query_schema config columns predicate internal_row_id",
    QueryDataRequest: "serialized response_schema response_parser",
    SplitWorker: "api query_data_request bucket_name schema_name table_name txid query_imports_table split_id"
    " config",
}


def _check_sdk() -> None:
    """Raise NOT_INSTALLED if the installed SDK is not the one that this module was written for."""
    version = vastdb.version()
    if not version.startswith("2.1."):
        raise InspectorError(
            NOT_INSTALLED,
            f"vastdb {version} is installed, but this release of exr-inspector uses private parts of vastdb"
            f" 2.1: pip install '{REQUIREMENT}'",
        )
    missing = [f"VastdbApi.{name}" for name in _METHODS if not hasattr(VastdbApi, name)]
    missing += [
        f"{part.__qualname__}({name})"
        for part, names in _PARAMETERS.items()
        for name in set(names.split()) - set(inspect.signature(part).parameters)
    ]
    if not missing:
        api = VastdbApi("", "", endpoints=["http://localhost"], max_entities_per_page=1, version_check=False)
        missing = [f"VastdbApi.{name}" for name in _ATTRIBUTES if not hasattr(api, name)]
    if missing:
        raise InspectorError(
            NOT_INSTALLED,
            f"vastdb {version} lacks {', '.join(sorted(missing))}: reinstall it with"
            f" pip install --force-reinstall '{REQUIREMENT}'",
        )


_check_sdk()

# The store raises coded errors for what the SDK logs. Without logging set up, Python would print the SDK's
# lines to stderr.
for _name in ("vastdb", "backoff"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

# One request for each select by key, however large the table.
ONE_REQUEST = QueryConfig(num_splits=1)


# --- sessions ---------------------------------------------------------------------------------------------


def connect(settings: Settings) -> Any:
    """Return a new session of the SDK, after one request for the server's version.

    Raises the SDK's errors, and InspectorError(BAD_SETTING) if the server is not a VAST DataBase.
    """
    try:
        api = Api(
            access_key=settings.vast_access_key,
            secret_key=settings.vast_secret_key,
            endpoints=[settings.vast_endpoint],
            max_entities_per_page=10_000,
            ssl_verify=settings.tls_verification(is_on=settings.vast_verify_tls),
            timeout=settings.vast_timeout,
            backoff_config=BackoffConfig(max_tries=1),
        )
    except NotImplementedError as error:
        message = f"the server is not a VAST DataBase that the SDK supports: {error}"
        raise InspectorError(BAD_SETTING, message, "VAST_DB_ENDPOINT") from error
    return without_retries(_Session(api, settings.vast_endpoint))


def without_retries(session: Any) -> Any:
    """Return a copy of an SDK session that never repeats a request; `session` itself is not changed.

    The SDK repeats an insert that was executed and then answered "SlowDown": the transaction would hold its
    rows twice. Its retry wrapper also leaks memory in every select. An object that is not an SDK session is
    returned as it is.
    """
    if not isinstance(session, Session):
        return session
    once = copy.copy(session)
    once.api = copy.copy(session.api)
    once.api._request = once.api._single_request
    once.api._backoff_decorator = lambda act: act
    return once


def server_version(session: Any) -> tuple[int, ...]:
    """Return the version that the server announced when the session was made."""
    version: tuple[int, ...] = session.api.vast_version
    return version


def close(session: Any) -> None:
    """Close the session's connections. The session can still be used: it opens new ones."""
    session.api.__exit__()


class Api(VastdbApi):  # type: ignore[misc] # the SDK has no types
    """The SDK's HTTP layer."""

    def _session_create(self, url: Any) -> Any:
        """Return a session for the configured address, with the proxies and certificates of the environment.

        By default `requests` looks them up in every request, and prefers REQUESTS_CA_BUNDLE to what the
        session says.
        """
        session = super()._session_create(url)
        session.__class__ = _HttpSession
        session.proxies = get_environ_proxies(str(url))
        if self._ssl_verify is True:
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        session.trust_env = False
        session.headers = CaseInsensitiveDict({"user-agent": self.client_sdk_version})
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=MAX_IDLE_CONNECTIONS))
        return session

    def with_endpoints(self, _endpoints: list[str]) -> _SelectApi:
        """Return an API for one select, which uses the same connections to the configured address."""
        other = copy.copy(self)
        other.__class__ = _SelectApi
        return other


class _HttpSession(requests.Session):
    """A session that sends requests as they are: its settings and the addresses are complete.

    By default `requests` merges the settings of each request with those of the session and the environment,
    and examines the address, which takes a third of the CPU time of a request. Redirects are not followed.
    """

    def request(self, method: str, url: str, **given: Any) -> requests.Response:  # type: ignore[override]
        request = requests.PreparedRequest()
        request.method, request.url, request.body = method, url, given.get("data")
        request.headers = CaseInsensitiveDict({**self.headers, **(given.get("headers") or {})})
        request = self.auth(request)  # type: ignore[operator, misc]
        response = self.get_adapter(url).send(
            request,
            stream=True,
            timeout=given["timeout"],
            verify=self.verify,
            cert=self.cert,
            proxies=self.proxies,
        )
        if not given.get("stream"):
            _ = response.content  # received before the connection is used again
        return response


class _SelectApi(Api):
    """The SDK closes the API of a select at its end, but the connections are shared."""

    def __exit__(self, *_: object) -> None:
        pass


class TableMetadata(table_metadata.TableMetadata):  # type: ignore[misc] # the SDK has no types
    """The SDK's metadata of a table, and the requests that `sdk_select` keeps for it."""

    def __init__(self, ref: TableRef) -> None:
        super().__init__(ref)
        self.templates: dict[Any, Any] = {}


class _Session(Session):  # type: ignore[misc] # the SDK has no types
    """An SDK session around an existing `api`.

    Rows are read from the configured address. The SDK would discover the cluster's IP addresses instead,
    which may be unreachable from here, and which no certificate names.
    """

    def __init__(self, api: Api, endpoint: str) -> None:
        self.api, self.access, self.secret = api, api.access_key, api.secret_key
        self._context = SessionContext(api, endpoint, SessionConfig(data_endpoints=[endpoint]))
        self.features = Features(api.vast_version)
        self.adbc_driver_path = self._end_user = None


# --- transactions and rows --------------------------------------------------------------------------------


def begin(session: Any) -> Any:
    """Return a transaction of the SDK that has begun. Its `txid` names it until it is committed."""
    transaction = session.transaction()
    if not isinstance(session, _Session):
        return transaction.__enter__()
    # `__enter__` also looks for the ADBC driver, which the store does not use: seven reads of folders.
    transaction.txid = int(session.api.begin_transaction().headers["tabular-txid"])
    return transaction


def commit(transaction: Any) -> None:
    """Commit. The SDK clears `txid` first, and leaves the transaction open if the commit fails."""
    transaction.__exit__(None, None, None)


def commit_by_id(session: Any, txid: int) -> None:
    """Commit a transaction that may belong to another session."""
    session.api.commit_transaction(txid)


def rollback_by_id(session: Any, txid: int) -> None:
    """Roll back a transaction that may belong to another session, even after a commit that failed."""
    session.api.rollback_transaction(txid)


def is_open(session: Any, txid: int) -> bool:
    """Return whether a transaction has neither been committed nor rolled back. Raises the SDK's errors."""
    try:
        session.api.get_transaction(txid)
    except errors.NotFound:
        return False
    return True


def table_of(transaction: Any, metadata: TableMetadata) -> Any:
    """Return a table in a transaction. Its metadata have been loaded and are not changed."""
    if not isinstance(transaction, Transaction):
        return transaction.table_from_metadata(metadata)
    # The SDK's own method copies the metadata, which takes as long as half a request.
    return TableInTransaction(metadata, transaction, transaction._session_context)
