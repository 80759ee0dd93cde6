"""Runs every benchmark that can run here, one after the other, and puts their figures into the README's table.

python -m benchmarks                    all of them: some twenty minutes, the first time longer
python -m benchmarks --only latency     one of them; the table keeps what the others measured before
python -m benchmarks --only ""          none: the table is made anew from the figures that are there
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.report import RESULTS, record

NAMES = ("quality", "latency", "plain", "model", "public", "kills", "races", "chat_kills", "slack", "serving", "hostile")
# The files of results, in order.
TABLE = (
    "quality", "latency", "plain", "model", "clapnq", "scifact", "mtrag", "cast", "wice", "kills", "races", "chat_kills", "slack",
    "serving", "hostile", "uploads",
)  # fmt: skip
README = Path(__file__).resolve().parent.parent / "README.md"


def measured(name: str) -> bool:
    """Runs one benchmark in a process of its own; what it prints is shown. Kills reports by printing only."""
    print(f"\n== {name}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    if name != "kills":
        return subprocess.run(command).returncode == 0
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    if done.returncode:
        return False
    counts = json.loads(done.stdout.splitlines()[-1])
    record("kills", [(f"{counts['kills']} kills of `advisor index`, failures", "0", counts["failures"])])
    return True


def table() -> str:
    """All figures that are there, as Markdown."""
    lines = ["| what | bar | measured | command | on, at |", "|---|---|---|---|---|"]
    for name in TABLE:
        path = RESULTS / f"{name}.json"
        if path.is_file():
            for row in json.loads(path.read_text(encoding="utf-8")):
                when = f"{row.get('date', '')} {row.get('commit', '')}".strip()
                lines.append(f"| {row['what']} | {row['bar']} | {row['measured']} | `{row['command']}` | {when} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--only", help=f"names, separated by commas, of: {', '.join(NAMES)}")
    parser.add_argument("--data", type=Path, help="folder that holds the public data sets; ADVISOR_DATA otherwise")
    options = parser.parse_args(arguments)
    if options.data:
        os.environ["ADVISOR_DATA"] = str(options.data.resolve())
    wanted = NAMES if options.only is None else tuple(n for n in options.only.split(",") if n)
    unknown = [n for n in wanted if n not in NAMES]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are: {', '.join(NAMES)}")
    failed = [name for name in wanted if not measured(name)]
    RESULTS.mkdir(exist_ok=True)
    readme = README.read_text(encoding="utf-8")
    before, rest = readme.split("<!-- scoreboard -->\n", 1)
    after = rest.split("<!-- /scoreboard -->", 1)[1]
    README.write_text(f"{before}<!-- scoreboard -->\n{table()}<!-- /scoreboard -->{after}", encoding="utf-8")
    print(f"\n{table()}", end="")
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
