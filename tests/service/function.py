"""The deployed function as a test drives it, and the events it is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

import main
from exr_inspector.apps.devserver.context import Context
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.pipeline import Runtime
from tests.document.documents import VALIDATOR
from tests.sources.server import KEYS, S3Server

BUCKET = "shots"

_S3_NAMES = {"s3_access_key": "S3_ACCESS_KEY", "s3_secret_key": "S3_SECRET_KEY"}

Document = dict[str, Any]


class Function:
    """`main` with a stand-in's ctx and its own environment. It starts with `init` or the first event."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(main, "_made", {})
        self.ctx = Context("function-00000000-0000-4000-8000-000000000001", {}, keep=100_000)
        self.monkeypatch = monkeypatch

    def set(self, **environment: object) -> None:
        for name, value in environment.items():
            self.monkeypatch.setenv(name, str(value))

    def read_from(self, s3: S3Server) -> None:
        """Read objects from this server, asking again at once where it fails."""
        self.monkeypatch.setattr("exr_inspector.sources.s3.PAUSES", (0.0, 0.0))
        self.set(S3_ENDPOINT=s3.url, **{_S3_NAMES[name]: value for name, value in KEYS.items()})

    def restart(self) -> None:
        """A new instance: what the old one held is given back."""
        self.close()
        main._made.clear()

    def close(self) -> None:
        runtime = main._made.get("runtime")
        if runtime is not None and runtime.store is not None:
            runtime.store.close()

    def init(self) -> None:
        main.init(self.ctx)

    def handle(self, event: Any) -> Document:
        answer = self.call(event)
        check(answer)
        return answer

    def call(self, event: Any) -> Document:
        """`handle` without a look at the answer, which costs more than the answer."""
        return main.handler(self.ctx, event)

    def handle_batch(self, events: list[Any]) -> list[Document]:
        answers = main.batch_handler(self.ctx, events)
        for answer in answers:
            check(answer)
        return answers

    @property
    def runtime(self) -> Runtime:
        return main._made["runtime"]

    def rows(self, table: str = "files", order: str = "file_path") -> list[dict[str, Any]]:
        """What is stored; nothing where the function has not started."""
        if "runtime" not in main._made:
            return []
        store = self.runtime.store
        assert isinstance(store, DuckDBStore)
        rows: list[dict[str, Any]] = store.query(f"SELECT * FROM {table} ORDER BY {order}").to_pylist()
        return rows

    @property
    def log(self) -> list[str]:
        return [message for _, message in self.ctx.recorded.logs]


def check(answer: Document) -> None:
    """A document, or each of several, is JSON by RFC 8259 and of its schema."""
    json.dumps(answer, allow_nan=False)
    for document in answer.get("documents", [answer]):
        VALIDATOR.validate(document)


def plain(path: object, **payload: Any) -> dict[str, Any]:
    return {"data": {"path": str(path), **payload}}


def created(key: str, **stored: Any) -> dict[str, Any]:
    """An object was created: the event as a trigger sends it. `stored`: size, eTag, sequencer."""
    return _element("ElementCreated", [_record("ObjectCreated:Put", key, stored)])


def removed(key: str, **stored: Any) -> dict[str, Any]:
    return _element("ElementDeleted", [_record("ObjectRemoved:Delete", key, stored)])


def created_all(*keys: str) -> dict[str, Any]:
    """One event with a record for each key."""
    name = "ObjectCreated:Put"
    return _element("ElementCreated", [_record(name, key, {}) for key in keys])


def location(key: str) -> str:
    return f"s3://{BUCKET}/{key}"


def codes(document: Mapping[str, Any]) -> list[str]:
    return [error["code"] for error in document["errors"]]


def _record(name: str, key: str, stored: dict[str, Any]) -> dict[str, Any]:
    bucket = {"name": BUCKET}
    return {"eventName": name, "s3": {"bucket": bucket, "object": {"key": key, **stored}}}


def _element(subtype: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "3007123456789012",
        "type": f"vastdata.com:Element.{subtype}",
        "source": "vastdata.com:exr-landing.6f1d2c3b-1111-4222-8333-444455556666",
        "subject": "render-broker.main",
        "data": {"Records": records},
    }
