"""One answer in Slack, from the placeholder to the final message, whatever goes wrong in between.

Where Slack streams, the message is a stream; where it does not, or a stream dies, the message is updated. Its name is kept
as soon as it is known, and messages carry a mark, so that whoever comes after a crash finds it again.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from advisor.apps.slack_blocks import PLACEHOLDER, Block, escaped, markdown, mrkdwn, notice, section, split
from advisor.apps.slack_line import Line, Refused, Unreachable
from advisor.apps.slack_whisper import NO_PREVIEWS
from advisor.deliveries import Deliveries, Owed

log = logging.getLogger(__name__)

EVERY = 1.0  # seconds between two updates of a message
LONGEST = 3500  # characters of a message without blocks
# Shown behind the app's name, until something is posted.
STATUS = {
    "status": "is searching the guidance…",
    "loading_messages": [PLACEHOLDER, "Checking each sentence against its source…"],
}
STREAMED = 11_000  # characters of a stream, at most; Slack takes 12,000 at once
LATER = 3600.0  # seconds after which a workspace that had none of something is asked again
_STEP = {"type": "task_update", "id": "search", "title": PLACEHOLDER}
_GONE = ("message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found")

Pages = list[list[Block]]


class Reply(Protocol):
    """Where an answer is written."""

    def open(self) -> None: ...

    def add(self, bit: str) -> None: ...

    def finish(self, text: str, pages: Pages, below: list[Block] | None = None) -> None: ...


def mark(ident: str) -> dict[str, Any]:
    """What our messages carry, for us to find them by; no words of anybody's."""
    return {"event_type": "advisor_reply", "event_payload": {"reply": ident}}


@dataclass
class Ability:
    """Whether this workspace has something that not all have, such as streams, as far as is known."""

    until: float = 0.0

    def are_likely(self) -> bool:
        return time.monotonic() >= self.until

    def missing(self) -> None:
        self.until = time.monotonic() + LATER


class MessageReply:
    """An answer in a message of a channel or a direct talk."""

    def __init__(
        self,
        line: Line,
        deliveries: Deliveries,
        owed: Owed,
        recipient: tuple[str, str],
        streams: Ability,
        statuses: Ability,
        *,
        every: float = EVERY,
    ) -> None:
        self.line, self.deliveries, self.owed, self.every = line, deliveries, owed, every
        self.streams, self.statuses = streams, statuses
        self.channel, self.message = owed.channel, owed.message
        self._recipient = {"recipient_team_id": recipient[0], "recipient_user_id": recipient[1]}
        self._streaming = False
        self._said, self._sent = "", 0  # the text so far, and how much of it is in the stream
        self._shown = -math.inf

    def open(self) -> None:
        """Posts the placeholder, or opens a stream; raises `Unreachable` or `Refused` where neither is possible."""
        self._show_status()
        if self.owed.thread and self.streams.are_likely() and self._open_stream():
            return
        self._post(PLACEHOLDER, [section(f"_{escaped(PLACEHOLDER)}_")])

    def add(self, bit: str) -> None:
        """Shows more of the answer, now or with what comes next."""
        self._said += bit
        now = time.monotonic()
        if not self.message or now - self._shown < self.every:
            return
        self._shown = now
        try:
            if self._streaming:
                if len(self._said) <= STREAMED:
                    self.line.call("chat.appendStream", {**self._where(), "chunks": self._chunks()}, again=False)
                    self._sent = len(self._said)
                return
            parts = [section(part) for part in split(mrkdwn(self._said) + " …")][:4]
            self.line.call("chat.update", {**self._where(), "text": notice(self._said), "blocks": parts}, again=False)
        except (Refused, Unreachable) as error:
            log.info("an answer is not shown as it grows, %s", error)
            self._end_stream()

    def finish(self, text: str, pages: Pages, below: list[Block] | None = None) -> None:
        """Makes the message final. `below` is what a stream needs below the text it has shown; without it all is written anew."""
        for page in pages[1:]:
            self._again({"text": notice(text), "blocks": page})
        if self._streaming and below is not None and len(pages) == 1 and len(self._said) <= STREAMED:
            given = {**self._where(), "chunks": self._chunks(), "blocks": below, "metadata": mark(self.owed.id)}
            try:
                self.line.call("chat.stopStream", {k: v for k, v in given.items() if v})
                return
            except (Refused, Unreachable) as error:
                log.info("a stream has died, %s", error)
        self._end_stream(again=True)
        final: dict[str, Any] = {"text": notice(text), "blocks": pages[0], "metadata": mark(self.owed.id)}
        if not (self.message and self._update(final, plain={**final, "text": mrkdwn(text)[:LONGEST], "blocks": []})):
            self._post(final["text"], pages[0])

    def _update(self, final: dict[str, Any], plain: dict[str, Any]) -> bool:
        """Updates the message; False where it is gone. One that Slack takes for malformed is shown without blocks."""
        try:
            self.line.call("chat.update", {**self._where(), **final})
        except Refused as error:
            reason = error.args[0]
            if reason in _GONE:
                return False
            if reason == "streaming_state_conflict":
                self._streaming = True
                self._end_stream(again=True)
            else:
                log.warning("Slack refuses the blocks of an answer: %s", reason)
                final = plain
            self.line.call("chat.update", {**self._where(), **final})
        return True

    def find(self) -> dict[str, Any] | None:
        """Our message in the thread that nobody has noted: one with our mark, or a stream that was never filled."""
        given = {"channel": self.channel, "limit": 100, "include_all_metadata": True}
        thread = {"ts": self.owed.thread} if self.owed.thread else {}
        try:
            method = "conversations.replies" if thread else "conversations.history"
            there = self.line.call(method, {**given, **thread}, form=True).get("messages", [])
        except (Refused, Unreachable):
            return None
        kept = self.deliveries.messages(self.channel)
        for message in there if isinstance(there, list) else []:
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("reply") == self.owed.id:
                return {"ts": message["ts"], "channel": self.channel}
            ours = bool(message.get("bot_id")) and not payload and message.get("ts") not in kept
            if ours and message.get("text", "") in ("", PLACEHOLDER) and float(message["ts"]) >= self.owed.created - 5:
                return {"ts": message["ts"], "channel": self.channel}
        return None

    def take_up(self) -> None:
        """Goes on with the message of a process that died, if there is one."""
        if not self.message and (there := self.find()) is not None:
            self._note(there)
        if self.message:
            self._streaming = True  # perhaps: one that is no stream refuses to be stopped, and no harm is done
            self._end_stream(again=True)

    def _show_status(self) -> None:
        if not (self.owed.thread and self.statuses.are_likely()):
            return
        try:
            given = {"channel_id": self.channel, "thread_ts": self.owed.thread, **STATUS}
            self.line.call("assistant.threads.setStatus", given, again=False)
        except Refused as error:
            log.info("this workspace shows no status (%s)", error)
            self.statuses.missing()
        except Unreachable as error:
            log.info("a status is not shown, %s", error)

    def _open_stream(self) -> bool:
        given = {"channel": self.channel, "thread_ts": self.owed.thread, **self._recipient, "chunks": [{**_STEP, "status": "in_progress"}]}
        try:
            there = self.line.post("chat.startStream", given, again=False)
        except Refused as error:
            if error.args[0] != "ratelimited":
                log.info("this workspace does not stream (%s), messages are updated", error)
                self.streams.missing()
            return False
        except Unreachable:
            # Slack may have opened it all the same.
            if (found := self.find()) is None:
                return False
            there = found
        self._streaming = True
        self._note(there)
        return True

    def _post(self, text: str, blocks: list[Block]) -> None:
        self._note(self._again({"text": text, "blocks": blocks, "metadata": mark(self.owed.id)}, self.find))

    def _again(self, given: dict[str, Any], found: Callable[[], dict[str, Any] | None] | None = None) -> dict[str, Any]:
        thread = {"thread_ts": self.owed.thread} if self.owed.thread else {}
        return self.line.post("chat.postMessage", {"channel": self.channel, **thread, **NO_PREVIEWS, **given}, found)

    def _note(self, there: dict[str, Any]) -> None:
        # A talk with one person is named by the person until Slack says what it is called.
        self.message, self.channel = str(there["ts"]), str(there.get("channel") or self.channel)
        self.deliveries.posted(self.owed.id, self.channel, self.message)

    def _where(self) -> dict[str, str]:
        return {"channel": self.channel, "ts": self.message}

    def _chunks(self) -> list[dict[str, Any]]:
        done = [] if self._sent else [{**_STEP, "title": "Searched the guidance", "status": "complete"}]
        # Cut first and made safe after: no mark is parted.
        rest = markdown(self._said[self._sent :])
        return [*done, *([{"type": "markdown_text", "text": rest}] if rest else [])]

    def _end_stream(self, *, again: bool = False) -> None:
        if not self._streaming:
            return
        self._streaming = False
        try:
            self.line.call("chat.stopStream", self._where(), again=again)
        except (Refused, Unreachable):
            pass  # it is over, then
