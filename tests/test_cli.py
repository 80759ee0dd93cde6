"""The command line as users run it: exit codes, one line for every fault, the JSON of a turn."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from advisor.config import shipped
from advisor.corpus import ABOUT
from tests.conftest import Written

Run = Callable[..., "subprocess.CompletedProcess[str]"]
QUESTION = "Do I need an MBA to become a CMO?"
COMMANDS = ("index", "sources", "ask", "chat", "web", "doctor")
TURN = {
    "id", "conversation", "question", "query", "outcome", "text", "citations", "suggestions", "model", "timings", "usage",
    "note", "stopped", "dropped", "prompts",
}  # fmt: skip
CITATION = {
    "number", "claim", "quote", "support", "score", "document", "heading", "start", "end", "page", "passage", "sources",
}  # fmt: skip


def _fails_in_one_line(done: subprocess.CompletedProcess[str], *words: str, code: int = 1) -> None:
    """The last line of standard error is the fault; there is no traceback and nothing on standard output."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    fault = lines[-1]
    assert fault.startswith("advisor: "), done.stderr
    assert "advisor itself" not in fault, fault
    assert fault.endswith((".", "index", ")")) or "Run: " in fault or "Example: " in fault, f"no remedy: {fault}"
    for word in words:
        assert word in fault, fault


@pytest.fixture
def home(hashed_home: Path, tmp_path: Path) -> Path:
    """A copy of the indexed home, to be ruined."""
    return Path(shutil.copytree(hashed_home, tmp_path / "copy"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(advisor: Run, command: str) -> None:
    done = advisor(command, "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    assert done.stderr == ""


def test_help_names_every_command_and_loads_nothing_slow(tmp_path: Path) -> None:
    script = "import sys; sys.argv = ['advisor', '--help']\nfrom advisor.cli import main\ntry:\n    main()\nexcept SystemExit: pass\n"
    slow = "slow = {'torch', 'chromadb', 'gradio', 'sqlalchemy', 'numpy', 'onnxruntime'} & set(sys.modules)\nassert not slow, slow\n"
    done = subprocess.run([sys.executable, "-c", script + slow], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert all(command in done.stdout for command in COMMANDS)


def test_the_version_is_printed(advisor: Run) -> None:
    done = advisor("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("advisor 0.")


@pytest.mark.parametrize("wrong", [["nosuch"], ["ask", "--nosuch"], ["web", "--port", "many"], ["index", "--corpus"]])
def test_a_wrong_call_ends_with_code_2(advisor: Run, wrong: list[str]) -> None:
    done = advisor(*wrong)
    assert done.returncode == 2
    assert "Error" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_answer_has_marks_and_sources(advisor: Run, hashed_home: Path) -> None:
    done = advisor("ask", QUESTION, home=str(hashed_home))
    assert done.returncode == 0, done.stderr
    assert "[1]" in done.stdout
    assert "Sources\n[1]" in done.stdout
    assert "Rests on:" in done.stdout


def test_the_json_of_a_turn_keeps_its_contract(advisor: Run, hashed_home: Path) -> None:
    done = advisor("ask", QUESTION, "--json", home=str(hashed_home))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    turn = json.loads(done.stdout)
    assert set(turn) == TURN
    assert (turn["question"], turn["outcome"], turn["model"]) == (QUESTION, "answered", None)
    assert {"condense", "retrieve", "draft", "check", "total"} <= set(turn["timings"])
    assert [c["number"] for c in turn["citations"]] == list(range(1, len(turn["citations"]) + 1))
    for citation in turn["citations"]:
        assert set(citation) == CITATION
        assert set(citation["document"]) == {"id", "title", "url"}
        assert all(set(s) == {"title", "publisher", "url", "date"} for s in citation["sources"])
        assert citation["sources"]
        assert f"[{citation['number']}]" in turn["text"]
        assert citation["claim"] in turn["text"]
        assert citation["quote"] in citation["passage"]


def test_quotes_stand_in_the_files_where_the_json_says(advisor: Run, hashed_home: Path) -> None:
    for question in (QUESTION, "How much does a CMO earn?", "What does a medical director do?"):
        turn = json.loads(advisor("ask", question, "--json", home=str(hashed_home)).stdout)
        assert turn["citations"], question
        for citation in turn["citations"]:
            text = (shipped("corpus") / citation["document"]["url"]).read_text(encoding="utf-8")
            assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_a_declined_question_has_no_citations_and_offers_others(advisor: Run, hashed_home: Path) -> None:
    turn = json.loads(advisor("ask", "Can I sue my hospital?", "--json", home=str(hashed_home)).stdout)
    assert (turn["outcome"], turn["citations"]) == ("declined", [])
    assert turn["suggestions"]


def test_a_conversation_goes_on_by_its_name(advisor: Run, home: Path) -> None:
    advisor("ask", QUESTION, "--conversation", "mine", home=str(home))
    turn = json.loads(advisor("ask", "And how long does it take?", "--conversation", "mine", "--json", home=str(home)).stdout)
    assert turn["conversation"] == "mine"
    assert turn["query"] != turn["question"]
    odd = advisor("ask", QUESTION, "--conversation", os.fsdecode(b"\xff\xfe"), "--json", home=str(home))
    assert odd.returncode == 0, odd.stderr


def test_sources_lists_what_is_indexed(advisor: Run, hashed_home: Path) -> None:
    done = advisor("sources", home=str(hashed_home))
    assert done.returncode == 0
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows[0] == ["Title", "File", "Passages", "Words"]
    assert len(rows) == 1 + len([p for p in shipped("corpus").glob("*.md") if p.name not in ABOUT])
    _fails_in_one_line(advisor("sources"), "Run: advisor index")


def test_doctor_names_what_is_missing_and_how_to_mend_it(advisor: Run, hashed_home: Path) -> None:
    well = advisor("doctor", home=str(hashed_home))
    assert well.returncode == 0, well.stdout
    assert "ADVISOR_HOME" in well.stdout
    ill = advisor("doctor")
    assert ill.returncode == 1
    assert "index\t✗ missing\tRun: advisor index" in ill.stdout
    lost = advisor("doctor", home="/dev/null/home")
    assert lost.returncode == 1
    assert "is not a folder\tSet ADVISOR_HOME" in lost.stdout


def test_index_reports_what_it_did_and_what_it_left_out(advisor: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "good.md").write_text("# Pay\n\nA CMO earns a salary.\n")
    (tmp_path / "mine" / "bad.txt").write_bytes(b"\0\1\2\3")
    done = advisor("index", "--corpus", str(tmp_path / "mine"))
    assert done.returncode == 0
    assert "1 added, 0 changed, 0 removed, 0 unchanged" in done.stdout
    assert "Left out bad.txt: binary, not text. Save it as UTF-8 text." in done.stderr


def test_index_takes_the_same_folder_again_and_says_when_it_is_gone(advisor: Run, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "good.md").write_text("# Pay\n\nA CMO earns a salary.\n")
    advisor("index", "--corpus", str(folder))
    assert f"Indexed {folder}: 0 added, 0 changed, 0 removed, 1 unchanged" in advisor("index").stdout
    (folder / "good.md").unlink()
    folder.rmdir()
    _fails_in_one_line(advisor("index"), str(folder), "is gone", "--corpus")
    asked = advisor("ask", "How does a CMO earn a salary?", "--json")
    assert asked.returncode == 0, "what was indexed still answers"
    assert "has changed or is gone" in asked.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"port": "many"}, ("ADVISOR_PORT", "'many'")),
        ({"port": "70000"}, ("ADVISOR_PORT", "65535")),
        ({"chunk_tokens": "5"}, ("ADVISOR_CHUNK_TOKENS", "40")),
        ({"passages": "0"}, ("ADVISOR_PASSAGES",)),
        ({"auto_index": "perhaps"}, ("ADVISOR_AUTO_INDEX",)),
        ({"home": "~nobody-of-this-name/x"}, ("ADVISOR_HOME", "full path")),
        ({"home": "/dev/null/home"}, ("/dev/null/home", "Set ADVISOR_HOME")),
        ({"home": "/proc/home"}, ("/proc/home", "Set ADVISOR_HOME")),
        ({"model": "no/such-model"}, ("ADVISOR_EMBEDDING_MODEL", "no/such-model")),
    ],
)
def test_a_bad_setting_is_named(advisor: Run, settings: dict[str, str], words: tuple[str, ...]) -> None:
    _fails_in_one_line(advisor("ask", QUESTION, **settings), *words)


def test_a_missing_index_is_built_when_it_is_needed(advisor: Run, tmp_path: Path) -> None:
    done = advisor("ask", QUESTION, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outcome"] == "answered"
    assert "There is no index yet" in done.stderr


def test_a_missing_index_is_a_fault_where_building_is_switched_off(advisor: Run, tmp_path: Path) -> None:
    _fails_in_one_line(advisor("ask", QUESTION, auto_index="false"), "no index yet", "Run: advisor index")


def test_questions_that_cannot_be_asked_are_refused(advisor: Run, hashed_home: Path) -> None:
    home = str(hashed_home)
    _fails_in_one_line(advisor("ask", "", home=home), "empty")
    _fails_in_one_line(advisor("ask", " \t?!\u200b", home=home), "empty")
    _fails_in_one_line(advisor("ask", "why " * 5000, home=home), "4000")
    _fails_in_one_line(advisor("ask", home=home), "Give one question")
    _fails_in_one_line(advisor("ask", QUESTION, "--batch", "x", home=home), "Give one question")


def test_binary_input_is_a_question_like_any_other(advisor: Run, hashed_home: Path) -> None:
    home = str(hashed_home)
    _fails_in_one_line(advisor("ask", "-", sent=bytes(range(32)) * 50, home=home), "empty")
    _fails_in_one_line(advisor("ask", "-", sent=bytes(range(256)) * 4000, home=home), "4000")
    done = advisor("ask", "-", "--json", sent=b"\xff\xfe\x00\x1b[2J" + QUESTION.encode(), home=home)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout


def test_a_batch_that_cannot_be_read_is_named(advisor: Run, hashed_home: Path, tmp_path: Path) -> None:
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\xfd" * 100)
    for path in (tmp_path / "absent.jsonl", tmp_path, binary):
        _fails_in_one_line(advisor("ask", "--batch", str(path), home=str(hashed_home)), str(path), "UTF-8")


def test_output_that_nobody_reads_is_no_fault(hashed_home: Path) -> None:
    environment = {**os.environ, "ADVISOR_HOME": str(hashed_home), "ADVISOR_EMBEDDING_MODEL": "hashed"}
    process = subprocess.Popen(
        [sys.executable, "-m", "advisor.cli", "sources"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.wait(60)


def test_an_old_terminal_shows_what_it_can(hashed_home: Path) -> None:
    environment = {**os.environ, "ADVISOR_HOME": str(hashed_home), "ADVISOR_EMBEDDING_MODEL": "hashed", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-m", "advisor.cli", "doctor"], env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


@pytest.mark.parametrize("damage", ["garbage", "cut", "text"])
def test_a_damaged_database_is_named_with_what_to_do(advisor: Run, home: Path, damage: str) -> None:
    path = home / "advisor.db"
    whole = path.read_bytes()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    ruined = {"garbage": whole[:4096] + os.urandom(len(whole) - 4096), "cut": whole[: len(whole) // 3], "text": b"not a database\n" * 999}
    path.write_bytes(ruined[damage])
    _fails_in_one_line(advisor("ask", QUESTION, home=str(home)), str(path), "damaged")
    assert "✗" in advisor("doctor", home=str(home)).stdout


def test_a_database_of_a_newer_advisor_is_left_alone(advisor: Run, home: Path) -> None:
    import sqlite3

    with sqlite3.connect(home / "advisor.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    _fails_in_one_line(advisor("ask", QUESTION, home=str(home)), "newer advisor")


def test_a_file_size_limit_ends_in_one_line_and_harms_nothing(home: Path, tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands for a disk that takes no more."""
    (tmp_path / "more").mkdir()
    for i in range(40):
        (tmp_path / "more" / f"g{i}.md").write_text(f"# Guide {i}\n\n" + f"Guide {i} is about many things. " * 200)
    environment = {**os.environ, "ADVISOR_HOME": str(home), "ADVISOR_EMBEDDING_MODEL": "hashed"}
    size = (home / "advisor.db").stat().st_size

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 8, size // 8))

    command = [sys.executable, "-m", "advisor.cli"]
    done = subprocess.run(
        [*command, "index", "--corpus", str(tmp_path / "more")],
        env=environment, capture_output=True, text=True, timeout=120, check=False, preexec_fn=limit,
    )  # fmt: skip
    _fails_in_one_line(done, "full or failing", "Free some space")
    asked = subprocess.run([*command, "ask", QUESTION, "--json"], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["outcome"] == "answered"


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, where this machine lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root and a system that allows it")
    yield folder
    subprocess.run(["umount", str(folder)], check=False)


def test_a_full_disk_ends_in_one_line_and_recovers(advisor: Run, mounted: Path, home: Path) -> None:
    disk = Path(shutil.copytree(home, mounted / "home"))
    with open(mounted / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"x" * 4096)
    corpus = mounted.parent / "more"
    corpus.mkdir()
    (corpus / "new.md").write_text("# New\n\nThis is new.\n" + "It is long. " * 2000)
    _fails_in_one_line(advisor("index", "--corpus", str(corpus), home=str(disk)), "full", "Free some space")
    (mounted / "filler").unlink()
    assert advisor("ask", QUESTION, home=str(disk)).returncode == 0
    assert advisor("index", "--corpus", str(corpus), home=str(disk)).returncode == 0


def test_a_read_only_home_still_answers(advisor: Run, mounted: Path, home: Path) -> None:
    disk = Path(shutil.copytree(home, mounted / "home"))
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    try:
        _fails_in_one_line(advisor("index", "--corpus", str(shipped("corpus")), home=str(disk)), "cannot be written", "ADVISOR_HOME")
        done = advisor("ask", QUESTION, "--json", home=str(disk))
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["outcome"] == "answered"
        assert "not kept" in done.stderr
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(mounted)], check=True)


def test_verbose_shows_where_a_fault_arose(advisor: Run, hashed_home: Path) -> None:
    done = advisor("--verbose", "ask", "", home=str(hashed_home))
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("advisor: ")


def test_chat_talks_until_quit(advisor: Run, hashed_home: Path) -> None:
    sent = f"/sources\n{QUESTION}\n/sources\n/nosuch\n\n[bold]hi\n/help\n/quit\nnever read\n"
    done = advisor("chat", sent=sent.encode(), home=str(hashed_home))
    assert done.returncode == 0, done.stderr
    assert "The last answer has no sources" in done.stdout
    assert "[1]" in done.stdout
    assert "There is no command /nosuch" in done.stdout
    assert "checked citations from" in done.stdout
    assert advisor("chat", sent=QUESTION.encode(), home=str(hashed_home)).returncode == 0, "the end of input ends it"


def test_the_guidance_is_checked_counted_and_listed(advisor: Run, written: Written) -> None:
    good = advisor("corpus", "check")
    assert good.returncode == 0, good.stdout
    assert "nothing to mend" in good.stdout
    assert "64 guides" in advisor("corpus", "stats").stdout
    folder = str(written({"a.md": "---\ntitle: Pay\n---\n# Pay\n\nIt is good.\n", "sources.yaml": ""}))
    bad = advisor("corpus", "check", "--corpus", folder)
    assert bad.returncode == 1
    assert "a.md:1: the front matter lacks summary" in bad.stdout
    assert "a.md:6: 'It is good.' opens by pointing at the sentence before" in bad.stdout
    assert advisor("corpus", "catalog", "--corpus", folder).returncode == 0
    assert (Path(folder) / "INDEX.md").is_file()
    gone = advisor("corpus", "check", "--corpus", "/nowhere")
    assert gone.returncode == 1
    assert gone.stderr.startswith("advisor: /nowhere is not a folder")
