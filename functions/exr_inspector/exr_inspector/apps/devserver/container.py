"""One container of the function: `init` once, then `handler` for up to 20 events at once."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from exr_inspector.apps.devserver.config import RunConfig
from exr_inspector.apps.devserver.context import Context, make_logger
from exr_inspector.apps.devserver.deployable import is_batching
from exr_inspector.apps.devserver.events import VastEvent, VastEventList
from exr_inspector.apps.devserver.invoke import binary_message, post

Handler = Callable[..., Any]


@dataclass(frozen=True)
class Options:
    """How the development server runs the function."""

    host: str = "127.0.0.1"
    handler_file: str = "main.py"
    batch: bool = False
    """Call `batch_handler` if the module has one, else `handler`, with lists of events."""
    batch_size: int = 20
    """Maximum number of events in a batch."""
    batch_seconds: float = 0.1
    """Maximum wait for a batch to fill, in seconds."""
    threads: int = 20
    """Maximum number of concurrent events, if the handler is not async."""
    max_body_bytes: int = 2**20
    """Maximum size of a request body. Kafka brokers reject messages of more than 1 MiB by default."""
    sdk: tuple[str, ...] = ()
    """Names of the runtime's module that the function may import; see deployable.SDK_MODULES."""
    keep: int = 0
    """How many log lines, spans and measurements `ctx.recorded` keeps of each."""
    log_level: str = "INFO"
    function_name: str = "function-00000000-0000-4000-8000-000000000001"


class Container:
    """Ready after `start`. All events share one `ctx`."""

    def __init__(self, module: ModuleType, config: RunConfig, options: Options) -> None:
        self.ctx = Context(
            options.function_name, config.secrets, keep=options.keep, log_level=options.log_level
        )
        self.log = make_logger("vast-runtime", options.log_level, self.ctx.recorded)
        self.ready = False
        self._init: Handler = module.init
        self._handler: Handler = module.handler
        if options.batch:
            self._handler = getattr(module, "batch_handler", module.handler)
        self._pool = ThreadPoolExecutor(options.threads, "handler")
        is_batch = options.batch or is_batching(self._handler)
        self._batches = _Batches(self._handle, options) if is_batch else None

    async def start(self) -> None:
        """Run the function's `init`, and raise its exception."""
        await self._call(self._init, self.ctx)
        self.ready = True

    def close(self) -> None:
        """Wait for the running handlers."""
        self._pool.shutdown()

    async def deliver(self, event: VastEvent) -> Any:
        """Pass an event to the function, and its result to the sink. Return the result."""
        started = time.monotonic()
        attributes = event.get_attributes()
        self.log.info(
            "START EventId: %s, EventType: %s, EventSource: %s",
            event.id,
            attributes["type"],
            attributes["source"],
        )
        try:
            self.log.info("Event batching mode: %s", self._batches is not None)
            result = await (self._batches.put(event) if self._batches else self._handle(event))
            self.log.info("Function returned: %.200r", result)
            await self._forward(event, result)
        finally:
            self.log.info("END EventId: %s Duration: %.3fs", event.id, time.monotonic() - started)
        return result

    async def _handle(self, event: VastEvent | VastEventList) -> Any:
        return await self._call(self._handler, self.ctx, event)

    async def _call(self, function: Handler, *arguments: Any) -> Any:
        if inspect.iscoroutinefunction(function):
            return await function(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    async def _forward(self, event: VastEvent, result: Any) -> None:
        """Send the result to the sink, if K_SINK names one. A sink that does not reply is only logged."""
        sink = os.environ.get("K_SINK")
        if not sink:
            self.log.info("No sink URL configured")
            return
        headers, body = binary_message(output_event(event, result, self.ctx.function_name))
        try:
            reply = await asyncio.to_thread(post, sink, headers, body)
        except OSError as error:
            self.log.error("CloudEvent not sent to sink: %s", error)  # noqa: TRY400 - the cause is logged
            return
        self.log.info("CloudEvent sent to sink: %s", reply.status)


class _Batches:
    """Collects events until a batch is full or its time is over."""

    def __init__(self, handle: Callable[[VastEventList], Any], options: Options) -> None:
        self._handle, self._options = handle, options
        self._open: _Batch | None = None

    async def put(self, event: VastEvent) -> Any:
        """Add an event to the open batch, and return its element of the handler's list."""
        batch = self._open = self._open or _Batch()
        if not batch.events:
            batch.results = asyncio.ensure_future(self._run(batch))
        batch.events.append(event)
        index = len(batch.events) - 1
        if len(batch.events) == self._options.batch_size:
            self._open = None
            batch.full.set()
        assert batch.results is not None
        # A caller that disconnects must not cancel the batch of the others.
        return (await asyncio.shield(batch.results))[index]

    async def _run(self, batch: _Batch) -> list[Any]:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(batch.full.wait(), self._options.batch_seconds)
        if self._open is batch:
            self._open = None
        results = await self._handle(batch.events)
        if not isinstance(results, list) or len(results) != len(batch.events):
            raise ValueError(f"a batch handler must return a list of {len(batch.events)}, one for each event")
        return results


@dataclass
class _Batch:
    events: VastEventList = field(default_factory=VastEventList)
    full: asyncio.Event = field(default_factory=asyncio.Event)
    results: asyncio.Future[list[Any]] | None = None


def output_event(event: VastEvent, result: Any, function_name: str) -> dict[str, Any]:
    """Return the event for a sink: id, broker and topic of the input, and the function as its source."""
    overrides = json.loads(os.environ.get("K_CE_OVERRIDES") or "{}").get("extensions", {})
    key = {"partitionkey": event.partition_key} if event.partition_key else {}
    return {
        "specversion": "1.0",
        "id": event.id,
        "type": "vastdata.com:Function",
        "source": f"vastdata.com:{function_name}",
        "subject": f"{event.broker}.{event.topic}",
        "datacontenttype": "application/json",
        "traceparent": f"00-{event.get_trace_id()}-{event.get_trace_id()[-16:]}-01",
        **key,
        **overrides,
        "data": result.get_data() if isinstance(result, VastEvent) else result,
    }
