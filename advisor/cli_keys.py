"""`advisor keys`: create, list and revoke keys for the HTTP interface."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from advisor.keys import KeyStore

app = typer.Typer(help="Create, list and revoke keys for the HTTP interface.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The key's name; it is the owner of what is asked with it.", show_default=False)]


@app.command()
def create(name: Name) -> None:
    """Make a key and print it, once: it is kept as a digest only."""
    with _keys() as keys:
        secret = keys.create(name)
    typer.echo(secret)
    typer.echo("Keep it now: it is not shown again. Send it as: Authorization: Bearer KEY", err=True)


@app.command("list")
def list_keys() -> None:
    """List keys with when they were made and last used."""
    from advisor.terminal import table

    with _keys() as keys:
        rows = [(key.name, _day(key.created), _day(key.used)) for key in keys.listed()]
    if rows:
        table(("Name", "Made", "Last used"), rows)
    else:
        typer.echo("There are no keys yet. Make one with: advisor keys create NAME")


@app.command()
def revoke(name: Name) -> None:
    """End a key at once; its conversations stay until they expire, or a key of the same name deletes them."""
    with _keys() as keys:
        keys.revoke(name)
    typer.echo(f"Revoked {name!r}.")


@contextmanager
def _keys() -> Iterator[KeyStore]:
    from advisor.config import Settings
    from advisor.keys import open_keys

    keys = open_keys(Settings.load())
    try:
        yield keys
    finally:
        keys.close()


def _day(moment: float | None) -> str:
    from datetime import datetime

    return f"{datetime.fromtimestamp(moment):%Y-%m-%d %H:%M}" if moment is not None else "never"
