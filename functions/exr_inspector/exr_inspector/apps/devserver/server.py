"""The HTTP side of the runtime: events by POST with 204 or 500 as the reply, readiness and liveness."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exr_inspector.apps.devserver.config import RunConfig, environment, read_config
from exr_inspector.apps.devserver.container import Container, Options
from exr_inspector.apps.devserver.deployable import deployed, sdk_modules
from exr_inspector.apps.devserver.events import VastEvent, parse_request
from exr_inspector.apps.devserver.invoke import WANTS_ANSWER

MAX_REFUSAL = 300
"""Maximum length of the message about a malformed event: the CloudEvents SDK quotes the whole body in it."""

_DEFAULTS = Options()
_NO_CONFIG = RunConfig()


def serve(
    folder: str | Path,
    port: int = 8080,
    config_file: str | Path | None = None,
    options: Options = _DEFAULTS,
) -> None:
    """Run the function's folder until interrupted.

    Raises InspectorError(BAD_SETTING) if the folder or the configuration is invalid, OSError if the port is
    in use, and the exceptions of the handler's import and of its `init`.
    """
    config = read_config(config_file) if config_file else _NO_CONFIG
    with _make_server(folder, port, config, options) as server:
        server.run_here()
        if server.failure is not None:
            raise server.failure


@dataclass(frozen=True)
class Running:
    """A development server that is ready. `ctx` is a Context with the attributes that `init` set."""

    url: str
    ctx: Any


@contextmanager
def running(
    folder: str | Path, config: RunConfig = _NO_CONFIG, options: Options = _DEFAULTS, port: int = 0
) -> Iterator[Running]:
    """Run the function's folder in a thread inside the block. Port 0 selects a free one.

    Raises the same exceptions as `serve`.
    """
    with _make_server(folder, port, config, options) as server:
        thread = threading.Thread(target=server.run_here, name="development-server")
        thread.start()
        try:
            server.settled.wait()
            if server.failure is None:
                yield Running(server.url, server.container.ctx)
        finally:
            server.should_exit = True
            thread.join()
        if server.failure is not None:
            raise server.failure


@contextmanager
def _make_server(folder: str | Path, port: int, config: RunConfig, options: Options) -> Iterator[_Server]:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((options.host, port), backlog=128))
        stack.enter_context(environment(config.envs))
        stack.enter_context(sdk_modules(options.sdk))
        module = stack.enter_context(deployed(folder, options.handler_file))
        yield _Server(Container(module, config, options), listener, options.max_body_bytes)


class _Server(uvicorn.Server):
    """`settled` is set after `init` returned, or raised `failure` and so stopped the server."""

    def __init__(self, container: Container, listener: socket.socket, max_body_bytes: int) -> None:
        app = _make_app(container, self._lifespan, max_body_bytes)
        super().__init__(uvicorn.Config(app, ws="none", lifespan="on", log_config=None, access_log=False))
        self.container = container
        self.settled = threading.Event()
        self.failure: BaseException | None = None
        self.url = "http://{}:{}".format(*listener.getsockname()[:2])
        self._listener = listener

    def run_here(self) -> None:
        """Serve until `should_exit` or a signal."""
        self.container.log.info("Development server for the DataEngine runtime on %s", self.url)
        try:
            self.run(sockets=[self._listener])
        finally:
            self.settled.set()

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Run `init` while the server already answers readiness probes."""
        starting = asyncio.create_task(self.container.start())
        starting.add_done_callback(self._settle)
        yield
        await asyncio.wait([starting])
        self.container.close()

    def _settle(self, starting: asyncio.Task[None]) -> None:
        self.failure = starting.exception()
        self.should_exit = self.should_exit or self.failure is not None
        self.settled.set()


def _make_app(
    container: Container,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
    max_body_bytes: int,
) -> Starlette:
    async def receive(request: Request) -> Response:
        if not container.ready:
            return PlainTextResponse("Not ready", 503)
        body = await _read_body(request, max_body_bytes)
        if body is None:
            container.log.warning("Refused a body of more than %d bytes", max_body_bytes)
            return PlainTextResponse(f"the body has more than {max_body_bytes} bytes", 413)
        try:
            event = parse_request(request.headers, body)
        except Exception as error:  # noqa: BLE001 - the SDK raises errors of many classes
            message = str(error)[:MAX_REFUSAL]
            container.log.warning("Refused an event of %d bytes: %s", len(body), message)
            return PlainTextResponse(message.encode("utf-8", "backslashreplace"), 500)
        try:
            answer = await container.deliver(event)
        except Exception as error:  # like the runtime: every exception of the function becomes the reply
            container.log.exception("Error in handler execution")
            return PlainTextResponse(str(error).encode("utf-8", "backslashreplace"), 500)
        if all(request.headers.get(name) == value for name, value in WANTS_ANSWER.items()):
            return _answer_response(answer)
        return Response(status_code=204)

    async def readiness(_: Request) -> Response:
        return PlainTextResponse("Ready") if container.ready else PlainTextResponse("Not ready", 503)

    async def alive(_: Request) -> Response:
        return Response()

    routes = [
        Route("/", receive, methods=["POST"]),
        Route("/readiness", readiness),
        Route("/liveness", alive),
        Route("/{path:path}", alive, methods=["OPTIONS"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _read_body(request: Request, limit: int) -> bytes | None:
    """Return the body, or None if it has more than `limit` bytes. Read it all: clients then see the reply."""
    body = b""
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        body = body + chunk if size <= limit else b""
    return body if size <= limit else None


def _answer_response(answer: Any) -> Response:
    """Return the function's answer as JSON, which the real runtime never sends to the caller."""
    value = answer.get_data() if isinstance(answer, VastEvent) else answer
    headers = {"preference-applied": WANTS_ANSWER["prefer"]}
    return Response(json.dumps(value, default=repr), 200, headers, "application/json")
