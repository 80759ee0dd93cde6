"""How the page looks: contrast, phones, zoom, motion, paper."""

from __future__ import annotations

import re

import pytest

from tests.page_world import FAINT, MBA, OUTSIDE, SIDEWAYS, WIDTH, Reader, Readers, Server, current

# ---- how it looks


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(readers: Readers, server: Server, scheme: str) -> None:
    reader = readers(color_scheme=scheme).open(server.url)
    assert reader.page.evaluate(FAINT) == []
    reader.ask(OUTSIDE)
    reader.ask("?!")
    reader.ask(MBA).locator("a.cite").first.click()
    reader.page.mouse.move(0, 400)
    reader.page.wait_for_timeout(400)
    assert reader.page.evaluate(FAINT) == []
    lightness = reader.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert (lightness < 60) == (scheme == "dark")


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_shows_everything_without_scrolling_sideways(readers: Readers, server: Server, width: int) -> None:
    reader = readers(width, 844, has_touch=True, is_mobile=True).open(server.url)
    assert reader.page.evaluate(WIDTH) == width
    reader.ask(f"{'unbroken' * 30} {OUTSIDE}")
    turn = reader.ask(MBA)
    assert reader.page.evaluate(WIDTH) == width
    turn.locator("a.cite").first.tap()
    reader.page.wait_for_timeout(400)
    assert reader.page.evaluate(WIDTH) == width
    assert reader.page.evaluate(SIDEWAYS) == []
    sheet = reader.page.locator("#sources").bounding_box()
    assert sheet["x"] == 0
    assert sheet["width"] == width
    assert sheet["y"] > 80
    assert sheet["y"] + sheet["height"] == pytest.approx(844, abs=1)
    assert reader.page.locator("#sources").get_attribute("aria-modal") == "true"
    for _ in range(30):  # the keyboard stays in the sheet
        reader.page.keyboard.press("Tab")
        assert reader.page.evaluate("document.getElementById('sources').contains(document.activeElement)")
    reader.page.locator(".backdrop").tap(position={"x": 10, "y": 10})
    assert reader.page.locator("#sources").is_hidden()
    assert "mark-" in current(reader)


def test_the_side_panel_covers_none_of_the_conversation(reader: Reader) -> None:
    turn = reader.ask(MBA)
    turn.locator("a.cite").first.click()
    text, panel = turn.locator(".text").bounding_box(), reader.page.locator("#sources").bounding_box()
    assert text["x"] + text["width"] <= panel["x"]
    assert reader.page.locator("#sources").get_attribute("aria-modal") == "false"


def test_nothing_moves_for_those_who_ask_for_less_motion(readers: Readers, server: Server) -> None:
    reader = readers(reduced_motion="reduce").open(server.url)
    reader.ask(MBA).locator("a.cite").first.click()
    assert reader.page.evaluate("getComputedStyle(document.getElementById('sources')).animationName") == "none"


def test_the_page_says_what_it_is_and_is_not_and_has_no_gradio_footer(reader: Reader) -> None:
    text = reader.page.locator("body").inner_text()
    assert "CMO Advisor" in text
    assert "not clinical, legal, tax or immigration advice" in text
    assert reader.page.title() == "CMO Advisor"
    assert reader.page.locator("footer:visible").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_at_twice_the_size_everything_is_there_and_nothing_is_cut(readers: Readers, server: Server, scheme: str) -> None:
    """Zoomed to 200 %, a window of 1280 by 860 is laid out as one of 640 by 430."""
    reader = readers(640, 430, device_scale_factor=2, color_scheme=scheme).open(server.url)
    turn = reader.ask(MBA)
    assert reader.page.evaluate(WIDTH) == 640
    turn.locator("a.cite").first.click()
    assert reader.page.get_by_role("button", name="Close").is_visible()
    assert reader.page.evaluate(SIDEWAYS) == []
    reader.page.keyboard.press("Escape")
    for view in ("guidance", "guidance/management-degree", "status"):
        reader.page.goto(f"{server.url}/#/{view}")
        reader.page.locator(f"#view-{view.partition('/')[0]} h1").wait_for()
        assert reader.page.evaluate(WIDTH) == 640
    assert reader.page.get_by_label("Menu").is_visible()


def test_our_part_of_the_page_is_light(server: Server) -> None:
    page = server.get("/").text  # type: ignore[attr-defined]
    names = set(re.findall(r'"(/page/[\w.]+)"', page))
    assert len(names) >= 8
    assert sum(len(server.get(name).text.encode()) for name in names) <= 300_000  # type: ignore[attr-defined]
