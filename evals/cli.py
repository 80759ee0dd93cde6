"""`advisor eval`: run, check, report, compare, export and bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from advisor.errors import AdvisorError

app = typer.Typer(
    name="advisor eval",
    help="Measure the answers: suites of cases, reports, comparisons and public benchmarks.",
    no_args_is_help=True,
    add_completion=False,
)
Run = Annotated[Path, typer.Argument(help="A file written by: advisor eval run --out FILE", show_default=False)]


@app.command("run")
def run(
    suites: Annotated[list[str] | None, typer.Argument(help="Suites by name, or files of cases; all suites if left out.")] = None,
    split: Annotated[str, typer.Option(help="Which half of the shipped cases: held-out, tune or all.")] = "held-out",
    corpus: Annotated[Path | None, typer.Option(help="Guidance to ask, instead of what is indexed.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to keep the run; the same file again goes on with it.")] = None,
    smoke: Annotated[bool, typer.Option(help="25 cases spread over the suites: a quick look.")] = False,
    jobs: Annotated[int, typer.Option(help="Questions asked at once; pays where a model is waited for.", min=1, max=64)] = 1,
    model: Annotated[str, typer.Option(help="Chat model that writes the answers, as provider:name; quotes if left out.")] = "",
    judge: Annotated[str, typer.Option(help="Chat model that grades the answers, yes or no; no gate reads its grades.")] = "",
    labels: Annotated[Path | None, typer.Option(help='People\'s grades beside the judge\'s: lines {"id": ..., "good": true}.')] = None,
) -> None:
    """Ask the cases and score the answers."""
    from advisor.config import Settings, silence_vendors
    from advisor.terminal import progress, table
    from evals.run import commit, run_file
    from evals.suites import WHOLE, cases_of
    from evals.suites import smoke as few
    from evals.table import figures, together

    silence_vendors()
    if split not in ("held-out", "tune", "all"):
        raise AdvisorError(f"--split is {split!r}. Give held-out, tune or all.")
    # A model that is set for people is not paid for here: say so with --model.
    settings = Settings.load().model_copy(update={"model": model})
    try:
        names = list(suites or WHOLE)
        chosen = few(names) if smoke else {name: cases_of(name, "" if split == "all" else split) for name in names}
    except ValueError as error:
        raise AdvisorError(str(error)) from None
    chosen = {name: cases for name, cases in chosen.items() if cases}
    if not chosen:
        raise AdvisorError("There are no cases to run. Name a suite or a file of cases.")
    path = out or settings.home / "evals" / "run.jsonl"
    if out is None:
        path.unlink(missing_ok=True)
    with _asked(settings, corpus) as advisor, progress() as report:
        about = {"split": split, "corpus": str(corpus or ""), "commit": commit(), "answerer": model or "quote"}
        rows = run_file(path, advisor, chosen, about, jobs, lambda done, total: report("Asking", done, total))
    lines = [(f.suite, f.metric, f"{f.value:.3f}", f"{f.low:.3f} to {f.high:.3f}", str(f.n)) for f in figures(rows)]
    table(("Suite", "Metric", "Mean", "95 % interval", "Cases"), lines)
    table(("All suites together", "Value"), [(name, f"{value:.3f}") for name, value in together(rows).items()])
    if judge:
        _judge(rows, settings, judge, labels, jobs)
    typer.echo(f"Kept in {path}. Look at it with: advisor eval report {path}")


def _judge(rows: Any, settings: Any, name: str, labels: Path | None, jobs: int) -> None:
    from advisor.terminal import progress
    from evals.judge import judged, read_labels

    known = read_labels(labels) if labels else None
    with progress() as report:
        found = judged(rows, settings, name, known, jobs, lambda done, total: report("Judging", done, total))
    good = sum(found.grades.values())
    typer.echo(f"{name} finds {good} of {len(found.grades)} answers good; {found.failed} could not be graded. Advisory only.")
    if known is None:
        typer.echo("What that is worth is not known: give people's grades with --labels to see how far it agrees with them.")
    else:
        typer.echo(f"It agrees with people on {found.agreement:.0%} of {found.labelled} answers (Cohen's kappa {found.kappa:.2f}).")


def _asked(settings: Any, corpus: Path | None) -> Any:
    """The advisor to ask: on what is indexed, or on a folder in a library of its own."""
    from contextlib import nullcontext

    from advisor.assemble import open_advisor
    from evals.single import advisor_on, prepared_home

    return nullcontext(open_advisor(settings, remember=False)) if corpus is None else advisor_on(prepared_home(settings.home), corpus)


@app.command("check")
def check(file: Annotated[Path, typer.Argument(help="A file of cases.", show_default=False)]) -> None:
    """Explain the mistakes in a file of cases."""
    from advisor.config import shipped
    from advisor.corpus import places, read_corpus
    from evals.cases import faults

    try:
        found = list(faults(file, places(read_corpus(shipped("corpus")))))
    except ValueError as error:
        raise AdvisorError(str(error)) from None
    for fault in found:
        typer.echo(fault)
    typer.echo(f"{file}: {len(found)} to mend." if found else f"{file}: in order.")
    if found:
        raise typer.Exit(1)


@app.command("report")
def report(run: Run, out: Annotated[Path | None, typer.Option(help="Where to write the page; beside the run if left out.")] = None) -> None:
    """Write one self-contained HTML page, with JSON and Markdown beside it."""
    from evals.report import write_report
    from evals.run import read_run

    for path in write_report(*read_run(run), out or run.with_suffix(".html")):
        typer.echo(f"Wrote {path}")


@app.command("compare")
def compare(before: Run, after: Run) -> None:
    """Say what got better or worse between two runs; exit 1 if anything got worse."""
    from advisor.terminal import table
    from evals.compare import differences, flipped
    from evals.run import read_run

    (_, old), (_, new) = read_run(before), read_run(after)
    found = differences(old, new)
    if not found:
        raise AdvisorError("The two runs have no case in common. Run the same suites twice.")
    rows = [(d.suite, d.metric, f"{d.before:.3f}", f"{d.after:.3f}", f"{d.low:+.3f} to {d.high:+.3f}", str(d.n), d.verdict) for d in found]
    table(("Suite", "Metric", "Before", "After", "95 % interval of the change", "Cases", "Verdict"), rows)
    for was, now, better in flipped(old, new):
        typer.echo(f"{'+' if better else '-'} {now['id']}: {now['turns'][-1]} ({was['outcome']} → {now['outcome']})")
    worse = [f"{d.suite}: {d.metric}" for d in found if d.verdict == "worse"]
    if worse:
        typer.echo(f"Worse: {', '.join(worse)}")
        raise typer.Exit(1)


@app.command("export")
def export(run: Run, form: Annotated[str, typer.Option(help="ragas or inspect.")] = "ragas") -> None:
    """Print a run as other evaluation tools read it."""
    from evals.export import FORMS, exported
    from evals.run import read_run

    if form not in FORMS:
        raise AdvisorError(f"--form is {form!r}. Give one of: {', '.join(FORMS)}.")
    typer.echo(exported(form, read_run(run)[1]), nl=False)


@app.command("new")
def new(file: Annotated[Path, typer.Argument(help="The file of cases to add to; made if it is not there.", show_default=False)]) -> None:
    """Turn a question into a case: asks what a good answer says, shows ours, and adds a line."""
    from evals.author import author

    author(file)


@app.command("from-feedback")
def from_feedback(
    file: Annotated[Path, typer.Argument(help="The file of cases to add to; made if it is not there.", show_default=False)],
) -> None:
    """Turn answers with a thumb down into cases, for a person to say what a good answer holds."""
    from advisor.chats import open_chats
    from advisor.config import Settings
    from evals.feedback import added

    store = open_chats(Settings.load())
    count = added(file, store)
    store.close()
    typer.echo(f"Added {count} to {file}." + (f" Now say what good answers hold; advisor eval check {file} helps." if count else ""))


@app.command("support")
def support(
    split: Annotated[str, typer.Option(help="Which half of the pairs: held-out or tune.")] = "held-out",
) -> None:
    """Measure the verifier on labelled pairs of claim and evidence."""
    from advisor.config import Settings, shipped, silence_vendors
    from advisor.encode import open_encoder
    from advisor.models import open_model
    from advisor.prompts import load_prompts
    from advisor.terminal import table
    from advisor.types import Verifier
    from advisor.verify import open_verifier
    from evals.support import checking, measured, read_pairs

    silence_vendors()
    settings = Settings.load()
    if settings.verifier == "default":
        verifier: Verifier = checking(settings)
    else:
        verifier = open_verifier(settings, open_encoder(settings), open_model(settings), load_prompts(shipped("prompts")))
    lines = [(name, f"{share:.3f}", str(count)) for name, share, count in measured(verifier, read_pairs(split=split))]
    table((f"Told rightly by the {settings.verifier} verifier", "Share", "Pairs"), lines)


@app.command("attacks")
def attacks() -> None:
    """Ask a scripted model that obeys every injected instruction, and say what reached the user; exit 1 if anything did."""
    from evals.attacks import reached

    found = reached()
    for line in found:
        typer.echo(line)
    typer.echo(f"{len(found)} faults." if found else "Nothing of it reached the user.")
    if found:
        raise typer.Exit(1)


@app.command("bench")
def bench(
    name: Annotated[str, typer.Argument(help="scifact, beir, mtrag, clapnq, wice, cast or squad2.", show_default=False)],
    data: Annotated[Path, typer.Option(help="The folder of the benchmark, in its own format.", show_default=False)],
) -> None:
    """Run a public benchmark through the advisor's own parts."""
    from advisor.config import silence_vendors
    from advisor.terminal import progress, table
    from evals.bench import MODULES
    from evals.bench import bench as found
    from evals.bench.figures import BenchError

    silence_vendors()
    if name not in MODULES:
        raise AdvisorError(f"No benchmark is called {name!r}. There are: {', '.join(MODULES)}.")
    try:
        with progress() as report:
            outcome = found(name)(data, report)
    except BenchError as error:
        raise AdvisorError(str(error)) from None
    except ImportError as error:
        raise AdvisorError(f"{error.name} is not installed. Run: pip install 'cmo-advisor[evals]'") from None
    table(("Ours", "Value", "Of"), [(f.what, f"{f.value:.4f}", str(f.n)) for f in outcome.figures])
    if outcome.published:
        table(("Published", "Measure", "Value"), outcome.published)
    if outcome.note:
        typer.echo(outcome.note)
