"""The advisor's App Home in Slack: what it is, what it remembers of you, and how to delete that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from advisor.apps.slack_blocks import Block, button, escaped, section
from advisor.chats import Conversation

ABOUT = (
    "*A career advisor for physicians who want to become a Chief Medical Officer.*\n"
    "It answers from curated guides, shows a checked source for every statement, and says so where the guides hold no answer. "
    "It gives no clinical, legal, tax or immigration advice."
)
HOW = (
    "*How to ask*\n• Write to it under _Messages_: nobody else reads along.\n• `{command} your question` in a channel: only you see the "
    "answer, until you share it.\n• Mention it in a channel: everybody there sees the answer. In that thread you can go on without a "
    "mention, until you write _stop_ or others join in."
)
_SURE = "Every question and answer of yours is deleted for good. Messages that were posted in Slack stay there."


def home(conversations: Sequence[Conversation], command: str) -> dict[str, Any]:
    """The view for one person, with their latest conversations."""
    blocks: list[Block] = [section(ABOUT), section(HOW.format(command=command)), {"type": "divider"}]
    if not conversations:
        blocks.append(section("*What it remembers of you*\nNothing yet."))
    else:
        blocks.append(section("*What it remembers of you*\nThe questions and answers of these conversations, the latest first."))
        for c in conversations:
            asked = f"{c.turns} question{'' if c.turns == 1 else 's'}"
            when = f"<!date^{int(c.updated)}^{{date_short_pretty}}, {{time}}|earlier>"
            blocks.append(section(f"{escaped(c.title)}\n{asked}, {when}"))
        sure = {
            "title": _plain("Delete everything?"),
            "text": _plain(_SURE),
            "confirm": _plain("Delete"),
            "deny": _plain("Keep"),
            "style": "danger",
        }
        blocks.append({"type": "actions", "elements": [button("Delete everything", "delete_all", "all", style="danger", confirm=sure)]})
    return {"type": "home", "blocks": blocks}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
