"""What an owner brought is found beside the guidance, by that owner and by nobody else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from advisor.apps.warm import Warm
from advisor.personal import Personal
from advisor.pipeline import Advisor
from advisor.record import record_of
from advisor.uploads import Cut, cut_up
from tests.api_world import MBA, opened
from tests.upload_world import CV

BUDGET = "What department budget was managed at Xylotron Hospital?"


@pytest.fixture(scope="module")
def warm(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return opened(hashed_home, tmp_path_factory.mktemp("personal") / "home")


def _personal(advisor: Advisor) -> Personal:
    assert isinstance(advisor.own, Personal)
    return advisor.own


def _sent(advisor: Advisor, owner: str, text: str = CV) -> str:
    personal = _personal(advisor)
    return personal.uploads.add(owner, "cv.md", cut_up(text, "cv.md", personal.encoder, paged=False)).id


def test_another_users_document_is_never_found(warm: Warm) -> None:
    advisor = warm.advisor()
    ident = _sent(advisor, "user:a")
    mine = advisor.ask(BUDGET, owner="user:a")
    assert ident in {p.chunk.document.id for p in mine.passages}
    assert "Managed a department budget of $42 million." in mine.answer.text
    for owner in ("", "user:b", "user:", "user:aa", "visitor:a", "key:a", "user:A"):
        turn = advisor.ask(BUDGET, owner=owner)
        assert not [p for p in turn.passages if p.chunk.document.id.startswith("mine:")]
        assert "$42 million" not in turn.answer.text


def test_what_is_quoted_is_marked_as_ones_own_and_points_into_the_document(warm: Warm) -> None:
    advisor = warm.advisor()
    ident = _sent(advisor, "user:c")
    turn = advisor.ask(BUDGET, "kept", owner="user:c")
    own = [c for c in turn.answer.citations if c.chunk.document.id == ident]
    assert own
    _, text = _personal(advisor).uploads.find("user:c", ident)
    for citation in own:
        assert citation.chunk.document.title == "Your document: cv.md"
        assert text[citation.start : citation.end] == citation.quote
    kept = advisor.store.turns("kept", "user:c")[0].turn  # type: ignore[attr-defined]
    assert [c.quote for c in kept.answer.citations] == [c.quote for c in turn.answer.citations]


def test_a_turn_keeps_nothing_of_ones_documents_but_what_it_cites(warm: Warm) -> None:
    advisor = warm.advisor()
    _sent(advisor, "user:d")
    turn = advisor.ask("What department budget did I manage?", owner="user:d")
    assert "$42 million" in json.dumps(record_of(turn)["chunks"])
    bare = record_of(replace(turn, answer=replace(turn.answer, citations=())))["chunks"]
    assert "Xylotron" not in json.dumps(bare)
    assert "$42 million" not in json.dumps(bare)
    assert [chunk["text"] for chunk in bare if not chunk["document"]["id"].startswith("mine:")], "the guidance is kept as ever"


def test_a_deleted_document_is_not_found_any_more(warm: Warm) -> None:
    advisor = warm.advisor()
    ident = _sent(advisor, "user:e")
    assert "$42 million" in advisor.ask(BUDGET, owner="user:e").answer.text
    _personal(advisor).uploads.delete("user:e", ident)
    assert "$42 million" not in advisor.ask(BUDGET, owner="user:e").answer.text
    assert "user:e" not in _personal(advisor)._held


def test_the_guidance_answers_as_before_for_who_has_documents(warm: Warm) -> None:
    advisor = warm.advisor()
    before = advisor.ask(MBA, owner="user:f")
    _sent(advisor, "user:f")
    assert advisor.ask(MBA, owner="user:f").answer.text == before.answer.text
    assert len(advisor.ask(MBA, owner="user:f").passages) == advisor.passages


def test_who_asks_about_themselves_is_answered_from_what_they_brought(warm: Warm) -> None:
    advisor = warm.advisor()
    _sent(advisor, "user:g")
    found = advisor.own("user:g", advisor.retriever())
    score = lambda query: next(p.score for p in found.search(query, 200) if "budget of $42" in p.chunk.text)  # noqa: E731
    assert score("What budget did I manage?") > score("What budget did one manage?") + 0.1


def test_documents_that_another_model_embedded_are_embedded_anew_when_they_are_searched(warm: Warm) -> None:
    advisor = warm.advisor()
    personal = _personal(advisor)
    cut = cut_up(CV, "cv.md", personal.encoder, paged=False)
    old = Cut(cut.text, cut.title, None, cut.pieces, tuple((b"\0\0\0\0", b"") for _ in cut.pieces), "another model")
    personal.uploads.add("user:h", "cv.md", old)
    assert "$42 million" in advisor.ask(BUDGET, owner="user:h").answer.text
    assert personal.uploads.marks("user:h")[0][1] == personal.encoder.name


def test_no_more_owners_are_held_in_memory_than_that(warm: Warm) -> None:
    advisor = warm.advisor()
    for n in range(40):
        _sent(advisor, f"user:many-{n}")
        advisor.own(f"user:many-{n}", advisor.retriever())
    assert len(_personal(advisor)._held) <= 32


@pytest.mark.parametrize("question", [BUDGET, "According to my CV, what budget did I manage?", "Which budget does this document name?"])
def test_a_question_about_ones_own_document_is_searched_in_it_alone(warm: Warm, question: str) -> None:
    advisor = warm.advisor()
    ident = _sent(advisor, "user:own")
    found = advisor.own("user:own", advisor.retriever()).search(question, 8)  # type: ignore[misc]
    assert {p.chunk.document.id for p in found} == {ident}
    _personal(advisor).uploads.delete("user:own", ident)


@pytest.mark.parametrize("question", ["What should my CV show for a CMO post?", "How do I negotiate my CMO contract?", MBA])
def test_a_question_that_the_guidance_can_answer_is_searched_in_both(warm: Warm, question: str) -> None:
    advisor = warm.advisor()
    ident = _sent(advisor, "user:both")
    found = advisor.own("user:both", advisor.retriever()).search(question, 8)  # type: ignore[misc]
    assert any(not p.chunk.document.id.startswith("mine:") for p in found)
    _personal(advisor).uploads.delete("user:both", ident)
