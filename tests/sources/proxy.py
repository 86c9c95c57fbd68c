"""The proxy in front of the S3 server: it counts, and lets faults take the place of its answers."""

from __future__ import annotations

import http.client
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.sources.server import S3Server

HOST = "127.0.0.1"
_HOP = {"connection", "server", "date", "transfer-encoding", "content-length"}


@dataclass
class Exchange:
    """One request that came to the proxy, and what was sent back."""

    number: int
    method: str
    target: str
    headers: dict[str, str]
    connection: int
    status: int = 0
    sent: int = 0
    """Bytes of the answer on the wire, its head included."""
    body: int = 0
    """Bytes of the answer's body alone."""

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


@dataclass
class Answer:
    """What the real server says. `body` comes in pieces, `size` bytes in all."""

    status: int
    headers: dict[str, str]
    body: Iterator[bytes]
    size: int


@dataclass
class Announced:
    """An object of any size: `head`, then zeros, made as they are read."""

    head: bytes
    size: int
    etag: str = '"0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"'

    def answer(self, headers: dict[str, str]) -> Answer:
        start, end = 0, self.size
        common = {"ETag": self.etag, "Last-Modified": "Thu, 01 Oct 2026 09:15:30 GMT"}
        if "range" not in headers:
            return Answer(200, common, self._pieces(start, end), self.size)
        first, last = headers["range"].removeprefix("bytes=").split("-")
        start, end = int(first), min(int(last) + 1, self.size)
        common["Content-Range"] = f"bytes {start}-{end - 1}/{self.size}"
        return Answer(206, common, self._pieces(start, end), end - start)

    def _pieces(self, start: int, end: int) -> Iterator[bytes]:
        yield self.head[start:end]
        start = max(start, len(self.head))
        zeros = bytes(65536)
        while start < end:
            piece = zeros[: end - start]
            start += len(piece)
            yield piece


class Listener(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = False

    def __init__(self, owner: S3Server) -> None:
        super().__init__((HOST, 0), Proxy)
        self.owner = owner
        self.open: set[socket.socket] = set()

    def stop(self) -> None:
        self.shutdown()
        for connection in list(self.open):
            with _tolerant():
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def setup(self) -> None:
        super().setup()
        self.number = self.server.owner.note_connection()
        self.server.open.add(self.connection)

    def handle(self) -> None:
        with _tolerant():
            super().handle()

    def finish(self) -> None:
        with _tolerant():
            super().finish()
        self.server.open.discard(self.connection)

    def do_GET(self) -> None:
        owner = self.server.owner
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.exchange = owner.note(self.command, self.path, headers, self.number)
        fault = owner.next_fault(self.exchange.number)
        if fault:
            fault(self)
        else:
            self.answer(self.ask())

    do_HEAD = do_GET  # noqa: N815 - the base class looks for this name

    def ask(self, without: tuple[str, ...] = ()) -> Answer:
        """The real server's answer to this request."""
        headers = {name: value for name, value in self.exchange.headers.items() if name not in without}
        announced = self.server.owner.announced(self.path)
        if announced:
            return announced.answer(headers)
        connection = http.client.HTTPConnection(*self.server.owner.backend)
        connection.request(self.command, f"/{self.server.owner.mark}{self.path[1:]}", headers=headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in _HOP}
        size = int(response.getheader("Content-Length", "0")) if self.command == "HEAD" else len(body)
        return Answer(response.status, kept, iter([body]), size)

    def answer(self, answer: Answer, keep: float = 1.0) -> None:
        """Send an answer, announcing all of its body and sending the given part of it."""
        self.exchange.status = answer.status
        head = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}"]
        head += [f"{name}: {value}" for name, value in answer.headers.items()]
        head += [f"Content-Length: {answer.size}", "", ""]
        self._send("\r\n".join(head).encode("latin-1"))
        left = 0 if self.command == "HEAD" else int(answer.size * keep)
        for piece in answer.body:
            self.exchange.body += len(piece[:left])
            self._send(piece[:left])
            left -= len(piece[:left])

    def reset(self) -> None:
        """Close so that the peer's stack says "connection reset"."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.connection.close()

    def _send(self, data: bytes) -> None:
        # Counted first: once the client has the bytes, its test may look at the count.
        self.exchange.sent += len(data)
        self.connection.sendall(data)

    def log_message(self, *_: object) -> None:
        """Say nothing: tests read `seen`."""


@contextmanager
def _tolerant() -> Iterator[None]:
    """Clients hang up as they like; that is what some tests are about."""
    try:
        yield
    except (OSError, ValueError):
        return
