"""Runs the advisor in Slack: over Socket Mode, which needs no public address, or for HTTP events behind a proxy."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError

from advisor.apps.slack import Bot, client, opened
from advisor.apps.slack_guard import Guard
from advisor.apps.slack_mount import PATH
from advisor.apps.web import listen
from advisor.config import Settings
from advisor.errors import AdvisorError, SettingsError
from advisor.pipeline import Advisor


def serve(settings: Settings, advisor: Callable[[], Advisor], *, http: bool = False) -> None:
    """Answers until Ctrl-C or SIGTERM, then finishes what is being answered; `advisor` is opened when all that is needed is set.

    Raises `SettingsError` for a token or secret that is missing, `AdvisorError` where Slack refuses them.
    """
    wanted = settings.slack_signing_secret if http else settings.slack_app_token
    if not wanted.get_secret_value():
        name = "ADVISOR_SLACK_SIGNING_SECRET" if http else "ADVISOR_SLACK_APP_TOKEN"
        raise SettingsError(f"{name} is not set. Copy it from the app's Basic Information in Slack; docs/slack.md shows where.")
    web = client(settings)
    bot = opened(settings, advisor(), web)
    try:
        if http:
            _serve_http(settings, bot)
        else:
            _serve_socket(settings, bot)
    finally:
        bot.close()
    print("Stopped.", flush=True)


def connect(settings: Settings, bot: Bot) -> SocketModeHandler:
    """Begins to listen over Socket Mode; close what is given in the end."""
    quiet = logging.getLogger("advisor.slack.socket")
    quiet.setLevel(logging.CRITICAL)  # it would log messages
    handler = SocketModeHandler(bot.app, settings.slack_app_token.get_secret_value(), logger=quiet, concurrency=20)
    try:
        handler.connect()
    except SlackApiError as error:
        handler.close()
        raise AdvisorError(f"Slack refuses the app's token ({error.response.get('error')}). Run: advisor slack check") from None
    return handler


def _serve_socket(settings: Settings, bot: Bot) -> None:
    handler = connect(settings, bot)
    bot.start()
    print("Listening to Slack over Socket Mode. Ctrl-C stops.", flush=True)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with suppress(KeyboardInterrupt):
        stop.wait()
    handler.close()


def _serve_http(settings: Settings, bot: Bot) -> None:
    import uvicorn

    listening = listen(settings.host, settings.port)
    guard = Guard(lambda body: bot, settings.slack_signing_secret.get_secret_value())
    config = uvicorn.Config(guard, log_level="warning", access_log=False, server_header=False, ws="none", lifespan="off")
    host, port = listening.getsockname()[:2]
    bot.start()
    print(f"http://{host}:{port}{PATH} takes Slack's events; let a proxy with TLS pass them on. Ctrl-C stops.", flush=True)
    with suppress(KeyboardInterrupt):
        asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
    listening.close()
