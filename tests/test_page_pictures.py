"""The pictures of the page in docs/: made here, and with ADVISOR_PICTURES naming a folder kept there (make pictures)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.page_world import MBA, Readers, Server

KEPT = os.environ.get("ADVISOR_PICTURES")
PICTURES = {
    "screenshot": (1280, 860, "light"),
    "screenshot-dark": (1280, 860, "dark"),
    "screenshot-phone": (390, 844, "light"),
    "screenshot-guidance": (1280, 860, "light"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_shows_the_page_at_work(readers: Readers, server: Server, tmp_path: Path, name: str) -> None:
    width, height, scheme = PICTURES[name]
    reader = readers(width, height, color_scheme=scheme, reduced_motion="reduce")
    if name == "screenshot-guidance":
        reader.page.goto(f"{server.url}/#/guidance")
        reader.page.locator(".guide-card").first.wait_for()
    else:
        reader.open(server.url).ask(MBA).locator("a.cite").nth(1).click()
        reader.page.locator("#sources mark.current").wait_for()
        reader.page.mouse.move(5, 5)
    reader.page.wait_for_timeout(300)
    folder = Path(KEPT) if KEPT else tmp_path
    reader.page.screenshot(path=folder / f"{name}.png")
    assert 20_000 < (folder / f"{name}.png").stat().st_size < 300_000
