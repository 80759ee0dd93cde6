"""Questions to start with, for each stage of the path: our choice first, then what the guidance itself lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from advisor.apps.warm import Warm
from advisor.errors import AdvisorError
from advisor.library import Library

SHOWN = 6
GENERAL = (
    "How do I become a Chief Medical Officer?",
    "Do I need an MBA to become a CMO?",
    "What is the difference between a CMO and a VPMA?",
    "How many years of clinical practice do I need to become a CMO?",
    "How much does a Chief Medical Officer earn?",
    "How do I prepare for a CMO interview?",
)
# Stage of a guide, how someone at it says so, and what we would ask first.
STAGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "resident",
        "I’m a resident",
        (
            "How long does it take to become a CMO?",
            "Which hospital committee should I join first if I want to become a CMO?",
            "Do I really need ten years in practice before I can be a CMO?",
            "What does peer review teach a future CMO?",
            "Which quality improvement methods should a CMO know?",
            "I trained abroad, so is becoming a CMO in the US realistic?",
        ),
    ),
    (
        "attending",
        "I’m an attending",
        (
            "Is medical director the first step to becoming a CMO?",
            "How do I become a medical director?",
            "Can a physician advisor become a CMO?",
            "Should I get an MBA, an MHA or an MMM?",
            "How do I get on a hospital committee?",
            "Do I have to stop seeing patients to become a CMO?",
        ),
    ),
    (
        "medical-director",
        "I’m a medical director",
        (
            "How do I move from medical director to VPMA?",
            "Is Chief Quality Officer a good path to CMO?",
            "Can a CMIO become a CMO?",
            "What experience do CMO job postings ask for?",
            "Which MBA programs are only for physicians?",
            "What questions are asked in a CMO interview?",
        ),
    ),
    (
        "vpma",
        "I’m a VPMA or associate CMO",
        (
            "What is the difference between a VPMA and a CMO?",
            "How do I prepare for a CMO interview?",
            "What does the board want to hear from a CMO candidate?",
            "What does the CEO look for in a CMO?",
            "How much does a Chief Medical Officer earn?",
            "Why do CMOs fail or leave?",
        ),
    ),
    (
        "cmo",
        "I’m a CMO",
        (
            "What should my first 90 days as CMO look like?",
            "How should a CMO work with the board?",
            "What regulations does a CMO need to know?",
            "How long do CMOs last?",
            "What comes after being a CMO?",
            "Our vendor wants to put AI in triage, so what do I owe the board?",
        ),
    ),
)


def opening(warm: Warm) -> Iterator[dict[str, Any]]:
    """What the page shows before the first question: what it waits for, then questions to start with."""
    try:
        for line in warm.wait():
            yield {"waiting": line}
        yield starters(warm)
    except AdvisorError as fault:
        yield {"waiting": str(fault), "fault": True}


def starters(warm: Warm) -> dict[str, Any]:
    """Questions that the indexed guidance holds: some for everybody, and some for each stage that it speaks of."""
    suggester = getattr(warm.advisor().answerer(), "suggester", None)
    if suggester is None:
        return {"starters": list(GENERAL), "stages": []}
    held = set(suggester.questions)
    library = getattr(warm.advisor().retriever(), "library", None)
    listed = [guide.metadata for guide in library.listed()] if isinstance(library, Library) else []
    stages = [
        {"name": name, "questions": questions} for stage, name, ours in STAGES if (questions := _chosen(ours, _of(listed, stage), held))
    ]
    return {"starters": _chosen(GENERAL, suggester.first, held), "stages": stages if len(stages) > 1 else []}


def _chosen(ours: Sequence[str], theirs: Sequence[str], held: set[str]) -> list[str]:
    chosen = [q for q in ours if q in held]
    chosen += [q for q in theirs if q in held and q not in chosen]
    return chosen[:SHOWN]


def _of(guides: Sequence[Mapping[str, Any]], stage: str) -> list[str]:
    """The first question of each guide for a stage, those for few stages first."""
    return [str(guide["questions"][0]) for guide in sorted(_for(guides, stage), key=lambda guide: len(guide["stage"]))]


def _for(guides: Sequence[Mapping[str, Any]], stage: str) -> Iterator[Mapping[str, Any]]:
    for guide in guides:
        if all(isinstance(guide.get(key), list) and guide[key] for key in ("stage", "questions")) and stage in guide["stage"]:
            yield guide
