"""How the page looks: contrast, phones, zoom, motion, paper."""

from __future__ import annotations

import pytest

from tests.page_world import MBA, OUTSIDE, Reader, Readers, Server, current

# ---- how it looks

# How wide the page is, and what in it can be scrolled sideways.
WIDTH = "document.documentElement.scrollWidth"
SIDEWAYS = """() => [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1
  && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)).map(e => e.className)"""

# Every visible stretch of text with less contrast than 4.5 to what lies behind it.
FAINT = """() => {
  const channels = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return c.startsWith('color(srgb') ? [m[0]*255, m[1]*255, m[2]*255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1] };
  const over = (t, b) => [0, 1, 2].map(i => t[i] * t[3] + b[i] * (1 - t[3])).concat(1);
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126*r + .7152*g + .0722*b };
  const behind = (e) => { const stack = []; for (let n = e; n; n = n.parentElement) stack.push(channels(getComputedStyle(n).backgroundColor)); return stack.reverse().reduce((b, t) => over(t, b), [255, 255, 255, 1]) };
  const faint = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest('.unseen, .heard, .sr-only, script, style')) continue;
    const back = behind(e), text = over(channels(getComputedStyle(e).color), back);
    const [a, b] = [light(text), light(back)].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${e.className}: ${e.textContent.slice(0, 40)}`);
  }
  return faint;
}"""  # noqa: E501


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
