"""A real S3 server on this machine, behind a proxy that counts what passes and spoils it on request.

    with S3Server() as s3:
        s3.bucket("shots")
        s3.put("shots", "a.exr", body)
        s3.faults.append(status(503))          # for the next request
        s3.plan = every(5, [reset, cut])       # from then on
        ... make_client(s3.settings()) ...
        assert s3.seen[0].range == "bytes=0-65535"

The faults are in faults.py. Objects are put past the proxy, so only the tested code's requests are counted.
"""

from __future__ import annotations

import itertools
import logging
import ssl
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from moto.server import ThreadedMotoServer

from exr_inspector.settings import Settings
from tests.sources.faults import Fault, Plan
from tests.sources.proxy import HOST, Announced, Exchange, Listener

if TYPE_CHECKING:
    from typing_extensions import Self

KEYS = {"s3_access_key": "test-access-key", "s3_secret_key": "test-secret-key"}
_SERIAL = itertools.count(1)


@dataclass
class S3Server:
    """Context manager; see the module."""

    faults: deque[Fault] = field(default_factory=deque)
    plan: Plan | None = None
    seen: list[Exchange] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        self._lock = threading.Lock()
        self._announced: dict[str, Announced] = {}
        # All servers of a process share their buckets, so each puts its own mark before the names.
        self.mark = f"server{next(_SERIAL)}-"
        self._buckets: list[str] = []
        self._scheme = "http"
        self._moto = ThreadedMotoServer(HOST, 0, verbose=False)
        self._moto.start()
        self.backend = self._moto.get_host_and_port()
        self._listener = Listener(self)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,))
        self._thread.start()
        self._direct = self._client()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.stop()
        self._thread.join()
        for bucket in self._buckets:
            self._empty(bucket)
        self._direct.close()
        self._moto.stop()
        if self._moto._server:
            self._moto._server.server_close()

    @property
    def url(self) -> str:
        return f"{self._scheme}://{HOST}:{self._listener.server_port}"

    def secure(self, certificate: Path) -> None:
        """Speak TLS from now on; `certificate` is a PEM file with its key."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        self._listener.socket = context.wrap_socket(self._listener.socket, server_side=True)
        self._scheme = "https"

    def settings(self, **changes: Any) -> Settings:
        """Settings of a client that goes through the proxy."""
        return Settings(**{"s3_endpoint": self.url, **KEYS, **changes})

    def bucket(self, name: str) -> None:
        self._direct.create_bucket(Bucket=self.mark + name)
        self._buckets.append(name)

    def put(self, bucket: str, key: str, body: bytes) -> str:
        """Store an object; its eTag, without quotes."""
        stored = self._direct.put_object(Bucket=self.mark + bucket, Key=key, Body=body)
        return str(stored["ETag"]).strip('"')

    def delete(self, bucket: str, key: str) -> None:
        self._direct.delete_object(Bucket=self.mark + bucket, Key=key)

    def announce(self, bucket: str, key: str, head: bytes, size: int) -> None:
        """Let the proxy itself serve an object of `size` bytes that begins with `head`."""
        self._announced[f"/{bucket}/{key}"] = Announced(head, size)

    def forget(self) -> None:
        """Begin counting anew."""
        with self._lock:
            self.seen.clear()
            self.connections = 0

    @property
    def sent(self) -> int:
        """Bytes on the wire to the client, since the start or `forget`."""
        return sum(exchange.sent for exchange in self.seen)

    def note(self, method: str, target: str, headers: dict[str, str], connection: int) -> Exchange:
        with self._lock:
            exchange = Exchange(len(self.seen) + 1, method, target, headers, connection)
            self.seen.append(exchange)
            return exchange

    def note_connection(self) -> int:
        with self._lock:
            self.connections += 1
            return self.connections

    def next_fault(self, number: int) -> Fault | None:
        with self._lock:
            if self.faults:
                return self.faults.popleft()
        return self.plan(number) if self.plan else None

    def announced(self, target: str) -> Announced | None:
        return self._announced.get(target)

    def _client(self) -> Any:
        return boto3.session.Session().client(
            "s3",
            endpoint_url="http://{}:{}".format(*self.backend),
            region_name="us-east-1",
            aws_access_key_id=KEYS["s3_access_key"],
            aws_secret_access_key=KEYS["s3_secret_key"],
            config=Config(s3={"addressing_style": "path"}),
        )

    def _empty(self, bucket: str) -> None:
        pages = self._direct.get_paginator("list_objects_v2").paginate(Bucket=self.mark + bucket)
        for key in [each["Key"] for page in pages for each in page.get("Contents", [])]:
            self.delete(bucket, key)
