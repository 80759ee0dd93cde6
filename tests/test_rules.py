"""Rules of channels: what is not set there holds as for the workspace, and what is not set there as ever. On both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.errors import SettingsError
from advisor.rules import ChannelRules, Given, Rule
from tests.chat_world import opened


@pytest.fixture
def rules(database: str, tmp_path: Path) -> Iterator[ChannelRules]:
    store = opened(database, tmp_path)
    yield ChannelRules(store.engine)
    store.close()


def test_answers_in_channels_are_private_and_only_to_those_who_mention_it_until_set_otherwise(rules: ChannelRules) -> None:
    assert rules.of("T1", "C1") == Rule("mentioned", "private")
    assert rules.listed() == []


def test_a_channel_has_its_own_rule_and_the_rest_from_its_workspace(rules: ChannelRules) -> None:
    rules.set("T1", visibility="shared")
    rules.set("T1", "C1", answer="never")
    assert rules.of("T1", "C1") == Rule("never", "shared")
    assert rules.of("T1", "C2") == Rule("mentioned", "shared")
    assert rules.of("T2", "C1") == Rule("mentioned", "private")
    rules.set("T1", "C1", visibility="private")
    assert rules.of("T1", "C1") == Rule("never", "private")
    assert rules.listed() == [Given("T1", "", "", "shared"), Given("T1", "C1", "never", "private")]


def test_a_rule_is_forgotten(rules: ChannelRules) -> None:
    rules.set("T1", "C1", "never", "shared")
    rules.set("T1", "C2", "cited")
    rules.reset("T1", "C1")
    assert rules.of("T1", "C1") == Rule()
    assert rules.of("T1", "C2").answer == "cited"


@pytest.mark.parametrize("wrong", [{"answer": "sometimes"}, {"visibility": "all"}])
def test_what_is_no_rule_is_refused_with_those_there_are(rules: ChannelRules, wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="Take one of"):
        rules.set("T1", **wrong)
    assert rules.listed() == []
