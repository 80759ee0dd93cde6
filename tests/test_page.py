"""The chat as people use it, in a real Chromium: answers, sources, and what is said when something fails."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.page_world import HOSTILE, MBA, OUTSIDE, Reader, Readers, Server, current, serving, squeezed

# ---- answers


def test_the_page_answers_with_a_mark_for_every_citation(reader: Reader) -> None:
    turn = reader.ask(MBA)
    assert turn.get_attribute("data-state") == "answered"
    marks = turn.locator("a.cite").all_inner_texts()
    assert marks == [f"[{n}]" for n in range(1, len(marks) + 1)]
    assert marks
    assert f"{len(marks)} checked citation" in turn.locator(".show-sources").inner_text()


def test_a_starter_question_is_asked_with_a_click(reader: Reader) -> None:
    assert reader.page.locator(".starters .chip").count() == 6
    reader.page.get_by_role("button", name=MBA).click()
    assert reader.answer(1).get_attribute("data-state") == "answered"
    assert reader.page.locator(".welcome").is_hidden()


def test_a_mark_opens_the_source_panel_at_the_quoted_words(reader: Reader) -> None:
    turn = reader.ask(MBA)
    mark = turn.locator("a.cite").nth(1)
    mark.click()
    panel = reader.page.get_by_role("dialog", name="Sources")
    quote = panel.locator("mark.current")
    quote.wait_for()
    assert squeezed(quote.inner_text()) in squeezed(turn.inner_text())
    assert quote.get_attribute("data-n") == "2"
    reader.page.wait_for_timeout(600)  # the panel scrolls there
    box, frame = quote.bounding_box(), panel.bounding_box()
    assert frame["y"] <= box["y"] < frame["y"] + frame["height"] - 20
    card = panel.locator(".source.current")
    assert card.locator("h3").inner_text()
    assert re.search(r"\d{4}|undated", card.locator(".works").inner_text())
    links = card.locator(".works a")
    assert all((link.get_attribute("rel") or "").startswith("noopener") for link in links.all())


def test_marks_of_older_answers_open_their_own_sources(reader: Reader) -> None:
    first = reader.ask(MBA)
    quoted = squeezed(first.locator(".text p").first.inner_text())
    reader.ask("What does a VPMA do?").locator("a.cite").first.click()
    reader.page.locator(".turn").first.locator("a.cite").first.click()
    assert squeezed(reader.page.locator("#sources mark.current").inner_text()) in quoted


def test_the_keyboard_opens_and_closes_the_panel_and_comes_back_to_the_mark(reader: Reader) -> None:
    mark = reader.ask(MBA).locator("a.cite").first
    name = mark.get_attribute("id")
    for _ in range(40):  # from the box backwards through the page
        reader.page.keyboard.press("Shift+Tab")
        if current(reader) == name:
            break
    assert current(reader) == name
    assert reader.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    reader.page.keyboard.press("Enter")
    assert reader.page.locator("#sources").is_visible()
    assert "source" in current(reader)
    reader.page.keyboard.press("Tab")
    assert current(reader) == "back"
    reader.page.keyboard.press("Escape")
    assert reader.page.locator("#sources").is_hidden()
    assert current(reader) == name
    reader.page.keyboard.press("Enter")
    reader.page.get_by_role("button", name="Close").press("Enter")
    assert current(reader) == name


def test_a_declined_question_looks_different_and_offers_questions_that_work(reader: Reader) -> None:
    turn = reader.ask(OUTSIDE)
    assert turn.get_attribute("data-state") == "declined"
    assert turn.locator("a.cite").count() == 0
    declined = turn.locator(".reply").evaluate("e => getComputedStyle(e).backgroundColor")
    chips = turn.get_by_role("list", name="The nearest questions it can answer").get_by_role("button")
    assert 1 <= chips.count() <= 3
    chosen = chips.first.inner_text()
    chips.first.click()
    turn = reader.answer(2)
    assert turn.locator(".question p").inner_text() == chosen
    assert turn.get_attribute("data-state") == "answered"
    assert turn.locator(".reply").evaluate("e => getComputedStyle(e).backgroundColor") != declined


def test_a_follow_up_goes_on_with_the_conversation_of_the_page_and_no_other(readers: Readers, server: Server) -> None:
    one, other = readers().open(server.url), readers().open(server.url)
    tag = time.time_ns()
    one.ask(f"What does a VPMA do? ({tag} one)")
    other.ask(f"How much does a CMO earn? ({tag} other)")
    one.ask(f"And what comes after it? ({tag} one)")
    with sqlite3.connect(server.home / "advisor.db") as database:
        rows = database.execute("SELECT owner, conversation_id, record FROM turns WHERE record LIKE ?", (f"%{tag}%",)).fetchall()
    names = {(owner, conversation): " one" in json.loads(record)["question"] for owner, conversation, record in rows}
    assert sorted(names.values()) == [False, True]
    assert len(rows) == 3
    assert all(owner.startswith("visitor:") for owner, _ in names)
    assert len({owner for owner, _ in names}) == 2
    assert other.page.locator(".turn").count() == 1


def test_several_questions_at_once_are_all_answered(readers: Readers, server: Server) -> None:
    several = [readers().open(server.url) for _ in range(4)]
    for one in several:
        one.page.get_by_label("Your question").fill(MBA)
    for one in several:
        one.page.keyboard.press("Enter")
    assert [one.answer(1).get_attribute("data-state") for one in several] == ["answered"] * 4


def test_a_question_sent_while_another_is_answered_goes_next(reader: Reader) -> None:
    box = reader.page.get_by_label("Your question")
    for question in (MBA, "What does a VPMA do?"):
        box.fill(question)
        reader.page.keyboard.press("Enter")
    reader.answer(2)
    assert reader.page.locator(".question p").all_inner_texts() == [MBA, "What does a VPMA do?"]
    assert box.input_value() == ""


def test_answers_are_announced(reader: Reader) -> None:
    turn = reader.ask(MBA)
    heard = reader.page.locator(".heard")
    assert heard.get_attribute("aria-live") == "polite"
    assert heard.inner_text().startswith(squeezed(turn.locator(".text p").first.inner_text()).split("[")[0].strip()[:60])
    assert "[1]" not in heard.inner_text()
    assert reader.page.get_by_role("log", name="Conversation").count() == 1


# ---- faults


def test_hostile_input_stays_text_and_nothing_runs(reader: Reader) -> None:
    turn = reader.ask(f"{HOSTILE} <b>CMO</b> ${{alert(2)}} {{{{7*7}}}} <script>alert(3)</script> pay?")
    assert turn.locator(".question p").inner_text().startswith(HOSTILE)
    assert "${alert(2)} {{7*7}} <script>" in turn.inner_text()
    assert turn.locator("img, script, b").count() == 0


def test_markup_that_got_into_the_page_could_not_run(readers: Readers, server: Server) -> None:
    reader = readers().open(server.url)
    reader.page.evaluate("document.querySelector('.log').innerHTML = '<img src=\"/no\" onerror=\"window.ran = 1\">'")
    reader.page.evaluate("document.head.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = 2' }))")
    reader.page.evaluate("fetch('http://outside.test/').catch(() => 0)")
    reader.page.wait_for_timeout(500)
    assert reader.page.evaluate("window.ran === undefined")
    assert any("Content Security Policy" in error for error in reader.errors)
    reader.errors.clear()
    reader.outside.clear()  # asked for and refused by the browser


def test_a_question_that_cannot_be_taken_is_one_plain_line_in_the_chat(reader: Reader) -> None:
    for question, said in (("?!", "holds no words"), ("why " * 1200, "4000 are the most")):
        turn = reader.ask(question)
        assert turn.get_attribute("data-state") == "failed"
        assert said in turn.locator(".line").inner_text()
    assert reader.page.locator(".toast-wrap:visible, .error:visible").count() == 0
    assert reader.ask(MBA).get_attribute("data-state") == "answered"


def test_a_page_without_an_index_waits_and_says_what_for(readers: Readers, tmp_path: Path) -> None:
    with serving(tmp_path / "empty", embedding_model="hashed") as server:
        assert json.loads(server.get("/healthz").text) == {"ok": True}  # type: ignore[attr-defined]
        assert server.get("/readyz").status == 503
        reader = readers()
        reader.page.goto(server.url)
        reader.page.get_by_label("Your question").fill(MBA)
        reader.page.keyboard.press("Enter")
        reader.page.locator(".turn[data-state=working] .progress").wait_for()
        assert reader.answer(1).get_attribute("data-state") in ("answered", "declined")
        server.wait()
        reader.page.goto("about:blank")


def test_what_keeps_the_advisor_from_opening_is_said_in_the_chat_and_tried_again(readers: Readers, tmp_path: Path) -> None:
    with serving(tmp_path / "empty", embedding_model="hashed", auto_index="false") as server:
        reader = readers()
        reader.page.goto(server.url)
        reader.page.locator(".waiting.fault").wait_for()
        turn = reader.ask(MBA)
        assert turn.get_attribute("data-state") == "failed"
        assert "advisor index" in turn.locator(".line").inner_text()
        assert server.get("/readyz").status == 503
        env = {**os.environ, "ADVISOR_HOME": str(server.home), "ADVISOR_EMBEDDING_MODEL": "hashed"}
        subprocess.run([sys.executable, "-m", "advisor.cli", "index"], env=env, check=True, capture_output=True, timeout=120)
        assert reader.ask(MBA).get_attribute("data-state") in ("answered", "declined")
        reader.page.goto("about:blank")


def test_a_server_that_has_gone_is_said_in_the_chat(readers: Readers, indexed_home: Path) -> None:
    with serving(indexed_home) as server:
        reader = readers().open(server.url)
        server.stop(signal.SIGKILL)
        turn = reader.ask(MBA)
        assert "cannot be reached" in turn.inner_text()
        assert reader.page.get_by_label("Your question").input_value() == MBA
        assert reader.page.locator(".toast-wrap:visible").count() == 0
        reader.errors.clear()  # the browser's own, of refused connections
