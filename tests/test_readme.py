"""What README.md shows exists: commands, options, make targets, Python names, JSON fields, settings, links, quotes."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from advisor.config import Settings
from advisor.corpus import Corpus
from advisor.keys import open_keys
from tests.api_world import listening, opened
from tests.conftest import CHECKOUT, Run
from tests.upload_world import pdf

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [*("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/architecture.md", "docs/slack.md")]
DOCUMENTS += ["corpus/README.md", "evals/README.md"]


def _blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def _section(heading: str) -> str:
    return README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def _commands(program: str) -> Iterator[list[str]]:
    for block in _blocks("bash"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == [program]:
                yield words[1:]


GROUPS = ("chats", "corpus", "eval", "keys", "slack")  # commands that have commands


def _command(words: list[str]) -> str:
    return " ".join(words[: 2 if words[0] in GROUPS else 1])


@cache
def _help(command: str) -> str:
    call = [sys.executable, "-m", "advisor.cli", *command.split(), "--help"]
    done = subprocess.run(call, env={**os.environ, "COLUMNS": "200"}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"there is no `advisor {command}`: {done.stderr}"
    return done.stdout


@pytest.mark.parametrize("words", _commands("advisor"), ids=" ".join)
def test_every_command_and_option_shown_exists(words: list[str]) -> None:
    for option in (w.split("=")[0] for w in words[1:] if w.startswith("-") and w != "-"):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", _help(_command(words))), f"`advisor {_command(words)}` has no {option}"
    assert _help(_command(words))


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_every_request_shown_is_served(hashed_home: Path, tmp_path: Path) -> None:
    shown = [line for block in _blocks("bash") for line in block.splitlines() if line.startswith("curl ")]
    warm = opened(hashed_home, tmp_path / "home")
    keys = open_keys(warm.settings)
    (tmp_path / "cv.pdf").write_bytes(pdf())
    with listening(warm) as port:
        told = {**os.environ, "URL": f"http://127.0.0.1:{port}", "KEY": keys.create("readme"), "TURN": ""}
        for line in shown:
            if "$TURN" in line:
                told["TURN"] = warm.advisor().store.turns("mine", "key:readme")[0].id  # type: ignore[attr-defined]
            if "$DOCUMENT" in line:
                told["DOCUMENT"] = warm.advisor().own.uploads.listed("key:readme")[0].id  # type: ignore[attr-defined]
            done = subprocess.run(
                ["bash", "-c", f"{line.partition('#')[0]} -sS --fail-with-body"],
                env=told, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            assert done.stdout
    keys.close()
    assert len(shown) >= 10


LISTED = """
from advisor.cli import app
print(*(c.name or c.callback.__name__ for c in app.registered_commands), *(g.name for g in app.registered_groups))
"""


def test_every_command_there_is_is_shown() -> None:
    listed = subprocess.run(
        [sys.executable, "-c", LISTED],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert set(listed.stdout.split()) == {words[0] for words in _commands("advisor")}


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("target", sorted({*(w for words in _commands("make") for w in words), *re.findall(r"`make (\w+)`", README)}))
def test_every_make_target_shown_exists(target: str) -> None:
    # A folder of that name would satisfy make, so the Makefile must name the target too.
    assert re.search(rf"^{target}:", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.M), f"the Makefile has no target {target}"
    done = subprocess.run(["make", "-n", target], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_python_module_and_option_shown_exists(name: str) -> None:
    for module, rest in re.findall(r"python -m ([a-z][\w.]*)([^`\n#]*)", (CHECKOUT / name).read_text(encoding="utf-8")):
        path = CHECKOUT / (module.replace(".", "/") + ".py")
        assert path.is_file(), f"{name} shows python -m {module}"
        for option in re.findall(r"--[a-z-]+", rest):
            assert f'"{option}"' in path.read_text(encoding="utf-8"), f"python -m {module} has no {option}"


def test_the_python_shown_runs_and_prints_citations(indexed_home: Path, tmp_path: Path) -> None:
    (snippet,) = _blocks("python")
    script = tmp_path / "snippet.py"
    script.write_text(snippet, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "ADVISOR_HOME": str(indexed_home)}, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"^1 .+ management-degree\.md$", done.stdout, re.M), done.stdout


def test_the_json_of_a_turn_has_the_fields_named(advisor: Run, hashed_home: Path) -> None:
    done = advisor("ask", "Do I need an MBA to become a CMO?", "--json", home=str(hashed_home))
    paragraph = next(p for p in README.split("\n\n") if p.startswith("The JSON of a turn"))
    named = set(re.findall(r"`(\w+)`", paragraph))
    assert set(json.loads(done.stdout)) <= named


def test_the_table_of_settings_is_complete() -> None:
    shown = {name: (default, what) for name, default, what in re.findall(r"^\| `(ADVISOR_\w+)` \| `(.+?)` \| (.+) \|$", README, re.M)}
    fields = {f"ADVISOR_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert list(shown) == list(fields)
    for name, (default, what) in shown.items():
        assert what == fields[name].description
        assert name == "ADVISOR_HOME" or default.strip() == str(fields[name].default).replace("True", "true").replace("False", "false")


def test_the_answer_shown_quotes_the_guidance(shipped_corpus: Corpus) -> None:
    exchange = next(b for b in _blocks("") if b.startswith("$ advisor ask"))
    answer = exchange.split("\n", 1)[1].split("\nSources\n")[0]
    quotes = [" ".join(q.split()) for q in re.findall(r"(.+?)\s\[\d+\]", answer, re.S)]
    guidance = [" ".join(g.document.text.split()) for g in shipped_corpus.guidance]
    assert len(quotes) >= 3
    for quote in quotes:
        assert any(quote in text for text in guidance), quote


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_to_files_lead_somewhere(name: str) -> None:
    path = CHECKOUT / name
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)):
        if not re.match(r"[a-z]+:|#", link):
            assert (path.parent / link.split("#")[0]).exists(), f"{name} links to {link}"


@pytest.mark.parametrize("name", re.findall(r"`((?:advisor/)?[a-z]+\.py)`", README))
def test_files_named_exist(name: str) -> None:
    assert (CHECKOUT / name).is_file() or (CHECKOUT / "advisor" / name).is_file()


def test_there_is_one_place_for_the_scoreboard() -> None:
    before, _, after = _section("Scoreboard").partition("<!-- scoreboard -->")
    assert "<!-- /scoreboard -->" in after
    assert "<!-- /scoreboard -->" not in before
