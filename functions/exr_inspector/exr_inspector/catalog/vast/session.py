"""Sessions of the `vastdb` SDK as the store needs them: nothing is sent twice, TLS is checked as was said."""

from __future__ import annotations

import copy
import logging
from typing import Any

from requests.adapters import HTTPAdapter
from vastdb._internal import VastdbApi
from vastdb._session_context import SessionContext
from vastdb.config import BackoffConfig, SessionConfig
from vastdb.features import Features
from vastdb.session import Session

from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.settings import Settings

# Refusals are daily work, and what matters of them comes as an error of ours: where nobody has set up
# logging, Python would print the SDK's lines about them.
for _name in ("vastdb", "backoff"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


def make_session(settings: Settings) -> Any:
    """A session of the SDK, with its errors; InspectorError(BAD_SETTING) where something else answers."""
    try:
        api = _Api(
            access_key=settings.vast_access_key,
            secret_key=settings.vast_secret_key,
            endpoints=[settings.vast_endpoint],
            max_entities_per_page=10_000,
            ssl_verify=settings.vast_verify_tls,
            timeout=settings.vast_timeout,
            backoff_config=BackoffConfig(max_tries=1),
        )
    except NotImplementedError as error:
        message = f"what answers is no VAST DataBase that the SDK knows: {error}"
        raise InspectorError(BAD_SETTING, message, "VAST_DB_ENDPOINT") from error
    return sending_once(_Session(api, settings.vast_endpoint))


def sending_once(session: Any) -> Any:
    """The same session, but one that sends no write again by itself; the given one stays as it is.

    The SDK sends an insert a second time that was executed and then answered "SlowDown", and a transaction
    would have its rows twice. For a select it decorates anew, and keeps what that leaves behind: memory would
    grow with every select. What is no session of the SDK's is taken as it is.
    """
    if not isinstance(session, Session):
        return session
    once = copy.copy(session)
    once.api = copy.copy(session.api)
    once.api._request = once.api._single_request  # noqa: SLF001 - the SDK has no other way
    once.api._backoff_decorator = lambda split: split  # noqa: SLF001 - as above
    return once


class _Api(VastdbApi):  # type: ignore[misc] # the SDK has no types
    """The SDK's side of HTTP."""

    def _session_create(self, url: Any) -> Any:
        session = super()._session_create(url)
        if not self._ssl_verify:
            session.mount("https://", _UncheckedAdapter())
        return session

    def with_endpoints(self, _endpoints: list[str]) -> _Api:
        """For a select, with connections of its own. There is one address for everything."""
        other = copy.copy(self)
        other._sessions = {}  # noqa: SLF001 - its own
        return other


class _UncheckedAdapter(HTTPAdapter):
    """Takes every certificate. `Session.verify` alone does not: REQUESTS_CA_BUNDLE overrides it."""

    def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
        return super().send(request, **{**options, "verify": False})


class _Session(Session):  # type: ignore[misc] # the SDK has no types
    """The SDK's session around an `api` that is there already.

    Rows are read from the address that is set. Those that the SDK finds out by itself are bare IP addresses,
    which may be out of reach from here, and which no certificate names.
    """

    def __init__(self, api: _Api, endpoint: str) -> None:
        self.api, self.access, self.secret = api, api.access_key, api.secret_key
        self._context = SessionContext(api, endpoint, SessionConfig(data_endpoints=[endpoint]))
        self.features = Features(api.vast_version)
        self.adbc_driver_path = self._end_user = None
