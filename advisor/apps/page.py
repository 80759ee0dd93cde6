"""The page as Gradio components: a log that `page.js` draws, and a box to ask in."""

# No postponed annotations here: Gradio reads the handlers' own to know what to hand them.

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from advisor.apps.reply import Event, opening, replies
from advisor.apps.warm import Warm

AT_ONCE = 8  # questions answered at the same time
LONGEST = 50_000  # characters the box takes; the advisor says in words what is too long for it


def build_page(warm: Warm) -> Any:
    """The Gradio Blocks of the chat page."""
    import gradio as gr

    def ask(conversation: str | None, event: gr.EventData) -> Iterator[tuple[Any, str]]:
        question = event._data.get("ask") if isinstance(event._data, dict) else None
        conversation = conversation or uuid.uuid4().hex
        for shown in replies(warm, question if isinstance(question, str) else "", conversation):
            yield _line(shown), conversation

    def open_page() -> Iterator[str]:
        for shown in opening(warm):
            yield _line(shown)

    with gr.Blocks(title="CMO Advisor", analytics_enabled=False, fill_width=True) as page:
        # Made on the server and never sent: what a page asks for another conversation's history has no way in.
        conversation = gr.State(None)
        log = gr.HTML(
            "",
            html_template=(Path(__file__).parent / "page.html").read_text(encoding="utf-8"),
            js_on_load="advisorPage(element, props, trigger, watch)",
            apply_default_css=False,
            elem_id="conversation",
        )
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
        # The question comes with the event: page.js takes it out of the box, so that one typed meanwhile is not lost.
        log.submit(
            ask,
            conversation,
            [log, conversation],
            show_progress="hidden",
            concurrency_limit=AT_ONCE,
            concurrency_id="ask",
            api_visibility="private",
        )
        page.load(open_page, None, log, show_progress="hidden", concurrency_limit=None, api_visibility="private")
    page.queue(max_size=256, default_concurrency_limit=AT_ONCE, api_open=False)
    return page


def _line(event: Event) -> str:
    return json.dumps(event).replace("<", "\\u003c")  # no tags on the way: page.js reads JSON and nothing else
