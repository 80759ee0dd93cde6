"""Settings to a working advisor: builds what is missing, notices what changed, follows a new build."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from advisor.assemble import build_index, index_state, open_advisor
from advisor.config import Settings
from advisor.errors import CorpusError, IndexUnavailable, StorageError
from advisor.hashed import HashedEncoder
from advisor.index import ChromaIndex
from advisor.library import Library
from advisor.locks import FileLock
from advisor.reader import CHECKER, PLAIN, READER

Written = Callable[[Mapping[str, str]], Path]
QUESTION = "Do I need an MBA to become a CMO?"
GUIDES = {f"g{i}.md": f"# Guide {i}\n\nZebra number {i} eats grass. The zebra sleeps at night.\n" for i in range(8)}


def _state(settings: Settings) -> str:
    library = Library(settings.file)
    try:
        return index_state(settings, library).state
    finally:
        library.close()


def test_a_missing_index_is_built_and_the_question_answered(hashed_settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    stages: list[str] = []
    advisor = open_advisor(hashed_settings, report=lambda stage, done, total: stages.append(stage))
    assert "There is no index yet" in caplog.text
    assert "Embedding the guidance" in stages
    turn = advisor.ask(QUESTION)
    assert turn.outcome == "answered"
    assert turn.answer.citations
    assert _state(hashed_settings) == "ready"


def test_with_building_switched_off_a_missing_index_is_a_fault(hashed_settings: Settings) -> None:
    settings = hashed_settings.model_copy(update={"auto_index": False})
    with pytest.raises(IndexUnavailable, match=r"There is no index yet.*Run: advisor index"):
        open_advisor(settings)
    assert _state(settings) == "missing"


def test_guidance_that_changed_is_still_used_with_a_warning(
    hashed_settings: Settings, written: Written, caplog: pytest.LogCaptureFixture
) -> None:
    build_index(hashed_settings, written(GUIDES))
    assert _state(hashed_settings) == "ready"
    written({"g1.md": GUIDES["g1.md"] + "More of it.\n"})
    assert _state(hashed_settings) == "stale"
    open_advisor(hashed_settings).ask("What does zebra number 1 eat?")
    assert "has changed" in caplog.text
    assert build_index(hashed_settings).update.changed == 1
    assert _state(hashed_settings) == "ready"


@pytest.mark.parametrize(("listed", "path", "unread"), [("\n\nAsked: Who eats? | Who sleeps?", READER, "plain"), ("", PLAIN, "reader")])
def test_which_reader_is_exported_and_opened_goes_by_whether_a_section_lists_questions(
    hashed_settings: Settings, written: Written, monkeypatch: pytest.MonkeyPatch, listed: str, path: Path, unread: str
) -> None:
    prepared: list[bool] = []

    def prepare(settings: Settings, lists: bool) -> tuple[HashedEncoder, Callable[[], None]]:
        return HashedEncoder(), lambda: prepared.append(lists)

    monkeypatch.setattr("advisor.encode._prepared", prepare)
    build_index(hashed_settings, written({"zoo.md": f"---\ntitle: Zoo\n---\n# Zoo\n\nZebras eat grass.{listed}\n"}))
    monkeypatch.setattr("advisor.assemble.open_reader", lambda _folder, _stamp, path: path)
    answerer = open_advisor(hashed_settings).answerer()
    assert prepared == [bool(listed)]
    assert getattr(answerer, path.stem) == path
    assert getattr(answerer, unread) is None


def test_what_reads_is_there_before_anybody_sees_the_new_guidance(
    hashed_settings: Settings, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr("advisor.encode._prepared", lambda *_: (HashedEncoder(), lambda: seen.append(_state(hashed_settings))))
    build_index(hashed_settings, written(GUIDES))
    assert seen == ["missing"]


def test_what_checks_a_models_sentences_is_made_when_a_model_is_set(
    hashed_settings: Settings, written: Written, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    build_index(hashed_settings, written(GUIDES))
    hashed_settings.models.mkdir(exist_ok=True)
    missing = [CHECKER]
    monkeypatch.setattr("advisor.encode.unexported", lambda settings, stamp: missing)
    assert _state(hashed_settings) == "ready", "quoting needs none"
    settings = hashed_settings.model_copy(update={"model": "openai:any", "model_url": "http://127.0.0.1:9"})
    assert _state(settings) == "unexported"
    open_advisor(settings.model_copy(update={"auto_index": False}))
    assert "Run: advisor index" in caplog.text
    built: list[Settings] = []
    monkeypatch.setattr("advisor.assemble.build_index", lambda settings, *_: built.append(settings))
    open_advisor(settings)
    assert built == [settings]


@pytest.mark.parametrize("change", [{"chunk_tokens": 100}, {"embedding_model": "hashed-other"}])
def test_another_model_or_chunk_size_builds_the_index_anew(
    hashed_settings: Settings, written: Written, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    build_index(hashed_settings, written(GUIDES))
    if "embedding_model" in change:  # the encoder without a model, in another size
        monkeypatch.setattr("advisor.encode.HASHED", "hashed-other")
        monkeypatch.setattr(HashedEncoder.__init__, "__defaults__", (128,))
    settings = hashed_settings.model_copy(update=change)
    assert _state(settings) == "other-model"
    with pytest.raises(IndexUnavailable, match="other settings or another model"):
        open_advisor(settings.model_copy(update={"auto_index": False}))
    open_advisor(settings)
    assert _state(settings) == "ready"
    library = Library(settings.file)
    assert library.vectors()[1].shape[1] == (128 if "embedding_model" in change else 256), "vectors of two models are never mixed"
    assert {d.id for d in library.listed()} == {f"g{i}" for i in range(8)}, "of the same guidance"


def test_an_open_advisor_follows_a_new_build(hashed_settings: Settings, written: Written) -> None:
    build_index(hashed_settings, written(GUIDES))
    for own in (False, True):
        advisor = open_advisor(hashed_settings, own_index=own)
        assert "owls" not in {p.chunk.document.id for p in advisor.ask("What do owls hunt?").passages}
        build_index(hashed_settings, written({"owls.md": f"# Owls\n\nOwls hunt mice in the forest, {own}.\n"}))
        passages = advisor.ask("What do owls hunt?").passages
        assert passages[0].chunk.text.endswith(f"{own}.")
        (hashed_settings.home.parent / "corpus" / "owls.md").unlink()
        build_index(hashed_settings)


def test_questions_are_answered_whole_while_builds_go_on(hashed_settings: Settings, written: Written) -> None:
    """Every answer is of one state of the guidance; none is empty because a build swapped it."""
    folder = written(GUIDES)
    build_index(hashed_settings, folder)
    advisor = open_advisor(hashed_settings, own_index=True, remember=False)
    faults: list[object] = []
    stop = threading.Event()

    def ask() -> None:
        try:
            while not stop.is_set():
                found = advisor.retriever().search("what does the zebra eat", 20)
                marks = {p.chunk.text.split(" zebra ")[0].split()[0] for p in found}
                if len(found) != 8 or len(marks) != 1:
                    faults.append((len(found), marks))
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for word in ("White", "Black", "White", "Black", "Zebra"):
        build_index(hashed_settings, written({n: t.replace("Zebra number", f"{word} zebra number") for n, t in GUIDES.items()}))
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults, faults[:3]


def test_a_build_with_another_model_under_an_open_advisor_is_told(
    hashed_settings: Settings, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(hashed_settings, written(GUIDES))
    advisor = open_advisor(hashed_settings)
    monkeypatch.setattr(HashedEncoder.__init__, "__defaults__", (128,))
    build_index(hashed_settings)
    with pytest.raises(IndexUnavailable, match="another model"):
        advisor.ask("What do zebras eat?")


def test_one_process_owns_the_vector_index(hashed_settings: Settings, written: Written) -> None:
    build_index(hashed_settings, written(GUIDES))
    advisor = open_advisor(hashed_settings, own_index=True)
    assert isinstance(advisor.retriever().current().index, ChromaIndex)  # type: ignore[attr-defined]
    other = open_advisor(hashed_settings, own_index=True)
    assert not isinstance(other.retriever().current().index, ChromaIndex)  # type: ignore[attr-defined]
    question = "What does zebra number 3 eat?"
    assert [p.chunk.text for p in other.ask(question).passages] == [p.chunk.text for p in advisor.ask(question).passages]


def _build(home: str, folder: str, barrier: object, results: object) -> None:
    settings = Settings(home=Path(home), embedding_model="hashed")  # type: ignore[call-arg]
    barrier.wait()  # type: ignore[attr-defined]
    built = build_index(settings, Path(folder))
    results.put((built.update.added, built.update.kept))  # type: ignore[attr-defined]


def test_two_processes_that_build_at_once_take_turns(tmp_path: Path, written: Written) -> None:
    folder = written(GUIDES)
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(2), spawn.Queue()
    processes = [spawn.Process(target=_build, args=(str(tmp_path / "h"), str(folder), barrier, results)) for _ in range(2)]
    for process in processes:
        process.start()
    done = sorted(results.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(30)
    assert done == [(0, 8), (8, 0)]


def test_a_build_says_that_it_waits_for_another(hashed_settings: Settings, written: Written) -> None:
    lock = FileLock(hashed_settings.lock)
    assert lock.acquire(0)
    said: list[str] = []
    folder = written(GUIDES)

    def report(stage: str, done: int, total: int) -> None:
        said.append(stage)
        lock.release()

    assert build_index(hashed_settings, folder, report).update.added == 8
    assert said[0].startswith("Waiting for another process")


def test_faults_of_a_build_leave_the_lock_free(hashed_settings: Settings, written: Written, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is not a folder or a file"):
        build_index(hashed_settings, tmp_path / "nowhere")
    assert build_index(hashed_settings, written(GUIDES)).update.added == 8
    with pytest.raises(StorageError, match="Set ADVISOR_HOME"):
        build_index(hashed_settings.model_copy(update={"home": Path("/dev/null/home")}))


def test_files_that_could_not_be_read_are_reported(hashed_settings: Settings, written: Written) -> None:
    built = build_index(hashed_settings, written({**GUIDES, "x.txt": "\0"}))
    assert [p.path for p in built.problems] == ["x.txt"]
