"""The library: incremental, whole or not at all, safe for several processes."""

from __future__ import annotations

import dataclasses
import multiprocessing
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from advisor.corpus import Corpus, read_corpus
from advisor.errors import CorpusError, StorageError
from advisor.hashed import HashedEncoder
from advisor.library import Library

Written = Callable[[Mapping[str, str]], Path]
LIMIT = 60
GUIDES = {
    "pay.md": "# Pay\n\nA medical director earns a stipend. A CMO earns a salary.\n\n## Bonus\n\nBonuses follow quality goals.\n",
    "degree.md": "# Degree\n\nAn MBA takes two years. An MMM is open to physicians only.\n",
    "path.txt": "The path\n\nMost physicians begin on committees.\n\nThen they chair a department.\n",
}


class CountingEncoder(HashedEncoder):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> Any:
        self.seen += texts
        return super().encode(texts)


def _contents(library: Library) -> list[tuple[str, int, int, str]]:
    ids, _ = library.vectors()
    found = [chunk for chunk, _, _ in library.chunks(ids).values()]
    return sorted((c.document.id, c.start, c.end, c.text) for c in found)


def test_an_update_holds_exactly_the_corpus(library: Library, written: Written, encoder: HashedEncoder) -> None:
    update = library.update(read_corpus(written(GUIDES)), encoder, limit=LIMIT)
    assert (update.added, update.changed, update.removed, update.kept) == (3, 0, 0, 0)
    assert [d.id for d in library.listed()] == ["degree", "pay", "path.txt"]
    assert sum(d.chunks for d in library.listed()) == update.chunks == len(_contents(library))


def test_an_update_without_changes_embeds_nothing_and_keeps_the_generation(library: Library, written: Written) -> None:
    folder, encoder = written(GUIDES), CountingEncoder()
    library.update(read_corpus(folder), encoder, limit=LIMIT)
    generation, encoder.seen = library.meta()["generation"], []
    update = library.update(read_corpus(folder), encoder, limit=LIMIT)
    assert (update.kept, update.embedded, encoder.seen) == (3, 0, [])
    assert library.meta()["generation"] == generation


def test_only_what_changed_is_embedded_again(library: Library, written: Written) -> None:
    encoder = CountingEncoder()
    library.update(read_corpus(written(GUIDES)), encoder, limit=LIMIT)
    generation, encoder.seen = library.meta()["generation"], []
    changed = {"pay.md": GUIDES["pay.md"].replace("quality goals", "the budget")}
    update = library.update(read_corpus(written(changed)), encoder, limit=LIMIT)
    assert (update.added, update.changed, update.kept) == (0, 1, 2)
    assert all("Bonus" in text for text in encoder.seen), encoder.seen
    assert library.meta()["generation"] != generation
    assert "the budget" in str(_contents(library))
    assert "quality goals" not in str(_contents(library))


def test_documents_that_are_gone_leave_no_trace(library: Library, written: Written, encoder: HashedEncoder) -> None:
    folder = written(GUIDES)
    library.update(read_corpus(folder), encoder, limit=LIMIT)
    (folder / "degree.md").unlink()
    update = library.update(read_corpus(folder), encoder, limit=LIMIT)
    assert (update.removed, update.kept) == (1, 2)
    assert not library.lexical(["mmm"], 10)
    assert library.frequency("MBA") == 0
    fresh = Library(library.path.parent / "fresh.db")
    fresh.update(read_corpus(folder), encoder, limit=LIMIT)
    assert _contents(fresh) == _contents(library)
    tables = ("documents", "chunks", "questions", "embeddings", "search")
    with library.engine.connect() as one, fresh.engine.connect() as other:
        for table in tables:
            count = f"SELECT count(*) FROM {table}"
            assert one.exec_driver_sql(count).scalar() == other.exec_driver_sql(count).scalar(), table


def test_every_chunk_is_the_text_at_its_span_and_finds_itself(library: Library, written: Written, encoder: HashedEncoder) -> None:
    library.update(read_corpus(written(GUIDES)), encoder, limit=LIMIT)
    ids, matrix = library.vectors()
    for i, (chunk, whole, sentences) in library.chunks(ids).items():
        assert chunk.text == chunk.document.text[chunk.start : chunk.end]
        assert len(sentences) == len(chunk.sentences)
        assert np.allclose(matrix[ids.index(i)], whole)
        assert library.lexical(re.findall(r"\w+", chunk.text), 1)[0][0] == i


def test_another_model_or_chunk_size_embeds_everything_again(library: Library, written: Written) -> None:
    corpus = read_corpus(written(GUIDES))
    library.update(corpus, HashedEncoder(), limit=LIMIT)
    assert library.update(corpus, HashedEncoder(128), limit=LIMIT).changed == 3
    assert library.vectors()[1].shape[1] == 128
    assert library.update(corpus, HashedEncoder(128), limit=40).changed == 3


def test_a_source_that_changes_is_written_again(library: Library, written: Written, encoder: HashedEncoder) -> None:
    guide = "---\ntitle: Pay\n---\n# Pay\n\nA CMO earns a salary.\n\nSources: survey\n"
    for kind in ("survey", "article"):
        sources = f"- {{key: survey, title: A survey, date: '2020', kind: {kind}}}\n"
        library.update(read_corpus(written({"pay.md": guide, "sources.yaml": sources})), encoder, limit=LIMIT)
        [(chunk, _, _)] = library.chunks(library.vectors()[0]).values()
        assert [s.kind for s in chunk.sources] == [kind]


def test_an_unknown_source_is_refused_and_nothing_changes(library: Library, written: Written, encoder: HashedEncoder) -> None:
    library.update(read_corpus(written(GUIDES)), encoder, limit=LIMIT)
    before = _contents(library)
    guide = "---\ntitle: New\n---\n# New\n\nSomething new.\n\nSources: nowhere\n"
    with pytest.raises(CorpusError, match=r"new\.md.*'nowhere'.*sources\.yaml"):
        library.update(read_corpus(written({"new.md": guide})), encoder, limit=LIMIT)
    assert _contents(library) == before


def test_a_failure_in_the_middle_keeps_the_old_corpus_and_what_was_embedded(
    library: Library, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("advisor.library.BATCH", 1)
    library.update(read_corpus(written(GUIDES)), HashedEncoder(), limit=LIMIT)
    before = _contents(library)
    many = {f"n{i}.md": f"# Number {i}\n\nText number {i} is here.\n" for i in range(10)}
    corpus = read_corpus(written(many))

    class Failing(CountingEncoder):
        def encode(self, texts: Sequence[str]) -> Any:
            if len(self.seen) > 20:
                raise RuntimeError("power cut")
            return super().encode(texts)

    with pytest.raises(RuntimeError, match="power cut"):
        library.update(corpus, Failing(), limit=LIMIT)
    assert _contents(library) == before
    encoder = CountingEncoder()
    update = library.update(corpus, encoder, limit=LIMIT)
    assert update.added == 10
    assert 0 < update.embedded < 20, "what was embedded before the failure is not embedded again"


def test_a_reader_sees_the_old_corpus_or_the_new_one_and_never_a_mixture(library: Library, written: Written) -> None:
    def corpus(word: str) -> Corpus:
        return read_corpus(written({f"g{i}.md": f"# Guide {i}\n\nThis is {word} number {i}.\n" for i in range(15)}))

    library.update(corpus("alpha"), HashedEncoder(), limit=LIMIT)
    reader = Library(library.path)
    seen: list[set[str]] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with reader.engine.connect() as connection:
                rows = connection.exec_driver_sql("SELECT text FROM documents").scalars().all()
            seen.append({word for row in rows for word in ("alpha", "beta") if word in row})
            assert len(rows) == 15

    thread = threading.Thread(target=read)
    thread.start()
    for word in ("beta", "alpha") * 5:
        library.update(corpus(word), HashedEncoder(), limit=LIMIT)
    stop.set()
    thread.join()
    assert all(len(words) == 1 for words in seen)
    assert len(seen) > 10


def _update(path: str, folder: str, barrier: Any, results: Any) -> None:
    library = Library(Path(path))
    barrier.wait()
    results.put(dataclasses.astuple(library.update(read_corpus(Path(folder)), HashedEncoder(), limit=LIMIT)))


def test_processes_that_build_at_once_leave_one_whole_corpus(tmp_path: Path) -> None:
    """Even without the lock that `advisor index` takes, and with corpora that differ."""
    folders = []
    for n in range(3):
        folder = tmp_path / f"corpus{n}"
        folder.mkdir()
        for i in range(20):
            (folder / f"g{i}.md").write_text(f"# Guide {i}\n\nGuide {i} as folder {n} has it. It speaks of topic{n} and of {i * n}.\n")
        (folder / f"only{n}.md").write_text(f"# Only {n}\n\nOnly folder {n} has this.\n")
        folders.append(folder)
    path = tmp_path / "home" / "advisor.db"
    Library(path).close()
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(3), spawn.Queue()
    processes = [spawn.Process(target=_update, args=(str(path), str(f), barrier, results)) for f in folders]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
    assert [p.exitcode for p in processes] == [0, 0, 0]
    library = Library(path)
    held = _contents(library)
    alone = []
    for n, folder in enumerate(folders):
        fresh = Library(tmp_path / f"fresh{n}.db")
        fresh.update(read_corpus(folder), HashedEncoder(), limit=LIMIT)
        alone.append(_contents(fresh))
    assert held in alone
    ids, matrix = library.vectors()
    assert len(ids) == len(matrix) == len(held), "a chunk without its vector"


def test_an_update_gives_up_where_others_never_let_it_finish(library: Library, written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = read_corpus(written(GUIDES))
    monkeypatch.setattr("advisor.library.kept_embeddings", lambda connection: set())
    with pytest.raises(StorageError, match="being updated by other processes"):
        library.update(corpus, HashedEncoder(), limit=LIMIT)


def test_a_file_written_while_the_index_is_built_makes_it_stale(library: Library, written: Written, encoder: HashedEncoder) -> None:
    from advisor.corpus import fingerprint

    folder = written(GUIDES)
    corpus = read_corpus(folder)
    written({"pay.md": "# Pay\n\nWritten in the meantime.\n"})
    library.update(corpus, encoder, limit=LIMIT)
    assert library.meta()["fingerprint"] != fingerprint(folder)


def test_search_finds_words_in_any_form_and_takes_no_commands(library: Library, written: Written, encoder: HashedEncoder) -> None:
    library.update(read_corpus(written(GUIDES)), encoder, limit=LIMIT)
    assert library.lexical(["physician"], 5)
    assert library.frequency("earn") == 1
    for hostile in ('"', "a OR b", "NEAR(", "title:pay", "*", "'; DROP TABLE chunks; --", "-", "\0"):
        library.lexical([hostile], 5)
        assert library.frequency(hostile) == 0 or hostile.isalnum()
    assert library.lexical([], 5) == []


def test_progress_counts_up_to_all_there_is(library: Library, written: Written, encoder: HashedEncoder) -> None:
    calls: list[tuple[int, int]] = []
    library.update(read_corpus(written(GUIDES)), encoder, limit=LIMIT, report=lambda done, total: calls.append((done, total)))
    assert calls[0][0] == 0
    assert calls[-1][0] == calls[-1][1] > 0
