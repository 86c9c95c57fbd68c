"""The HTTP server, and the object that tests use."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal, final
from urllib.parse import unquote, urlsplit

from tests.vast_server.answers import Answer, Framing, Sending
from tests.vast_server.api import Api, Request
from tests.vast_server.database import Ref
from tests.vast_server.faults import Faults
from tests.vast_server.transactions import ConflictAt, Transactions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

Version = Literal["5.4", "5.5"]

_ABORT = struct.pack("ii", 1, 0)  # linger for no time: closing sends a reset


@final
class VastServer:
    """A VAST DataBase with one bucket, on a port of this machine.

    `requests` lists the kinds of all requests in the order of their arrival, repeats included
    (`api.ROUTES` names them); count them with `collections.Counter`.
    `open_transactions` lists the ids of those that were begun and have not ended.
    Leaving the context raises the first exception of the server itself, if there was one.
    """

    def __init__(self, version: Version = "5.5", conflict: ConflictAt = "write") -> None:
        self.access_key = "test-access"
        self.secret_key = "test-secret"
        self.bucket = "vastdb"
        self.faults = Faults()
        self.requests: list[str] = []
        self._transactions = Transactions(conflict)
        self._api = Api(self._transactions, self.access_key, {self.bucket})
        self._http = _HttpServer(self, f"vast {version}.0.0")
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self.endpoint = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> VastServer:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._http.close_connections()
        if self._http.accidents:
            raise self._http.accidents[0]

    @property
    def open_transactions(self) -> list[int]:
        return self._transactions.open

    def add_catalog(self) -> None:
        """Let the bucket of VAST Catalog have the same tables, one of which may have the catalog's name."""
        self._api.buckets.add("vast-big-catalog-bucket")

    def take(self, other: VastServer) -> None:
        """Have the schemas, tables and rows that `other` has committed. Call it before the first request."""
        self._transactions.take(other._transactions)

    def expire(self) -> None:
        """End every open transaction, as a cluster's timeout ends those of a dead client."""
        self._transactions.expire()

    def secure(self, certificate: Path) -> None:
        """Use TLS; `certificate` is a PEM file with its key. Call it before the first request."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.endpoint = self.endpoint.replace("http:", "https:")

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[str]]:
        """Provide a list that has the kinds of the requests of the block when the block has ended."""
        kinds: list[str] = []
        start = len(self.requests)
        yield kinds
        kinds += self.requests[start:]

    def schemas(self) -> list[str]:
        """Return the names of the committed schemas."""
        return self._transactions.committed.children("")

    def rows(self, schema: str, table: str) -> pa.Table:
        """Return the committed rows with their `$row_id`, without a request."""
        return self._transactions.committed.table(Ref(schema, table)).rows

    def answer(self, request: Request) -> Answer:
        self.requests.append(request.kind)
        fault = self.faults.take(request.kind)
        if fault is None:
            return self._api.answer(request)
        return fault.around(lambda: self._api.answer(request))


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512  # the SDK by default opens a connection for each select

    def __init__(self, server: VastServer, name: str) -> None:
        self.vast = server
        self.name = name
        self.accidents: list[BaseException] = []
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        # Close at once, without a shutdown, so that a reset stays a reset.
        self._connections.discard(request)
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep an exception of the server for the test: the SDK sees only a broken connection."""
        error = sys.exc_info()[1]
        if error and not isinstance(error, ConnectionError):  # clients may disconnect
            self.accidents.append(error)

    def close_connections(self) -> None:
        """Close the connections that clients keep open, which ends their threads."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        self._send(self.server.vast.answer(self._request()))

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _request(self) -> Request:
        url = urlsplit(self.path)
        return Request(
            method=self.command,
            path=tuple(unquote(part) for part in url.path.split("/") if part),
            command=url.query.split("&")[0],
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length", 0))),
        )

    def _send(self, answer: Answer) -> None:
        if answer.sending is Sending.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self.close_connection = True
            return
        framing, body = _FRAMINGS[answer.framing](answer)
        self.close_connection |= answer.sending is Sending.CUT
        self.send_response(answer.status)
        for name, value in {**answer.headers, **framing}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return self.server.name

    def log_message(self, *_arguments: object) -> None:
        pass  # `VastServer.requests` is the log


def _kept(answer: Answer) -> bytes:
    """Return the part of the body that is sent."""
    cut = answer.sending is Sending.CUT
    return answer.body[: int(len(answer.body) * answer.kept)] if cut else answer.body


def _chunked(answer: Answer) -> tuple[dict[str, str], bytes]:
    """Return a chunked body. A truncated one announces more, even if there is no body."""
    body = _kept(answer)
    if answer.sending is Sending.CUT:
        sent = b"%x\r\n%s" % (len(answer.body) + 1, body)
    else:
        sent = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    return {"Transfer-Encoding": "chunked"}, sent


def _of_length(answer: Answer) -> tuple[dict[str, str], bytes]:
    return {"Content-Length": str(len(answer.body))}, _kept(answer)


def _until_closed(answer: Answer) -> tuple[dict[str, str], bytes]:
    return {"Connection": "close"}, _kept(answer)


_FRAMINGS = {Framing.CHUNKED: _chunked, Framing.LENGTH: _of_length, Framing.CLOSE: _until_closed}
