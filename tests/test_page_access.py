"""Who uses the page without a mouse, without colours, or without seeing it: every view scanned, and the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.page_world import FAINT, MBA, OUTSIDE, Reader, Readers, Server, current


def welcome(reader: Reader) -> None:
    reader.page.locator(".starters .chip").first.wait_for()


def talk(reader: Reader) -> None:
    welcome(reader)
    reader.ask("?!")
    reader.ask(OUTSIDE)
    turn = reader.ask(MBA)
    turn.get_by_label("Not helpful").click()
    turn.get_by_label("What was wrong? (optional)").wait_for()


def sources(reader: Reader) -> None:
    welcome(reader)
    reader.ask(MBA).locator("a.cite").first.click()
    reader.page.wait_for_timeout(400)


def preview(reader: Reader) -> None:
    welcome(reader)
    reader.ask(MBA).locator("a.cite").first.hover()
    reader.page.get_by_role("tooltip").wait_for()


def menus(reader: Reader) -> None:
    welcome(reader)
    reader.ask(MBA)
    reader.page.get_by_label("Export").click()


def dialog(reader: Reader) -> None:
    welcome(reader)
    reader.ask(MBA)
    reader.page.get_by_role("button", name="Rename").click()
    reader.page.get_by_role("dialog").wait_for()


def drawer(reader: Reader) -> None:
    welcome(reader)
    if reader.page.get_by_label("Menu").is_visible():
        reader.page.get_by_label("Menu").click()
        reader.page.wait_for_timeout(400)


def view(hash_: str, wanted: str) -> Callable[[Reader], None]:
    def opened(reader: Reader) -> None:
        reader.page.evaluate(f"location.hash = {hash_!r}")
        reader.page.locator(wanted).first.wait_for()
        for closed in reader.page.locator(".view:visible .part-tools summary").all()[:4]:
            closed.click()

    return opened


def documents(reader: Reader) -> None:
    held = {"id": "mine:1", "name": "cv.pdf", "title": "My CV", "words": 812, "pages": 2, "added": "2026-11-01T00:00:00Z"}
    reader.page.route("**/api/documents", lambda route: route.fulfill(json={"documents": [held]}))
    view("#/documents", ".documents li")(reader)


VIEWS: dict[str, Callable[[Reader], None]] = {
    "welcome": welcome,
    "talk": talk,
    "sources": sources,
    "preview": preview,
    "menus": menus,
    "dialog": dialog,
    "drawer": drawer,
    "guidance": view("#/guidance", ".guide-card"),
    "guide": view("#/guidance/management-degree", ".part"),
    "status": view("#/status", "dl.facts"),
    "documents": documents,
}


OTHERS = [(1280, "dark"), (390, "light")]


def grave(page: Any) -> Iterator[str]:
    for found in Axe().run(page).response["violations"]:
        if found["impact"] in ("serious", "critical"):
            for node in found["nodes"]:
                yield f"{found['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (390, "dark"), *(pytest.param(*other, marks=pytest.mark.thorough) for other in OTHERS)]
)
@pytest.mark.parametrize("name", VIEWS)
def test_no_view_has_a_serious_fault_of_access(readers: Readers, server: Server, name: str, width: int, scheme: str) -> None:
    reader = readers(width, 844, color_scheme=scheme).open(server.url)
    VIEWS[name](reader)
    assert list(grave(reader.page)) == []
    assert reader.page.evaluate(FAINT) == []


def test_the_page_has_landmarks_and_one_first_heading_in_each_view(readers: Readers, server: Server) -> None:
    reader = readers().open(server.url)
    for landmark in ("main", "navigation"):
        assert reader.page.get_by_role(landmark).first.is_visible()
    assert reader.page.evaluate("document.documentElement.lang") == "en"
    for prepare in (welcome, talk, VIEWS["guidance"], VIEWS["guide"], VIEWS["status"]):
        prepare(reader)
        assert reader.page.locator("h1:visible").count() == 1


def test_a_whole_visit_needs_no_mouse(readers: Readers, server: Server) -> None:
    reader = readers().open(server.url)
    keys = reader.page.keyboard

    def reach(true: str, key: str = "Tab", most: int = 60) -> None:
        for _ in range(most):
            if reader.page.evaluate(f"(e => {true})(document.activeElement)"):
                assert reader.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid" or "TEXTAREA" in current(
                    reader
                )
                return
            keys.press(key)
        pytest.fail(f"the keyboard does not reach {true}")

    keys.type(MBA)  # the box has the keyboard from the start
    keys.press("Enter")
    reader.answer(1)
    reach("e.matches('a.cite')", "Shift+Tab")
    keys.press("Enter")
    assert reader.page.locator("#sources").is_visible()
    keys.press("Escape")
    reach("e.getAttribute('aria-label') === 'Helpful'")
    keys.press("Space")
    reader.page.locator("[aria-label='Helpful'][aria-pressed='true']").wait_for()
    assert reader.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Helpful"
    reach("e.getAttribute('aria-label') === 'Rename'", "Shift+Tab")
    keys.press("Enter")
    keys.type("By keyboard")
    keys.press("Enter")
    reader.page.get_by_role("link", name="By keyboard").wait_for()
    reach("e.getAttribute('aria-label') === 'Export'")
    keys.press("Enter")
    assert reader.page.get_by_role("link", name="Markdown").is_visible()
    keys.press("Escape")
    assert reader.page.get_by_role("link", name="Markdown").is_hidden()
    reach("e.getAttribute('aria-label') === 'Delete'")
    keys.press("Enter")
    reach("e.textContent === 'Delete'")
    keys.press("Enter")
    reader.page.locator(".welcome").wait_for()
    reach("e.hash === '#/guidance'", "Shift+Tab")
    keys.press("Enter")
    reader.page.locator(".guide-card").first.wait_for()
    reach("e.closest('.guide-card')")
    keys.press("Enter")
    reader.page.locator(".part").first.wait_for()


def test_the_first_key_skips_to_the_question_box(reader: Reader) -> None:
    reader.page.evaluate("document.body.tabIndex = -1, document.body.focus()")
    reader.page.keyboard.press("Tab")
    assert reader.page.evaluate("document.activeElement.textContent") == "Skip to the question box"
    reader.page.keyboard.press("Enter")
    assert reader.page.evaluate("document.activeElement.tagName") == "TEXTAREA"


def test_the_drawer_of_a_phone_keeps_the_keyboard_and_gives_it_back(readers: Readers, server: Server) -> None:
    reader = readers(390).open(server.url)
    reader.page.get_by_label("Menu").click()
    for _ in range(20):
        reader.page.keyboard.press("Tab")
        assert reader.page.evaluate("document.getElementById('side').contains(document.activeElement)")
    reader.page.keyboard.press("Escape")
    assert reader.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Menu"
    reader.page.locator("#side").wait_for(state="hidden")
