"""A chat model by its provider and name; what is missing is said, and no key is."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.config import Settings
from advisor.errors import MissingExtra, SettingsError
from advisor.models import open_model, parts_of, providers

KEY = "sk-not-to-be-shown"


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_no_model_is_none() -> None:
    assert open_model(Settings()) is None


def test_a_name_may_hold_colons() -> None:
    assert parts_of("ollama:llama3:8b") == ("ollama", "llama3:8b")


@pytest.mark.parametrize("name", ["gpt", "openai:", ":m", "magic:m", ""])
def test_a_name_without_a_known_provider_is_refused_with_the_form(name: str) -> None:
    with pytest.raises(SettingsError, match="write it as provider:name"):
        parts_of(name)


def test_a_key_that_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match="OPENAI_API_KEY is not set"):
        open_model(Settings(model="openai:m"))


def test_a_server_of_ones_own_needs_no_key() -> None:
    model = open_model(Settings(model="openai:m", model_url="http://127.0.0.1:9/v1"))
    assert model is not None
    assert model.name == "openai:m"


def test_a_provider_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'cmo-advisor\[anthropic\]'"):
        open_model(Settings(model="anthropic:m"))
    assert {state for _, state, _ in providers(Settings())} == {"! not installed"}


def test_a_model_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(SettingsError, match=r"none\.gguf, which does not exist"):
        open_model(Settings(model=f"llamacpp:{tmp_path / 'none.gguf'}"))


def test_providers_are_listed_without_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: state for name, state, _ in providers(Settings())}
    assert before["openai"] == "! installed, no key"
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    rows = providers(Settings())
    assert ("openai", "✓ installed", "") in rows
    assert KEY not in str(rows)
