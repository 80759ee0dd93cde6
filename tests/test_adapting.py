"""Adapters are learnt: what answers becomes the nearest, whether the very sentence is known or only its section."""

from __future__ import annotations

import numpy as np

from advisor.adapter import adapter_of
from advisor.assemble import Guidance
from advisor.pipeline import Advisor
from evals.adapting import Asked, learn_adapter, sentences_and_questions
from evals.cases import Case


def test_what_answers_becomes_the_nearest() -> None:
    chance = np.random.default_rng(1)
    sentences = chance.normal(size=(30, 24)).astype(np.float32)
    sentences /= np.linalg.norm(sentences, axis=1, keepdims=True)
    # What people say is what the guidance says in another order: no cosine knows.
    asked = [Asked(np.roll(sentences[at], 5), (at,), 1.0, 20, f"case {at}") for at in range(30)]
    adapter = adapter_of(learn_adapter(sentences, asked))

    def found(question: np.ndarray, texts: np.ndarray) -> int:
        return int((texts @ question).argmax())

    before = sum(found(a.vector, sentences) == a.answers[0] for a in asked)
    after = sum(found(adapter.question(a.vector), adapter.sentences(sentences)) == a.answers[0] for a in asked)
    assert before < 5 < 25 < after


def test_a_case_asks_for_the_sentences_that_hold_its_facts_and_a_listed_question_for_its_section(shipped_advisor: Advisor) -> None:
    guidance = shipped_advisor.retriever()
    assert isinstance(guidance, Guidance)
    place = "certified-physician-executive#What is the CPE and who awards it?"
    case = Case("a-1", ("do people with the certificate earn more",), "answered", facts=(("4% more",),), relevant=(place,))
    elsewhere = Case("a-2", ("anything",), "answered", facts=(("no such words",),), relevant=(place,))
    sentences, asked = sentences_and_questions(guidance, [(c, c.question, c.id) for c in (case, elsewhere)])
    mine = [a for a in asked if a.group in ("a-1", "a-2")]
    assert [a.group for a in mine] == ["a-1"], "a case whose facts stand nowhere teaches nothing"
    assert 1 <= len(mine[0].answers) < 5
    listed = [a for a in asked if a.group.endswith("?")]
    assert len(listed) > 5000
    assert all(a.weight < mine[0].weight for a in listed)
    assert max(i for a in asked for i in a.answers) < len(sentences)
