"""What the command line shows: progress bars, tables, a conversation."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from advisor.errors import AdvisorError
from advisor.pipeline import Advisor
from advisor.render import as_text, source_line, wrapped
from advisor.types import Progress, Turn

Report = Callable[[str, int, int], None]


@contextmanager
def progress() -> Iterator[Report]:
    """A bar on standard error while long work goes on; plain lines where that is not a terminal."""
    if not sys.stderr.isatty():
        said: set[str] = set()

        def plain(stage: str, done: int, total: int) -> None:
            if stage not in said:
                said.add(stage)
                print(f"{stage} …", file=sys.stderr, flush=True)

        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, object] = {}

        def live(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                for task in bar.task_ids:
                    bar.remove_task(task)
                tasks[stage] = bar.add_task(stage, total=total or None)
            bar.update(tasks[stage], completed=done, total=total or None)  # type: ignore[arg-type]

        yield live


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under a header: aligned in a terminal, tab-separated in a pipe."""
    if not sys.stdout.isatty():
        print("\n".join("\t".join(row) for row in [header, *rows]))
        return
    from rich.console import Console
    from rich.table import Table

    made = Table(*header)
    for row in rows:
        made.add_row(*row)
    Console().print(made)


def converse(advisor: Advisor, conversation: str | None = None) -> None:
    """A conversation until /quit, end of input or Ctrl-C."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    conversation = conversation or uuid.uuid4().hex
    console.print("Ask about the path to Chief Medical Officer. /sources shows the passages, /quit ends.", style="dim")
    last: Turn | None = None
    while True:
        try:
            line = console.input("\n[bold]You[/bold] › ").strip()
        except (EOFError, KeyboardInterrupt):
            console.print()
            return
        if line in ("/quit", "/exit", "/q"):
            return
        if line == "/sources":
            _show_sources(console.print, last)
        elif line in ("/help", "/?"):
            console.print("/sources  the passages behind the last answer\n/quit     end")
        elif line.startswith("/"):
            console.print(f"There is no command {escape(line.split()[0])}. There are /sources, /help and /quit.")
        elif line:
            try:
                last = _answer(console, advisor, line, conversation) or last
            except AdvisorError as error:
                console.print(escape(str(error)), style="yellow")


def _answer(console: object, advisor: Advisor, question: str, conversation: str) -> Turn | None:
    """Prints an answer line by line as it passes the check; Ctrl-C stops it, and it is kept as stopped."""
    from rich.console import Console
    from rich.markup import escape

    assert isinstance(console, Console)
    turn: Turn | None = None
    console.print()
    try:
        with closing(advisor.stream(question, conversation)) as steps, console.status("Searching") as status:
            rest = ""
            for step in steps:
                if isinstance(step, Progress):
                    status.update(escape(step.message))
                elif isinstance(step, str):
                    # A line is printed when the next one begins: more may be put behind its last word.
                    *lines, rest = wrapped(rest + step, console.width)
                    console.print("\n".join(map(escape, lines)), end="\n" if lines else "")
                else:
                    turn = step
            if rest:
                console.print(escape(rest))
    except KeyboardInterrupt:
        console.print("Stopped.", style="dim")
        return None
    assert turn is not None
    if not turn.answer.citations:
        console.print(escape(as_text(turn.answer)))
        return turn
    if turn.answer.note:
        console.print(f"\n[dim]{escape(turn.answer.note)}[/dim]")
    guides = ", ".join(sorted({c.chunk.document.title for c in turn.answer.citations}))
    console.print(f"\n[dim]{escape(f'{len(turn.answer.citations)} checked citations from: {guides}. /sources shows them.')}[/dim]")
    return turn


def _show_sources(show: Callable[..., None], turn: Turn | None) -> None:
    from rich.markup import escape

    if turn is None or not turn.answer.citations:
        show("The last answer has no sources. Ask a question first.")
        return
    for citation in turn.answer.citations:
        chunk, text = citation.chunk, citation.chunk.document.text
        before, after = text[chunk.start : citation.start], text[citation.end : chunk.end]
        show(f"\n[bold]{escape(source_line([citation]))}[/bold]")
        show(f"{escape(before)}[reverse]{escape(citation.quote)}[/reverse]{escape(after)}")
        show(f"[dim]{escape(chunk.document.url)}[/dim]")
