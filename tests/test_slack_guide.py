"""docs/slack.md shows what there is: every scope, rule and command, and pictures that are small and harmless."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.main import get_command

from advisor.apps.slack_setup import INSTALL, REDIRECT, SCOPES
from advisor.cli_slack import app
from advisor.config import Settings
from advisor.rules import ANSWERS
from tests.conftest import CHECKOUT

GUIDE = (CHECKOUT / "docs" / "slack.md").read_text(encoding="utf-8")
PICTURES = sorted((CHECKOUT / "docs" / "pictures").glob("slack-*.svg"))


def _commands() -> Iterator[list[str]]:
    for block in re.findall(r"^```bash\n(.*?)^```$", GUIDE, re.M | re.S):
        for line in block.splitlines():
            words = shlex.split(line.replace("$(", "\n").partition("\n")[0], comments=True)
            if words[:2] == ["advisor", "slack"]:
                yield words[2:]


def test_every_scope_is_explained_as_the_manifest_has_it() -> None:
    assert dict(re.findall(r"^\| `([a-z_:]+)` \| (.+) \|$", GUIDE.split("## 3.")[0], re.M)).keys() == SCOPES.keys()


def test_every_rule_setting_and_address_is_named() -> None:
    assert set(re.findall(r"^\| `([a-z]+)` \|", GUIDE.split("## Who sees what")[1].split("\n## ")[0], re.M)) == set(ANSWERS)
    named = set(re.findall(r"ADVISOR_([A-Z_]+)", GUIDE))
    assert {name.lower() for name in named} <= set(Settings.model_fields)
    assert {name.upper() for name in Settings.model_fields if name.startswith("slack_")} - {"SLACK_URL"} <= named
    assert INSTALL in GUIDE
    assert REDIRECT in GUIDE


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_every_command_and_option_shown_exists(words: list[str]) -> None:
    command = get_command(app)
    if words and not words[0].startswith("-"):
        command = command.commands[words[0]]  # type: ignore[attr-defined]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options


def test_the_guide_shows_most_of_what_can_be_done() -> None:
    shown = {words[0] for words in _commands() if words}
    assert {"manifest", "check", "rules", "link", "workspaces"} <= shown


@pytest.mark.parametrize("path", PICTURES, ids=lambda p: p.stem)
def test_pictures_are_small_described_and_load_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert f"](pictures/{path.name})" in GUIDE
    assert len(text) < 6000
    root = ElementTree.fromstring(text)
    names = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert names[1:3] == ["title", "desc"]
    assert set(names) <= {"svg", "title", "desc", "style", "rect", "text", "tspan", "path", "circle"}
    assert not re.search(r"href|url\(|@import|\son\w+=", text)


def test_there_are_pictures() -> None:
    assert len(PICTURES) == 5
