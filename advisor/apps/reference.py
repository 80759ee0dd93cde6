"""What describes the HTTP interface: its OpenAPI document, and a page that needs no other host and no script."""

from __future__ import annotations

import html
from typing import Any

from fastapi import FastAPI
from starlette.responses import HTMLResponse

from advisor.apps.routes import Route

_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1.25rem; font: 1rem/1.55 system-ui, sans-serif; }
h2 { font: 600 1rem ui-monospace, monospace; margin: 1.75rem 0 .25rem; overflow-wrap: anywhere; }
p { margin: .25rem 0; } table { border-collapse: collapse; margin: .5rem 0; }
td, th { text-align: left; vertical-align: top; padding: .15rem 1rem .15rem 0; } code { font-family: ui-monospace, monospace; }
"""
_ABOUT = (
    "Questions go in as JSON and come back as the JSON of a turn. Who sends no key is a visitor, known by a cookie; "
    "a key is sent as <code>Authorization: Bearer KEY</code>. What cannot be served gets "
    '<code>{"error": {"what", "why", "remedy", "id"}}</code>. '
    'The same as <a href="/openapi.json">OpenAPI</a>.'
)


class Reference:
    """The endpoints that describe the others."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def routes(self) -> list[Route]:
        """All routes of this interface."""
        return [Route("GET", "/openapi.json", self.openapi), Route("GET", "/docs", self.docs, gives=("text/html",))]

    def openapi(self) -> dict[str, Any]:
        """This interface as an OpenAPI document."""
        made = self.app.openapi()
        schemes = {"key": {"type": "http", "scheme": "bearer"}, "visitor": {"type": "apiKey", "in": "cookie", "name": "advisor_visitor"}}
        made.setdefault("components", {})["securitySchemes"] = schemes
        return made

    def docs(self) -> HTMLResponse:
        """This interface as a page to read."""
        made = self.openapi()
        schemas = made["components"].get("schemas", {})
        parts = [
            _operation(method.upper(), path, operation, schemas)
            for path, methods in made["paths"].items()
            for method, operation in methods.items()
        ]
        head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>CMO Advisor over HTTP</title><style>{_STYLE}</style>'
        return HTMLResponse(f"{head}<h1>CMO Advisor over HTTP</h1><p>{_ABOUT}</p>{''.join(parts)}</html>")


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    rows = [(p["name"], p["in"], p["schema"], p.get("required", False), p.get("description", "")) for p in operation.get("parameters", [])]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    if name in schemas:
        required = schemas[name].get("required", [])
        rows += [(n, "body", s, n in required, s.get("description", "")) for n, s in schemas[name].get("properties", {}).items()]
    cells = "".join(
        f"<tr><td><code>{html.escape(name)}</code><td>{place}<td>{html.escape(_kind(schema))}{'' if needed else ', optional'}"
        f"<td>{html.escape(what)}</tr>"
        for name, place, schema, needed, what in rows
    )
    return f"<h2>{method} {html.escape(path)}</h2><p>{html.escape(operation.get('description', ''))}</p>" + (
        f"<table>{cells}</table>" if cells else ""
    )


def _kind(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(s) for s in schema["anyOf"] if s.get("type") != "null")
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    return str(schema.get("type", "any"))
