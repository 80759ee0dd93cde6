"""Workspaces install the app by themselves: by a state that is checked, with a token that is encrypted, until they remove it."""

from __future__ import annotations

import itertools
import logging
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from advisor.apps.slack_mount import PATH, Mount, beside, wanted
from advisor.apps.slack_oauth import GOOD_FOR, States
from advisor.apps.slack_setup import INSTALL, REDIRECT, SCOPES
from advisor.apps.warm import Warm
from advisor.config import Settings
from advisor.errors import SettingsError
from advisor.installations import new_key
from tests.api_world import opened, until
from tests.conftest import Run
from tests.fake_slack import FakeSlack
from tests.slack_world import SECRET, said, signed
from tests.test_slack_mount import page

MBA = "Do I need an MBA to become a CMO?"
KEY = new_key()
APP = {"slack_client_id": "app", "slack_client_secret": "secret", "slack_token_key": KEY, "slack_signing_secret": SECRET}
_times = itertools.count()


@pytest.fixture
def warm(slack: FakeSlack, hashed_home: Path, tmp_path: Path) -> Warm:
    return opened(hashed_home, tmp_path / "there", slack_url=slack.url, **APP)


@pytest.fixture
def browser(warm: Warm) -> Iterator[TestClient]:
    yield from browsing(warm)


def browsing(warm: Warm) -> Iterator[TestClient]:
    app = beside(page, warm)
    assert isinstance(app, Mount)
    with TestClient(app, "https://advisor.example.org", follow_redirects=False) as client:
        until(lambda: app._workspaces is not None)
        client.mount = app  # type: ignore[attr-defined]
        yield client


def install(browser: TestClient, code: str, **changed: str) -> Any:
    """Goes to Slack and comes back with a code."""
    sent = browser.get(INSTALL)
    assert sent.status_code == 302
    state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]
    return browser.get(REDIRECT, params={"code": code, "state": state, **changed})


def deliver(browser: TestClient, body: Any) -> int:
    raw, headers = signed(body, at=time.time() - next(_times) % 200)  # no two alike
    return browser.post(PATH, content=raw, headers=headers).status_code


def of(team: str, body: Any) -> Any:
    return {**body, "team_id": team, "authorizations": [{"team_id": team}]}


def test_a_workspace_is_sent_to_slack_with_the_scopes_and_comes_back_installed(browser: TestClient, slack: FakeSlack) -> None:
    where = urlsplit(browser.get(INSTALL).headers["location"])
    assert f"{where.scheme}://{where.netloc}/api/" == slack.url
    assert where.path == "/oauth/v2/authorize"
    asked = parse_qs(where.query)
    assert (asked["client_id"], asked["scope"]) == (["app"], [",".join(SCOPES)])
    done = install(browser, "good-T2")
    assert done.status_code == 200
    assert "Team &lt;T2&gt;" in done.text
    assert "default-src 'none'" in done.headers["content-security-policy"]
    assert done.headers["cache-control"] == "no-store"


def test_each_workspace_is_answered_with_its_own_token_and_no_other(browser: TestClient, slack: FakeSlack) -> None:
    for team in ("T2", "T3"):
        assert install(browser, f"good-{team}").status_code == 200
    for team in ("T2", "T3", "T4"):
        assert deliver(browser, of(team, said(MBA, channel=f"D{team}"))) == 200
    until(lambda: len([m for m in slack.replies() if not m.streaming]) == 2)
    assert sorted(m.channel for m in slack.replies()) == ["DT2", "DT3"]
    workspaces = browser.mount.workspaces()  # type: ignore[attr-defined]
    assert {team: bot.line.client.token for team, bot in workspaces._bots.items()} == {"T2": "xoxb-valid-T2", "T3": "xoxb-valid-T3"}
    owners = [workspaces.advisor.store.conversations(f"slack:{team}:U1") for team in ("T2", "T3", "T4")]
    assert [len(found) for found in owners] == [1, 1, 0]


def test_who_comes_back_with_another_state_installs_nothing(browser: TestClient, warm: Warm, slack: FakeSlack) -> None:
    other = TestClient(browser.app, "https://advisor.example.org", follow_redirects=False)
    foreign = parse_qs(urlsplit(other.get(INSTALL).headers["location"]).query)["state"][0]
    signed_by_another = States("another").issue()
    for state in ("", "x", "a.b.c", f"x.{int(time.time())}.{'0' * 64}", foreign, signed_by_another, foreign[:-1] + "é"):
        assert install(browser, "good-T2", state=state).status_code == 400, state
    browser.cookies.clear()
    state = parse_qs(urlsplit(other.get(INSTALL).headers["location"]).query)["state"][0]
    assert browser.get(REDIRECT, params={"code": "good-T2", "state": state}).status_code == 400  # no cookie
    assert slack.installed == 0


def test_a_state_is_good_for_ten_minutes() -> None:
    now = 1000.0
    states = States("secret", lambda: now)
    state = states.issue()
    assert states.consume(state)
    now += GOOD_FOR + 1
    assert not states.consume(state)
    now = 900.0
    assert not states.consume(state)


@pytest.mark.parametrize(("code", "status"), [("bad", 400), ("", 400), ("x" * 501, 400), ("good-E1", 400)])
def test_what_slack_does_not_grant_installs_nothing(browser: TestClient, warm: Warm, code: str, status: int) -> None:
    assert install(browser, code).status_code == status
    assert browser.mount.workspaces().installations.listed() == []  # type: ignore[attr-defined]


def test_slack_that_is_away_is_told_as_such(hashed_home: Path, tmp_path: Path) -> None:
    with FakeSlack(trouble=lambda name, n, given: "drop" if name == "oauth.v2.access" else None) as slack:
        for browser in browsing(opened(hashed_home, tmp_path / "away", slack_url=slack.url, **APP)):
            assert install(browser, "good-T2").status_code == 503


def test_hostile_addresses_install_nothing_and_break_nothing(browser: TestClient, slack: FakeSlack) -> None:
    chance = random.Random(5)
    pieces = ["state=", "code=good-T2", "&", "=", "%", "%00", "%ff", ";", "state=a.1.b", "&" * 40, "x" * 3000, "é", ".9" * 50, "code="]
    for number in range(200):
        query = "".join(chance.choices(pieces, k=chance.randrange(1, 9)))
        cookie = chance.choice(["", "slack-app-oauth-state=", "slack-app-oauth-state=a.1.b", "=;;=", "x" * 3000])
        status = browser.get(f"{REDIRECT}?{query}", headers={"cookie": cookie}).status_code
        assert status == 400, (number, query)
    assert slack.installed == 0


def test_nothing_but_reading_is_served_there(browser: TestClient) -> None:
    assert [browser.post(path).status_code for path in (INSTALL, REDIRECT)] == [405, 405]
    assert browser.get("/slack/else").text == "page /slack/else"


FAREWELLS = [{"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"bot": ["UBOT"], "oauth": []}}]


def farewell(event: dict[str, Any], team: str, at: float) -> dict[str, Any]:
    return {**of(team, said("")), "event": event, "event_time": int(at)}


@pytest.mark.parametrize("event", FAREWELLS, ids=lambda e: str(e["type"]))
def test_a_workspace_that_removes_the_app_is_forgotten(browser: TestClient, slack: FakeSlack, event: dict[str, Any]) -> None:
    for team in ("T2", "T3"):
        install(browser, f"good-{team}")
        assert deliver(browser, of(team, said(MBA, channel=f"D{team}"))) == 200
    until(lambda: len([m for m in slack.replies() if not m.streaming]) == 2)
    assert deliver(browser, farewell(event, "T2", time.time() + 1)) == 200
    workspaces = browser.mount.workspaces()  # type: ignore[attr-defined]
    assert [i.team for i in workspaces.installations.listed()] == ["T3"]
    assert list(workspaces._bots) == ["T3"]
    assert deliver(browser, of("T2", said(MBA, channel="DT2"))) == 200
    assert len(slack.replies(channel="DT2")) == 1


def test_a_farewell_that_comes_late_does_not_end_a_newer_installation(browser: TestClient) -> None:
    install(browser, "good-T2")
    assert deliver(browser, farewell(FAREWELLS[0], "T2", time.time() - 60)) == 200
    only_users = {"type": "tokens_revoked", "tokens": {"bot": [], "oauth": ["U1"]}}
    assert deliver(browser, farewell(only_users, "T2", time.time() + 1)) == 200
    assert [i.team for i in browser.mount.workspaces().installations.listed()] == ["T2"]  # type: ignore[attr-defined]


def test_a_workspace_whose_token_is_dead_is_forgotten_when_it_is_needed(browser: TestClient, slack: FakeSlack) -> None:
    install(browser, "good-T2")
    slack.dead.add("T2")
    assert deliver(browser, of("T2", said(MBA))) == 200
    assert browser.mount.workspaces().installations.listed() == []  # type: ignore[attr-defined]


def test_a_workspace_that_cannot_be_opened_now_is_delivered_again(hashed_home: Path, tmp_path: Path) -> None:
    with FakeSlack(trouble=lambda name, n, given: "500" if name == "auth.test" and n == 1 else None) as slack:
        for browser in browsing(opened(hashed_home, tmp_path / "there", slack_url=slack.url, **APP)):
            install(browser, "good-T2")
            body = of("T2", said(MBA, channel="DT2"))
            assert [deliver(browser, body), deliver(browser, body)] == [503, 200]
            until(lambda: any(not m.streaming for m in slack.replies()))


def test_what_a_workspace_is_owed_is_taken_up_after_a_restart(warm: Warm, slack: FakeSlack) -> None:
    from advisor.deliveries import Deliveries, Owed

    for browser in browsing(warm):
        install(browser, "good-T2")
    engine = warm.advisor().store.engine  # type: ignore[attr-defined]
    Deliveries(engine).take(["k"], Owed("r", "slack:T2:U1", "slack:T2:D9:1.1:0", "D9", "1.1", "digest", asker="slack:T2:U1"))
    Deliveries(engine).release("r")
    for _ in browsing(warm):
        until(lambda: slack.replies(channel="D9"))
    assert "restarted" in slack.replies(channel="D9")[0].shown


def test_no_token_code_or_secret_is_logged(browser: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("advisor").setLevel(logging.DEBUG)
    install(browser, "good-T2")
    install(browser, "bad-canary")
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith(("advisor", "slack")))
    assert all(word not in ours for word in ("xoxb", "canary", "secret", KEY, "good-T2"))


def test_an_apps_id_without_what_it_needs_is_told(advisor: Run, tmp_path: Path) -> None:
    assert wanted(Settings(**APP))  # type: ignore[arg-type]
    for missing in ("slack_client_secret", "slack_token_key", "slack_signing_secret"):
        with pytest.raises(SettingsError, match=f"ADVISOR_{missing.upper()} is not set"):
            wanted(Settings(**{**APP, missing: ""}))  # type: ignore[arg-type]
    done = advisor("slack", "workspaces", home=str(tmp_path), slack_token_key="too-short")
    assert "44 characters" in done.stderr
    assert "too-short" not in done.stderr
    assert len(advisor("slack", "key").stdout.strip()) == 44
    assert advisor("slack", "workspaces", home=str(tmp_path), slack_token_key=KEY).returncode == 0
