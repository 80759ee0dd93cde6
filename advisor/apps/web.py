"""The chat page and the HTTP interface: one process on this machine, Gradio in FastAPI on uvicorn."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import socket
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response

from advisor.apps import access
from advisor.apps.api import Api
from advisor.apps.completions import Completions
from advisor.apps.desk import WRITTEN_AT_ONCE, Desk
from advisor.apps.login import Login
from advisor.apps.metrics import Observed
from advisor.apps.mydocuments import MyDocuments
from advisor.apps.owners import Owners
from advisor.apps.page_api import PageApi
from advisor.apps.rates import Rates
from advisor.apps.reference import Reference
from advisor.apps.requestlog import Logged, switch_on
from advisor.apps.routes import Route, register, route_of
from advisor.apps.shield import Shield
from advisor.apps.slack_mount import beside
from advisor.apps.tracing import Traced, open_tracer
from advisor.apps.visit import Visited
from advisor.apps.warm import Warm
from advisor.config import Settings, silence_vendors
from advisor.errors import AdvisorError

SWITCH = 0.001  # seconds after which a thread that computes lets another go on: the one that takes requests waits behind each
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of mallopt(3)
_STATIC = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def serve(settings: Settings, host: str | None = None, port: int | None = None) -> None:
    """Serves the page until Ctrl-C; prints its address once it answers, while the advisor opens behind it.

    Raises `SettingsError` for an address other machines could reach, unless the settings say who may come in,
    and `AdvisorError` for a port that is taken.
    """
    silence_vendors()
    share_arenas()
    sys.setswitchinterval(SWITCH)
    switch_on(settings)
    host = settings.host if host is None else host
    access.check(settings, host)
    listening = listen(host, settings.port if port is None else port)
    warm, desk = Warm(settings), Desk(WRITTEN_AT_ONCE) if settings.model else Desk()
    warm.tracer = open_tracer()
    try:
        asyncio.run(_serve(application(warm, desk), warm, desk, listening))
    except KeyboardInterrupt:
        pass
    finally:
        warm.close()
        listening.close()
        if warm.tracer:
            warm.tracer.close()
    print("Stopped.", flush=True)


def share_arenas() -> None:
    """Lets threads share the C library's memory pools, and gives large pieces back at once.

    With a pool for each thread, and pieces of many megabytes kept in them, many questions at once held over a hundred more.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_MMAP_THRESHOLD, 262_144)
    except (OSError, AttributeError, TypeError):  # another C library, which has no such pools
        pass


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on an address of this machine; port 0 takes a free one."""
    address = access.LOOPBACK.get(host, host)
    try:
        opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, port))
        opened.listen(128)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise AdvisorError(f"{host} is no address of this machine. Set ADVISOR_HOST to one that is, or to 0.0.0.0 for all.") from None
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on ({error.strerror})"
        raise AdvisorError(f"Port {port} of {address} {why}. Choose another: advisor web --port 7861, or 0 for a free one.") from None
    return opened


def interface(warm: Warm, desk: Desk | None = None, owners: Owners | None = None) -> tuple[FastAPI, list[Route]]:
    """The HTTP interface without the page and the shield, and the routes it has."""
    desk, owners, rates = desk or Desk(), owners or Owners(warm.settings), Rates(warm.settings)
    warm.metrics.running = lambda: desk.here
    app = FastAPI(title="CMO Advisor", version=version("cmo-advisor"), docs_url=None, redoc_url=None, openapi_url=None)
    api = Api(warm, desk, owners)
    routes = [
        *api.routes(),
        *PageApi(api).routes(),
        *Completions(api).routes(),
        *MyDocuments(api, rates).routes(),
        *Login(owners, rates).routes(),
        *Reference(app).routes(),
    ]
    register(app, routes)
    app.add_middleware(access.Gate, owners=owners, rates=rates, routes=routes)
    return app, routes


def shielded(app: Any, routes: list[Route], warm: Warm, head: bytes = b"") -> Any:
    """An application behind the shield, its requests counted and, where that is wanted, traced."""
    pattern = lambda path: route_of(routes, path)  # noqa: E731
    observed: Any = Observed(Shield(app, head, routes, access.hosts(warm.settings)), warm.metrics, pattern)
    return Logged(Traced(observed, warm.tracer, pattern) if warm.tracer else observed, pattern)


def application(warm: Warm, desk: Desk) -> Any:
    """The ASGI application: the HTTP interface, the page's own files, and the Gradio page, behind the shield."""
    import gradio as gr

    from advisor.apps.page import build_page

    owners = Owners(warm.settings)
    app, routes = interface(warm, desk, owners)
    files = {path.name: path.read_bytes() for path in sorted(_STATIC.iterdir()) if path.suffix in _TYPES}

    @app.get("/page/{name}", include_in_schema=False)
    async def page_file(name: str) -> Response:
        if name not in files:
            return Response(status_code=404)
        return Response(files[name], media_type=_TYPES[Path(name).suffix], headers={"cache-control": "no-cache"})

    gr.mount_gradio_app(
        app,
        build_page(warm),
        path="/",
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        max_file_size=1,
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
    )
    scripts = "".join(f'<link rel="modulepreload" href="/page/{name}">' for name in files if name.endswith(".js"))
    head = (
        f'<meta name="description" content="Cited career guidance for physicians.">'
        f'<link rel="icon" type="image/svg+xml" href="/page/icon.svg"><link rel="stylesheet" href="/page/page.css">{scripts}'
    )
    return beside(shielded(Visited(app, owners), routes, warm, head.encode()), warm)


async def _serve(app: Any, warm: Warm, desk: Desk, listening: socket.socket) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=1,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not running.done():
        await asyncio.sleep(0.02)
    if server.started:
        host, port = listening.getsockname()[:2]
        print(f"http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
        warm.start()
    try:
        while not (server.should_exit or running.done()):
            await asyncio.sleep(0.1)
        desk.close()  # before uvicorn's patience with open streams is over
        await running
    finally:  # uvicorn raises Ctrl-C once more when it has ended, which cancels this
        for _ in range(60):  # threads see in a moment that nobody waits any more, and keep their turns as stopped
            if desk.here:
                await asyncio.sleep(0.05)
