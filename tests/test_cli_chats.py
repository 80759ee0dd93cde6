"""`advisor chats` as users run it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.chat_world import opened, say

Run = Callable[..., "CompletedProcess[str]"]
SECRET = "Do I need an MBA to become a CMO if my word is aardvark?"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with three conversations."""
    store = opened("sqlite", tmp_path)
    for name in ("abc1", "abd2", "x" * 32):
        say(store, f"What does {name} earn?", name)
    say(store, SECRET, "abc1")
    store.close()
    return tmp_path / "home"


def _fails(done: CompletedProcess[str], *words: str) -> None:
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    (fault,) = done.stderr.strip().splitlines()
    assert fault.startswith("advisor: ")
    assert all(word in fault for word in words), fault


@pytest.mark.parametrize("command", ["", "list", "show", "rename", "export", "delete", "expire"])
def test_every_command_has_help(advisor: Run, command: str) -> None:
    done = advisor("chats", *command.split(), "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout


def test_conversations_are_listed_and_searched(advisor: Run, home: Path) -> None:
    rows = [line.split("\t") for line in advisor("chats", "list").stdout.splitlines()]
    assert rows[0] == ["Id", "Last message", "Questions", "Title"]
    assert [(r[0], r[2], r[3]) for r in rows[1:]] == [
        ("abc1", "2", "What does abc1 earn?"),
        ("xxxxxxxx", "1", f"What does {'x' * 32} earn?"),
        ("abd2", "1", "What does abd2 earn?"),
    ]
    lines = advisor("chats", "list", "--json", "--search", "aardvark").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["abc1"]
    assert "No conversation holds" in advisor("chats", "list", "--search", "zebra").stdout
    assert "no conversations yet" in advisor("chats", "list", home=str(home / "other")).stdout


def test_a_conversation_is_shown_renamed_and_exported(advisor: Run, home: Path, tmp_path: Path) -> None:
    assert advisor("chats", "rename", "abc", "On pay").returncode == 0
    shown = advisor("chats", "show", "abc")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("On pay\n\nYou › What does abc1 earn?\n\nA CMO earns a salary. [1]")
    assert "Sources\n[1][2] What does a CMO earn? › How much?, page 3. Rests on: A survey" in shown.stdout
    assert advisor("chats", "export", "abc").stdout.startswith("# On pay\n")
    assert json.loads(advisor("chats", "export", "abc", "--format", "json").stdout)["title"] == "On pay"
    page = tmp_path / "page.html"
    assert advisor("chats", "export", "abc", "--format", "html", "--output", str(page)).stdout == f"Wrote {page}\n"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    _fails(advisor("chats", "export", "abc", "--output", str(tmp_path)), str(tmp_path), "cannot be written")


def test_a_name_that_is_unknown_or_unclear_is_said_so(advisor: Run, home: Path) -> None:
    for command in (("show", "nosuch"), ("rename", "nosuch", "X"), ("export", "nosuch"), ("delete", "nosuch", "--yes")):
        _fails(advisor("chats", *command), "'nosuch'", "advisor chats list")
    _fails(advisor("chats", "show", "ab"), "Several", "abc1, abd2")
    assert advisor("chats", "export", "abc", "--format", "docx").returncode == 2


def test_deleting_asks_or_is_told_yes_and_leaves_no_byte(advisor: Run, home: Path) -> None:
    _fails(advisor("chats", "delete", "abc"), "--yes")
    _fails(advisor("chats", "delete"), "--all")
    _fails(advisor("chats", "delete", "abc", "--all", "--yes"), "--all")
    assert advisor("chats", "delete", "abc", "--yes").stdout == "Deleted 'What does abc1 earn?'.\n"
    assert advisor("chats", "delete", "--all", "--yes").stdout == "Deleted 2 conversations.\n"
    left = b"".join(p.read_bytes() for p in home.rglob("*") if p.is_file())
    assert b"aardvark" not in left
    assert b"CMO earns" not in left


def test_old_conversations_are_deleted_when_they_may_not_be_kept_longer(advisor: Run, home: Path, tmp_path: Path) -> None:
    assert "kept for ever" in advisor("chats", "expire").stdout
    store = opened("sqlite", tmp_path)
    store.clock = lambda: 1_700_000_000.0
    say(store, "Very old?", "old")
    store.close()
    assert advisor("chats", "expire", retention_days="30").stdout == "Deleted 1 conversation without a message for 30 days.\n"
    assert "Very old" not in advisor("chats", "list").stdout


def test_what_was_asked_and_answered_is_in_the_chats_and_counted(advisor: Run, hashed_home: Path) -> None:
    before = advisor("doctor", home=str(hashed_home)).stdout
    turn = json.loads(advisor("ask", SECRET, "--json", home=str(hashed_home)).stdout)
    (kept,) = json.loads(advisor("chats", "export", turn["conversation"], "--format", "json", home=str(hashed_home)).stdout)["turns"]
    assert turn.items() <= kept.items()
    after = next(line for line in advisor("doctor", home=str(hashed_home), retention_days="7").stdout.splitlines() if "chats\t" in line)
    assert after.endswith(f"in {hashed_home / 'advisor.db'}, kept for 7 days\t")
    assert after not in before
    assert advisor("chats", "delete", turn["conversation"], "--yes", home=str(hashed_home)).returncode == 0
    assert b"aardvark" not in b"".join(p.read_bytes() for p in hashed_home.rglob("*") if p.is_file())
