"""The advisor's App Home in Slack: what it is, what it remembers of you, what you saved, and how to delete that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from advisor.apps.slack_blocks import Block, button, escaped, fitting, modal, mrkdwn, passages, place_of, section, sections
from advisor.chats import Conversation, Entry
from advisor.saved import Saved
from advisor.types import Turn

SHOWN = 20  # conversations, and saved answers, the latest of them
ABOUT = (
    "*A career advisor for physicians who want to become a Chief Medical Officer.*\n"
    "It answers from curated guides, shows a checked source for every statement, and says so where the guides hold no answer. "
    "It gives no clinical, legal, tax or immigration advice."
)
HOW = (
    "*How to ask*\n• Write to it under _Messages_: nobody else reads along.\n• `{command} your question` in a channel: only you see the "
    "answer, until you share it.\n• Mention it in a channel: {seen}. In that thread you can go on without a mention, until you write "
    "_stop_ or others join in. A channel can have a rule of its own."
)
SEEN = {"private": "only you see the answer, until you share it", "shared": "everybody there sees the answer"}
NOTHING_SAVED = "Nothing yet. *Save* below an answer puts it here, with its sources."
LINKED = "*Linked with {user}*: here and on the web page you have the same conversations. `{command} unlink` parts them."
UNLINKED = "*On the web page, too?* Make a code there and send `{command} link CODE`: you have the same conversations in both, then."
_SURE = "Every question, answer and saved answer of yours is deleted for good. Messages that were posted in Slack stay there."

_EVERYWHERE = " So is what you asked on the web page."


def home(
    conversations: Sequence[Conversation], saved: Sequence[Saved], command: str, user: str, visibility: str, linked: str = ""
) -> dict[str, Any]:
    """The view for one person, with their saved answers and latest conversations.

    `visibility` is the workspace's rule, `linked` the user of the web page that they are.
    """
    blocks: list[Block] = [section(ABOUT), section(HOW.format(command=command, seen=SEEN[visibility])), {"type": "divider"}]
    blocks.append(section("*Saved answers*" if saved else f"*Saved answers*\n{NOTHING_SAVED}"))
    for s in saved:
        place = _carried(turn=s.turn, conversation=s.conversation, user=user)
        blocks.append(_row(escaped(_line(s.question)), f"saved {_when(s.saved)}", button("Open", "saved_open", place)))
    blocks.append({"type": "divider"})
    if not conversations:
        blocks.append(section("*What it remembers of you*\nNothing yet."))
    else:
        blocks.append(section("*What it remembers of you*\nThe questions and answers of these conversations, the latest first."))
        for c in conversations:
            asked = f"{c.turns} question{'' if c.turns == 1 else 's'}"
            export = button("Export", "export", _carried(conversation=c.id, user=user))
            blocks.append(_row(escaped(c.title), f"{asked}, {_when(c.updated)}", export))
        sure = {
            "title": _plain("Delete everything?"),
            "text": _plain(_SURE + (_EVERYWHERE if linked else "")),
            "confirm": _plain("Delete"),
            "deny": _plain("Keep"),
            "style": "danger",
        }
        blocks.append({"type": "actions", "elements": [button("Delete everything", "delete_all", "all", style="danger", confirm=sure)]})
    about = LINKED if linked else UNLINKED
    blocks += [{"type": "divider"}, section(about.format(command=command, user=escaped(linked)))]
    return {"type": "home", "blocks": blocks}


def saved_modal(entry: Entry, turn: Turn, user: str) -> dict[str, Any]:
    """A saved answer as it was given, with its sources, and a button that takes it off the list."""
    remove = {"type": "actions", "elements": [button("Remove from saved answers", "saved_remove", place_of(turn, user))]}
    said = [*sections(f"*{escaped(_line(entry.question))}*"), *sections(mrkdwn(turn.answer.text)), remove, {"type": "divider"}]
    return modal("Saved answer", fitting([*said, *passages(turn)]))


def _row(what: str, about: str, press: Block) -> Block:
    return {**section(f"{what}\n{about}"), "accessory": press}


def _line(question: str) -> str:
    return " ".join(question.split())[:400]


def _carried(**place: str) -> str:
    return json.dumps(place, separators=(",", ":"))


def _when(moment: float) -> str:
    return f"<!date^{int(moment)}^{{date_short_pretty}}, {{time}}|earlier>"


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
