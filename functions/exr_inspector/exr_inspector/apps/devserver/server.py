"""The runtime's HTTP side: events in by POST, 204 or 500 out, readiness and liveness."""

from __future__ import annotations

import asyncio
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
from exr_inspector.apps.devserver.events import event_of

_DEFAULTS = Options()
_NO_CONFIG = RunConfig()


def serve(
    folder: str | Path,
    port: int = 8080,
    config_file: str | Path | None = None,
    options: Options = _DEFAULTS,
) -> None:
    """Run the deployable folder until interrupted.

    Raises InspectorError(BAD_SETTING) for a folder or a configuration that is not valid, OSError where
    the port is taken, and what importing the handler or its `init` raises.
    """
    config = read_config(config_file) if config_file else _NO_CONFIG
    with _server(folder, port, config, options) as server:
        server.run_here()


@dataclass(frozen=True)
class Running:
    """A stand-in that is ready. `ctx` is a Context with what `init` put on it."""

    url: str
    ctx: Any


@contextmanager
def running(
    folder: str | Path, config: RunConfig = _NO_CONFIG, options: Options = _DEFAULTS, port: int = 0
) -> Iterator[Running]:
    """Run the deployable folder in a thread for a while, on any free port by default. Raises as `serve`."""
    with _server(folder, port, config, options) as server:
        thread = threading.Thread(target=server.run_here, args=(False,), name="stand-in")
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
def _server(folder: str | Path, port: int, config: RunConfig, options: Options) -> Iterator[_Server]:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((options.host, port), backlog=128))
        stack.enter_context(environment(config.envs))
        stack.enter_context(sdk_modules(options.sdk))
        module = stack.enter_context(deployed(folder, options.handler_file))
        yield _Server(Container(module, config, options), listener)


class _Server(uvicorn.Server):
    """`settled` once `init` returned or raised `failure`, which ends the server."""

    def __init__(self, container: Container, listener: socket.socket) -> None:
        app = _app(container, self._life)
        super().__init__(uvicorn.Config(app, ws="none", lifespan="on", log_config=None, access_log=False))
        self.container = container
        self.settled = threading.Event()
        self.failure: BaseException | None = None
        self.url = "http://{}:{}".format(*listener.getsockname()[:2])
        self._listener = listener

    def run_here(self, raising: bool = True) -> None:
        """Serve until told to stop; then raise what `init` raised, unless `failure` is looked at."""
        self.container.log.info("Stand-in for the DataEngine runtime on %s", self.url)
        try:
            self.run(sockets=[self._listener])
        finally:
            self.settled.set()
        if raising and self.failure is not None:
            raise self.failure

    @asynccontextmanager
    async def _life(self, _: Starlette) -> AsyncIterator[None]:
        """`init` runs beside serving, so that readiness can be asked meanwhile."""
        starting = asyncio.create_task(self.container.start())
        starting.add_done_callback(self._settle)
        yield
        await asyncio.wait([starting])
        self.container.close()

    def _settle(self, starting: asyncio.Task[None]) -> None:
        self.failure = starting.exception()
        self.should_exit = self.should_exit or self.failure is not None
        self.settled.set()


def _app(
    container: Container, lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]]
) -> Starlette:
    async def receive(request: Request) -> Response:
        if not container.ready:
            return PlainTextResponse("Not ready", 503)
        try:
            await container.deliver(event_of(request.headers, await request.body()))
        except Exception as error:  # as the runtime does: whatever is raised becomes the answer
            container.log.exception("Error in handler execution")
            return PlainTextResponse(str(error).encode("utf-8", "backslashreplace"), 500)
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
