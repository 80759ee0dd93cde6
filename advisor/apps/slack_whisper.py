"""Answers that only one person sees: to a command or a click by the address that came with it, else beside a message."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from slack_sdk.webhook import WebhookClient

from advisor.apps.slack_blocks import Block, notice
from advisor.apps.slack_line import Line, Refused, Unreachable

Respond = Callable[[dict[str, Any]], None]
NO_PREVIEWS = {"unfurl_links": False, "unfurl_media": False}


def responder(body: Mapping[str, Any]) -> Respond:
    """Answers through the address that came with a command or a click, which needs no token."""
    silent = logging.getLogger("advisor.slack.sdk")
    hook = WebhookClient(str(body.get("response_url")), timeout=15, retry_handlers=[], logger=silent)

    def respond(message: dict[str, Any]) -> None:
        try:
            done = hook.send_dict(message)
        except Exception as error:
            raise Unreachable(f"response_url: {type(error).__name__}") from None
        if done.status_code != 200:
            raise Unreachable(f"response_url: {done.status_code}")

    return respond


def whisperer(line: Line, channel: str, thread: str, user: str) -> Respond:
    """Answers in a channel for one person's eyes; where Slack does not allow that there, in the talk with them."""

    def respond(message: dict[str, Any]) -> None:
        said: dict[str, Any] = {**NO_PREVIEWS, **{name: message[name] for name in ("text", "blocks") if name in message}}
        place = {"channel": channel, "user": user}
        place |= {"thread_ts": thread} if thread else {}
        try:
            line.call("chat.postEphemeral", {**place, **said}, again=False)
        except Refused:
            line.post("chat.postMessage", {"channel": user, **said})

    return respond


class WhisperReply:
    """An answer that only who asked can see; it is shown when it is whole."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond

    def open(self) -> None: ...

    def add(self, bit: str) -> None: ...

    def finish(self, text: str, pages: list[list[Block]], below: list[Block] | None = None) -> None:
        for page in pages:
            whisper = {"response_type": "ephemeral", "replace_original": False, "text": notice(text), "blocks": page, **NO_PREVIEWS}
            self.respond(whisper)
