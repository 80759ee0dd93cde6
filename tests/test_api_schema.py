"""What /openapi.json promises is kept: cases made from it, for every route, by schemathesis."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from advisor.apps.rates import Rates
from advisor.apps.warm import Warm
from advisor.apps.web import interface, shielded
from tests.api_world import MBA, client, opened
from tests.test_access import _with

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
HOST = {"host": "127.0.0.1"}
UNLIMITED = {"rate_minute": 0, "rate_day": 0, "rate_address": 0}


def promised(warm: Warm) -> Iterator[tuple[str, Any]]:
    """Every operation that the document describes."""
    app, routes = interface(warm)
    schema = schemathesis.openapi.from_asgi("/openapi.json", shielded(app, routes, warm), headers=HOST)
    for found in schema.get_all_operations():
        operation = found.ok()
        yield f"{operation.method.upper()} {operation.path}", operation


def kept(operation: Any, cases: int, headers: dict[str, str]) -> Counter[int]:
    """The statuses of replies to so many cases; raises where one breaks a promise."""
    statuses: Counter[int] = Counter()

    @settings(max_examples=cases, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy())
    def ask(case: Any) -> None:
        reply = case.call(headers={**HOST, **headers})
        statuses[reply.status_code] += 1
        case.validate_response(reply, checks=CHECKS)

    ask()
    return statuses


@pytest.fixture(scope="module")
def warm(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return _with(opened(hashed_home, tmp_path_factory.mktemp("schema") / "home"), **UNLIMITED)


def test_the_document_describes_every_route(warm: Warm) -> None:
    routes = {f"{route.method} {route.path.replace(':path', '')}" for route in interface(warm)[1]}
    assert {name for name, _ in promised(warm)} == routes - {"GET /openapi.json"}, "schemathesis leaves out the document itself"


@pytest.mark.thorough
def test_no_case_made_from_the_document_breaks_what_it_promises(warm: Warm, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in ("upload", "sign_in"):
        monkeypatch.setattr(Rates, count, lambda *_: None)
    asker = client(warm)
    asker.post("/api/ask", json={"question": MBA})
    headers = {"cookie": "; ".join(f"{name}={value}" for name, value in asker.cookies.items())}
    statuses: Counter[int] = Counter()
    for _, operation in promised(warm):
        statuses += kept(operation, 25, headers)
    assert {200, 201, 404, 422} <= set(statuses)
    assert sum(statuses.values()) >= 300
