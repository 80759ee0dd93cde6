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
    from advisor.apps.slack_setup import checked
    from advisor.config import Settings
    from advisor.terminal import table

    rows, well = checked(Settings.load())
    table(("Check", "State", "Remedy"), rows)
    if not well:
        raise typer.Exit(1)


@app.command()
def rules(
    channel: Annotated[str, typer.Option(help="A channel's ID (C…, below its details in Slack); the workspace if left out.")] = "",
    answer: Annotated[str, typer.Option(help="always, mentioned, cited (only with citations) or never.")] = "",
    visibility: Annotated[str, typer.Option(help="private: only who asked sees an answer in a channel; shared: all do.")] = "",
    team: Annotated[str, typer.Option(help="The workspace's ID (T…); that of ADVISOR_SLACK_BOT_TOKEN if left out.")] = "",
    reset: Annotated[bool, typer.Option("--reset", help="Forget what was set for the channel, or for the workspace.")] = False,
) -> None:
    """Say in which channels the advisor answers and who sees it; without options, list what was set."""
    _needed()
    from advisor.apps.slack_setup import RULES, team_of
    from advisor.chats import open_chats
    from advisor.config import Settings
    from advisor.rules import ChannelRules
    from advisor.terminal import table

    settings = Settings.load()
    store = open_chats(settings)
    try:
        kept = ChannelRules(store.engine)
        if reset or answer or visibility:
            team, channel = team_of(settings, team), _channel(channel)
            if reset:
                kept.reset(team, channel)
            if answer or visibility:
                kept.set(team, channel, answer, visibility)
        rows = [(g.team, g.channel or "all others", g.answer, g.visibility) for g in kept.listed()]
        table(("Workspace", "Channel", "Answers", "Seen by"), [*rows, RULES])
    finally:
        store.close()


@app.command()
def link(
    owner: Annotated[str, typer.Argument(help="The owner to link with, such as user:NAME or key:NAME.", show_default=False)],
) -> None:
    """Make a one-time code: who sends `/cmo link CODE` in Slack within ten minutes has the same conversations there."""
    from advisor.config import Settings
    from advisor.links import open_links

    links = open_links(Settings.load())
    try:
        typer.echo(links.create(owner))
    finally:
        links.close()
    typer.echo("Send it in Slack within ten minutes: /cmo link CODE. It is good once.", err=True)


@app.command()
def key() -> None:
    """Make a key for ADVISOR_SLACK_TOKEN_KEY, with which the tokens of workspaces are encrypted."""
    _needed()
    from advisor.installations import new_key

    typer.echo(new_key())
    typer.echo("Keep it apart from the database. Without it the workspaces have to install the app again.", err=True)


@app.command()
def workspaces() -> None:
    """List the workspaces that have installed the app."""
    from datetime import datetime

    _needed()
    from advisor.chats import open_chats
    from advisor.config import Settings
    from advisor.errors import SettingsError
    from advisor.installations import Installations
    from advisor.terminal import table

    settings = Settings.load()
    key = settings.slack_token_key.get_secret_value()
    if not key:
        raise SettingsError("ADVISOR_SLACK_TOKEN_KEY is not set, so no workspace can have installed the app. Run: advisor slack key")
    store = open_chats(settings)
    try:
        listed = Installations(store.engine, key).listed()
    finally:
        store.close()
    rows = [(i.team, i.name, i.installer, f"{datetime.fromtimestamp(i.created):%Y-%m-%d %H:%M}") for i in listed]
    table(("Workspace", "Name", "Installed by", "When"), rows)


def _channel(given: str) -> str:
    from advisor.errors import SettingsError

    if given and not (given[0] in "CG" and given.isalnum() and given.isupper()):
        raise SettingsError(f"{given!r} is no channel's ID. Copy it from below the channel's details in Slack; it begins with C.")
    return given


def _needed() -> None:
    if find_spec("slack_bolt") is None:
        raise MissingExtra("Slack needs two packages. Run: pip install 'cmo-advisor[slack]'")
