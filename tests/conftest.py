"""Fixtures: homes of their own, small corpora, the command line as users run it."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from advisor.assemble import open_advisor
from advisor.config import Settings
from advisor.corpus import Corpus, read_corpus
from advisor.hashed import HashedEncoder
from advisor.library import Library
from advisor.locks import FileLock
from advisor.pipeline import Advisor
from benchmarks.postgres import NoServer, Server, server
from tests.page_world import browser, page_server, reader, readers  # noqa: F401 (fixtures)
from tests.slack_world import bot, slack, store, talker  # noqa: F401 (fixtures)

CHECKOUT = Path(__file__).resolve().parent.parent
GUARD = CHECKOUT / "tests" / "guard"
NOTED = "TESTS_BEYOND"
Written = Callable[[Mapping[str, str | bytes]], Path]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_configure() -> None:
    """No test, and no Python that one starts, reaches beyond this machine."""
    os.environ.setdefault(NOTED, tempfile.mkstemp(prefix="beyond-")[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(GUARD), os.environ.get("PYTHONPATH", ""))))
    runpy.run_path(str(GUARD / "sitecustomize.py"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a run in which something tried to, even where that was taken for a fault and dealt with."""
    tried = Path(os.environ[NOTED]).read_text(encoding="utf-8") if "PYTEST_XDIST_WORKER" not in os.environ else ""
    if tried:
        print(f"\nTried to reach beyond this machine:\n{tried}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _environment(**settings: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("ADVISOR_")}
    return {**plain, **{f"ADVISOR_{name.upper()}": value for name, value in settings.items()}}


@pytest.fixture(autouse=True)
def _home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the home of whoever runs it."""
    for name in [n for n in os.environ if n.startswith("ADVISOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ADVISOR_HOME", str(tmp_path / "home"))


def _index(home: Path, **settings: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "advisor.cli", "index"],
        env=_environment(home=str(home), **settings),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"advisor index failed with exit code {done.returncode}:\n{done.stderr}", pytrace=False)


def _indexed_once(factory: pytest.TempPathFactory, name: str, given: str = "", **settings: str) -> Path:
    """A home that is indexed once for a test run, by whichever of its processes needs it first; `given` is used again."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    home, lock, done = Path(given) if given else shared / name, FileLock(shared / f"{name}.lock"), shared / f"{name}.done"
    assert lock.acquire(wait=900), f"another test process has been indexing {home} for a quarter of an hour"
    try:
        if not done.exists():
            _index(home, **settings)
            done.touch()
    finally:
        lock.release()
    return home


@pytest.fixture(scope="session")
def indexed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the shipped corpus, indexed with the real model; ADVISOR_TEST_HOME names one to use again."""
    return _indexed_once(tmp_path_factory, "indexed", os.environ.get("ADVISOR_TEST_HOME", ""))


@pytest.fixture(scope="session")
def shipped_advisor(indexed_home: Path) -> Advisor:
    """The advisor on the shipped guidance, with the real model, keeping no conversation."""
    return open_advisor(Settings(home=indexed_home), remember=False)


@pytest.fixture(scope="session")
def hashed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the shipped corpus, indexed in a second by the encoder without a model."""
    return _indexed_once(tmp_path_factory, "hashed", embedding_model="hashed")


@pytest.fixture(scope="session")
def shipped_corpus() -> Corpus:
    return read_corpus(CHECKOUT / "corpus")


@pytest.fixture
def encoder() -> HashedEncoder:
    return HashedEncoder()


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Writes files into a folder `corpus` and gives the folder."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        folder = tmp_path / "corpus"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    return write


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(tmp_path / "library" / "advisor.db")
    yield opened
    opened.close()


@pytest.fixture
def hashed_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an empty home and the encoder without a model."""
    monkeypatch.setenv("ADVISOR_EMBEDDING_MODEL", "hashed")
    return Settings.load()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of this test run."""
    try:
        with server(durable=False) as running:
            yield running
    except NoServer as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """What ADVISOR_DATABASE is set to, for an empty store of either kind."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    running = request.getfixturevalue("postgres")
    url = running.database()
    yield url
    running.drop(url)


@pytest.fixture
def advisor(tmp_path: Path) -> Run:
    """Runs the command line in a process of its own: `advisor("ask", "...", home=...)`."""

    def run(
        *arguments: str, sent: bytes = b"", model: str = "hashed", timeout: float = 120, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        settings.setdefault("home", str(tmp_path / "home"))
        done = subprocess.run(
            [sys.executable, "-m", "advisor.cli", *arguments],
            env=_environment(embedding_model=model, **settings),
            input=sent,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        out, err = done.stdout.decode(), done.stderr.decode()
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    return run
