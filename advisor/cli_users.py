"""`advisor users`: who may sign in at the page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from advisor.errors import AdvisorError

if TYPE_CHECKING:
    from advisor.users import UserStore

app = typer.Typer(help="Add, list and remove those who may sign in at the page.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The name they sign in with.", show_default=False)]


@app.command()
def add(name: Name) -> None:
    """Let somebody sign in; the password is asked for, or read from standard input."""
    with _users() as users:
        users.add(name, _password())
    typer.echo(f"Added {name!r}. They sign in at /login.")


@app.command()
def password(name: Name) -> None:
    """Give a user another password; it is asked for, or read from standard input. It ends what they are signed in to."""
    with _users() as users:
        users.password(name, _password())
    typer.echo(f"Changed the password of {name!r}.")


@app.command("list")
def list_users() -> None:
    """List users with when they were added."""
    from datetime import datetime

    from advisor.terminal import table

    with _users() as users:
        rows = [(user.name, f"{datetime.fromtimestamp(user.created):%Y-%m-%d %H:%M}") for user in users.listed()]
    if rows:
        table(("Name", "Added"), rows)
    else:
        typer.echo("There are no users yet. Add one with: advisor users add NAME")


@app.command()
def remove(name: Name, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """End a user's sign-in at once, and delete their conversations and documents for good."""
    from advisor.chats import open_chats
    from advisor.config import Settings
    from advisor.uploads import Uploads
    from advisor.users import owner_of

    if not yes and not sys.stdin.isatty():
        raise AdvisorError("Nobody is there to be asked. Add --yes to remove without being asked. Run: advisor users remove --help")
    if not yes:
        typer.confirm(f"Remove {name!r}, and delete their conversations and documents for good?", abort=True)
    with _users() as users:
        users.remove(name)
    # Whoever gets the same name later must not find what the first one asked.
    chats, owner = open_chats(Settings.load()), owner_of(name.strip().lower())
    try:
        documents = Uploads(chats.engine).delete_all(owner)
        conversations = chats.delete_all(owner)
    finally:
        chats.close()
    typer.echo(f"Removed {name!r} with {_counted(conversations, 'conversation')} and {_counted(documents, 'document')}.")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.buffer.readline().decode("utf-8", "replace").rstrip("\r\n")


@contextmanager
def _users() -> Iterator[UserStore]:
    from advisor.config import Settings
    from advisor.users import open_users

    users = open_users(Settings.load())
    try:
        yield users
    finally:
        users.close()
