"""`advisor slack`: run the advisor in Slack, print the app's manifest, check tokens and scopes."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from advisor.errors import MissingExtra

app = typer.Typer(help="Answer in Slack; with manifest and check to set it up.", invoke_without_command=True)


@app.callback()
def run(
    context: typer.Context,
    http: Annotated[bool, typer.Option("--http", help="Take HTTP events on ADVISOR_HOST and ADVISOR_PORT, not Socket Mode.")] = False,
) -> None:
    """Answer in Slack until Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    _needed()
    from advisor.apps.slack_serve import serve
    from advisor.assemble import open_advisor
    from advisor.config import Settings
    from advisor.pipeline import Advisor
    from advisor.terminal import progress

    settings = Settings.load()

    def opened() -> Advisor:
        with progress() as report:
            return open_advisor(settings, report=report)

    serve(settings, opened, http=http)


@app.command()
def manifest(
    url: Annotated[str, typer.Option(help="Public address of your proxy, for HTTP events; Socket Mode if left out.")] = "",
) -> None:
    """Print an app manifest, ready to paste into Slack."""
    import json

    _needed()
    from advisor.apps.slack_setup import manifest as made

    typer.echo(json.dumps(made(url), indent=2, ensure_ascii=False))


@app.command()
def check() -> None:
    """Ask Slack whether tokens and scopes are right, and say what is missing."""
    _needed()
    from advisor.apps.slack import client
    from advisor.apps.slack_setup import checked
    from advisor.config import Settings
    from advisor.terminal import table

    settings = Settings.load()
    rows, well = checked(settings, client(settings))
    table(("Check", "State", "Remedy"), rows)
    if not well:
        raise typer.Exit(1)


def _needed() -> None:
    if find_spec("slack_bolt") is None:
        raise MissingExtra("Slack needs two packages. Run: pip install 'cmo-advisor[slack]'")
