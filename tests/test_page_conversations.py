"""Conversations in the page, in a real Chromium: stop, ask again, edit, copy, judge; list, find, rename, delete, export, reopen."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.model_server import ModelServer, Reply, asked
from tests.page_world import MBA, OUTSIDE, Reader, Readers, Server, serving, squeezed

VPMA = "What does a VPMA do?"


def listed(reader: Reader) -> list[str]:
    return [squeezed(title) for title in reader.page.get_by_role("list", name="Conversations").get_by_role("link").all_inner_texts()]


def tool(reader: Reader, name: str) -> Any:
    return reader.page.get_by_role("group", name="This conversation").get_by_label(name, exact=True)


def act(turn: Any, name: str) -> Any:
    return turn.get_by_role("group", name="This answer").get_by_label(name, exact=True)


def thumbs(home: Path, question: str) -> list[tuple[int, str]]:
    with sqlite3.connect(home / "advisor.db") as database:
        query = "SELECT f.thumb, f.reason FROM feedback f JOIN turns t ON t.id = f.turn_id WHERE t.question = ?"
        return database.execute(query, (question,)).fetchall()


# ---- one answer


@pytest.mark.parametrize("width", [1280, 390])
def test_an_answer_is_copied_with_its_numbered_sources(readers: Readers, server: Server, width: int) -> None:
    reader = readers(width, permissions=["clipboard-read", "clipboard-write"]).open(server.url)
    turn = reader.ask(MBA)
    act(turn, "Copy with sources").click()
    reader.page.locator(".act.done").wait_for()
    copied = reader.page.evaluate("navigator.clipboard.readText()")
    answer, _, sources = copied.partition("\n\nSources\n")
    assert squeezed(turn.locator(".text").inner_text()) == squeezed(answer)
    assert sources.startswith("[1]")
    assert "Rests on:" in sources


def test_a_thumb_and_its_reason_are_kept_and_can_be_taken_back(reader: Reader, server: Server) -> None:
    question = f"{MBA} ({time.time_ns()})"
    turn = reader.ask(question)
    act(turn, "Not helpful").click()
    reason = turn.get_by_label("What was wrong? (optional)")
    reason.fill("Too <b>long</b>")
    reader.page.keyboard.press("Enter")
    turn.get_by_text("You said: Too <b>long</b>").wait_for()
    assert thumbs(server.home, question) == [(-1, "Too <b>long</b>")]
    reader.page.reload()
    turn = reader.answer(1)
    assert act(turn, "Not helpful").get_attribute("aria-pressed") == "true"
    act(turn, "Not helpful").click()
    turn.get_by_text("You said").wait_for(state="detached")
    assert thumbs(server.home, question) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_a_question_is_asked_again_or_edited(readers: Readers, server: Server, width: int) -> None:
    reader = readers(width).open(server.url)
    act(reader.ask(VPMA), "Ask again").click()
    assert reader.answer(2).locator(".question p").inner_text() == VPMA
    act(reader.last, "Edit the question").click()
    assert reader.page.get_by_label("Your question").input_value() == VPMA
    reader.page.keyboard.type(" And who hires one?")
    reader.page.keyboard.press("Enter")
    assert reader.answer(3).locator(".question p").inner_text() == f"{VPMA} And who hires one?"


def test_an_answer_offers_questions_worth_asking_next(reader: Reader) -> None:
    turn = reader.ask(MBA)
    offered = turn.get_by_role("list", name="You could ask").get_by_role("button")
    assert 1 <= offered.count() <= 3
    assert MBA not in offered.all_inner_texts()
    offered.first.click()
    assert reader.answer(2).get_attribute("data-state") == "answered"


def test_pointing_at_a_mark_or_reaching_it_by_keyboard_shows_what_it_cites(reader: Reader) -> None:
    turn = reader.ask(MBA)
    mark, preview = turn.locator("a.cite").first, reader.page.get_by_role("tooltip")
    mark.hover()
    preview.wait_for()
    quote = squeezed(preview.locator(".quote").inner_text())
    assert quote in squeezed(turn.inner_text())
    assert "Quoted word for word" in preview.inner_text()
    preview.hover()
    reader.page.wait_for_timeout(400)
    assert preview.is_visible()  # so that it can be read with a magnifier
    reader.page.keyboard.press("Escape")
    preview.wait_for(state="hidden")
    reader.page.mouse.move(5, 5)
    reader.page.get_by_label("Your question").focus()
    for _ in range(40):
        reader.page.keyboard.press("Shift+Tab")
        if reader.page.evaluate("document.activeElement.matches('a.cite')"):
            break
    preview.wait_for()
    assert reader.page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "preview"
    reader.page.keyboard.press("Space")
    assert reader.page.locator("#sources").is_visible()


# ---- an answer that takes its time


def written(request: dict[str, Any]) -> list[str]:
    """The first two sentences of the first passage that the model is given, and the beginning of a third."""
    passage = re.search(r"<(text-\w+)>\n(.*?)\n</\1>", asked(request)[1], re.S)
    if passage is None:  # a follow-up to be made whole
        return [MBA]
    first, second, *_ = re.split(r"(?<=\.)\s+", passage[2])
    return [f"{first} [1] ", f"{second} [1] ", "And so"]


@pytest.fixture(scope="module")
def writing(indexed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, ModelServer, list[Reply]]]:
    """A server whose model writes what the test puts into the list."""
    home = tmp_path_factory.mktemp("writing") / "home"
    shutil.copytree(indexed_home, home)
    replies: list[Reply] = [Reply()]
    with (
        ModelServer(lambda request: replace(replies[0], bits=written(request))) as model,
        serving(home, model="openai:test", model_url=model.url, model_silence="60") as server,
    ):
        server.wait()
        yield server, model, replies


@pytest.mark.parametrize("how", ["button", "Escape"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_stopped_answer_says_so_and_stays(readers: Readers, writing: Any, how: str, width: int) -> None:
    server, model, replies = writing
    replies[0] = Reply(fault="silent within")
    model.gone.clear()
    reader = readers(width).open(server.url)
    reader.page.get_by_label("Your question").fill(MBA)
    reader.page.keyboard.press("Enter")
    reader.page.locator(".turn[data-state=working] a.cite").first.wait_for()
    if how == "button":
        reader.page.get_by_role("button", name="Stop").click()
    else:
        reader.page.keyboard.press("Escape")
    turn = reader.answer(1)
    assert turn.get_attribute("data-state") == "stopped"
    assert "Stopped before the answer was complete." in turn.inner_text()
    assert model.gone.wait(10)  # the call to the model has ended, too
    act(turn, "Helpful").click()  # it is kept under a name
    reader.page.reload()
    turn = reader.answer(1)
    assert turn.get_attribute("data-state") == "stopped"
    assert "Stopped before the answer was complete." in turn.inner_text()
    turn.locator("a.cite").first.click()
    assert reader.page.locator("#sources mark.current").is_visible()


def test_marks_stay_the_same_while_the_answer_grows_and_can_be_followed_at_once(readers: Readers, writing: Any) -> None:
    server, _, replies = writing
    replies[0] = Reply(fault="silent within")
    reader = readers().open(server.url)
    reader.page.get_by_label("Your question").fill(MBA)
    reader.page.keyboard.press("Enter")
    mark = reader.page.locator(".turn[data-state=working] a.cite").first
    mark.wait_for()
    mark.evaluate("mark => { window.first = mark; mark.focus() }")
    reader.page.keyboard.press("Enter")
    assert reader.page.locator("#sources mark.current").is_visible()
    reader.page.keyboard.press("Escape")
    reader.page.wait_for_timeout(100)
    assert reader.page.get_by_role("tooltip").is_hidden()  # closing the source does not bring up its preview
    reader.page.keyboard.press("Escape")
    assert reader.answer(1).get_attribute("data-state") == "stopped"

    replies[0] = Reply(pause=1.0)  # on a busy machine, too, the answer is still growing when its first mark is reached
    reader.page.get_by_label("Your question").fill(MBA)
    reader.page.keyboard.press("Enter")
    mark.evaluate("mark => { window.first = mark; mark.focus() }")
    turn = reader.answer(2)
    assert turn.locator("a.cite").count() >= 2
    assert turn.locator("a.cite").first.evaluate("mark => mark === window.first && mark === document.activeElement")


def test_quotes_that_stand_in_for_a_model_look_different_and_say_why(readers: Readers, writing: Any) -> None:
    server, _, replies = writing
    replies[0] = Reply(status=401)
    turn = readers().open(server.url).ask(MBA)
    assert turn.get_attribute("data-state") == "answered"
    assert turn.locator(".label").inner_text() == "Quoted from the guidance"
    assert "quoted" in turn.locator(".note").inner_text()
    assert turn.locator(".reply").evaluate("e => getComputedStyle(e).borderLeftWidth") == "4px"


def test_a_follow_up_waits_in_the_box_while_an_answer_is_written(readers: Readers, writing: Any) -> None:
    server, _, replies = writing
    replies[0] = Reply(pause=0.5)
    reader = readers().open(server.url)
    box = reader.page.get_by_label("Your question")
    box.fill(MBA)
    reader.page.keyboard.press("Enter")
    reader.page.locator(".turn[data-state=working]").wait_for()
    box.fill(VPMA)
    reader.page.keyboard.press("Enter")
    assert box.input_value() == VPMA
    reader.answer(2)
    assert box.input_value() == ""


def test_another_conversation_can_be_read_while_one_is_answered(readers: Readers, writing: Any) -> None:
    server, _, replies = writing
    replies[0] = Reply()
    reader = readers().open(server.url)
    reader.ask(VPMA)
    replies[0] = Reply(pause=0.7)
    reader.page.get_by_role("link", name="New conversation").click()
    reader.page.get_by_label("Your question").fill(MBA)
    reader.page.keyboard.press("Enter")
    reader.page.locator(".turn[data-state=working]").wait_for()
    reader.page.get_by_role("link", name=VPMA).click()
    assert reader.page.locator(".question p").all_inner_texts() == [VPMA]
    assert reader.page.get_by_role("button", name="Stop").is_hidden()
    reader.page.get_by_role("link", name=MBA).click()
    assert reader.answer(1).get_attribute("data-state") == "answered"
    assert reader.page.locator(".question p").all_inner_texts() == [MBA]


# ---- many


@pytest.mark.parametrize("width", [1280, 390])
def test_a_reload_keeps_the_chat_and_its_sources(readers: Readers, server: Server, width: int) -> None:
    reader = readers(width).open(server.url)
    reader.ask(MBA)
    text = squeezed(reader.last.locator(".text").inner_text())
    reader.ask(OUTSIDE)
    reader.page.reload()
    assert reader.answer(2).get_attribute("data-state") == "declined"
    assert squeezed(reader.page.locator(".turn").first.locator(".text").inner_text()) == text
    reader.page.locator("a.cite").first.click()
    assert squeezed(reader.page.locator("#sources mark.current").inner_text()) in text
    reader.page.keyboard.press("Escape")
    assert reader.ask("And why?").get_attribute("data-state") in ("answered", "declined")


def test_conversations_are_there_after_a_restart(readers: Readers, indexed_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(indexed_home, home)
    with serving(home) as server:
        server.wait()
        reader = readers().open(server.url)
        reader.ask(MBA)
        chat = reader.page.evaluate("location.hash")
        port = server.port
        reader.page.goto("about:blank")
    with serving(home, at=port) as server:
        server.wait()
        reader.open(server.url)
        assert listed(reader) == [MBA]
        reader.page.goto(f"{server.url}/{chat}")
        assert reader.answer(1).get_attribute("data-state") == "answered"


def test_conversations_are_listed_found_renamed_and_deleted(reader: Reader) -> None:
    reader.ask(MBA)
    reader.page.get_by_role("link", name="New conversation").click()
    reader.page.locator(".starters .chip").first.wait_for()
    reader.ask(VPMA)
    reader.page.get_by_role("link", name=VPMA).wait_for()
    assert listed(reader) == [VPMA, MBA]
    find = reader.page.get_by_label("Search conversations")
    find.fill("degree")  # in the answer, not in the title
    reader.page.get_by_role("link", name=VPMA).wait_for(state="detached")
    assert listed(reader) == [MBA]
    find.fill("")
    reader.page.get_by_role("link", name=VPMA).wait_for()
    reader.page.get_by_role("link", name=MBA).click()
    assert reader.page.locator(".question p").all_inner_texts() == [MBA]
    tool(reader, "Rename").click()
    reader.page.get_by_role("dialog").get_by_role("textbox").fill("Degrees")
    reader.page.keyboard.press("Enter")
    reader.page.get_by_role("link", name="Degrees").wait_for()
    assert listed(reader) == ["Degrees", VPMA] or listed(reader) == [VPMA, "Degrees"]
    assert reader.page.get_by_role("heading", level=1, name="Degrees").is_visible()
    tool(reader, "Delete").click()
    reader.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert "Degrees" in listed(reader)
    tool(reader, "Delete").click()
    reader.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    reader.page.get_by_role("link", name="Degrees").wait_for(state="detached")
    assert listed(reader) == [VPMA]
    assert reader.page.locator(".welcome").is_visible()


def test_a_deleted_conversation_is_gone_from_the_disk(readers: Readers, server: Server) -> None:
    reader = readers(390).open(server.url)
    tag = f"aardvark{time.time_ns()}"
    reader.ask(f"Do I need an MBA to become a CMO? {tag}")
    tool(reader, "Delete").click()
    reader.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    reader.page.locator(".welcome").wait_for()
    assert tag.encode() not in b"".join(path.read_bytes() for path in server.home.glob("advisor.db*"))


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(("form", "holds"), [("Markdown", "**Sources**"), ("Web page", "<h3>Sources</h3>"), ("JSON", '"citations"')])
def test_a_conversation_is_exported(readers: Readers, server: Server, tmp_path: Path, form: str, holds: str, width: int) -> None:
    reader = readers(width).open(server.url)
    reader.ask(MBA)
    tool(reader, "Export").click()
    with reader.page.expect_download() as loading:
        reader.page.get_by_role("link", name=form).click()
    loading.value.save_as(tmp_path / "saved")
    saved = (tmp_path / "saved").read_text()
    assert holds in saved
    assert MBA in saved
    if form == "JSON":
        assert json.loads(saved)["turns"][0]["question"] == MBA


def test_a_link_reopens_a_conversation_in_its_own_browser_and_in_no_other(readers: Readers, server: Server) -> None:
    one = readers(permissions=["clipboard-read", "clipboard-write"]).open(server.url)
    one.ask("My secret is the word aardvark. Do I need an MBA?")
    tool(one, "Copy link").click()
    one.page.locator(".act.done").wait_for()
    link = one.page.evaluate("navigator.clipboard.readText()")
    one.page.get_by_role("link", name="New conversation").click()
    one.page.goto(link)
    assert "aardvark" in one.answer(1).inner_text()
    other = readers().open(server.url)
    other.page.goto(link)
    other.page.locator(".nothing").wait_for()
    assert any("404" in error for error in other.errors)  # the browser's own line
    other.errors.clear()
    assert "aardvark" not in other.page.content()
    assert listed(other) == []


def test_all_conversations_of_a_visitor_can_be_deleted_at_once(readers: Readers, server: Server) -> None:
    one, other = readers().open(server.url), readers().open(server.url)
    other.ask(VPMA)
    one.ask(MBA)
    one.page.goto(f"{server.url}/#/status")
    one.page.get_by_role("button", name="Delete all my conversations").click()
    one.page.get_by_role("dialog").get_by_role("button", name="Delete all").click()
    one.page.locator(".starters .chip").first.wait_for()
    one.page.get_by_text("None yet").wait_for()
    other.page.reload()
    assert other.answer(1).is_visible()


def test_a_printed_conversation_has_its_sources_and_none_of_the_pages_buttons(reader: Reader) -> None:
    reader.ask(MBA)
    reader.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    reader.page.emulate_media(media="print")
    assert reader.page.locator(".printed .source").count() >= 1
    assert reader.page.locator(".printed .works").first.is_visible()
    for gone in (".side", "#ask", ".actions", ".tools"):
        assert not reader.page.locator(gone).first.is_visible()
    reader.page.emulate_media(media="screen")
    reader.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert reader.page.locator(".printed").count() == 0


def test_who_has_gone_on_to_another_conversation_is_not_taken_back(readers: Readers, server: Server) -> None:
    reader = readers().open(server.url)
    addresses = []
    for question in (MBA, VPMA):
        reader.page.get_by_role("link", name="New conversation").click()
        reader.page.wait_for_function("location.hash === '#/'")
        reader.ask(question)
        addresses.append(reader.page.evaluate("location.hash"))
    slow = addresses[0].rsplit("/", 1)[1]
    reader.page.goto(f"{server.url}/#/status")
    reader.page.reload()
    reader.page.get_by_role("heading", name="Status").wait_for()
    held: list[Any] = []
    reader.page.route(f"**/api/page/conversations/{slow}", lambda route: held.append(route))
    for address in addresses:
        reader.page.locator(f'a[href="{address}"]').click()
    reader.page.locator(".turn").filter(has_text=VPMA).wait_for()
    held[0].continue_()
    reader.page.wait_for_timeout(500)
    assert reader.page.locator(".turn .question").inner_text().strip().endswith(VPMA)
    assert reader.page.evaluate("location.hash") == addresses[1]


def test_a_mark_opened_in_another_tab_leads_to_its_conversation(reader: Reader) -> None:
    mark = reader.ask(MBA).locator("a.cite").first
    with reader.page.context.expect_page() as opened:
        mark.click(modifiers=["ControlOrMeta"])
    opened.value.locator(".turn").filter(has_text=MBA).wait_for()
