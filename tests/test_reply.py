"""What the page draws of a question while it is answered, and of one that was."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from advisor.apps.reply import Reply, kept, kept_all
from advisor.apps.warm import Warm
from advisor.chats import Entry
from advisor.errors import QuestionError
from advisor.types import Bit, Progress, Turn
from tests.api_world import MBA, opened


def answered(warm: Warm) -> tuple[Reply, list[dict[str, object]], Turn]:
    reply, events = Reply(MBA), []
    steps = list(warm.advisor().stream(MBA))
    for step in steps:
        events.append(reply.event(step))
    turn = steps[-1]
    assert isinstance(turn, Turn)
    return reply, events, turn


def test_each_event_is_the_whole_state_and_the_last_is_the_answer(hashed_home: Path, tmp_path: Path) -> None:
    _, events, turn = answered(opened(hashed_home, tmp_path / "home"))
    assert {event["turn"] for event in events} == {events[0]["turn"]}
    assert [event["state"] for event in events[:-1]] == ["working"] * (len(events) - 1)
    texts = [str(event["html"]) for event in events if "html" in event]
    assert all(later.startswith(earlier.removesuffix("</p>")) for earlier, later in pairwise(texts))
    last = events[-1]
    assert (last["id"], last["state"]) == (turn.id, "answered")
    assert f"{len(turn.answer.citations)} checked citation" in str(last["count"])


def test_sources_are_there_with_the_first_sentence_that_cites_them(hashed_home: Path, tmp_path: Path) -> None:
    _, events, _ = answered(opened(hashed_home, tmp_path / "home"))
    first = next(event for event in events if "html" in event)
    assert '<article class="source"' in str(first["sources"])


def test_a_search_is_named_only_where_it_says_something_new() -> None:
    reply = Reply(MBA)
    assert reply.event(Progress("retrieve", f"Searching for: {MBA}"))["progress"] == "Searching"
    assert reply.event(Progress("retrieve", "Searching for: pay"))["progress"] == "Searching for: pay"
    assert reply.event(Bit("A. "))["html"] == "<p>A. </p>"


def test_a_fault_says_what_to_do_and_nothing_of_itself_where_it_was_not_foreseen() -> None:
    assert Reply("?").failed(QuestionError("It is empty. Ask in words."))["line"] == "It is empty. Ask in words."
    ours = Reply("?").failed(ValueError("secret"))["line"]
    assert "secret" not in ours
    assert re.search(r"under this id\. Error \w{6,}\.$", ours)


def test_what_was_kept_is_shown_as_it_was_with_what_was_thought_of_it(hashed_home: Path, tmp_path: Path) -> None:
    _, events, turn = answered(opened(hashed_home, tmp_path / "home"))
    shown = kept(Entry(turn.id, MBA, "done", 1.0, turn, thumb=-1, reason="long"))
    same = ("state", "count", "chips", "copy")
    assert [shown[key] for key in same] == [events[-1][key] for key in same]
    assert (shown["thumb"], shown["reason"]) == (-1, "long")
    assert kept(Entry("a", "Why?", "failed", 1.0, None, "The disk is full."))["line"] == "Not answered. The disk is full."
    assert [event["state"] for event in kept_all([Entry("a", "Why?", "pending", 1.0, None)])] == ["pending"]
