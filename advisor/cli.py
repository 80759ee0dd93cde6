"""The command line: parse, call, print. Everything it can do, `Advisor` can."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from advisor.cli_chats import app as chats
from advisor.cli_keys import app as keys
from advisor.cli_slack import app as slack
from advisor.cli_users import app as users
from advisor.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.pipeline import Advisor

app = typer.Typer(
    name="advisor",
    help="A career advisor for physicians who want to become a Chief Medical Officer: cited, checked answers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def index(
    corpus: Annotated[
        Path | None, typer.Option(help="Folder of Markdown, text, HTML, PDF or DOCX; the shipped guidance if left out.")
    ] = None,
) -> None:
    """Build or refresh the index; only changed documents are embedded again."""
    from advisor.assemble import build_index
    from advisor.terminal import progress

    with progress() as report:
        built = build_index(_settings(), corpus, report)
    u = built.update
    for problem in built.problems:
        _say(f"Left out {problem}")
    typer.echo(
        f"Indexed {built.folder}: {u.added} added, {u.changed} changed, {u.removed} removed, {u.kept} unchanged; "
        f"{u.chunks} passages, {u.embedded} texts embedded."
    )


@app.command()
def sources() -> None:
    """List what is indexed."""
    from advisor.library import Library
    from advisor.terminal import table

    listed = Library(_settings().file).listed()
    if not listed:
        raise AdvisorError("Nothing is indexed yet. Run: advisor index")
    table(("Title", "File", "Passages", "Words"), [(d.title, d.url, str(d.chunks), f"{d.words:,}") for d in listed])


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="Your question, in quotes; - reads it from standard input.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the turn as JSON.")] = False,
    conversation: Annotated[str | None, typer.Option(help="Go on with a conversation, by any name you give it.")] = None,
    batch: Annotated[Path | None, typer.Option(help='A file of lines {"id", "question"} or {"id", "turns": [..]}.')] = None,
) -> None:
    """Ask one question, or a file of them."""
    from advisor.batch import answer_batch, as_line

    if (question is None) == (batch is None):
        raise AdvisorError('Give one question in quotes, or --batch FILE. Example: advisor ask "Do I need an MBA to become a CMO?"')
    if batch is not None:
        for line in answer_batch(_open(remember=False), batch):
            typer.echo(line)
        return
    asked = sys.stdin.buffer.read().decode("utf-8", "replace") if question == "-" else question or ""
    turn = _open().ask(asked, _name(conversation))
    typer.echo(as_line(turn) if json else str(turn))


@app.command()
def chat(conversation: Annotated[str | None, typer.Option(help="Go on with a conversation, by its name.")] = None) -> None:
    """Talk in the terminal; /sources shows the passages, /quit ends."""
    from advisor.terminal import converse

    converse(_open(), _name(conversation))


@app.command()
def web(
    host: Annotated[str | None, typer.Option(help="Address to listen on; ADVISOR_HOST otherwise.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; ADVISOR_PORT otherwise, 0 for a free one.")] = None,
) -> None:
    """Serve the chat page and the HTTP interface."""
    from advisor.apps.web import serve

    serve(_settings(), host, port)


@app.command()
def mcp() -> None:
    """Serve tools that ask and read the guidance to a client of the Model Context Protocol, over stdin and stdout."""
    from advisor.apps.mcp import serve

    serve(_open(remember=False))


@app.command()
def models(ask: Annotated[bool, typer.Option(help="Ask the model that is set a small question.")] = True) -> None:
    """Shows which chat models can be used, and tries the one that ADVISOR_MODEL names."""
    from advisor.calls import tried
    from advisor.models import open_model, providers
    from advisor.terminal import table

    settings = _settings()
    table(("provider", "state", "what to do"), providers(settings))
    model = open_model(settings)
    if model is None:
        _say("No model is set: answers are quoted. Set ADVISOR_MODEL=provider:name to have them written by one.")
    elif ask:
        line, works = tried(model, settings.model_seconds, settings.model_silence)
        _say(line)
        if not works:
            raise typer.Exit(1)
    else:
        _say(f"{model.name} is set and was not tried.")


@app.command()
def doctor() -> None:
    """Say what is installed, indexed, stale and switched on, and how to fix it."""
    from advisor.doctor import examine
    from advisor.terminal import table

    rows, settings = examine(_settings())
    table(("Check", "State", "Remedy"), rows)
    table(("Setting", "Value", "What it is"), settings)
    if any(state.startswith("✗") for _, state, _ in rows):
        raise typer.Exit(1)


app.add_typer(chats, name="chats")
app.add_typer(keys, name="keys")
app.add_typer(users, name="users")
guidance = typer.Typer(help="Check and describe curated guidance.", no_args_is_help=True)
app.add_typer(guidance, name="corpus")
app.add_typer(slack, name="slack")
Folder = Annotated[Path | None, typer.Option("--corpus", help="Folder of curated guidance; the shipped one if left out.")]


@guidance.command("check")
def corpus_check(corpus: Folder = None) -> None:
    """Name what should be mended in the guidance: file, line, fault and remedy."""
    from advisor.lint import check

    folder = _guidance(corpus)
    faults, due = check(folder)
    for problem in faults:
        typer.echo(str(problem))
    for problem in due:
        typer.echo(f"To review: {problem}")
    typer.echo(f"{folder}: {len(faults)} to mend, {len(due)} to review." if faults or due else f"{folder}: nothing to mend.")
    if faults:
        raise typer.Exit(1)


@guidance.command("stats")
def corpus_stats(corpus: Folder = None) -> None:
    """Count sections, words, questions and sources, guide by guide."""
    from advisor.catalog import counts
    from advisor.corpus import read_corpus
    from advisor.terminal import table

    table(("Guide", "Sections", "Words", "Questions", "Sources", "Review by"), list(counts(read_corpus(_guidance(corpus)))))


@guidance.command("catalog")
def corpus_catalog(corpus: Folder = None) -> None:
    """Write INDEX.md: the guides by stage and setting."""
    from advisor.catalog import write_index
    from advisor.corpus import read_corpus

    typer.echo(f"Wrote {write_index(read_corpus(_guidance(corpus)))}")


def _guidance(folder: Path | None) -> Path:
    from advisor.config import shipped

    return folder or shipped("corpus")


@app.command("eval", add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def evaluate(context: typer.Context) -> None:
    """Measure the answers: suites, reports, comparisons, public benchmarks."""
    from evals.cli import app as evaluations  # the one place where the advisor knows of its evaluations

    evaluations(context.args, prog_name="advisor eval", standalone_mode=True)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Log what happens, with tracebacks.")] = False,
) -> None:
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(message)s", stream=sys.stderr)
    for noisy in ("chromadb", "httpx", "sentence_transformers", "transformers", "pypdf"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"advisor {installed('cmo-advisor')}")
        raise typer.Exit


def _name(given: str | None) -> str | None:
    """A conversation's name as it can be stored: bytes that were no UTF-8 become `?`."""
    return given.encode("utf-8", "replace").decode() if given else None


def _settings() -> Any:
    from advisor.config import Settings

    return Settings.load()


def _open(*, remember: bool = True) -> Advisor:
    from advisor.assemble import open_advisor
    from advisor.terminal import progress

    with progress() as report:
        return open_advisor(_settings(), remember=remember, report=report)


def _say(line: str) -> None:
    typer.echo(line, err=True)


def main() -> None:
    """The entry point: faults become one line and exit code 1, or 2 for a wrong call."""
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # an old terminal shows ? for what it has no sign for
        app()
    except AdvisorError as error:
        logging.getLogger(__name__).info("fault", exc_info=True)
        _say(f"advisor: {error}")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        _say("advisor: stopped")
        raise SystemExit(130) from None
    except Exception as error:  # the outermost ring: a fault of ours is one line too, and logged whole
        logging.getLogger(__name__).info("fault", exc_info=True)
        _say(f"advisor: something went wrong in the advisor itself ({type(error).__name__}: {error}). Add --verbose to see where.")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
