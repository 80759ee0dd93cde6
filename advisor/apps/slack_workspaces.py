"""Many workspaces in one process: a bot for each that has installed the app, opened when it is first needed."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from advisor.apps.slack import Bot, client, opened
from advisor.apps.slack_events import is_id
from advisor.apps.slack_line import Refused
from advisor.chats import ChatStore
from advisor.config import Settings
from advisor.deliveries import Deliveries
from advisor.installations import Installations
from advisor.pipeline import Advisor

log = logging.getLogger(__name__)

WORKERS = 6  # of one workspace among many
_GONE = ("account_inactive", "token_revoked", "team_not_found")


class Workspaces:
    """Finds the bot that a request is for: that of the token in the settings, or of a workspace that has installed the app."""

    def __init__(self, settings: Settings, advisor: Advisor) -> None:
        self.settings, self.advisor = settings, advisor
        self.installations: Installations | None = None
        if settings.slack_client_id and isinstance(advisor.store, ChatStore):
            self.installations = Installations(advisor.store.engine, settings.slack_token_key.get_secret_value(), advisor.store.clock)
        self._bots: dict[str, Bot] = {}
        self._only: Bot | None = None
        self._lock = threading.Lock()
        self._opening: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def start(self) -> None:
        """Opens the bot of the settings' token, and those that owe an answer since the last start."""
        if self.settings.slack_bot_token.get_secret_value():
            self._only = opened(self.settings, self.advisor, client(self.settings))
            self._bots[self._only.team] = self._only
            self._only.start()
        store = self.advisor.store
        if self.installations is None or not isinstance(store, ChatStore):
            return
        for team in Deliveries(store.engine).teams():
            try:
                self.of(team)
            except Exception as error:
                log.warning("workspace %s cannot be opened now: %s", team, type(error).__name__)

    def bot(self, body: Mapping[str, Any]) -> Bot | None:
        """The bot that a request is for; None for a workspace that has not, or no longer, installed the app.

        Raises what keeps it from being opened now.
        """
        team = team_in(body)
        if self.installations is None:
            return self._only  # there is no other
        if is_farewell(body):
            # One that is delivered late must not end an installation that came after it.
            if float(body.get("event_time") or 0) >= int(self.installations.created(team)):
                self.forget(team)
            return None
        return self.of(team)

    def of(self, team: str) -> Bot | None:
        """The bot of a workspace."""
        if (bot := self._bots.get(team)) is not None:
            return bot
        token = self.installations.token(team) if self.installations is not None else None
        if token is None:
            log.info("a request is for a workspace that has not installed the app")
            return None
        with self._lock:
            opening = self._opening[team]
        with opening:
            if team not in self._bots:
                try:
                    bot = Bot(
                        self.advisor, client(self.settings, token), workers=WORKERS, patient=False, a_day=self.settings.slack_questions_day
                    )
                except Refused as error:
                    log.warning("Slack refuses the token of workspace %s (%s)", team, error)
                    if error.args[0] in _GONE:
                        self.forget(team)
                    return None
                bot.start()
                self._bots[team] = bot
            return self._bots[team]

    def forget(self, team: str) -> None:
        """Ends a workspace that has removed the app: its token is deleted, its bot closed."""
        if self.installations is None:
            return
        self.installations.remove(team)
        self._end(team)

    def _end(self, team: str) -> None:
        bot = self._bots.get(team)
        if bot is not None and bot is not self._only:
            del self._bots[team]
            threading.Thread(target=bot.close, args=(1.0,), name="slack-farewell", daemon=True).start()

    def installed(self, team: str, name: str, installer: str, token: str) -> None:
        """Keeps the token that a workspace has given; a bot with an earlier one is closed."""
        if self.installations is not None:
            self.installations.save(team, name, installer, token)
            self._end(team)

    def close(self) -> None:
        """Finishes what is being answered; the rest is taken up by the next start."""
        closing = [threading.Thread(target=bot.close) for bot in self._bots.values()]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()


def team_in(body: Mapping[str, Any]) -> str:
    """The workspace that a request is for: the one that was authorized, of several that share a channel."""
    granted, team, user = body.get("authorizations"), body.get("team"), body.get("user")
    first = granted[0] if isinstance(granted, list) and granted else None
    for found in (
        first.get("team_id") if isinstance(first, Mapping) else None,
        body.get("team_id"),
        team.get("id") if isinstance(team, Mapping) else None,
        user.get("team_id") if isinstance(user, Mapping) else None,
    ):
        if is_id(found):
            return found
    return ""


def is_farewell(body: Mapping[str, Any]) -> bool:
    """Whether a workspace says that it has removed the app, or taken back the bot's token."""
    event = body.get("event")
    if not isinstance(event, Mapping):
        return False
    tokens = event.get("tokens")
    revoked = event.get("type") == "tokens_revoked" and isinstance(tokens, Mapping) and bool(tokens.get("bot"))
    return event.get("type") == "app_uninstalled" or revoked
