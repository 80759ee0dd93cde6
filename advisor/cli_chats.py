"""`advisor chats`: list, show, rename, export, delete and expire."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.chats import ChatStore

app = typer.Typer(help="List, show, rename, export and delete your conversations.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The conversation's id, or as much of its beginning as is clear.", show_default=False)]
SHORT = 8  # characters of an id that are shown, where that is clear


class Form(StrEnum):
    """What a conversation can be exported as."""

    md = "md"
    html = "html"
    json = "json"


@app.command("list")
def list_chats(
    search: Annotated[str, typer.Option(help="Only those with these words in the title, a question or an answer.")] = "",
    limit: Annotated[int, typer.Option(help="How many, at most.", min=1)] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line, with whole ids.")] = False,
) -> None:
    """List conversations, the latest first."""
    import json as encoder
    from datetime import datetime

    from advisor.terminal import table
    from advisor.transcript import listed

    with _chats() as chats:
        found = chats.conversations(search=search, limit=limit)
    if json:
        for conversation in found:
            typer.echo(encoder.dumps(listed(conversation), ensure_ascii=False))
    elif not found:
        typer.echo("There are no conversations yet." if not search else "No conversation holds these words.")
    else:
        short = {c.id: _short(c.id, [other.id for other in found]) for c in found}
        rows = [(short[c.id], f"{datetime.fromtimestamp(c.updated):%Y-%m-%d %H:%M}", str(c.turns), c.title) for c in found]
        table(("Id", "Last message", "Questions", "Title"), rows)


@app.command()
def show(conversation: Name) -> None:
    """Show a conversation with its sources."""
    from advisor.render import as_text
    from advisor.transcript import note

    with _chats() as chats:
        found = chats.find(conversation)
        entries = chats.turns(found.id)
    typer.echo(found.title)
    for entry in entries:
        typer.echo(f"\nYou › {entry.question}\n")
        if entry.turn is not None:
            typer.echo(as_text(entry.turn.answer))
        if line := note(entry):
            typer.echo(line)


@app.command()
def rename(conversation: Name, title: Annotated[str, typer.Argument(help="Its new title.", show_default=False)]) -> None:
    """Give a conversation another title."""
    with _chats() as chats:
        found = chats.find(conversation)
        chats.rename(found.id, title)
    typer.echo(f"Renamed {found.title!r}.")


@app.command()
def export(
    conversation: Name,
    form: Annotated[Form, typer.Option("--format", help="Markdown, a web page that needs nothing else, or JSON.")] = Form.md,
    output: Annotated[Path | None, typer.Option(help="Where to write it; standard output if left out.", show_default=False)] = None,
) -> None:
    """Write a conversation with its numbered sources."""
    from advisor.transcript import FORMS

    with _chats() as chats:
        found = chats.find(conversation)
        made = FORMS[form.value](found, chats.turns(found.id))
    if output is None:
        typer.echo(made, nl=False)
        return
    try:
        output.write_text(made, encoding="utf-8")
    except OSError as error:
        raise AdvisorError(f"{output} cannot be written ({error.strerror}). Name another file.") from None
    typer.echo(f"Wrote {output}")


@app.command()
def delete(
    conversation: Annotated[str | None, typer.Argument(help="Its id, or the beginning of it.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete all conversations.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a conversation for good: no byte of it stays in the data folder."""
    if (conversation is None) != everything:
        raise AdvisorError("Name one conversation, or give --all. Example: advisor chats delete 1a2b3c4d")
    with _chats() as chats:
        if conversation is None:
            _sure("Delete all conversations for good?", yes)
            deleted = chats.delete_all()
            typer.echo(f"Deleted {deleted} conversation{'' if deleted == 1 else 's'}.")
            return
        found = chats.find(conversation)
        _sure(f"Delete {found.title!r} for good?", yes)
        chats.delete(found.id)
    typer.echo(f"Deleted {found.title!r}.")


@app.command()
def expire() -> None:
    """Delete what is older than ADVISOR_RETENTION_DAYS now; it also happens by itself, every hour."""
    with _chats() as chats:
        if not chats.retention:
            typer.echo("Conversations are kept for ever. Set ADVISOR_RETENTION_DAYS to delete old ones.")
            return
        chats.expire()
        deleted = chats.expired
    typer.echo(f"Deleted {deleted} conversation{'' if deleted == 1 else 's'} without a message for {chats.retention} days.")


@contextmanager
def _chats() -> Iterator[ChatStore]:
    from advisor.chats import open_chats
    from advisor.config import Settings

    chats = open_chats(Settings.load())
    try:
        yield chats
    finally:
        chats.close()


def _sure(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise AdvisorError("Nobody is there to be asked. Add --yes to delete without being asked. Run: advisor chats delete --help")
    typer.confirm(question, abort=True)


def _short(ident: str, others: list[str]) -> str:
    """As much of an id as tells it from the others."""
    return next((ident[:n] for n in range(SHORT, len(ident)) if sum(o.startswith(ident[:n]) for o in others) == 1), ident)
