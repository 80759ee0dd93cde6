"""Turns to keep, and stores to keep them in, for the tests of conversations."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from advisor.chats import ChatStore, open_chats
from advisor.config import Settings
from advisor.types import Answer, Chunk, Citation, Document, Draft, Part, Passage, Source, Statement, Turn

TEXT = "# Pay\n\nBefore it all stands this.\n\nA CMO earns a salary. Bonuses follow <b>quality</b> goals 🙂.\n\nAfter it, this."
DOCUMENT = Document("pay.md", "What does a CMO earn?", TEXT, "pay.md", {"as_of": "2026-11"})
START, END = TEXT.index("A CMO"), TEXT.index("\n\nAfter")
SOURCES = (Source("A survey", "A publisher", "https://survey.test/a", "2026-01", "survey"),)
CHUNK = Chunk(7, DOCUMENT, START, END, "How much?", 3, SOURCES, ((START, START + 21), (START + 22, END)))
OTHER = Chunk(8, DOCUMENT, 0, 5, "Pay")


def citation(number: int, words: str) -> Citation:
    start = TEXT.index(words)
    return Citation(number, words, CHUNK, start, start + len(words), "quoted", 1.0)


def turn(question: str = "What does a CMO earn?", conversation: str = "mine", ident: str = "t-1", text: str = "") -> Turn:
    """An answer with two citations of one passage out of two."""
    first, second = citation(1, "A CMO earns a salary."), citation(2, "Bonuses follow <b>quality</b> goals 🙂.")
    said = text or f"{first.quote} [1] {second.quote} [2]"
    statements = tuple(Statement(c.quote, CHUNK, c.start, c.end) for c in (first, second))
    draft = Draft("answered", (Part(statements, "Pay"),), model="script", confidence=0.75)
    answer = Answer(said, "answered", (first, second), ("How much more?",))
    passages = (Passage(OTHER, 0.25), Passage(CHUNK, 0.9, None, 0.5, True))
    return Turn(ident, conversation, question, f"{question} whole", passages, draft, answer, "script", {"total": 0.5}, {"input": 7})


def opened(database: str, tmp_path: Path, **settings: int) -> ChatStore:
    """The store at `database`, with a home of its own."""
    return open_chats(Settings(home=tmp_path / "home", database=database, **settings))  # type: ignore[arg-type]


def say(store: ChatStore, question: str, conversation: str = "mine", owner: str = "", text: str = "") -> str:
    """Asks and answers; gives the turn's id."""
    with store.begin(conversation, question, owner) as pending:
        pending.keep(turn(question, conversation, pending.id, text))
    return pending.id


def later_tables(connection: Connection) -> set[str]:
    """The tables that the first version did not have."""
    guidance = {"meta", "documents", "chunks", "embeddings", "questions", "words"}
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search%' AND name NOT LIKE 'sqlite%'"
    return set(connection.execute(text(names)).scalars()) - guidance
