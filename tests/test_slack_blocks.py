"""Text in Slack stays text, and every message keeps Slack's limits."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest

from advisor.apps import slack_blocks as blocks
from advisor.types import Answer, Chunk, Citation, Document, Draft, Source, Turn
from tests.fake_slack import broken, live, texts

TARGETS = ["<!channel>", "<!here>", "<@U123>", "<#C123|x>", "<https://evil.test|safe>", "https://evil.test/x", "@channel", "www.evil.test",
           "<!subteam^S1>", "<mailto:a@b.test|a>", "[safe](https://evil.test)", "![pic](https://evil.test/x.png)", "<img src=x>",
           "<script>x</script>", "&lt;!channel&gt;", "<javascript:alert(1)|x>", "```\n<!everyone>\n```", "# @everyone", "> <!here>",
           "*<!channel>*"]  # fmt: skip
SHAPES = ["{}", "**{}**", "- {}", "Pay is {} a year. [1]", "_{}_", "~{}~ `{}`", "{}{}", "a\n{}\nb", "({})", "“{}”,"]
PAYLOADS = [shape.replace("{}", target) for target, shape in itertools.product(TARGETS, SHAPES)]


def turn(text: str, passage: str = "", outcome: str = "answered", suggestions: tuple[str, ...] = (), note: str = "") -> Turn:
    """An answer that says `text`, and cites a passage with it."""
    passage = passage or text
    document = Document("d", text[:500], passage, "d.md", {"as_of": text[:50]})
    chunk = Chunk(1, document, 0, len(passage), text[:500], sources=(Source(text[:300], text[:300], "https://survey.test/a|b", text[:40]),))
    citations = (Citation(1, text, chunk, 0, len(passage), "quoted", 1.0),) if outcome == "answered" else ()
    answer = Answer(text, outcome, citations, suggestions, note)  # type: ignore[arg-type]
    return Turn("t", "c", text, text, (), Draft(outcome), answer)  # type: ignore[arg-type]


def everything(of: Turn) -> list[tuple[str, str]]:
    pages = [*blocks.answered(of, "U1", question=of.question), blocks.told(of.question)]
    shown = [found for page in pages for found in texts(page)]
    return [
        *shown,
        *texts(blocks.sources_modal(of)),
        ("mrkdwn", blocks.notice(of.answer.text)),
        ("markdown", blocks.markdown(of.answer.text)),
    ]


def test_there_are_two_hundred_payloads() -> None:
    assert len(PAYLOADS) == len(set(PAYLOADS)) == 200


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_nothing_of_a_payload_is_active_wherever_it_stands(payload: str) -> None:
    declined = turn(payload, outcome="declined", suggestions=(payload,))
    for of in (turn(payload, note=payload), declined):
        for kind, text in everything(of):
            assert live(text, kind) == [], (kind, text)
        for page in blocks.answered(of, "U1", question=payload):
            assert list(broken("chat.postMessage", {"text": "x", "blocks": page, "unfurl_links": False, "unfurl_media": False})) == []


def test_what_is_shown_is_what_was_said() -> None:
    said = 'Ask <b>two</b> people & "more" [1]: https://a.test, snake_case, 5 > 3, a*b.'
    shown = blocks.mrkdwn(said).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert shown.replace("\N{WORD JOINER}", "").replace("∗", "*") == said


def test_bold_and_lists_are_slacks_own() -> None:
    assert blocks.mrkdwn("**Pay**\n- One **two** [1]") == "*Pay*\n• One *two* [1]"
    assert blocks.markdown("**Pay**\n- One **two** [1]") == "**Pay**\n- One **two** [1]"
    assert blocks.markdown("a_b *c* [x](y)") == r"a\_b \*c\* \[x\]\(y\)"


def test_a_source_links_to_its_work_only_by_a_plain_address() -> None:
    good = turn("Words.")
    (work,) = good.answer.citations[0].chunk.sources
    assert "https://survey.test" not in str(blocks.sources_modal(good))
    chunk = replace(good.answer.citations[0].chunk, sources=(replace(work, url="https://survey.test/a?b=1&c=2"),))
    citation = replace(good.answer.citations[0], chunk=chunk)
    linked = replace(good, answer=replace(good.answer, citations=(citation,)))
    assert "<https://survey.test/a?b=1&amp;c=2|Words.>" in str(blocks.sources_modal(linked))


@pytest.mark.parametrize("length", [100, 2999, 3000, 3001, 9000, 40_000])
@pytest.mark.parametrize("unit", ["A sentence of some words. [1] ", "word ", "x", "<&>", "**bold** and\n\n- item\n"])
def test_limits_are_kept_by_splitting(length: int, unit: str) -> None:
    said = (unit * (length // len(unit) + 1))[:length]
    of = turn(said, outcome="answered", note=said[:200])
    for page in blocks.answered(of, "U1", question=said[:4000]):
        assert list(broken("chat.postMessage", {"text": "x", "blocks": page, "unfurl_links": False, "unfurl_media": False})) == []
    assert list(broken("views.open", {"view": blocks.sources_modal(of)})) == []


def test_a_text_is_split_between_sentences_and_nothing_is_lost() -> None:
    said = " ".join(f"This is sentence number {n}. [{n}]" for n in range(400))
    parts = blocks.split(said)
    assert all(len(part) <= blocks.SECTION for part in parts)
    assert all(re.search(r"\. \[\d+\]$", part) for part in parts)
    assert " ".join(parts) == said


def test_many_passages_and_suggestions_keep_the_limits() -> None:
    one = turn("Words.", "Words. " * 300).answer.citations[0]
    many = tuple(replace(one, number=n, chunk=replace(one.chunk, id=n)) for n in range(1, 80))
    of = turn("Words.")
    of = replace(of, answer=replace(of.answer, citations=many))
    assert list(broken("views.open", {"view": blocks.sources_modal(of)})) == []
    declined = turn("No.", outcome="declined", suggestions=tuple("What about this and that " * n for n in range(1, 200, 20)))
    for shown in (of, declined):
        for page in blocks.answered(shown, "U1"):
            assert list(broken("chat.update", {"text": "x", "blocks": page})) == []


def test_a_notification_says_how_the_answer_begins() -> None:
    assert blocks.notice("**Pay.** A CMO earns $400,000. [1]\n\nMore.") == "Pay. A CMO earns $400,000. More."
    assert len(blocks.notice("Many words here. " * 50)) <= blocks.NOTICE
