"""The texts of `prompts/`: checked, and filled in one pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.config import shipped
from advisor.errors import SettingsError
from advisor.prompts import Prompt, load_prompts


@pytest.mark.parametrize(
    ("template", "values", "wanted"),
    [
        ("Hello", {}, "Hello"),
        ("Hello {{name}}", {"name": "you"}, "Hello you"),
        ("{{ a }} and {{b}} and {{a}}", {"a": "1", "b": "2"}, "1 and 2 and 1"),
        ("It pays $90k, {0}, %s, {name}", {}, "It pays $90k, {0}, %s, {name}"),
        ("{{a}}", {"a": "{{b}} $x \\1 {c}"}, "{{b}} $x \\1 {c}"),
    ],
)
def test_placeholders_are_filled_once(template: str, values: dict[str, str], wanted: str) -> None:
    assert Prompt("p", template).fill(**values) == wanted


@pytest.mark.parametrize(("template", "values"), [("{{a}}", {}), ("a", {"a": "1"}), ("{{a}}", {"b": "1"})])
def test_a_missing_or_unused_value_is_named(template: str, values: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"The prompt 'p'.*'[ab]'"):
        Prompt("p", template).fill(**values)


def test_a_prompt_is_known_by_its_digest() -> None:
    assert Prompt("p", "one").digest == Prompt("q", "one").digest != Prompt("p", "two").digest


def test_an_empty_prompt_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hello.md").write_text(" \n")
    with pytest.raises(SettingsError, match=r"hello\.md is empty"):
        load_prompts(tmp_path)


def test_the_shipped_prompts_are_there_and_promise_no_facts() -> None:
    held = load_prompts(shipped("prompts"))
    assert {"about", "decline", "farewell", "greeting", "help", "professional", "scope", "thanks"} <= set(held)
    assert "README" not in held
    for name in ("decline", "greeting", "thanks", "farewell", "professional"):
        assert not any(c.isdigit() for c in held[name].text), name
