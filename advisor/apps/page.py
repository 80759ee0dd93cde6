"""The page as Gradio components: what the page's scripts draw in, and a box to ask in."""

# No postponed annotations here: Gradio reads the handlers' own to know what to hand them.

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from advisor.apps.starters import opening
from advisor.apps.warm import Warm

LONGEST = 50_000  # characters the box takes; the advisor says in words what is too long for it


def build_page(warm: Warm) -> Any:
    """The Gradio Blocks of the chat page."""
    import gradio as gr

    def open_page() -> Iterator[str]:
        for shown in opening(warm):
            yield json.dumps(shown).replace("<", "\\u003c")  # no tags on the way: the page reads JSON and nothing else

    with gr.Blocks(title="CMO Advisor", analytics_enabled=False, fill_width=True) as page:
        drawn = gr.HTML(
            "",
            html_template=(Path(__file__).parent / "static" / "page.html").read_text(encoding="utf-8"),
            js_on_load="import('/page/page.js').then((page) => page.open(element, props, watch))",
            apply_default_css=False,
            elem_id="conversation",
        )
        # What is asked here goes to /api/page/ask, see docs/architecture.md.
        gr.Textbox(
            label="Your question",
            show_label=False,
            container=False,
            placeholder="Ask about becoming a CMO",
            submit_btn="Ask",
            lines=1,
            max_lines=6,
            max_length=LONGEST,
            elem_id="ask",
        )
        page.load(open_page, None, drawn, show_progress="hidden", concurrency_limit=None, api_visibility="private")
    page.queue(max_size=256, api_open=False)
    return page
