"""What buttons, shortcuts and modals of the advisor do in Slack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from advisor.apps import slack_blocks as blocks
from advisor.apps.slack_events import COMMAND, STARTERS, actor, is_id, is_ts, owner, readable
from advisor.apps.slack_export import export
from advisor.apps.slack_home import SHOWN, home, saved_modal
from advisor.apps.slack_line import Refused
from advisor.apps.slack_reply import Ability
from advisor.apps.slack_whisper import NO_PREVIEWS, responder
from advisor.chats import Entry
from advisor.errors import UnknownConversation
from advisor.saved import SavedAnswers

if TYPE_CHECKING:
    from advisor.apps.slack import Bot

Body = Mapping[str, Any]
Who = tuple[str, str]  # workspace and user

GONE = "The sources of this answer are not there any more: the conversation was deleted, or belongs to somebody else."
NO_TALK = "This conversation is not there any more: it was deleted."
NOT_YOURS = "Only who asked can do that. Ask yourself, and it is yours to {}."
SAVED = "Saved. You find it, with its sources, under Home of this app."
REMOVED = "Removed. The conversation it is from is still there."
_WITH_PLACE = ("sources", "share", "new_topic", "thumb", "save", "saved_open", "saved_remove", "export")


class Clicks:
    """Takes each click once, and acts on it after Slack was told so."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.store, self.deliveries, self.line = bot.store, bot.deliveries, bot.line
        self.prompts = Ability()
        self.saved = SavedAnswers(bot.store.engine, bot.store.clock)

    def shortcut(self, body: Body, keys: list[str]) -> None:
        message = body.get("message")
        if body.get("callback_id") != "ask_about" or not isinstance(message, Mapping) or not self.deliveries.take(keys):
            return
        text = readable(str(message.get("text") or ""))
        view = blocks.modal("Ask the advisor", [blocks.field("Your question", blocks.plain(text))], "Ask", "ask_about")
        self.bot.later(self._show, body, view)

    def submitted(self, body: Body, keys: list[str]) -> None:
        who, view = actor(body), body.get("view")
        if who is None or not isinstance(view, Mapping):
            return
        text = (((view.get("state") or {}).get("values") or {}).get("text") or {}).get("text") or {}
        words, key = str(text.get("value") or ""), f"view:{view.get('id')}"
        if view.get("callback_id") == "ask_about" and words.strip():
            # A talk of its own with who asks; every such question begins a conversation.
            self.bot.take([*keys, key], key, *who, who[1], "", words, thread_key=self.bot.named(who[1], str(view.get("id"))), shown=True)
        elif view.get("callback_id") == "reason" and self.deliveries.take([*keys, key]):
            place = json.loads(str(view.get("private_metadata")))
            self.store.feedback(place["turn"], -1, words, self.bot.owner(*who))

    def clicked(self, body: Body, keys: list[str]) -> None:
        actions, who = body.get("actions"), actor(body)
        if who is None or not isinstance(actions, list) or not actions or not isinstance(actions[0], Mapping):
            return
        action = str(actions[0].get("action_id"))
        value = str(actions[0].get("value") or "")
        if action == "delete_all":
            if self.deliveries.take(keys):
                self.bot.later(self._delete_all, who)
        elif action.startswith("ask_"):
            self._suggested(body, keys, who, action, value)
        elif action in _WITH_PLACE:
            sign, value = (value[:1], value[1:]) if action == "thumb" else ("", value)
            place = json.loads(value)
            once = [f"share:{place['turn']}"] if action == "share" else []
            if self.deliveries.take([*keys, *once]):
                self.bot.later(getattr(self, f"_{action}"), body, who, place, sign)

    def _suggested(self, body: Body, keys: list[str], who: Who, action: str, question: str) -> None:
        container = body.get("container") or {}
        channel, ts = container.get("channel_id"), container.get("message_ts")
        thread = container.get("thread_ts") or (body.get("message") or {}).get("thread_ts") or ts
        if not (is_id(channel) and is_ts(ts) and is_ts(thread)):
            return
        once = self.bot.named(channel, ts, action)
        if container.get("is_ephemeral"):
            key = self.bot.named(channel, who[1], "command")
            self.bot.take([*keys, once], once, *who, who[1], "", question, thread_key=key, respond=responder(body), shown=True)
        else:
            self.bot.ask([*keys, once], once, *who, channel, thread, question, shown=True)

    def _sources(self, body: Body, who: Who, place: Mapping[str, str], _: str) -> None:
        entry = self._entry(who[0], place)
        view = blocks.sources_modal(entry.turn) if entry and entry.turn else blocks.modal("Sources", [blocks.section(GONE)])
        self._show(body, view)

    def _share(self, body: Body, who: Who, place: Mapping[str, str], _: str) -> None:
        entry = self._entry(who[0], place)
        if entry is None or entry.turn is None or place["user"] != who[1]:
            return
        container = body.get("container") or {}
        if why := self.bot.unshareable(str(container.get("channel_id")), entry.turn):
            return self._whisper(body, who, why)
        respond = responder(body)
        thread = {"thread_ts": container["thread_ts"]} if is_ts(container.get("thread_ts")) else {}
        for page in blocks.answered(entry.turn, who[1], question=entry.question):
            said = {"text": blocks.notice(entry.turn.answer.text), "blocks": page}
            respond({"response_type": "in_channel", "replace_original": False, **thread, **said})

    def _new_topic(self, body: Body, who: Who, place: Mapping[str, str], _: str) -> None:
        if place["user"] == who[1]:
            self.deliveries.new_topic(place["conversation"].rpartition(":")[0])
            self._whisper(body, who, "What you ask next here begins a new topic.")

    def _thumb(self, body: Body, who: Who, place: Mapping[str, str], sign: str) -> None:
        try:
            self.store.feedback(place["turn"], 1 if sign == "+" else -1, "", self.bot.owner(*who))
        except UnknownConversation:
            self._whisper(body, who, "Only who asked the question can rate its answer.")
            return
        if sign == "+":
            self._whisper(body, who, "Thank you.")
        else:
            reason = blocks.field("What was wrong with it?", optional=True)
            self._show(body, blocks.modal("Not helpful", [reason], "Send", "reason", json.dumps({"turn": place["turn"]})))

    def _save(self, body: Body, who: Who, place: Mapping[str, str], _: str) -> None:
        if place["user"] != who[1]:
            return self._whisper(body, who, NOT_YOURS.format("save"))
        try:
            self.saved.save(place["turn"], self.bot.owner(*who))
        except UnknownConversation:
            return self._whisper(body, who, GONE)
        self._whisper(body, who, SAVED)

    def _saved_open(self, body: Body, who: Who, place: Mapping[str, str], _: str) -> None:
        entry = self._entry(who[0], place) if place["user"] == who[1] else None
        if entry is None or entry.turn is None:
            return self._show(body, blocks.modal("Saved answer", [blocks.section(GONE)]))
        self._show(body, saved_modal(entry, entry.turn, who[1]))

    def _saved_remove(self, body: Body, who: Who, place: Mapping[str, str], _: str) -> None:
        self.saved.remove(place["turn"], self.bot.owner(*who))
        gone = blocks.modal("Saved answer", [blocks.section(REMOVED)])
        self.line.call("views.update", {"view_id": (body.get("view") or {}).get("id"), "view": gone}, again=False)
        self._home(who)

    def _export(self, body: Body, who: Who, place: Mapping[str, str], _: str) -> None:
        if place["user"] != who[1]:
            return self._whisper(body, who, NOT_YOURS.format("export"))
        try:
            conversation = self.store.find(place["conversation"], self.bot.owner(*who))
        except UnknownConversation:
            return self._whisper(body, who, NO_TALK)
        entries = self.store.turns(conversation.id, conversation.owner)
        export(self.line, conversation, entries, who[1], body.get("container") or {})

    def thread_begun(self, body: Body, keys: list[str]) -> None:
        """Offers questions where a talk with the advisor begins, if the workspace has that."""
        event = body["event"]
        thread = event.get("assistant_thread") if event.get("type") == "assistant_thread_started" else {"channel_id": event.get("channel")}
        if not isinstance(thread, Mapping) or not is_id(thread.get("channel_id")) or not self.prompts.are_likely():
            return
        if self.deliveries.take(keys):
            self.bot.later(self._prompt, thread["channel_id"], thread.get("thread_ts"))

    def _prompt(self, channel: str, thread: object) -> None:
        prompts = [{"title": question, "message": question} for question in STARTERS]
        given = {"channel_id": channel, "title": "You could ask", "prompts": prompts, **({"thread_ts": thread} if is_ts(thread) else {})}
        try:
            self.line.call("assistant.threads.setSuggestedPrompts", given, again=False)
        except Refused:
            self.prompts.missing()  # a workspace without agents; one asks all the same

    def home_opened(self, body: Body, keys: list[str]) -> None:
        event = body["event"]
        if event.get("tab") == "messages":
            return self.thread_begun(body, keys)
        if event.get("tab") == "home" and is_id(event.get("user")) and is_id(body.get("team_id")) and self.deliveries.take(keys):
            self.bot.later(self._home, (body["team_id"], event["user"]))

    def _home(self, who: Who) -> None:
        mine = self.bot.owner(*who)
        linked = "" if mine == owner(*who) else mine.partition(":")[2]
        visibility = self.bot.rules.of(self.bot.team, "").visibility
        conversations, saved = self.store.conversations(mine, limit=SHOWN), self.saved.listed(mine, SHOWN)
        self.line.call(
            "views.publish", {"user_id": who[1], "view": home(conversations, saved, COMMAND, who[1], visibility, linked)}, again=False
        )

    def _delete_all(self, who: Who) -> None:
        self.deliveries.forget(owner(*who))
        self.deliveries.forget(self.bot.owner(*who))
        self.store.delete_all(self.bot.owner(*who))
        self._home(who)

    def _entry(self, team: str, place: Mapping[str, str]) -> Entry | None:
        entries = self.store.turns(place["conversation"], self.bot.owner(team, place["user"]))
        return next((entry for entry in entries if entry.id == place["turn"]), None)

    def _show(self, body: Body, view: dict[str, Any]) -> None:
        self.line.call("views.open", {"trigger_id": body["trigger_id"], "view": view}, again=False)

    def _whisper(self, body: Body, who: Who, line: str) -> None:
        if not body.get("response_url"):  # a click in Home or a modal
            self.line.post("chat.postMessage", {"channel": who[1], "text": line, **NO_PREVIEWS})
            return
        # Through the click's own address: it works in channels that the advisor was not invited to, too.
        responder(body)({"response_type": "ephemeral", "replace_original": False, "text": line})
