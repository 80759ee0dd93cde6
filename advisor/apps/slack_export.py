"""A conversation as a file, sent to the one who asked: never to a channel, never to anybody else."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from advisor.apps.slack_blocks import plain
from advisor.apps.slack_events import is_id, is_ts
from advisor.apps.slack_line import Line, Refused, Unreachable
from advisor.apps.slack_whisper import NO_PREVIEWS
from advisor.chats import Conversation, Entry
from advisor.transcript import as_markdown

log = logging.getLogger(__name__)

HERE = "This conversation as a file, every statement with its numbered sources:"
NO_SCOPE = (
    "The file could not be sent: the app lacks the scope files:write. Whoever runs the advisor adds it and installs the app again; "
    "advisor slack check says so too."
)
FAILED = "The file could not be sent, because Slack did not take it. Please try again later."


def export(line: Line, conversation: Conversation, entries: Sequence[Entry], user: str, container: Mapping[str, Any]) -> None:
    """Sends the file into the talk with its user; where Slack does not take it, a line there says so."""
    content = as_markdown(conversation, entries).encode("utf-8", "replace")
    channel, thread = _place(user, container)
    # The message says which talk it is: a file can be sent to a talk, but not to a person.
    there = line.post("chat.postMessage", {"channel": channel, **thread, "text": HERE, **NO_PREVIEWS})
    where = {"channel": str(there["channel"]), "ts": str(there["ts"])}
    try:
        ticket = line.call("files.getUploadURLExternal", {"filename": _named(conversation), "length": len(content)}, form=True)
        line.upload(str(ticket["upload_url"]), content)
        done = {"files": [{"id": ticket["file_id"], "title": plain(conversation.title)[:200]}], "channel_id": where["channel"], **thread}
        line.call("files.completeUploadExternal", done, again=False)
    except (Refused, Unreachable, KeyError) as error:
        log.warning("a file could not be sent: %s", error)
        told = NO_SCOPE if error.args[0] == "missing_scope" else FAILED
        line.call("chat.update", {**where, "text": told})


def _place(user: str, container: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The thread where the button is, where that is a talk with its user; else the talk with them."""
    channel, thread = container.get("channel_id"), container.get("thread_ts") or container.get("message_ts")
    if is_id(channel) and channel.startswith("D") and is_ts(thread):
        return channel, {"thread_ts": thread}
    return user, {}


def _named(conversation: Conversation) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", conversation.title.lower()).strip("-")[:40].rstrip("-") or "conversation"
    return f"{words}-{datetime.fromtimestamp(conversation.updated):%Y-%m-%d}.md"
