"""The routes of the HTTP interface: one table that registers, guards, counts and describes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path

from advisor.apps.desk import HungUp
from advisor.apps.faults import Fault, invalid, noted, said
from advisor.apps.metrics import GONE
from advisor.apps.shield import LARGEST_JSON


@dataclass(frozen=True)
class Route:
    """A method and a path, and what answers there; its docstring describes it at /docs."""

    method: str
    path: str
    endpoint: Callable[..., Any]
    owned: bool = False  # whether the answer depends on whose conversations it is about
    asks: bool = False  # whether it counts as a question
    kind: str = "application/json"  # what a body must be
    largest: int = LARGEST_JSON  # bytes of a body, at most
    streamed: bool = False  # whether the endpoint reads the body itself, piece by piece
    status: int = 200  # of a reply that is no fault
    gives: tuple[str, ...] = ()  # types of its content where they are not JSON alone
    described: dict[str, Any] | None = None  # what /openapi.json says beside what the endpoint's own types do
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", compile_path(self.path)[0])


class Problem(BaseModel):
    """What is wrong, why, and what to do; the server's log has the id, too."""

    model_config = ConfigDict(extra="allow")
    what: str
    why: str
    remedy: str
    id: str


class Problems(BaseModel):
    error: Problem


def register(app: FastAPI, routes: Sequence[Route]) -> None:
    """Puts the routes into an application, with one way of saying what went wrong."""

    async def faulty(request: Request, error: Exception) -> Response:
        if isinstance(error, HungUp):
            return Response(status_code=GONE)
        if isinstance(error, RequestValidationError):
            error = invalid(error.errors())
        elif isinstance(error, HTTPException):  # FastAPI's own, of a body that it cannot make sense of
            error = Fault(error.status_code, "body", "The body cannot be read.", "Send one JSON object in UTF-8.")
        fault = noted(error, request.method, route_of(routes, request.scope["path"]))
        return JSONResponse(said(fault, request.scope["path"]), fault.status, fault.headers)

    class Guarded(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Any]:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                try:
                    return await handle(request)
                except Exception as error:
                    return await faulty(request, error)

            return guarded

    for route in routes:
        app.router.add_api_route(
            route.path,
            route.endpoint,
            methods=[route.method],
            status_code=route.status,
            response_model=None,
            response_class=Response if route.gives else JSONResponse,
            responses=_replies(route),
            openapi_extra=route.described,
            route_class_override=Guarded,
        )


def _replies(route: Route) -> dict[int | str, dict[str, Any]]:
    """What /openapi.json says of a route's replies."""
    # A refusal is JSON for programs, and a line of text or a page elsewhere.
    others: dict[str, Any] = {} if route.path.startswith(("/api/", "/v1/")) else {"content": {"text/plain": {}, "text/html": {}}}
    faulty: dict[int | str, dict[str, Any]] = {kind: {"model": Problems, **others} for kind in ("4XX", "5XX")}
    return {**faulty, route.status: {"content": {kind: {} for kind in route.gives}}} if route.gives else faulty


def route_of(routes: Sequence[Route], path: str) -> str:
    """The pattern of ours that a path fits; nothing that a user wrote."""
    return next((route.path for route in routes if route.pattern.fullmatch(path)), "other")
