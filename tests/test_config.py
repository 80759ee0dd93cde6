"""Settings from the environment, and nothing leaves the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.config import _QUIET, Settings, cores, shipped, silence_vendors
from advisor.errors import SettingsError


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "a" / ".." / "b"))
    monkeypatch.setenv("ADVISOR_PASSAGES", "7")
    settings = Settings.load()
    assert (settings.home, settings.passages) == (tmp_path / "b", 7)
    assert settings.file.parent == settings.indexes.parent == settings.lock.parent == settings.models.parent == tmp_path / "b"


def test_the_home_is_below_the_users_data_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ADVISOR_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert Settings.load().home == tmp_path / "cmo-advisor"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert Settings.load().home == tmp_path / "me" / ".local" / "share" / "cmo-advisor"
    monkeypatch.setenv("ADVISOR_HOME", "~/data")
    assert Settings.load().home == tmp_path / "me" / "data"


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "x"), ("PORT", "-1"), ("CHUNK_TOKENS", "401"), ("AUTO_INDEX", "maybe"), ("THREADS", "1.5"), ("MAX_QUESTION", "")],
)
def test_a_value_that_cannot_be_used_is_named_with_its_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ADVISOR_{name}", value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert str(caught.value).startswith(f"ADVISOR_{name} is {value!r}: ")
    assert "\n" not in str(caught.value)


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_settings_do_not_change_while_the_advisor_runs() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings.load().port = 1


def test_what_ships_is_found_and_what_does_not_is_named() -> None:
    assert (shipped("corpus") / "sources.yaml").is_file()
    assert (shipped("prompts") / "README.md").is_file()
    with pytest.raises(SettingsError, match="'nothing'"):
        shipped("nothing")
    assert cores() >= 1


def test_silencing_sets_what_vendors_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    silence_vendors()
    assert _QUIET.items() <= os.environ.items()
    assert os.environ["ANONYMIZED_TELEMETRY"] == "False"
    assert os.environ["HF_HUB_OFFLINE"] == "1"


WATCH = """
import importlib.abc, os, runpy, sys
from advisor.config import _QUIET
vendors = {"chromadb", "gradio", "huggingface_hub", "langsmith", "onnxruntime", "sentence_transformers", "transformers", "langchain"}
class Watch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in vendors:
            loud = {k for k, v in _QUIET.items() if os.environ.get(k) != v}
            assert not loud, f"{name} is imported before {loud} is set"
            print("imported", name, file=sys.stderr)
        return None
sys.meta_path.insert(0, Watch())
reached = []
def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        reached.append((event, str(arguments)))
sys.addaudithook(hook)
"""


def test_vendors_are_silenced_before_they_are_imported_and_reach_no_host(indexed_home: Path, tmp_path: Path) -> None:
    """Asks with the real model and Chroma, with no quiet variable set from outside."""
    script = tmp_path / "watch.py"
    script.write_text(
        WATCH
        + "from advisor.assemble import open_advisor\n"
        + "turn = open_advisor(own_index=True, remember=False).ask('Do I need an MBA to become a CMO?')\n"
        + "assert turn.outcome == 'answered', turn\n"
        + "assert 'torch' not in sys.modules, 'serving imports torch'\n"
        + "assert not reached, reached\n"
    )
    environment = {k: v for k, v in os.environ.items() if k not in _QUIET}
    # Of its own: in the shared one a server of another test may have the vectors in Chroma.
    environment["ADVISOR_HOME"] = str(shutil.copytree(indexed_home, tmp_path / "home", ignore=shutil.ignore_patterns("*.lock")))
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert {"imported chromadb", "imported onnxruntime"} <= set(done.stderr.splitlines())
