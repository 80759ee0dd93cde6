"""The records and seams of the advisor: nouns only, standard library only.

A question becomes a `Turn`; everything that happened on the way is in it, so that the
command line, the web page, HTTP, Slack and the evaluations all read the same record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

Outcome = Literal["answered", "declined", "chat", "failed"]
Support = Literal["quoted", "supported"]
MINE = "mine:"  # what the id of every document begins with that belongs to one owner


@dataclass(frozen=True, slots=True)
class Source:
    """An outside work that guidance rests on, with the date it carries."""

    title: str
    publisher: str = ""
    url: str = ""
    date: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One piece of guidance; `text` is what every span of this package points into."""

    id: str
    title: str
    text: str
    url: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """A stretch of a document that is embedded and found as one.

    `text` is `document.text[start:end]`, always. `sentences` are spans into the
    document too, in order, and lie within the chunk.
    """

    id: int
    document: Document
    start: int
    end: int
    heading: str = ""
    page: int | None = None
    sources: tuple[Source, ...] = ()
    sentences: tuple[tuple[int, int], ...] = ()

    @property
    def text(self) -> str:
        return self.document.text[self.start : self.end]


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A chunk as one search found it; `score` lies between 0 and 1, higher is better.

    `vectors` holds the embedding of each of the chunk's sentences, shape (sentences,
    dimensions), rows of unit length, for those who weigh sentences; it may be None. `asked` is the
    cosine of the nearest question that the chunk's section is known to answer; `listed` says that the
    section lists such questions itself. `near` is the cosine of each sentence to the question as the
    adapter has it, shape (sentences,), or None without an adapter.
    """

    chunk: Chunk
    score: float
    vectors: Any = None
    asked: float = 0.0
    listed: bool = False
    near: Any = None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a chunk: `chunk.document.text[start:end]`."""

    chunk: Chunk
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of a draft and the span of a chunk it claims to rest on.

    With `also` it rests on any of the spans by itself, or on all of them together.
    """

    text: str
    chunk: Chunk
    start: int
    end: int
    also: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """Statements that belong together, under a line of our own that states no fact.

    A part that is `joined` goes on in the paragraph or the list of the part before it.
    """

    statements: tuple[Statement, ...]
    lead: str = ""
    listed: bool = False
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Dropped:
    """A sentence that was not shown, and why."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What an answerer proposes before anything in it was checked.

    `instead` is what to quote where too little of `parts` holds or, with a `note` that says why, where
    they broke off; `dropped` is what the answerer itself took out.
    """

    outcome: Outcome
    parts: tuple[Part, ...] = ()
    text: str = ""
    suggestions: tuple[str, ...] = ()
    model: str | None = None
    confidence: float = 0.0
    instead: tuple[Part, ...] = ()
    note: str = ""
    dropped: tuple[Dropped, ...] = ()
    usage: Mapping[str, int] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Citation:
    """A claim and the words that support it: `document.text[start:end]` is `quote`."""

    number: int
    claim: str
    chunk: Chunk
    start: int
    end: int
    support: Support
    score: float

    @property
    def quote(self) -> str:
        return self.chunk.document.text[self.start : self.end]


class Bit(str):
    """A stretch of an answer's text that passed the check, with the citations of its marks."""

    __slots__ = ("citations",)
    citations: tuple[Citation, ...]

    def __new__(cls, text: str, citations: tuple[Citation, ...] = ()) -> Bit:
        made = super().__new__(cls, text)
        made.citations = citations
        return made


@dataclass(frozen=True, slots=True)
class Answer:
    """What a user reads. Every `[n]` in `text` has one citation, and the other way round.

    `note` says, in our words, how an answer came to be other than usual: quoted because a model failed, or stopped.
    """

    text: str
    outcome: Outcome
    citations: tuple[Citation, ...] = ()
    suggestions: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        from advisor.render import as_text

        return as_text(self)


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything that happened between a question and its answer; timings in seconds."""

    id: str
    conversation: str
    question: str
    query: str
    passages: tuple[Passage, ...]
    draft: Draft
    answer: Answer
    model: str | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()
    stopped: bool = False

    @property
    def outcome(self) -> Outcome:
        return self.answer.outcome

    def __str__(self) -> str:
        return str(self.answer)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and the answer's text, as a conversation remembers them."""

    question: str
    query: str
    text: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of the work, said while a user waits."""

    stage: Literal["condense", "retrieve", "draft", "check"]
    message: str


class Retriever(Protocol):
    """Finds the passages that may answer a query, best first."""

    def search(self, query: str, k: int) -> Sequence[Passage]: ...


class Answerer(Protocol):
    """Turns a question into a draft, from passages and nothing else.

    Both give progress while they wait, so that whoever asks can stop. `condense` ends with the query to
    search for; `draft` gives parts as they are written, and ends with the draft they belong to.
    """

    def condense(self, question: str, history: Sequence[Exchange]) -> Iterator[Progress | str]: ...

    def draft(self, question: str, query: str, passages: Sequence[Passage]) -> Iterator[Progress | Part | Draft]: ...


class Verifier(Protocol):
    """Says how likely evidence supports a claim: 0 not at all, 1 word for word.

    `context` names what the evidence speaks of (its guide and section); it supports nothing by itself.
    """

    def support(self, claim: str, evidence: str, context: str = "") -> float: ...


@runtime_checkable
class PassageVerifier(Verifier, Protocol):
    """A verifier that is quicker with a whole passage: it is shown it first, and told all stretches of it that may support a claim.

    `likeliest` gives the place of the stretch that supports the claim, of several the first, and how likely it does.
    """

    def meet(self, passage: Passage) -> None: ...

    def likeliest(self, claim: str, stretches: Sequence[str], context: str = "") -> tuple[int, float]: ...


class Encoder(Protocol):
    """Turns texts into unit vectors, shape (texts, dimensions), float32.

    `count` counts a text's tokens; `rank` is a word's place in the vocabulary, common words
    first, or None for a word that the vocabulary does not hold whole.
    """

    name: str
    dimensions: int

    def __hash__(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Any: ...

    def count(self, text: str) -> int: ...

    def rank(self, word: str) -> int | None: ...
