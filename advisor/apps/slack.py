"""The advisor in Slack: what it listens to, and what each of these does. Bolt reads requests, the desk answers."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from slack_bolt import App, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from advisor.apps import slack_blocks as blocks
from advisor.apps.slack_clicks import Clicks
from advisor.apps.slack_desk import WORKERS, Desk, Job
from advisor.apps.slack_events import COMMAND, Said, actor, is_direct, is_id, is_stop, keys_of, owner, read_message, readable
from advisor.apps.slack_line import Line, Refused, Unreachable
from advisor.apps.slack_whisper import NO_PREVIEWS, responder, whisperer
from advisor.budget import Budget
from advisor.chats import ChatStore
from advisor.config import Settings
from advisor.deliveries import Deliveries, Owed, digest, digest_of
from advisor.errors import AdvisorError, LinkFault, SettingsError, StorageError
from advisor.links import Links
from advisor.pipeline import Advisor
from advisor.rules import ChannelRules
from advisor.types import Turn

log = logging.getLogger(__name__)
Body = Mapping[str, Any]

KEYS = "advisor.keys"  # what the HTTP guard knows a request by
EMPTY = f"Write a question behind it, such as: {COMMAND} Do I need an MBA to become a CMO?"
NEVER = "The advisor does not answer in this channel. Write to it directly, or use /cmo: nobody else sees that."
LINKED = "Linked: here and on the web page you have the same conversations from now on.{} `/cmo unlink` parts them."
UNLINKED = "Parted: what you ask here from now on is kept apart. What was kept so far is with your user of the web page."
NOT_LINKED = "You are not linked with a user of the web page. Make a code there and send: /cmo link CODE"
_LINKING = re.compile(r"\s*(?:unlink|link\s+(\S{1,40}))\s*", re.I)
SPENT = "This question was not answered: you have asked {} today, as many as one person may in a day. Ask again in {}."
NEVER_SHARED = "Answers are not shared in this channel: this workspace has set it so."
QUIET = "I will answer in this thread only when I am mentioned."


def client(settings: Settings, token: str = "") -> WebClient:
    """The Web API with a workspace's token, else that of the settings; raises `SettingsError` where there is none."""
    token = token or settings.slack_bot_token.get_secret_value()
    if not token:
        raise SettingsError("ADVISOR_SLACK_BOT_TOKEN is not set. Make an app with: advisor slack manifest, and copy its bot's token.")
    silent = logging.getLogger("advisor.slack.sdk")  # what goes wrong is said by who calls; bodies and tokens never are
    silent.setLevel(logging.CRITICAL)
    return WebClient(token=token, base_url=settings.slack_url, timeout=15, retry_handlers=[], logger=silent)


def opened(settings: Settings, advisor: Advisor, web: WebClient) -> Bot:
    """A bot that has shown its token to Slack."""
    try:
        return Bot(advisor, web, a_day=settings.slack_questions_day)
    except Refused as error:
        raise AdvisorError(f"Slack refuses the bot's token ({error}). Run: advisor slack check") from None
    except Unreachable:
        raise AdvisorError(f"Slack at {settings.slack_url} cannot be reached. Check the network, or ADVISOR_SLACK_URL.") from None


def spoken(seconds: float) -> str:
    """A while as people say it, rounded up."""
    minutes = math.ceil(seconds / 60)
    if minutes > 90:
        return f"{math.ceil(minutes / 60)} hours"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


class Bot:
    """Listens to one workspace and hands questions to the desk."""

    def __init__(
        self,
        advisor: Advisor,
        web: WebClient,
        *,
        gap: float = 1.0,
        every: float = 1.0,
        look: float = 10.0,
        workers: int = WORKERS,
        patient: bool = True,
        a_day: int = 0,
    ) -> None:
        if not isinstance(advisor.store, ChatStore):
            raise StorageError(
                "In Slack, conversations and deliveries must be kept, but the data folder cannot be written. Set ADVISOR_HOME."
            )
        self.store = advisor.store
        self.deliveries = Deliveries(self.store.engine, self.store.clock)
        self.line = Line(web, gap=gap)
        self.rules, self.links = ChannelRules(self.store.engine), Links(self.store.engine, self.store.clock)
        self.budget = Budget(self.store.engine, a_day, self.store.clock)
        me = self.line.call("auth.test", {}, again=patient)
        self.user, self.team = str(me["user_id"]), str(me["team_id"])
        self.desk = Desk(
            advisor, self.store, self.deliveries, self.line, self._is_held, self.named(""), every=every, look=look, workers=workers
        )
        self.clicks = Clicks(self)
        self._pool = ThreadPoolExecutor(8, "slack")
        self.app = self._bolt(AuthorizeResult.from_auth_test_response(bot_token=web.token, auth_test_response=me))  # type: ignore[arg-type]

    def start(self) -> None:
        """Begins to answer, first what was left behind."""
        self.desk.start()

    def close(self, wait: float = 10.0) -> None:
        """Finishes what is being answered, as far as `wait` seconds allow; the rest is taken up by the next start."""
        self.desk.close(wait)

    def named(self, *parts: str) -> str:
        """A name for something in this workspace that no other workspace has."""
        return ":".join(("slack", self.team, *parts))

    def owner(self, team: str, user: str) -> str:
        """Whose conversations somebody's are: their own, or those of the web user they are linked with."""
        return self.links.owner(owner(team, user))

    def _bolt(self, me: AuthorizeResult) -> App:
        quiet = logging.getLogger("advisor.slack.bolt")
        quiet.setLevel(logging.CRITICAL)  # its warnings hold whole requests
        app = App(
            client=self.line.client,
            logger=quiet,
            authorize=lambda: me,
            request_verification_enabled=False,  # slack_guard.py has done it, and better
            ssl_check_enabled=False,
            attaching_conversation_kwargs_enabled=False,
            listener_executor=self._pool,
        )

        # As middleware it runs before Slack is told that the delivery was taken, so none can get lost in between.
        @app.middleware  # type: ignore[untyped-decorator]
        def taken(body: dict[str, Any], context: dict[str, Any]) -> BoltResponse:
            try:
                said = self._route(body)(body, [*keys_of(body), *context.get(KEYS, ())])
            except (StorageError, Unreachable) as error:
                log.warning("a delivery could not be taken: %s", error)
                return BoltResponse(status=503, body="")  # Slack delivers it again
            except Exception as error:
                log.warning("a delivery is malformed: %s", type(error).__name__)  # its words may be in the error
                return BoltResponse(status=400, body="")
            return BoltResponse(status=200, body=said or "")

        return app

    def _route(self, body: Body) -> Callable[[Body, list[str]], dict[str, Any] | None]:
        event = body.get("event")
        if isinstance(event, Mapping):
            begun = {"app_home_opened": self.clicks.home_opened, "assistant_thread_started": self.clicks.thread_begun}
            return begun.get(str(event.get("type")), self._message)
        if "command" in body:
            return self._command
        kinds = {"message_action": self.clicks.shortcut, "view_submission": self.clicks.submitted, "block_actions": self.clicks.clicked}
        return kinds.get(str(body.get("type")), lambda body, keys: None)

    def _message(self, body: Body, keys: list[str]) -> None:
        said = read_message(body, self.user)
        if said is None:
            return
        message, thread = self.named(said.channel, said.ts), self.named(said.channel, said.thread)
        if not (said.direct or said.named or self._is_unasked(said) or self._is_followed(said, thread)):
            return
        if is_stop(said.text) and not said.begins and not said.direct:
            if self.deliveries.take([*keys, message]):
                self.deliveries.quieten(thread)
                given = {"channel": said.channel, "thread_ts": said.thread, "user": said.user, "text": QUIET, **NO_PREVIEWS}
                self.later(self.line.call, "chat.postEphemeral", given)
            return
        self.ask([*keys, message], message, said.team, said.user, said.channel, said.thread, said.text)

    def _is_unasked(self, said: Said) -> bool:
        """Whether a message that names nobody is answered all the same, where the rules want that."""
        meant = said.begins and not said.to_others and bool(said.text)
        return meant and self.rules.of(self.team, said.channel).answer == "always"

    def _is_followed(self, said: Said, name: str) -> bool:
        thread = None if said.begins else self.deliveries.thread(name)
        if thread is None or thread.quiet or self.rules.of(self.team, said.channel).answer == "never":
            return False
        if thread.asker != said.owner or said.to_others:
            self.deliveries.quieten(name)  # people talk to each other
            return False
        return True

    def _is_held(self, channel: str) -> bool:
        """Whether an answer is shown in a place only where it has citations."""
        return not is_direct(channel) and self.rules.of(self.team, channel).answer == "cited"

    def ask(self, keys: list[str], ident: str, team: str, user: str, channel: str, thread: str, question: str, **more: Any) -> bool:
        """Takes a question and answers it as the rules of the place want it: to all there, to the asker alone, or not at all."""
        if is_direct(channel):
            return self.take(keys, ident, team, user, channel, thread, question, **more)
        rule, whisper = self.rules.of(self.team, channel), whisperer(self.line, channel, thread, user)
        if rule.answer == "never" or rule.visibility == "private":
            # Owed to the asker: what a crash cuts off is completed in the talk with them.
            more |= {"thread_key": self.named(channel, thread), "respond": whisper}
            return self.take(keys, ident, team, user, user, "", question, line=NEVER if rule.answer == "never" else "", **more)
        if rule.answer == "cited":
            more |= {"held": True, "respond": whisper}
        return self.take(keys, ident, team, user, channel, thread, question, **more)

    def unshareable(self, channel: str, turn: Turn) -> str:
        """Why an answer may not be shown to all in a channel, as a line for who wants to; nothing where it may."""
        answer = self.rules.of(self.team, channel).answer
        if answer == "never":
            return NEVER_SHARED
        return blocks.UNCITED if answer == "cited" and not turn.answer.citations else ""

    def take(self, keys: list[str], ident: str, team: str, user: str, channel: str, thread: str, question: str, **more: Any) -> bool:
        """Takes a question, for once; it is owed from then on."""
        key = more.pop("thread_key", self.named(channel, thread))
        before = self.deliveries.thread(key)
        topic = before.topic if before else 0
        conversation = f"{key}:{topic}"
        asker, now = owner(team, user), self.store.clock()
        given = (self.owner(team, user), conversation, channel, thread, digest_of(question))
        owed = Owed(digest(ident), *given, created=now, asker=asker)
        if not self.deliveries.take(keys, owed, key):
            return False
        if not more.get("line") and (wait := self.budget.spend(owed.owner)):
            whisper = more.get("respond") or whisperer(self.line, channel, thread, user)
            more |= {"line": SPENT.format(self.budget.a_day, spoken(wait)), "respond": whisper, "held": False}
        self.desk.submit(Job(owed, question, team, user, **more))
        return True

    def _command(self, body: Body, keys: list[str]) -> dict[str, Any] | None:
        who, channel, question = actor(body), body.get("channel_id"), readable(str(body.get("text") or ""))
        if who is None or not is_id(channel) or body.get("command") != COMMAND:
            return None
        if not question:
            return {"response_type": "ephemeral", "text": EMPTY}
        if about := _LINKING.fullmatch(question):
            said = self._linked(owner(*who), about[1] or "") if self.deliveries.take(keys) else ""
            return {"response_type": "ephemeral", "text": said} if said else None
        respond = responder(body)
        key = self.named(channel, who[1], "command")
        if not self.take(keys, keys[0], *who, who[1], "", question, thread_key=key, respond=respond):
            return None
        asked = blocks.told(f"{blocks.PLACEHOLDER} Only you can see this.", question)
        return {"response_type": "ephemeral", "text": blocks.PLACEHOLDER, "blocks": asked}

    def _linked(self, member: str, code: str) -> str:
        """Links or parts somebody and a web user; gives a line for them."""
        if not code:
            return UNLINKED if self.links.unlink(member) else NOT_LINKED
        try:
            moved = self.links.redeem(code, member)
        except LinkFault as fault:
            return str(fault)
        return LINKED.format(f" {moved} of yours from here went along." if moved else "")

    def later(self, work: Callable[..., object], *given: Any) -> None:
        """Does what Slack need not wait for."""

        def run() -> None:
            try:
                work(*given)
            except (Refused, Unreachable, AdvisorError) as error:
                log.warning("a click or a message has had no effect: %s", error)
            except Exception:
                log.exception("a click or a message has had no effect")

        self._pool.submit(run)
