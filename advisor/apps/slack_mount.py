"""Slack beside the web page: one server and one advisor for both, each behind its own guard.

Slack's paths do not pass the page's check of hosts, because a proxy sends them under its public name: what comes there
is believed for its signature or its signed state alone, and nothing else of the page can be reached through them.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from advisor.apps.shield import App, Message, Receive, Scope, Send
from advisor.apps.warm import Warm
from advisor.config import Settings
from advisor.errors import AdvisorError, IndexUnavailable, MissingExtra, SettingsError

if TYPE_CHECKING:
    from advisor.apps.slack import Bot
    from advisor.apps.slack_workspaces import Workspaces

log = logging.getLogger(__name__)

PATH = "/slack/events"
# What an app that many workspaces install needs beside its id, as `advisor slack check` calls it.
NEEDED = {"slack_client_secret": "app's secret", "slack_token_key": "key for tokens", "slack_signing_secret": "signing secret"}
AGAIN, LONGEST = 5.0, 300.0  # seconds until Slack is tried again: at first, and at most


def wanted(settings: Settings) -> bool:
    """Whether the settings ask for Slack beside the page: the secret that requests are signed with, and a token or an app's id.

    Raises `SettingsError` for an app's id without all that an installation needs.
    """
    many = bool(settings.slack_client_id)
    for name in NEEDED if many else ():
        if not getattr(settings, name).get_secret_value():
            key = " Make a key with: advisor slack key" if name == "slack_token_key" else " Copy it from the app's Basic Information."
            raise SettingsError(f"ADVISOR_{name.upper()} is not set, and ADVISOR_SLACK_CLIENT_ID needs it.{key}")
    return bool(settings.slack_signing_secret.get_secret_value() and (many or settings.slack_bot_token.get_secret_value()))


def beside(app: App, warm: Warm) -> App:
    """The application with Slack's paths beside it where the settings ask for them, else as it is."""
    if not wanted(warm.settings):
        return app
    if find_spec("slack_bolt") is None:
        raise MissingExtra("ADVISOR_SLACK_SIGNING_SECRET asks for Slack, which needs more. Run: pip install 'cmo-advisor[slack]'")
    return Mount(app, warm)


class Mount:
    """Takes Slack's requests and hands on all others; bots open when the advisor has, and close with the server."""

    def __init__(self, app: App, warm: Warm) -> None:
        from advisor.apps.slack_guard import Guard
        from advisor.apps.slack_oauth import Install
        from advisor.apps.slack_setup import INSTALL, REDIRECT

        self.app, self.warm = app, warm
        guard = Guard(self.bot, warm.settings.slack_signing_secret.get_secret_value())
        self._paths: dict[str, Any] = {PATH: guard}
        if warm.settings.slack_client_id:
            self._paths |= dict.fromkeys((INSTALL, REDIRECT), Install(warm.settings, self.workspaces))
        self._closed = threading.Event()
        self._workspaces: Workspaces | None = None
        self._thread: threading.Thread | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, self._attended(receive), send)
        mine = self._paths.get(scope["path"]) if scope["type"] == "http" else None
        await (mine or self.app)(scope, receive, send)

    def workspaces(self) -> Workspaces:
        """The bots; raises `IndexUnavailable` while there are none, which makes Slack come again."""
        if self._workspaces is None:
            raise IndexUnavailable("The advisor is being opened.")
        return self._workspaces

    def bot(self, body: dict[str, Any]) -> Bot | None:
        """The bot that a request is for, if it is for one."""
        return self.workspaces().bot(body)

    def start(self) -> None:
        """Opens the bots in a thread, once the advisor is open."""
        self._thread = threading.Thread(target=self._open, name="slack-opening", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finishes what is being answered; the rest is taken up by the next start."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(5)
        if self._workspaces is not None:
            self._workspaces.close()

    def _attended(self, receive: Receive) -> Receive:
        async def attended() -> Message:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.start()
            elif message["type"] == "lifespan.shutdown":
                await asyncio.to_thread(self.close)
            return message

        return attended

    def _open(self) -> None:
        from advisor.apps.slack_workspaces import Workspaces

        pause = AGAIN
        while not self.warm.ready:
            if self._closed.wait(0.1):
                return
        while not self._closed.is_set():
            try:
                workspaces = Workspaces(self.warm.settings, self.warm.advisor())
                workspaces.start()
            except AdvisorError as error:
                log.error("advisor: %s It is tried again in %.0f seconds.", error, pause)
                self._closed.wait(pause)
                pause = min(pause * 2, LONGEST)
                continue
            self._workspaces = workspaces
            print(f"Slack's events are taken at {PATH}.", flush=True)
            return
