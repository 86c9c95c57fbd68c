"""Access control: tokens, the Host header, and response headers against leaking and framing.

Every user of a host can connect to its loopback addresses, so a token is always required. The first URL
contains it; a cookie stores it afterwards.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from exr_inspector.catalog.duckdb.snapshot import ALL, Scope

PARAMETER = "token"
SCOPE = "exr_inspector.scope"
"""Key of a request's scope in its ASGI connection."""

HEADERS = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'; object-src 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_REFUSED = "Open the address that `exr-inspector browse` printed; it contains a token.\n"


@dataclass(frozen=True)
class Access:
    """The tokens, each with its scope, and the names that are allowed in a Host header.

    IP addresses are always accepted: in a DNS rebinding attack, the Host header has the attacker's name.
    """

    tokens: Mapping[str, Scope] = field(default_factory=lambda: {new_token(): ALL})
    hosts: Collection[str] = ("localhost",)

    def scope(self, token: str) -> Scope | None:
        """Return the scope of a token; None if it is not valid. Every invalid token takes the same time."""
        found = None
        for each, scope in self.tokens.items():
            if secrets.compare_digest(each.encode(), token.encode("utf-8", "replace")):
                found = scope
        return found

    def accepts(self, host: str) -> bool:
        """Return whether a Host header names this server."""
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name.lower().rstrip(".") in self.hosts
        return True


def new_token() -> str:
    """Return a token of 256 random bits."""
    return secrets.token_urlsafe(32)


def host_names(host: str) -> set[str]:
    """Return the names under which browsers reach a server on this address."""
    return {each.lower() for each in ("localhost", host, socket.gethostname(), socket.getfqdn())}


class Guard:
    """Refuses unauthorized requests, and adds HEADERS to every response.

    An authorized request has its Scope in the connection, under SCOPE.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        if connection["type"] != "http":
            await self._app(connection, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                # Responses depend on the cookie, so caches must not store them unless the page allows it.
                headers.setdefault("cache-control", "no-store")
            await send(message)

        app = self._refusal(connection) or self._app
        await app(connection, receive, send_guarded)

    def _refusal(self, connection: Connection) -> Response | None:
        """Return the response to an unauthorized request; None if the request is authorized."""
        headers = Headers(scope=connection)
        if not self._access.accepts(headers.get("host", "")):
            return PlainTextResponse("This server does not have this host name.\n", 400)
        if connection["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("Pages are read-only.\n", 405, {"allow": "GET, HEAD"})
        query = parse_qsl(connection["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in query if name == PARAMETER]
        port = (connection.get("server") or ("", 0))[1]
        cookie = f"exr-inspector-{port}"  # cookies are not specific to a port
        if given:
            return self._enter(connection, given[-1], query, cookie)
        token = cookie_parser(headers.get("cookie", "")).get(cookie, "")
        scope = self._access.scope(token)
        if scope is None:
            return HTMLResponse(leading_page(_target(connection, query))) if _is_link(headers) else _refuse()
        connection[SCOPE] = scope
        return None

    def _enter(
        self, connection: Connection, token: str, query: list[tuple[str, str]], cookie: str
    ) -> Response:
        """Move a token from the URL to a cookie, so that the history and links do not contain it."""
        if self._access.scope(token) is None:
            return _refuse()
        target = _target(connection, [pair for pair in query if pair[0] != PARAMETER])
        is_link = _is_link(Headers(scope=connection))
        response: Response = HTMLResponse(leading_page(target)) if is_link else RedirectResponse(target, 303)
        response.set_cookie(cookie, token, httponly=True, samesite="strict")
        return response


def _refuse() -> Response:
    return PlainTextResponse(_REFUSED, 401)


def _target(connection: Connection, query: list[tuple[str, str]]) -> str:
    """Return the path of a request with another query."""
    # Exactly one leading slash: two slashes or backslashes would name another host.
    path = "/" + connection["raw_path"].decode("latin-1").lstrip("/\\")
    return f"{path}?{urlencode(query)}" if query else path


def _is_link(headers: Headers) -> bool:
    """Return whether a browser followed a link from another site; it then sends no SameSite=Strict cookie."""
    return (headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")) == ("cross-site", "navigate")


def leading_page(url: str) -> str:
    """Return a page that redirects at once, so that the next request comes from the same site."""
    return Markup(
        '<!doctype html><meta http-equiv="refresh" content="0; url={0}"><a href="{0}">Continue</a>'
    ).format(url)
