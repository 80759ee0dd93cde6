"""Documents that people bring: kept for their owner, in every database, and gone for good when deleted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.chats import open_chats
from advisor.config import Settings
from advisor.errors import CorpusError, UnknownDocument
from advisor.hashed import HashedEncoder
from advisor.uploads import MOST_DOCUMENTS, Cut, Uploads, cut_up, text_of
from tests.upload_world import CV, samples

LIMITS = {"seconds": 10, "megabytes": 512}


def _cut(text: str = CV) -> Cut:
    return cut_up(text, "cv.md", HashedEncoder(), paged=False)


@pytest.fixture
def uploads(database: str, tmp_path: Path) -> Uploads:
    return Uploads(open_chats(Settings(home=tmp_path / "home", database=database)).engine)


def test_each_owner_has_their_own_documents_and_sees_no_others(uploads: Uploads) -> None:
    mine, theirs = (uploads.add(owner, "cv.md", _cut()) for owner in ("user:a", "user:b"))
    assert mine.id.startswith("mine:")
    assert (mine.title, mine.pages, mine.words) == ("Dr. Mary Okafor", None, len(CV.split()))
    assert uploads.listed("user:a") == [mine]
    assert uploads.listed("user:") == uploads.listed("") == uploads.listed("user:%") == []
    assert uploads.find("user:a", mine.id) == (mine, CV)
    for owner, ident in (("user:b", mine.id), ("user:a", theirs.id), ("user:a", "mine:"), ("user:a", "../x"), ("user:a", "mine:%")):
        with pytest.raises(UnknownDocument):
            uploads.find(owner, ident)
        with pytest.raises(UnknownDocument):
            uploads.delete(owner, ident)
    assert [c.document.id for c, _, _ in uploads.chunks("user:b")] == [theirs.id] * len(uploads.chunks("user:b"))
    uploads.delete("user:a", mine.id)
    assert (uploads.listed("user:a"), uploads.chunks("user:a")) == ([], [])
    assert uploads.listed("user:b") == [theirs]
    uploads.engine.dispose()


def test_chunks_point_into_the_text_and_can_never_be_taken_for_the_guidances(uploads: Uploads) -> None:
    uploads.add("user:a", "cv.md", _cut())
    uploads.add("user:a", "offer.txt", _cut("The base salary is $410,000 a year. Notice."))
    chunks = uploads.chunks("user:a")
    assert len({c.id for c, _, _ in chunks}) == len(chunks)
    assert all(c.id < 0 for c, _, _ in chunks)
    for chunk, whole, sentences in chunks:
        assert chunk.document.title in ("Your document: cv.md", "Your document: offer.txt")
        assert sentences.shape == (len(chunk.sentences), len(whole))
        assert all(chunk.start <= a < b <= chunk.end for a, b in chunk.sentences)
    said = [chunks[-1][0].document.text[a:b] for a, b in chunks[-1][0].sentences]
    assert said == ["The base salary is $410,000 a year."], "a sentence of one word answers nobody"
    uploads.engine.dispose()


def test_a_document_too_many_is_refused(tmp_path: Path) -> None:
    uploads = Uploads(open_chats(Settings(home=tmp_path / "home")).engine)
    cut = _cut()
    for n in range(MOST_DOCUMENTS):
        uploads.add("user:a", f"{n}.md", cut)
    with pytest.raises(CorpusError, match=r"the most \| Delete one"):
        uploads.add("user:a", "more.md", cut)
    uploads.add("user:b", "cv.md", cut)
    assert uploads.delete_all("user:a") == MOST_DOCUMENTS


def test_no_byte_of_a_deleted_document_stays_on_the_disk(tmp_path: Path) -> None:
    home = tmp_path / "home"
    uploads = Uploads(open_chats(Settings(home=home)).engine)
    for n in range(8):
        made = uploads.add("user:a", "cv.md", _cut(f"{CV}\nXylophone{n} committee chair since 2011.\n" * 20))
        uploads.add("user:b", "other.md", _cut())
        uploads.delete("user:a", made.id)
    files = list(home.rglob("*"))
    assert uploads.listed("user:b")
    assert not [f for f in files if f.is_file() and b"Xylophone" in f.read_bytes()]
    uploads.engine.dispose()


def test_what_was_embedded_by_another_model_is_embedded_anew(tmp_path: Path) -> None:
    uploads = Uploads(open_chats(Settings(home=tmp_path / "home")).engine)
    made = uploads.add("user:a", "cv.md", Cut(**{**{f: getattr(_cut(), f) for f in Cut.__slots__}, "model": "old"}))
    assert uploads.marks("user:a") == ((made.id, "old"),)
    uploads.embed_anew("user:a", made.id, _cut())
    uploads.embed_anew("user:b", made.id, _cut())
    assert uploads.marks("user:a") == ((made.id, HashedEncoder().name),)
    assert len(uploads.chunks("user:a")) == len(_cut().pieces)


@pytest.mark.parametrize("name", samples())
def test_every_kind_of_document_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(samples()[name])
    text = text_of(path, name, **LIMITS)
    assert {"cv": "Xylotron", "offer": "$410,000", "rules": "three years", "contract": "90 days"}[name.partition(".")[0]] in text
    assert "alert" not in text
    assert cut_up(text, name, HashedEncoder(), paged=name.endswith("pdf")).pages == (2 if name.endswith("pdf") else None)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.exe", b"MZ", "kind"), ("a", b"hello", "kind"), ("a.txt", b"\0\1\2 word", "binary"), ("a.txt", b"?! \n", "no text"),
        ("a.pdf", b"hello", "damaged"), ("a.docx", b"hello", "not a DOCX"), ("a.txt", b"word " * 50_000, "characters"),
        ("a.html", b"<script>word</script>", "no text"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_fault_and_the_remedy(tmp_path: Path, name: str, content: bytes, fault: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=fault) as caught:
        text_of(path, name, **LIMITS)
    assert " | " in str(caught.value)
    assert json.dumps(str(tmp_path))[1:-1] not in str(caught.value)


def test_a_document_of_too_many_sentences_is_refused() -> None:
    with pytest.raises(CorpusError, match="sentences"):
        _cut("We met three times. " * 4000)


def test_documents_of_who_has_asked_nothing_for_the_days_that_are_kept_go(database: str, tmp_path: Path) -> None:
    now = 1_000_000_000.0
    chats = open_chats(Settings(home=tmp_path / "home", database=database, retention_days=30))
    chats.clock = lambda: now
    uploads = Uploads(chats.engine, lambda: now)
    for owner in ("user:silent", "user:asks", "user:new"):
        if owner != "user:new":
            uploads.add(owner, "cv.md", _cut())
    now += 40 * 86_400
    with chats.begin("c", "Is this kept?", "user:asks") as pending:
        pending.stop()
    uploads.add("user:new", "cv.md", _cut())
    chats.expire()
    assert [len(uploads.listed(owner)) for owner in ("user:silent", "user:asks", "user:new")] == [0, 1, 1]
    chats.close()
