"""Settings to a working advisor: the one place that knows which parts are in use."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from advisor.answer import ModelAnswerer
from advisor.calls import Calls
from advisor.chats import ChatStore, open_chats
from advisor.config import Settings, shipped, silence_vendors
from advisor.corpus import Corpus, Problem, fingerprint, read_corpus, sections_of
from advisor.database import is_writable
from advisor.errors import AdvisorError, CorpusError, IndexUnavailable, StorageError
from advisor.forgetful import ForgetfulStore
from advisor.index import VectorIndex
from advisor.library import MOST_COUNTS, Library, Update
from advisor.locks import FileLock
from advisor.models import open_model
from advisor.personal import Personal
from advisor.pipeline import Advisor
from advisor.prompts import load_prompts
from advisor.quote import QuotingAnswerer
from advisor.reader import PLAIN, READER, Reader, open_reader
from advisor.session import WORKING
from advisor.smalltalk import Replies
from advisor.spelling import Speller
from advisor.suggest import Suggester
from advisor.types import Answerer, Passage, Retriever
from advisor.uploads import Uploads
from advisor.verify import open_verifier

log = logging.getLogger(__name__)
Report = Callable[[str, int, int], None]
UNBUILT = {
    "missing": "There is no index yet",
    "other-model": "The index was built with other settings or another model",
    "unexported": "What checks a model's sentences is not there yet",
}


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did, and the files it could not read."""

    folder: Path
    update: Update
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class State:
    """How the index stands: `missing`, `other-model`, `unexported`, `stale` or `ready`, and the corpus it holds.

    `unexported` is one without what checks the sentences of the chat model that is set.
    """

    state: str
    folder: Path | None
    generation: str


def index_state(settings: Settings, library: Library) -> State:
    """Compares what the index is stamped with to the settings and the files, without reading them."""
    from advisor.chunking import VERSION
    from advisor.encode import model_stamp, unexported
    from advisor.reader import CHECKER

    meta = library.meta()
    if "generation" not in meta:
        return State("missing", None, "")
    folder = Path(meta["corpus"])
    stamp = model_stamp(settings.embedding_model)
    if meta["config"] != f"{stamp}|{VERSION}|{settings.chunk_tokens}":
        return State("other-model", folder, meta["generation"])
    if settings.model and os.access(settings.models, os.W_OK) and CHECKER in unexported(settings, stamp):
        return State("unexported", folder, meta["generation"])
    try:
        fresh = fingerprint(folder) == meta["fingerprint"]
    except AdvisorError:  # the folder is gone: what was indexed still answers
        fresh = False
    return State("ready" if fresh else "stale", folder, meta["generation"])


def build_index(settings: Settings, folder: Path | None = None, report: Report | None = None) -> Built:
    """Builds or refreshes the index from `folder`, from the folder indexed before, or from the shipped corpus.

    One process builds at a time; another waits for it. `report(stage, done, total)` is called on the way.
    Raises `CorpusError` for unusable guidance, `StorageError` for a home that cannot be written.
    """
    silence_vendors()
    say = report or (lambda stage, done, total: None)
    lock = FileLock(settings.lock)
    try:
        if not lock.acquire(wait=0):
            say("Waiting for another process that is building the index", 0, 0)
            if not lock.acquire(wait=3600):
                raise IndexUnavailable("Another process has been building the index for an hour. Stop it and try again.")
    except OSError as error:
        raise StorageError(
            f"The data folder {settings.home} cannot be written ({error.strerror}). Set ADVISOR_HOME to one you may write."
        ) from None
    try:
        library = Library(settings.file)
        try:
            return _build(settings, library, folder, say)
        finally:
            library.close()
    except OSError as error:
        raise StorageError(
            f"The data folder {settings.home} cannot be written ({error.strerror}). Free some space or check its permissions."
        ) from error
    finally:
        lock.release()


def _build(settings: Settings, library: Library, folder: Path | None, say: Report) -> Built:
    from advisor.encode import training

    meta = library.meta()
    chosen = folder or (Path(meta["corpus"]) if "corpus" in meta else shipped("corpus"))
    if not chosen.exists() and folder is None:
        raise CorpusError(
            f"The guidance that was indexed, {chosen}, is gone. Bring it back or name a folder: advisor index --corpus FOLDER "
            f"(the shipped guidance is in {shipped('corpus')})."
        )
    say(f"Reading the guidance in {chosen}", 0, 0)
    corpus: Corpus = read_corpus(chosen, seconds=settings.parse_seconds, megabytes=settings.parse_megabytes)
    say("Loading the embedding model", 0, 0)
    with training(settings, lists=any(s.asked for g in corpus.guidance if g.curated for s in sections_of(g))) as (encoder, exported):

        def embedding(done: int, total: int) -> None:
            say("Embedding the guidance", done, total)

        # Who serves already opens the reader with the new guidance, and not again.
        update = library.update(corpus, encoder, limit=settings.chunk_tokens, report=embedding, ready=exported)
    return Built(chosen, update, corpus.problems)


@dataclass(frozen=True)
class _Loaded:
    generation: str
    retriever: Retriever
    answerer: QuotingAnswerer
    index: VectorIndex


class Guidance:
    """The parts that belong to one generation of the library, made anew when a build changed it."""

    def __init__(self, settings: Settings, library: Library, *, own: bool) -> None:
        from advisor.encode import export_folder, open_encoder
        from advisor.resolve import open_resolver

        self.settings = settings
        self.library = library
        self.own = own
        self.prompts = load_prompts(shipped("prompts"))
        self.encoder = open_encoder(settings)
        self._exports = export_folder(settings, self.encoder.name)
        self._readers: dict[Path, Reader] = {}
        self.resolver = partial(open_resolver, self._exports, self.encoder.name)
        self._lock = threading.Lock()
        self._loaded: _Loaded | None = None

    def current(self) -> _Loaded:
        """The parts for the generation that the database holds now."""
        with self._lock:
            meta = self.library.meta()
            if self._loaded is None or self._loaded.generation != meta["generation"]:
                if meta["model"] != self.encoder.name:
                    raise IndexUnavailable(
                        f"The index in {self.settings.home} was built anew with another model ({meta['model']}). "
                        "Start the advisor again, or build it again with: advisor index"
                    )
                if self._loaded is not None:
                    self._loaded.index.close()
                self._loaded = self._load(meta["generation"])
            return self._loaded

    def search(self, query: str, k: int) -> Sequence[Passage]:
        """As the retriever does it; once more where a build swapped the guidance under the search."""
        loaded = self._loaded or self.current()
        while True:
            with WORKING:
                found = loaded.retriever.search(query, k)
            current = self.current()
            if current is loaded:
                return found
            loaded = current

    def _reader(self, path: Path) -> Reader | None:
        """The reader that the file is of, opened once; None as long as it is not exported."""
        if path not in self._readers and (opened := open_reader(self._exports, self.encoder.name, path)):
            self._readers[path] = opened
        return self._readers.get(path)

    def _load(self, generation: str) -> _Loaded:
        from advisor.encode import rarity
        from advisor.index import open_index
        from advisor.retrieve import HybridRetriever

        index = open_index(self.settings.indexes, generation, self.library.vectors, own=self.own)
        retriever = HybridRetriever(self.library, index, self.encoder)
        answerer = QuotingAnswerer(
            encoder=self.encoder,
            rarity=lambda word: rarity(self.encoder, word),
            frequency=lru_cache(maxsize=MOST_COUNTS)(self.library.frequency),
            abbreviations=self.library.abbreviations(),
            speller=Speller(self.library.words(), lambda word: self.encoder.rank(word) is not None),
            suggester=Suggester(*self.library.questions()),
            reader=self._reader(READER) if retriever.lists else None,
            plain=None if retriever.lists else self._reader(PLAIN),
            resolver=self.resolver,
            replies=Replies({name: prompt.text for name, prompt in self.prompts.items()}),
        )
        return _Loaded(generation, retriever, answerer, index)


def _store(settings: Settings, library: Library) -> ChatStore | ForgetfulStore:
    if settings.database != "sqlite" or is_writable(settings.file):
        return open_chats(settings, library.engine)
    log.warning("%s cannot be written: answers are given, conversations are not kept", settings.home)
    return ForgetfulStore()


def open_advisor(
    settings: Settings | None = None, *, own_index: bool = False, remember: bool = True, report: Report | None = None
) -> Advisor:
    """An advisor on the index in `settings.home`; a missing index, or one of another model, is built first.

    `own_index` keeps the vectors in Chroma, for one long-lived process; the rest search them exactly.
    Raises `IndexUnavailable` where there is no index and `auto_index` is off.
    """
    silence_vendors()
    settings = settings or Settings.load()
    library = Library(settings.file)
    state = index_state(settings, library)
    if state.state in UNBUILT:
        why = UNBUILT[state.state]
        if settings.auto_index:
            log.warning("%s in %s. Building it (once, under a minute for the shipped guidance; same as: advisor index)", why, settings.home)
            build_index(settings, state.folder, report)
        elif state.state == "unexported":
            log.warning("%s in %s. Run: advisor index", why, settings.home)
        else:
            raise IndexUnavailable(f"{why} in {settings.home}. Run: advisor index")
    elif state.state == "stale":
        log.warning("The guidance in %s has changed or is gone since it was indexed. Run: advisor index", state.folder)
    guidance = Guidance(settings, library, own=own_index)
    guidance.current()
    model = open_model(settings)

    def answerer() -> Answerer:
        quoting = guidance.current().answerer
        if model is None:
            return quoting
        calls = Calls(model, settings.model_seconds, settings.model_silence)
        return ModelAnswerer(quoting, model, guidance.prompts, calls, settings.model_passages, settings.model_tokens)

    store = _store(settings, library) if remember else ForgetfulStore()
    more = {"own": Personal(Uploads(store.engine), library, guidance.encoder)} if isinstance(store, ChatStore) else {}
    return Advisor(
        retriever=lambda: guidance,
        answerer=answerer,
        verifier=open_verifier(settings, guidance.encoder, model, guidance.prompts),
        store=store,
        declined=guidance.current().answerer.replies.decline(),
        passages=settings.passages,
        longest=settings.max_question,
        **more,
    )
