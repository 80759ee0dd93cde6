"""Where in a messenger the advisor answers, and who sees it: a rule for each workspace, and for single channels."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, text

from advisor.database import reading, writing
from advisor.errors import SettingsError

ANSWERS = ("always", "mentioned", "cited", "never")
VISIBILITIES = ("private", "shared")


@dataclass(frozen=True, slots=True)
class Rule:
    """When the advisor answers in a channel, and who sees that: only who asked, or everybody there.

    `always` answers each message that begins a thread, `mentioned` those that name the advisor and what follows on them,
    `cited` the same where the answer has citations, `never` none.
    """

    answer: str = "mentioned"
    visibility: str = "private"


@dataclass(frozen=True, slots=True)
class Given:
    """A rule as it was set: '' where the workspace's, or ours, holds; without a channel it is the workspace's."""

    team: str
    channel: str
    answer: str
    visibility: str


class ChannelRules:
    """Keeps the rules; what is not set for a channel holds as for its workspace, and what is not set there as in `Rule`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def of(self, team: str, channel: str) -> Rule:
        """The rule that holds in a channel."""
        query = "SELECT answer, visibility FROM channel_rules WHERE team = :team AND channel IN ('', :channel) ORDER BY channel"
        rule = {"answer": Rule().answer, "visibility": Rule().visibility}
        with reading(self.engine) as connection:
            for answer, visibility in connection.execute(text(query), {"team": team, "channel": channel}):
                rule |= {k: v for k, v in (("answer", answer), ("visibility", visibility)) if v}
        return Rule(**rule)

    def set(self, team: str, channel: str = "", answer: str = "", visibility: str = "") -> None:
        """Sets what is given, for a channel or for the workspace; raises `SettingsError` for what is no such rule."""
        for what, value, allowed in (("answer", answer, ANSWERS), ("visibility", visibility, VISIBILITIES)):
            if value and value not in allowed:
                raise SettingsError(f"{what} is {value!r}: there is no such rule. Take one of: {', '.join(allowed)}")
        kept = """INSERT INTO channel_rules (team, channel, answer, visibility) VALUES (:team, :channel, :answer, :visibility)
                  ON CONFLICT (team, channel) DO UPDATE SET
                  answer = CASE WHEN excluded.answer = '' THEN channel_rules.answer ELSE excluded.answer END,
                  visibility = CASE WHEN excluded.visibility = '' THEN channel_rules.visibility ELSE excluded.visibility END"""
        with writing(self.engine) as connection:
            connection.execute(text(kept), {"team": team, "channel": channel, "answer": answer, "visibility": visibility})

    def reset(self, team: str, channel: str = "") -> None:
        """Forgets what was set for a channel, or for the workspace."""
        with writing(self.engine) as connection:
            gone = "DELETE FROM channel_rules WHERE team = :team AND channel = :channel"
            connection.execute(text(gone), {"team": team, "channel": channel})

    def listed(self) -> list[Given]:
        """All that was set, workspace by workspace."""
        with reading(self.engine) as connection:
            query = "SELECT team, channel, answer, visibility FROM channel_rules ORDER BY team, channel"
            return [Given(*row) for row in connection.execute(text(query))]
