"""Conversations: listed, found, renamed, deleted for good, expired, and never another owner's. On both databases."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.chats import LONGEST_TITLE, ChatStore, shortened
from advisor.database import open_database
from advisor.errors import QuestionError, StorageError, UnknownConversation
from advisor.pending import REMEMBERED
from advisor.render import as_json, sources_html
from tests.chat_world import later_tables, opened, say, turn

DAY = 86_400.0


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[ChatStore]:
    made = opened(database, tmp_path)
    yield made
    made.close()


def test_a_conversation_is_remembered_in_order(store: ChatStore) -> None:
    for number in range(REMEMBERED + 3):
        say(store, f"Question {number}?", text="Text {{}} [1] 🙂")
    found = store.history("mine")
    assert [e.question for e in found] == [f"Question {n}?" for n in range(3, REMEMBERED + 3)]
    assert (found[0].query, found[0].text, found[0].outcome) == ("Question 3? whole", "Text {{}} [1] 🙂", "answered")


def test_conversations_do_not_mix(store: ChatStore) -> None:
    for name in ("u1", "u11", "u1%", "' OR 1=1 --"):
        say(store, "Q?", name, text=name)
    for name in ("u1", "u11", "u1%", "' OR 1=1 --"):
        assert [e.text for e in store.history(name)] == [name]
    assert store.history("u") == []


def test_a_turn_is_opened_again_with_its_citations_after_a_restart(database: str, tmp_path: Path) -> None:
    first = opened(database, tmp_path)
    ident = say(first, "What does a CMO earn?")
    first.close()
    second = opened(database, tmp_path)
    (entry,) = second.turns("mine")
    second.close()
    assert (entry.id, entry.status, entry.question, entry.fault) == (ident, "done", "What does a CMO earn?", "")
    assert entry.turn is not None
    assert as_json(entry.turn) == as_json(turn(ident=ident))
    assert sources_html(entry.turn.answer, "t").count("<mark") == 2


def test_conversations_are_listed_the_latest_first_page_by_page(store: ChatStore) -> None:
    moments = iter(range(1000, 2000))
    store.clock = lambda: float(next(moments))
    for name in "abcde":
        say(store, f"About {name}?", name)
    say(store, "And then?", "b")
    first = store.conversations(limit=2)
    assert [(c.id, c.turns, c.title) for c in first] == [("b", 2, "About b?"), ("e", 1, "About e?")]
    assert first[0].created < first[0].updated
    rest = store.conversations(before=first[-1].cursor)
    assert [c.id for c in rest] == ["d", "c", "a"]


def test_two_of_the_same_moment_are_both_on_a_page(store: ChatStore) -> None:
    store.clock = lambda: 1000.0
    for name in "abc":
        say(store, "Q?", name)
    pages: list[str] = []
    cursor = None
    while page := store.conversations(limit=1, before=cursor):
        pages, cursor = [*pages, page[0].id], page[0].cursor
    assert pages == ["c", "b", "a"]


def test_titles_questions_and_answers_are_searched_word_for_word(store: ChatStore) -> None:
    say(store, "What is a VPMA?", "asked", text="One.")
    say(store, "Two?", "answered", text="A hundred % of vpma_posts!")
    store.rename("answered", "On pay")
    assert {c.id for c in store.conversations(search="vpma")} == {"asked", "answered"}
    assert [c.id for c in store.conversations(search="d % of")] == ["answered"]
    assert [c.id for c in store.conversations(search="ON PAY")] == ["answered"]
    assert [c.id for c in store.conversations(search="vpma_posts!")] == ["answered"]
    assert store.conversations(search="a%b") == store.conversations(search="v_ma") == store.conversations(search="'") == []


def test_a_title_is_the_first_question_until_it_is_renamed(store: ChatStore) -> None:
    say(store, "What  does a\nCMO earn? " + "And why is that so? " * 10)
    title = store.conversations()[0].title
    assert title.startswith("What does a CMO earn? And why")
    assert title.endswith("…")
    assert len(title) <= LONGEST_TITLE
    say(store, "Something else?")
    assert store.conversations()[0].title == title
    store.rename("mine", "  Pay\x1b[2J \n and  more ")
    say(store, "A third thing?")
    assert store.conversations()[0].title == "Pay[2J and more"
    for bad in ("", " \n", "x" * 500):
        with pytest.raises(QuestionError, match="title"):
            store.rename("mine", bad)
    with pytest.raises(UnknownConversation, match="'yours'"):
        store.rename("yours", "Title")
    assert shortened("x" * 500) == "x" * (LONGEST_TITLE - 1) + "…"


def test_a_beginning_that_is_clear_is_enough_of_a_name(store: ChatStore) -> None:
    for name in ("abc1", "abd2", "abd2-more", "x%y"):
        say(store, "Q?", name)
    assert store.find("abc").id == "abc1"
    assert store.find("abd2").id == "abd2", "a whole name is no beginning of another"
    with pytest.raises(UnknownConversation, match="Several conversations begin with 'ab'"):
        store.find("ab")
    for unknown in ("", "zz", "x_", "ABC"):
        with pytest.raises(UnknownConversation, match="advisor chats list"):
            store.find(unknown)


def test_an_owner_sees_and_changes_nothing_of_another(store: ChatStore) -> None:
    theirs = say(store, "Their secret?", "same", "them")
    say(store, "My question?", "same", "me")
    assert [e.question for e in store.history("same", "me")] == ["My question?"]
    assert [e.question for e in store.turns("same", "me")] == ["My question?"]
    assert [c.title for c in store.conversations("me")] == ["My question?"]
    assert store.conversations("me", search="secret") == store.conversations("") == store.turns("same") == []
    store.rename("same", "Mine", "me")
    with pytest.raises(UnknownConversation):
        store.feedback(theirs, 1, owner="me")
    store.delete("same", "me")
    for change in (lambda: store.delete("same", "me"), lambda: store.rename("same", "X", "me"), lambda: store.find("same", "me")):
        with pytest.raises(UnknownConversation):
            change()
    assert store.delete_all("me") == store.delete_all("") == 0
    assert [c.title for c in store.conversations("them")] == ["Their secret?"]
    assert store.delete_all("them") == 1


def test_feedback_is_kept_changed_and_taken_back(store: ChatStore) -> None:
    ident = say(store, "Q?")
    store.feedback(ident, 1)
    store.feedback(ident, -1, "It is out of date.")
    (entry,) = store.turns("mine")
    assert (entry.thumb, entry.reason) == (-1, "It is out of date.")
    store.feedback(ident, 0)
    assert store.turns("mine")[0].thumb == 0
    with pytest.raises(QuestionError, match="thumb"):
        store.feedback(ident, 5)
    store.feedback(ident, 1)
    store.delete("mine")
    with pytest.raises(UnknownConversation):
        store.feedback(ident, 1)


def test_what_is_deleted_is_gone_and_its_name_is_free(store: ChatStore) -> None:
    say(store, "First?")
    say(store, "Other?", "other")
    store.delete("mine")
    assert store.turns("mine") == store.history("mine") == []
    assert store.counts() == (1, 1)
    say(store, "Again?")
    assert [e.question for e in store.turns("mine")] == ["Again?"]
    assert store.delete_all() == 2
    assert store.counts() == (0, 0)


def test_conversations_expire_after_their_last_message(database: str, tmp_path: Path) -> None:
    store = opened(database, tmp_path, retention_days=30)
    start = store.clock()
    say(store, "Old?", "old")
    say(store, "Old, too?", "renewed")
    store.clock = lambda: start + 20 * DAY
    say(store, "And now?", "renewed")
    assert store.expire(start + 29 * DAY) == 0
    assert store.expire(start + 31 * DAY) == 1
    assert [(c.id, c.turns) for c in store.conversations()] == [("renewed", 2)]
    store.close()
    assert ChatStore(store.engine, 0, lambda: start + 900 * DAY).counts() == (1, 2), "0 days keep for ever"
    assert ChatStore(store.engine, 30, lambda: start + 51 * DAY).counts() == (0, 0), "what is too old goes at the start"
    store.engine.dispose()


def test_an_open_store_looks_for_what_is_too_old_once_an_hour(database: str, tmp_path: Path) -> None:
    store = opened(database, tmp_path, retention_days=1)
    start = store.clock()
    say(store, "Old?", "old")
    store.clock = lambda: start + DAY + 1800
    store._expired = start + DAY  # half an hour ago
    say(store, "New?", "new")
    assert store.counts() == (2, 2)
    store.clock = lambda: start + DAY + 3700
    say(store, "Newer?", "new")
    assert [c.id for c in store.conversations()] == ["new"]
    store.close()


@pytest.mark.parametrize("name", ["", "x" * 500, "a\0b", "a\nb"])
def test_a_name_that_cannot_be_one_is_refused(store: ChatStore, name: str) -> None:
    with pytest.raises(QuestionError, match="cannot be that of a conversation"):
        store.begin(name, "Q?")
    assert store.counts() == (0, 0)


def test_a_deletion_that_was_killed_before_it_was_wiped_is_finished_at_the_next_start(
    store: ChatStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(store, "Q?")
    done: list[object] = []

    def broken(engine: object) -> None:
        raise StorageError("The disk is full. Free some space.")

    monkeypatch.setattr("advisor.database.scrub", broken)
    with pytest.raises(StorageError, match="Deleted, but not yet wiped"):
        store.delete("mine")
    assert store.counts() == (0, 0)
    assert ChatStore(store.engine).counts() == (0, 0), "a disk that is still full does not keep the store shut"
    monkeypatch.setattr("advisor.database.scrub", done.append)
    ChatStore(store.engine)
    ChatStore(store.engine)
    assert done == [store.engine], "once"


def _bytes_of(home: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file())


def test_no_byte_of_what_was_deleted_or_expired_is_left_in_the_home(tmp_path: Path) -> None:
    """Turns of many sizes, so that pages are split, merged and moved, with another process's connection open."""
    chance = random.Random(20261125)
    store, reader = opened("sqlite", tmp_path), opened("sqlite", tmp_path)
    for _ in range(120):
        kind = chance.choice(("doomed", "expiring", "lasting"))
        name = f"{kind}{chance.randint(0, 12)}{'x' * chance.randint(0, 60)}"
        ident = say(store, f"{kind}-question " * chance.randint(1, 100), name, text=f"{kind}-answer " * chance.randint(1, 400))
        if chance.random() < 0.6:
            store.feedback(ident, 1, f"{kind}-reason " * chance.randint(1, 50))
        if chance.random() < 0.3:
            store.rename(name, f"{kind}-title " * chance.randint(1, 12))
    listed = reader.conversations(limit=200)
    assert b"doomed-" in _bytes_of(tmp_path / "home")
    for conversation in listed:
        if conversation.id.startswith("doomed"):
            store.delete(conversation.id)
    left = _bytes_of(tmp_path / "home")
    assert b"doomed" not in left
    assert b"lasting-answer" in left
    late = store.clock() + 10 * DAY
    store.clock = lambda: late
    for conversation in listed:
        if conversation.id.startswith("lasting"):
            say(store, "Still here?", conversation.id)
    store.retention = 5
    assert store.expire() == len([c for c in listed if c.id.startswith("expiring")])
    left = _bytes_of(tmp_path / "home")
    assert b"expiring" not in left
    assert store.delete_all() == len([c for c in listed if c.id.startswith("lasting")])
    left = _bytes_of(tmp_path / "home")
    assert b"lasting" not in left
    assert b"CMO earns" not in left
    reader.close()
    store.close()


def test_a_database_of_before_there_were_owners_is_taken_along(tmp_path: Path) -> None:
    import sqlite3

    from advisor.migrations import MIGRATIONS

    path = tmp_path / "home" / "advisor.db"
    engine = open_database(path)
    with engine.connect() as connection:
        for table in later_tables(connection):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        MIGRATIONS[1](connection)
        connection.exec_driver_sql("PRAGMA user_version=3")
    engine.dispose()
    old = {**as_json(turn(ident="old")), "question": "What?"}
    with sqlite3.connect(path) as plain:
        plain.execute("INSERT INTO conversations VALUES ('mine', '2026-11-01T10:00:00.000+00:00')")
        plain.execute("INSERT INTO conversations VALUES ('empty', 'some day')")
        plain.execute("INSERT INTO turns VALUES (5, 'old', 'mine', '2026-11-01T10:00:00.000+00:00', ?)", (json.dumps(old),))
    store = opened("sqlite", tmp_path)
    (entry,) = store.turns("mine")
    assert entry.turn is not None
    assert {**as_json(entry.turn), "question": "What?"} == old
    assert sources_html(entry.turn.answer, "t") == sources_html(turn().answer, "t").replace(" · guide as of 2026-11", "")
    assert [(c.id, c.title, c.turns) for c in store.conversations() if c.turns] == [("mine", "What?", 1)]
    assert [e.question for e in store.history("mine")] == ["What?"]
    say(store, "Next?")
    assert [e.question for e in store.turns("mine")] == ["What?", "Next?"]
    store.close()
