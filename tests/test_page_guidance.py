"""The guidance and the status in the page, in a real Chromium."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.page_world import MBA, Reader, Readers, Server


def opened(reader: Reader, url: str, view: str) -> Reader:
    reader.page.goto(f"{url}/#/{view}")
    reader.page.locator(f"#view-{view.partition('/')[0]} h1").wait_for()
    return reader


@pytest.mark.parametrize("width", [1280, 390])
def test_guides_are_chosen_by_stage_and_setting_and_read(readers: Readers, server: Server, width: int) -> None:
    reader = opened(readers(width), server.url, "guidance")
    cards = reader.page.locator(".guide-card")
    cards.first.wait_for()
    everything = cards.count()
    reader.page.get_by_label("Stage").select_option("resident")
    residents = cards.count()
    assert 1 <= residents < everything
    assert reader.page.locator(".count").inner_text() == f"{residents} guides"
    reader.page.get_by_label("Setting").select_option("pharma")
    assert 1 <= cards.count() < residents
    name = cards.first.get_by_role("link").inner_text()
    cards.first.get_by_role("link").click()
    reader.page.get_by_role("heading", level=1, name=name).wait_for()
    assert reader.page.locator(".guide .part").count() > 2
    assert "Asked:" not in reader.page.locator(".guide").inner_text()
    assert "Sources:" not in reader.page.locator(".guide").inner_text()
    rests = reader.page.locator(".rests").first
    rests.locator("summary").click()
    assert all((link.get_attribute("rel") or "").startswith("noopener") for link in rests.get_by_role("link").all())
    reader.page.get_by_role("link", name="All guides").click()
    assert reader.page.get_by_label("Setting").input_value() == "pharma"


def test_the_guidance_is_searched_and_opens_at_the_section_found(readers: Readers, server: Server) -> None:
    reader = opened(readers(), server.url, "guidance")
    reader.page.get_by_label("Search the guidance").fill("what does an MBA teach")
    reader.page.get_by_text("nearest passages").wait_for()
    found = reader.page.locator(".guide-card a").first
    section = found.inner_text()
    found.click()
    heading = reader.page.get_by_role("heading", level=2, name=section)
    heading.wait_for()
    reader.page.wait_for_function("text => document.activeElement.textContent === text", arg=section)
    assert heading.bounding_box()["y"] < 400


def test_a_search_finds_what_the_guides_of_a_stage_and_setting_hold(readers: Readers, server: Server) -> None:
    reader = opened(readers(), server.url, "guidance")
    reader.page.get_by_label("Setting").select_option("payer")
    reader.page.get_by_label("Search the guidance").fill("MBA")
    reader.page.get_by_text("nearest passages").wait_for()
    assert reader.page.locator(".guide-card").count() > 1


def test_a_section_is_asked_about_with_its_own_questions_or_ones_own_words(readers: Readers, server: Server) -> None:
    reader = opened(readers(), server.url, "guidance/management-degree")
    part = reader.page.locator(".part").nth(1)
    heading = part.get_by_role("heading").inner_text()
    part.get_by_text("Ask about this section").click()
    question = part.locator(".chip").first.inner_text()
    part.locator(".chip").first.click()
    assert reader.answer(1).locator(".question p").inner_text() == question
    reader.page.go_back()  # to the guide as one left it
    part.get_by_role("button", name="In my own words").click()
    box = reader.page.get_by_label("Your question")
    assert heading in box.input_value()
    assert reader.page.evaluate("document.activeElement.tagName") == "TEXTAREA"


def test_the_status_says_what_is_indexed_and_who_answers(readers: Readers, server: Server) -> None:
    reader = opened(readers(), server.url, "status")
    facts = reader.page.locator("dl.facts")
    facts.get_by_text("guides,").wait_for()
    text = facts.inner_text()
    assert "quoted word for word from the guidance, without a model" in text
    assert "Ready" in text
    assert "0.1.0" in text


@pytest.mark.parametrize("width", [1280, 390])
def test_a_document_of_ones_own_is_added_cited_and_deleted(readers: Readers, server: Server, tmp_path: Path, width: int) -> None:
    brought = tmp_path / "offer.txt"
    brought.write_text("Offer of Lakeside Hospital\n\nLakeside Hospital offers Dr. Ada Vale a signing bonus of 41,500 dollars.\n")
    reader = opened(readers(width), server.url, "documents")
    reader.page.get_by_text("None yet").last.wait_for()
    reader.page.get_by_label("Choose documents").set_input_files(brought)
    reader.page.get_by_text("offer.txt is added.").wait_for()
    reader.page.locator(".documents li").filter(has_text=str(datetime.now().astimezone().year)).wait_for()
    reader.page.locator("a.new:visible, a.anew:visible").first.click()
    answer = reader.ask("What signing bonus does Lakeside Hospital offer me?")
    assert "41,500 dollars" in answer.inner_text()
    answer.locator(".reply .cite").first.click()
    assert "Your own document" in reader.page.locator(".panel, [role=dialog], aside").filter(has_text="offer.txt").first.inner_text()
    opened(reader, server.url, "documents")
    reader.page.get_by_role("button", name="Delete offer.txt").click()
    reader.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    reader.page.get_by_text("None yet").last.wait_for()
    other = opened(readers(), server.url, "documents")
    other.page.get_by_text("None yet").last.wait_for()


def test_what_is_no_document_is_turned_down_with_the_reason(readers: Readers, server: Server, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"no PDF")
    reader = opened(readers(390), server.url, "documents")
    reader.page.get_by_label("Choose documents").set_input_files(tmp_path / "broken.pdf")
    reader.page.locator("#view-documents .said").filter(has_text="PDF").wait_for()
    reader.page.get_by_text("None yet").last.wait_for()


def test_of_several_documents_those_that_can_be_read_are_added(readers: Readers, server: Server, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"no PDF")
    (tmp_path / "job.txt").write_text("A notice\n\nThe post of CMO at Lakeside Hospital is full-time.\n")
    reader = opened(readers(), server.url, "documents")
    reader.page.get_by_label("Choose documents").set_input_files([tmp_path / "broken.pdf", tmp_path / "job.txt"])
    said = reader.page.locator("#view-documents .said").filter(has_text="job.txt is added.")
    said.wait_for()
    assert "broken.pdf is not added." in said.inner_text()
    reader.page.locator(".documents li").filter(has_text="job.txt").wait_for()
    reader.errors.clear()  # the browser notes that one was turned down
    assert reader.page.locator(".documents li").count() == 1


def test_questions_to_start_with_are_offered_for_each_stage(reader: Reader) -> None:
    stages = reader.page.get_by_role("group", name="Where you are on the path").get_by_role("button")
    assert stages.count() >= 5
    seen = set()
    for number in range(stages.count()):
        stages.nth(number).click()
        assert stages.nth(number).get_attribute("aria-pressed") == "true"
        questions = reader.page.locator(".starters .chip").all_inner_texts()
        assert len(questions) == 6
        seen.add(tuple(questions))
    assert len(seen) == stages.count()
    stages.filter(has_text="I’m a resident").click()
    question = reader.page.locator(".starters .chip").first
    text = question.inner_text()
    question.click()
    turn = reader.answer(1)
    assert turn.locator(".question p").inner_text() == text
    assert turn.get_attribute("data-state") == "answered"


def test_a_link_that_leads_nowhere_is_a_new_conversation(readers: Readers, server: Server) -> None:
    for hash_ in ("#/c/", "#/nothing", "#%E0%A4%A", "#source-t1-1"):
        reader = readers()
        reader.page.goto(f"{server.url}/{hash_}")
        reader.page.locator(".starters .chip").first.wait_for()
        assert reader.ask(MBA).get_attribute("data-state") == "answered"
