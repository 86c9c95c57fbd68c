"""Serve the pages on a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

import uvicorn

from exr_inspector.apps.web.app import make_app
from exr_inspector.apps.web.security import PARAMETER, Access
from exr_inspector.apps.web.view import Site

# Maximum number of open connections: each request of a page uses one.
BACKLOG = 128


def serve(site: Site, access: Access, listener: socket.socket, started: Callable[[], object]) -> None:
    """Serve until a signal. Calls `started` when the server accepts requests."""
    _Server(site, access, listener, started).run_here()


@contextmanager
def running(site: Site, access: Access) -> Iterator[str]:
    """Serve on a free port of this machine inside the block, in a thread; yield the URL without a token."""
    ready = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        server = _Server(site, access, listener, ready.set)
        thread = threading.Thread(target=server.run_here, name="browse")
        thread.start()
        try:
            ready.wait()
            yield address(listener)
        finally:
            server.should_exit = True
            thread.join()


def address(listener: socket.socket) -> str:
    """Return the URL of a server on a socket. If it listens on all addresses, use the machine's name."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = _own_name()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _own_name() -> str:
    """Return the name of this machine if it resolves to this machine."""
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        return "localhost"
    return name


def entrance(url: str, token: str) -> str:
    """Return the URL with the token, for the first request of a browser."""
    return f"{url}/?{PARAMETER}={quote(token)}"


class _Server(uvicorn.Server):
    def __init__(
        self, site: Site, access: Access, listener: socket.socket, started: Callable[[], object]
    ) -> None:
        # No access log: the first URL contains the token.
        config = uvicorn.Config(
            make_app(site, access), ws="none", lifespan="off", access_log=False, log_level="warning",
            server_header=False, timeout_graceful_shutdown=3,
        )  # fmt: skip
        super().__init__(config)
        self._listener = listener
        self._started = started

    def run_here(self) -> None:
        self.run(sockets=[self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()
