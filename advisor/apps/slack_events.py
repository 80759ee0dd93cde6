"""What Slack delivers, read with care: who said what, where, and whether it is meant for the advisor."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

COMMAND = "/cmo"
# Questions to begin with; each can be answered from the guidance.
STARTERS = (
    "Do I need an MBA to become a CMO?",
    "How do I become a Chief Medical Officer?",
    "How much does a Chief Medical Officer earn?",
    "How do I prepare for a CMO interview?",
)
_ID = re.compile(r"[A-Z0-9]{1,24}")
_TS = re.compile(r"\d{1,12}\.\d{1,8}")
_TAG = re.compile(r"<([^<>]*)>")
_STOP = re.compile(
    r"(?:please )?(?:stop|be quiet|quiet|hush|enough|leave us alone|stop (?:answering|replying)(?: here)?)(?:,? please)?[.! ]*", re.I
)
# A message with a subtype is an edit, a deletion, a bot's or a note of Slack's own, but for these.
_SAID = (None, "thread_broadcast", "file_share")


@dataclass(frozen=True, slots=True)
class Said:
    """A person's message: `thread` is the message that its thread began with, itself where it begins one.

    `team` is the person's workspace. `direct` says that nobody else reads it, `named` that the advisor was mentioned,
    `to_others` that other people were.
    """

    team: str
    user: str
    channel: str
    ts: str
    thread: str
    text: str
    direct: bool
    named: bool
    to_others: bool

    @property
    def owner(self) -> str:
        return owner(self.team, self.user)

    @property
    def begins(self) -> bool:
        return self.thread == self.ts


def owner(team: str, user: str) -> str:
    """Whose conversations these are; nobody is the same person in two workspaces."""
    return f"slack:{team}:{user}"


def is_direct(channel: str) -> bool:
    """Whether a place is a talk with one person, and no channel."""
    return channel.startswith(("D", "U", "W"))


def is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def is_ts(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and _TS.fullmatch(value) is not None


def read_message(body: Mapping[str, Any], bot: str) -> Said | None:
    """The message in an event; None for what no person has just said: edits, deletions, bots, and what is malformed."""
    event = body.get("event")
    if not isinstance(event, Mapping) or event.get("type") not in ("message", "app_mention"):
        return None
    if event.get("subtype") not in _SAID or any(event.get(mark) for mark in ("bot_id", "bot_profile", "edited", "hidden")):
        return None
    team, user, channel, ts, text = (event.get("user_team") or body.get("team_id"), *map(event.get, ("user", "channel", "ts", "text")))
    thread = event.get("thread_ts") or ts
    if not (is_id(team) and is_id(user) and is_id(channel) and is_ts(ts) and is_ts(thread)) or user in (bot, "USLACKBOT"):
        return None
    text = text if isinstance(text, str) else ""
    people = set(re.findall(r"<@([A-Z0-9]+)(?:\|[^<>]*)?>", text))
    direct = event.get("channel_type") == "im" or str(channel).startswith("D")
    named = event.get("type") == "app_mention" or bot in people
    said = readable(re.sub(rf"<@{re.escape(bot)}(?:\|[^<>]*)?>", " ", text))
    return Said(str(team), str(user), str(channel), str(ts), str(thread), said, direct, named, bool(people - {bot}))


def readable(text: str) -> str:
    """Slack's way of writing as people read it: links by their words, entities as signs."""

    def tag(match: re.Match[str]) -> str:
        target, _, label = match.group(1).partition("|")
        if target.startswith("!"):
            return "@" + (label.lstrip("@") or target[1:].partition("^")[0])
        if target[:1] in ("@", "#"):
            return target[0] + (label.lstrip("@#") or target[1:])
        return label or target

    return html.unescape(_TAG.sub(tag, text)).strip()


def is_stop(text: str) -> bool:
    """Whether the advisor is told to be quiet."""
    return _STOP.fullmatch(text.strip()) is not None


def keys_of(body: Mapping[str, Any]) -> list[str]:
    """What tells one delivery from another: the event's id, or that of a click, a command or a modal."""
    keys = []
    if isinstance(body.get("event_id"), str):
        keys.append(f"event:{body['event_id'][:100]}")
    elif isinstance(body.get("trigger_id"), str):
        keys.append(f"trigger:{body['trigger_id'][:200]}")
    return keys


def actor(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """Who clicked or sent a command: workspace and user."""
    user, team = body.get("user"), body.get("team")
    if isinstance(user, Mapping):
        found = (user.get("team_id") or (team.get("id") if isinstance(team, Mapping) else None), user.get("id"))
    else:
        found = (body.get("team_id"), body.get("user_id"))
    return (str(found[0]), str(found[1])) if is_id(found[0]) and is_id(found[1]) else None
