"""Public benchmarks in their own formats: their measures on worked examples, their faults by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.condense import condense
from advisor.hashed import HashedEncoder
from evals.bench import MODULES, bench
from evals.bench.cast import added
from evals.bench.clapnq import sentence_f1
from evals.bench.figures import BenchError, columns, records
from evals.bench.mtrag import said
from evals.bench.squad2 import exact, f1
from evals.bench.vectors import KeptVectors
from evals.bench.wice import balanced
from evals.run import whole

PAGES = {"d1": "Physicians lead hospitals.", "d2": "Sailors repair nets.", "d3": "Keepers light lamps."}


def _quiet(stage: str, done: int, total: int) -> None:
    pass


@pytest.fixture
def _hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_EMBEDDING_MODEL", "hashed")


def _lines(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))


def test_every_name_leads_to_a_benchmark() -> None:
    assert all(callable(bench(name)) for name in MODULES)
    with pytest.raises(KeyError):
        bench("nothing")


@pytest.mark.usefixtures("_hashed")
def test_a_beir_folder_is_ranked_by_our_retriever(tmp_path: Path) -> None:
    _lines(tmp_path / "corpus.jsonl", [{"_id": i, "title": "", "text": text} for i, text in PAGES.items()])
    _lines(tmp_path / "queries.jsonl", [{"_id": "q1", "text": "Who repairs nets?"}, {"_id": "q2", "text": "unjudged"}])
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td2\t1\n")
    outcome = bench("beir")(tmp_path, _quiet)
    assert [(f.value, f.n) for f in outcome.figures] == [(1.0, 1), (1.0, 1)]


@pytest.mark.usefixtures("_hashed")
def test_mtrag_s_last_turn_is_made_whole_from_the_questions_before(tmp_path: Path) -> None:
    assert said("|user|: One?\n|user|: Two? ") == ["One?", "Two?"]
    assert "nets" in whole(["Who repairs nets?", "And why?"], condense)
    _lines(tmp_path / "corpus.jsonl", [{"_id": i, "text": text} for i, text in PAGES.items()])
    for form, text in {"lastturn": "And why?", "rewrite": "Why do sailors repair nets?"}.items():
        _lines(tmp_path / f"x_{form}.jsonl", [{"_id": "q1", "text": f"|user|: {text}"}])
    _lines(tmp_path / "x_questions.jsonl", [{"_id": "q1", "text": "|user|: Who repairs nets?\n|user|: And why?"}])
    (tmp_path / "x_qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td2\t1\n")
    outcome = bench("mtrag")(tmp_path, _quiet)
    assert {f.what: f.value for f in outcome.figures}["mtRAG x (pooled), last turn with its history, R@5"] == 1.0
    assert "Pooled" in outcome.note


def test_cast_counts_the_words_that_a_rewrite_adds(tmp_path: Path) -> None:
    assert added("Is it treatable?", "Is throat cancer treatable?") == {"throat", "cancer"}
    header = "conversation_id\tturn_id\tid\tquery\toriginal\n"
    (tmp_path / "1_Original.tsv").write_text(header + "1\t1\t1_1\tWhat is throat cancer?\tx\n1\t2\t1_2\tIs it treatable?\tx\n")
    (tmp_path / "10_Human.tsv").write_text(header + "1\t1\t1_1\tWhat is throat cancer?\tx\n1\t2\t1_2\tIs throat cancer treatable?\tx\n")
    assert [f.value for f in bench("cast")(tmp_path, _quiet).figures][:2] == [1.0, 1.0]


def test_squad_is_scored_as_its_own_script_does() -> None:
    assert exact("The Eiffel Tower!", ["eiffel tower"]) == 1.0
    assert f1("in the city of Paris", ["Paris", "Paris, France"]) == pytest.approx(0.4)
    assert exact("", []) == f1("", []) == 1.0, "a right abstention"
    assert f1("Paris", []) == 0.0
    assert f1("", ["Paris"]) == 0.0


def test_an_advisor_that_always_abstains_scores_the_share_without_answers() -> None:
    answers: list[list[str]] = [["Paris"], [], []]
    assert sum(f1("", a) for a in answers) / 3 == pytest.approx(2 / 3)


def test_wice_weighs_both_classes_alike() -> None:
    assert balanced([True, False, False, False], [True, False, False, True]) == pytest.approx((1 + 2 / 3) / 2)


def test_quoted_sentences_count_by_those_that_people_chose() -> None:
    assert sentence_f1(["One.", "Two."], ["One.", "Three."]) == 0.5
    assert sentence_f1([], ["One."]) == 0.0


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("beir", "cannot be read"),
        ("mtrag", "no \\*_qrels.tsv"),
        ("cast", "cannot be read"),
        ("wice", "oracle_chunks"),
        ("squad2", "no .json"),
        ("clapnq", "cannot be read"),
    ],
)
@pytest.mark.usefixtures("_hashed")
def test_a_folder_that_is_not_the_benchmark_is_named(tmp_path: Path, name: str, fault: str) -> None:
    with pytest.raises(BenchError, match=fault):
        bench(name)(tmp_path, _quiet)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"a": 1}\n{"a":\n')
    with pytest.raises(BenchError, match=r"x\.jsonl, line 2"):
        list(records(tmp_path / "x.jsonl"))
    (tmp_path / "x.tsv").write_text("a\tb\n1\t2\n")
    assert list(columns(tmp_path / "x.tsv", "b", "a")) == [("2", "1")]
    with pytest.raises(BenchError, match="no column 'c'"):
        list(columns(tmp_path / "x.tsv", "c"))


def test_vectors_are_kept_by_content_and_by_model(tmp_path: Path) -> None:
    encoder = HashedEncoder()
    asked: list[list[str]] = []

    class Counting:
        name, dimensions, count, rank = encoder.name, encoder.dimensions, encoder.count, encoder.rank

        def encode(self, texts: list[str]) -> object:
            asked.append(texts)
            return encoder.encode(texts)

    kept = KeptVectors(Counting(), tmp_path / "v.db")  # type: ignore[arg-type]
    first = kept.encode(["a", "b", "a"])
    assert (kept.encode(["b", "a", "b"])[1] == first[0]).all()
    assert asked == [["a", "b"]]
    assert (first == encoder.encode(["a", "b", "a"])).all()
