"""A run as one self-contained HTML page, with its figures as JSON and Markdown beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from advisor.errors import AdvisorError
from evals.table import Figure, Row, by_tag, curve, figures, together, worth

WORST = 30
STYLE = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #57606c; --page: #fcfcfa; --line: #d9dce0; --bar: #2f6f8f; --bad: #b3372b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --soft: #a9b1bb; --page: #14181d; --line: #333a43; --bar: #6fb3d2; --bad: #f08a7d; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0 auto; max-width: 62rem; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; font-size: 1.2rem; } p, li { max-width: 46rem; } .soft { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); } td.n { text-align: right; white-space: nowrap; }
svg { max-width: 100%; height: auto; } svg text { fill: var(--soft); font-size: 12px; } .bar { fill: var(--bar); }
.mark { stroke: var(--ink); } .axis { stroke: var(--line); } .curve { fill: none; stroke: var(--bar); stroke-width: 2; }
details { border-top: 1px solid var(--line); padding: .6rem 0; } summary { cursor: pointer; } .bad { color: var(--bad); }
blockquote { margin: .4rem 0; padding-left: .8rem; border-left: 3px solid var(--line); color: var(--soft); }
@media print { details { break-inside: avoid; } details:not([open]) > * { display: block; } body { max-width: none; } }
"""


def write_report(head: Mapping[str, Any], rows: Sequence[Row], page: Path) -> list[Path]:
    """Writes the page, and `.json` and `.md` of the same name; returns the three files."""
    measured, many = figures(rows), together(rows)
    data = {
        **head,
        "figures": [{"suite": f.suite, "metric": f.metric, "mean": f.value, "low": f.low, "high": f.high, "cases": f.n} for f in measured],
        "together": many,
    }
    written = {
        page: html_page(head, rows, measured, many),
        page.with_suffix(".json"): json.dumps(data, indent=1) + "\n",
        page.with_suffix(".md"): markdown(head, measured, many),
    }
    for path, text in written.items():
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise AdvisorError(f"{path} cannot be written ({error.strerror}). Give --out another place.") from None
    return list(written)


def markdown(head: Mapping[str, Any], measured: Sequence[Figure], many: Mapping[str, float]) -> str:
    """The scoreboard as a table."""
    lines = [f"# Evaluation of {_when(head)}", "", "| suite | metric | mean | 95 % interval | cases |", "|---|---|---|---|---|"]
    lines += [f"| {f.suite} | {f.metric} | {f.value:.3f} | {f.low:.3f} to {f.high:.3f} | {f.n} |" for f in measured]
    lines += ["", "| all suites together | value |", "|---|---|", *(f"| {name} | {value:.3f} |" for name, value in many.items())]
    return "\n".join(lines) + "\n"


def html_page(head: Mapping[str, Any], rows: Sequence[Row], measured: Sequence[Figure], many: Mapping[str, float]) -> str:
    """The whole page; nothing in it is fetched from anywhere."""
    about = ", ".join(f"{key}: {value}" for key, value in head.get("about", {}).items() if value)
    judged = [r for r in rows if r["expected"] in ("answered", "declined")]
    parts = [
        f"<h1>How good are the answers?</h1><p class=soft>{escape(_when(head))}; {escape(about)}; {len(rows)} cases.</p>",
        "<h2>Scoreboard</h2>",
        _table(
            ("Suite", "Metric", "Mean", "95 % interval", "Cases"),
            [(f.suite, f.metric, f"{f.value:.3f}", f"{f.low:.3f} – {f.high:.3f}", f.n) for f in measured],
        ),
        "<p class=soft>Citation figures near 1 are worth nothing alone, since copying a passage reaches them: read them beside fact recall and words.</p>",
        "<h2>All suites together</h2>",
        _table(("What", "Value"), [(name, f"{value:.3f}") for name, value in many.items()]),
        "<h2>Means with their intervals</h2>",
        _bars([f for f in measured if f.metric != "words"]),
    ]
    if judged:
        parts += [
            "<h2>Risk and coverage</h2><p>Were only the surest questions answered, so many of those answers would be wrong or incomplete.</p>",
            _curve(curve(judged)),
        ]
    times = [1000 * r["seconds"] for r in rows if r["seconds"]]
    if times:
        parts += ["<h2>How long questions took, in milliseconds</h2>", _histogram(times)]
    tags = by_tag(rows, "facts")
    if tags:
        parts += [
            "<h2>All facts present, by tag</h2>",
            _table(("Tag", "Mean", "Cases"), [(tag, f"{value:.3f}", n) for tag, value, n in tags]),
        ]
    worst = sorted((r for r in rows if worth(r) < 1.0), key=worth)[:WORST]
    parts += [f"<h2>The {len(worst)} worst cases</h2>", *map(_case, worst)] if worst else ["<h2>No case fell short</h2>"]
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Evaluation of {escape(_when(head))}</title><style>{STYLE}</style><main>{body}</main></html>\n"
    )


def _when(head: Mapping[str, Any]) -> str:
    return str(head.get("started", "an unknown day")).replace("T", " ").replace("+00:00", " UTC")


def _table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    top = "".join(f'<th scope="col">{escape(h)}</th>' for h in header)
    lines = []
    for first, *rest in rows:
        cells = "".join(f"<td{' class=n' if _is_number(c) else ''}>{escape(str(c))}</td>" for c in rest)
        lines.append(f'<tr><th scope="row">{escape(str(first))}</th>{cells}</tr>')
    return f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _is_number(value: object) -> bool:
    return str(value)[:1].isdigit()


def _bars(measured: Sequence[Figure]) -> str:
    height = 20 * len(measured) + 24
    lines = [
        f'<svg viewBox="0 0 760 {height}" role="img" aria-label="Means of all metrics with their intervals; the scoreboard holds the numbers">'
    ]
    for n, f in enumerate(measured):
        y = 20 * n + 6
        lines.append(f'<text x="300" y="{y + 10}" text-anchor="end">{escape(f"{f.suite}: {f.metric}")}</text>')
        lines.append(f'<rect class="bar" x="310" y="{y}" width="{max(1.0, 400 * f.value):.1f}" height="12"/>')
        lines.append(f'<line class="mark" x1="{310 + 400 * f.low:.1f}" x2="{310 + 400 * f.high:.1f}" y1="{y + 6}" y2="{y + 6}"/>')
    lines += [f'<text x="{310 + 400 * v:.0f}" y="{height - 4}" text-anchor="middle">{v:g}</text>' for v in (0, 0.5, 1)]
    return "".join([*lines, "</svg>"])


def _curve(points: Sequence[tuple[float, float]]) -> str:
    top = max([risk for _, risk in points] + [0.1])
    path = " ".join(f"{40 + 500 * covered:.1f},{180 - 160 * risk / top:.1f}" for covered, risk in points)
    last = points[-1][1] if points else 0.0
    return (
        f'<svg viewBox="0 0 600 215" role="img" aria-label="Share of wrong answers against the share answered, up to {last:.2f} when all are">'
        f'<line class="axis" x1="40" x2="540" y1="180" y2="180"/><line class="axis" x1="40" x2="40" y1="20" y2="180"/><polyline class="curve" points="{path}"/>'
        f'<text x="36" y="24" text-anchor="end">{top:.2f}</text><text x="36" y="184" text-anchor="end">0</text>'
        '<text x="40" y="205">0</text><text x="540" y="205" text-anchor="end">share answered: 1</text></svg>'
    )


def _histogram(values: Sequence[float], bins: int = 24) -> str:
    most = max(values)
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int(bins * value / (most or 1.0)))] += 1
    top = max(counts)
    bars = "".join(
        f'<rect class="bar" x="{20 + 22 * n}" y="{150 - 130 * c / top:.1f}" width="20" height="{130 * c / top:.1f}"/>'
        for n, c in enumerate(counts)
    )
    return (
        f'<svg viewBox="0 0 580 180" role="img" aria-label="Histogram of the time a question took, {most:.0f} ms at most">{bars}'
        f'<line class="axis" x1="20" x2="550" y1="150" y2="150"/><text x="20" y="170">0</text><text x="550" y="170" text-anchor="end">{most:.0f} ms</text></svg>'
    )


def _case(row: Row) -> str:
    missed = [name for name, value in row["scores"].items() if value < 1.0 and name not in ("words", "falsely declined")]
    wrong = f"expected {row['expected']}, was {row['outcome']}" if row["expected"] not in (row["outcome"], "safe") else ", ".join(missed)
    turns = "".join(f"<li>{escape(t)}</li>" for t in row["turns"][:-1])
    facts = "".join(f"<li>{escape(' / '.join(f))}</li>" for f in row["facts"])
    quotes = "".join(
        f"<blockquote>[{c['number']}] {escape(c['quote'])}<br>{escape(c['title'])}, {escape(c['heading'])}</blockquote>"
        for c in row["citations"]
    )
    return (
        f"<details><summary>{escape(row['turns'][-1])} <span class=bad>{escape(wrong)}</span> <span class=soft>{escape(row['id'])}</span></summary>"
        + (f"<p>After:</p><ul>{turns}</ul>" if turns else "")
        + f"<p>{escape(row['text']) or 'No answer.'}</p>"
        + (f"<p>Expected facts:</p><ul>{facts}</ul>" if facts else "")
        + quotes
        + "</details>"
    )
