"""The workspaces that have installed the Slack app, their tokens encrypted with a key that is not in the database."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, text

from advisor.database import reading, writing
from advisor.errors import MissingExtra, SettingsError

WRONG_KEY = (
    "ADVISOR_SLACK_TOKEN_KEY is not the key that the tokens of workspaces were kept with. Set that key, "
    "before a comma behind the new one, or let the workspaces install the app again."
)


@dataclass(frozen=True, slots=True)
class Installation:
    """A workspace as it is listed: who has installed the app there, and when; its token is not told."""

    team: str
    name: str
    installer: str
    created: float


class Installations:
    """Keeps one token a workspace. `key` is one of Fernet's, or several parted by commas, of which the first encrypts."""

    def __init__(self, engine: Engine, key: str, clock: Callable[[], float] = time.time) -> None:
        try:
            from cryptography.fernet import Fernet, MultiFernet
        except ImportError:
            raise MissingExtra("Slack in many workspaces needs more packages. Run: pip install 'cmo-advisor[slack]'") from None
        self.engine = engine
        self.clock = clock
        self._cipher = MultiFernet([Fernet(part.strip()) for part in key.split(",")])

    def save(self, team: str, name: str, installer: str, token: str) -> None:
        """Keeps a workspace's token; a later one takes the place of an earlier."""
        # The workspace is encrypted with it: a row that was moved to another workspace is of no use there.
        sealed = self._cipher.encrypt(json.dumps({"team": team, "token": token}).encode()).decode()
        kept = """INSERT INTO installations (team, name, installer, created, token) VALUES (:team, :name, :installer, :now, :token)
                  ON CONFLICT (team) DO UPDATE SET name = excluded.name, installer = excluded.installer, created = excluded.created,
                  token = excluded.token"""
        row = {"team": team, "name": name.replace("\0", ""), "installer": installer, "now": self.clock(), "token": sealed}
        with writing(self.engine) as connection:
            connection.execute(text(kept), row)

    def token(self, team: str) -> str | None:
        """A workspace's token, None for one that has not installed the app; raises `SettingsError` for another key."""
        from cryptography.fernet import InvalidToken

        with reading(self.engine) as connection:
            sealed = connection.execute(text("SELECT token FROM installations WHERE team = :team"), {"team": team}).scalar()
        if sealed is None:
            return None
        try:
            opened = json.loads(self._cipher.decrypt(str(sealed).encode()))
        except InvalidToken:
            raise SettingsError(WRONG_KEY) from None
        return str(opened["token"]) if opened["team"] == team else None

    def created(self, team: str) -> float:
        """When a workspace has last installed the app; 0 for one that has not."""
        with reading(self.engine) as connection:
            found = connection.execute(text("SELECT created FROM installations WHERE team = :team"), {"team": team}).scalar()
        return float(found or 0)

    def remove(self, team: str) -> bool:
        """Forgets a workspace's token; False where there was none."""
        with writing(self.engine) as connection:
            return bool(connection.execute(text("DELETE FROM installations WHERE team = :team"), {"team": team}).rowcount)

    def listed(self) -> list[Installation]:
        """The workspaces, the latest last."""
        with reading(self.engine) as connection:
            query = "SELECT team, name, installer, created FROM installations ORDER BY created, team"
            return [Installation(*row) for row in connection.execute(text(query))]


def new_key() -> str:
    """A key to set as ADVISOR_SLACK_TOKEN_KEY."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()
