"""Kills `advisor index` with SIGKILL at random moments and looks at what is left.

    python -m benchmarks.kills --kills 200

Two corpora are indexed in turn, in one home. After every kill the library must open and hold the
one or the other, whole: every chunk with its vector, none doubled, none lost. It prints one line
of JSON with the counts, and ends with exit code 1 if there was a single failure.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from advisor.library import Library

_SLOWED = """
import sys, time
from advisor import hashed
from advisor.cli import main
whole = hashed.HashedEncoder.encode
hashed.HashedEncoder.encode = lambda self, texts: (time.sleep(0.03), whole(self, texts))[1]
sys.argv = ["advisor", "index", "--corpus", sys.argv[1]]
main()
"""
Contents = list[tuple[str, int, int, str, bytes]]


def contents(path: Path) -> Contents:
    """Every chunk with its vector, as a search would find them, in order; raises if the database is not whole."""
    library = Library(path)
    try:
        with library.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            chunks = connection.exec_driver_sql("SELECT count(*) FROM chunks").scalar()
            searchable = connection.exec_driver_sql("SELECT count(*) FROM search").scalar()
        ids, matrix = library.vectors()
        assert chunks == searchable == len(ids), f"{chunks} chunks, {searchable} searchable, {len(ids)} with vectors"
        found = library.chunks(ids)
        rows = [(c.document.id, c.start, c.end, c.text, matrix[n].tobytes()) for n, i in enumerate(ids) for c, _, _ in [found[i]]]
        assert len({row[:3] for row in rows}) == len(rows), "a chunk is there twice"
        return sorted(rows)
    finally:
        library.close()


def corpora(folder: Path, source: Path, guides: int) -> tuple[Path, Path]:
    """Two corpora that share some guides: those of `source`, and the same with some changed, gone or new."""
    old, new = folder / "old", folder / "new"
    for made in (old, new):
        made.mkdir(parents=True)
        shutil.copy(source / "sources.yaml", made)
        for path in sorted(source.glob("*.md"))[:guides]:
            shutil.copy(path, made)
    for n, path in enumerate(sorted(new.glob("*.md"))):
        if n % 3 == 0:
            path.write_text(path.read_text().replace(" physicians ", " seasoned physicians "))
        elif n % 7 == 1:
            path.unlink()
    (new / "another.md").write_text("# Another guide\n\nThis guide is in one corpus only.\n")
    return old, new


def start(corpus: Path, home: Path) -> subprocess.Popen[bytes]:
    """`advisor index` in a process of its own, with the encoder that needs no model, slowed down.

    It comes back when the work has begun: a kill while Python starts up tells nothing.
    """
    environment = {**os.environ, "ADVISOR_HOME": str(home), "ADVISOR_EMBEDDING_MODEL": "hashed"}
    command = [sys.executable, "-c", _SLOWED, str(corpus)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    process.stderr.readline()  # Reading the guidance …
    return process


def finish(corpus: Path, home: Path) -> float:
    """A build that is let finish; gives the seconds of its work."""
    process = start(corpus, home)
    begun = time.perf_counter()
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    return time.perf_counter() - begun


def trial(kills: int, seed: int, source: Path, folder: Path, guides: int = 8) -> dict[str, float | int]:
    """Kills `kills` builds; raises AssertionError at the first state that is not one whole corpus."""
    chance = random.Random(seed)
    old, new = corpora(folder, source, guides)
    whole: dict[Path, Contents] = {}
    for corpus in (old, new):
        finish(corpus, folder / corpus.name / ".home")
        whole[corpus] = contents(folder / corpus.name / ".home" / "advisor.db")
    home = folder / "home"
    finish(old, home)
    seconds, held = finish(new, home), new
    killed = kept = swapped = 0
    while killed < kills:
        wanted = new if held is old else old
        process = start(wanted, home)
        begun = time.perf_counter()
        try:
            process.wait(chance.uniform(0.0, 1.1 * seconds))
            seconds = time.perf_counter() - begun  # what is embedded already makes builds quicker
            assert process.stderr is not None
            assert process.returncode == 0, process.stderr.read().decode()
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        if process.stderr is not None:
            process.stderr.close()
        now = contents(home / "advisor.db")
        assert now in (whole[held], whole[wanted]), f"kill {killed}: neither the old corpus nor the new one"
        if now == whole[wanted]:
            swapped, held = swapped + 1, wanted
        else:
            kept += 1
        if killed % 10 == 0:  # what was embedded before must not make every later build too quick to kill
            finish(held, home)
            assert contents(home / "advisor.db") == whole[held]
    last = new if held is old else old
    finish(last, home)
    assert contents(home / "advisor.db") == whole[last], "a build after the kills is not whole"
    return {"kills": killed, "old_kept": kept, "new_whole": swapped, "failures": 0, "build_seconds": round(seconds, 2), "seed": seed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corpus", type=Path, default=Path(__file__).resolve().parent.parent / "corpus")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            print(json.dumps(trial(options.kills, options.seed, options.corpus, Path(folder))))
        except AssertionError as error:
            raise SystemExit(f"failed: {error}") from None


if __name__ == "__main__":
    main()
