"""How often who may ask, and that nobody gets around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from advisor.apps.faults import Fault
from advisor.apps.rates import UPLOADS, Rates
from advisor.apps.warm import Warm
from advisor.apps.web import interface
from advisor.config import Settings
from advisor.errors import SettingsError
from advisor.keys import open_keys
from tests.api_world import MBA, client, opened, signed_in
from tests.test_access import SECRET, _with

ASKED = {"question": MBA}
CHAT = {"model": "cmo-advisor", "messages": [{"role": "user", "content": MBA}]}


@pytest.fixture(scope="module")
def warm(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return opened(hashed_home, tmp_path_factory.mktemp("rates") / "home")


def _asked(asker: TestClient, times: int, **more: Any) -> list[int]:
    return [asker.post("/api/ask", json=ASKED, **more).status_code for _ in range(times)]


def test_an_owner_who_asks_too_often_is_told_when_to_come_again(warm: Warm) -> None:
    asker = client(_with(warm, rate_minute=3))
    assert _asked(asker, 5) == [200, 200, 200, 200, 429], "the first was a visitor whom nobody knew"
    late = asker.post("/api/ask", json=ASKED)
    assert 0 < int(late.headers["retry-after"]) <= 60
    told = late.json()["error"]
    assert (told["what"], "3 questions a minute" in told["why"]) == ("rate", True)
    assert asker.get("/api/conversations").status_code == 200, "reading is not asking"


@pytest.mark.parametrize("path", ["/api/ask", "/v1/chat/completions", "/api/page/ask"])
def test_every_way_to_ask_is_counted_together(warm: Warm, path: str) -> None:
    asker = client(_with(warm, rate_address=2))
    assert [asker.post(p, json=b).status_code for p, b in (("/api/ask", ASKED), ("/v1/chat/completions", CHAT))] == [200, 200]
    late = asker.post(path, json=ASKED)
    assert (late.status_code, "retry-after" in late.headers) == (429, True)


def test_every_route_that_answers_questions_is_counted(warm: Warm) -> None:
    routes = interface(warm)[1]
    assert {route.path for route in routes if route.asks} == {r.path for r in routes if r.path.endswith(("/ask", "/completions"))}


def test_a_visitor_who_drops_the_cookie_is_known_by_the_address(warm: Warm) -> None:
    app = client(_with(warm, rate_address=3)).app
    askers = [TestClient(app, "http://127.0.0.1") for _ in range(5)]
    assert [_asked(asker, 1)[0] for asker in askers] == [200, 200, 200, 429, 429]
    elsewhere = TestClient(app, "http://127.0.0.1", client=("10.0.0.9", 1))
    assert _asked(elsewhere, 1) == [200]
    spoof = {"x-forwarded-for": "10.0.0.10", "forwarded": "for=10.0.0.10", "x-real-ip": "10.0.0.10"}
    assert _asked(askers[0], 1, headers=spoof) == [429]


def test_those_of_one_network_of_the_new_kind_are_one(warm: Warm) -> None:
    app = client(_with(warm, rate_address=1)).app
    near, far = (TestClient(app, "http://127.0.0.1", client=(address, 1)) for address in ("2001:db8:1:2::5", "2001:db8:1:3::5"))
    assert (_asked(near, 1), _asked(TestClient(app, "http://127.0.0.1", client=("2001:db8:1:2:9::", 1)), 1)) == ([200], [429])
    assert _asked(far, 1) == [200]


def test_a_proxy_with_the_secret_names_the_address(warm: Warm) -> None:
    app = client(_with(warm, rate_address=1, access="open-to-anyone", proxy_secret=SECRET)).app
    ask = lambda address: _asked(  # noqa: E731
        TestClient(app, "http://127.0.0.1"), 1, headers={"x-proxy-secret": SECRET, "x-forwarded-for": f"1.1.1.1, {address}"}
    )
    assert [ask("10.0.0.1"), ask("10.0.0.1"), ask("10.0.0.2")] == [[200], [429], [200]]


def test_keys_and_users_have_counts_of_their_own_wherever_they_are(warm: Warm) -> None:
    limited = _with(warm, rate_minute=2, rate_address=1)
    keys = open_keys(limited.settings)
    secret = keys.create("program")
    keys.close()
    app = client(limited).app
    anna = signed_in(limited, "anna")
    session = TestClient(app, "http://127.0.0.1", cookies=dict(anna.cookies))
    key = TestClient(app, "http://127.0.0.1", headers={"authorization": f"Bearer {secret}"})
    assert (_asked(key, 3), _asked(session, 3)) == ([200, 200, 429], [200, 200, 429])
    assert _asked(TestClient(app, "http://127.0.0.1"), 1) == [200]


def test_the_days_budget_is_one_for_all_while_a_model_is_set() -> None:
    rates = Rates(Settings(model="openai:any", rate_model_day=3))
    for owner in ("key:a", "key:b", "user:c"):
        rates.question(owner, "10.0.0.1")
    with pytest.raises(Fault, match="3 questions a day for all together") as caught:
        rates.question("user:d", "10.0.0.2")
    assert 0 < int(caught.value.headers["retry-after"]) <= 86_400
    quoting = Rates(Settings(rate_model_day=3))
    for n in range(9):
        quoting.question(f"key:{n}", "10.0.0.1")


def test_a_days_questions_of_one_owner_are_counted_and_zero_sets_no_limit() -> None:
    rates = Rates(Settings(rate_day=2, rate_minute=0))
    rates.question("key:a", "")
    rates.question("key:a", "")
    with pytest.raises(Fault, match="2 questions a day"):
        rates.question("key:a", "")
    free = Rates(Settings(rate_day=0, rate_minute=0, rate_address=0))
    for _ in range(200):
        free.question("visitor:1", "10.0.0.1")


def test_documents_are_counted_by_owner_and_a_visitors_by_address() -> None:
    rates = Rates(Settings())
    for n in range(UPLOADS):
        rates.upload(f"visitor:{n}", "10.0.0.1")
    with pytest.raises(Fault, match="documents a minute"):
        rates.upload("visitor:new", "10.0.0.1")
    rates.upload("user:anna", "10.0.0.1")


def test_an_address_of_counts_that_cannot_be_used_is_named_without_its_password() -> None:
    with pytest.raises(SettingsError, match="ADVISOR_RATE_STORE") as caught:
        Rates(Settings(rate_store="nonsense://user:xylophone@host"))
    assert "xylophone" not in str(caught.value)


def test_nobody_is_let_past_when_the_counts_cannot_be_reached() -> None:
    class Broken:
        def hit(self, *_: object) -> bool:
            raise ConnectionError("away")

    rates = Rates(Settings())
    rates._sliding = Broken()  # type: ignore[assignment]
    with pytest.raises(Fault) as caught:
        rates.question("key:a", "")
    assert caught.value.status == 503
