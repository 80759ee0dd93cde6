"""The report: one page that needs nothing else, and holds what went wrong."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from advisor.errors import AdvisorError
from evals.cases import Case
from evals.report import write_report
from evals.run import Row, run
from tests.eval_world import SALARY, scripted

HEAD = {"about": {"split": "held-out", "commit": "abc"}, "started": "2026-11-25T07:00:00+00:00"}


def _rows() -> list[Row]:
    cases = [
        Case("pay", ("What is the pay?",), "answered", (("$400,000",),), tags=("how-much",)),
        Case("evil", ("<script>alert(1)</script>", "What is the pay?"), "answered", (("<b>bonus</b>",),), standalone="x"),
        Case("rain", ("Will it rain?",), "declined"),
    ]
    return list(run(scripted({"What is the pay?": [SALARY]}), "answers", cases))


def test_a_report_is_written_as_a_page_and_as_figures(tmp_path: Path) -> None:
    page, data, text = write_report(HEAD, _rows(), tmp_path / "report.html")
    html = page.read_text(encoding="utf-8")
    HTMLParser().feed(html)
    assert "<h2>Scoreboard</h2>" in html
    assert "abc" in html
    assert "1 worst cases" in html
    assert "What is the pay?" in html
    figures = {f["metric"]: f for f in json.loads(data.read_text())["figures"]}
    assert figures["facts"]["cases"] == 2
    assert "| answers | facts | 0.500 |" in text.read_text()


def test_the_page_needs_no_network_and_runs_nothing(tmp_path: Path) -> None:
    html = write_report(HEAD, _rows(), tmp_path / "report.html")[0].read_text(encoding="utf-8")
    assert not re.search(r"<script|https?://|<link|<img|url\(", html)
    assert "&lt;script&gt;" in html
    assert "&lt;b&gt;bonus" in html


def test_a_run_without_faults_says_so(tmp_path: Path) -> None:
    page = write_report(HEAD, _rows()[:1], tmp_path / "report.html")[0]
    assert "No case fell short" in page.read_text()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(AdvisorError, match=r"report\.html cannot be written"):
        write_report(HEAD, _rows(), tmp_path / "report.html")
