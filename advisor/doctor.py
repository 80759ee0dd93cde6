"""What is installed, indexed, stale and switched on, and how to fix what is not well."""

from __future__ import annotations

import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from advisor.assemble import index_state
from advisor.chats import open_chats
from advisor.config import Settings, silence_vendors
from advisor.encode import export_folder, model_stamp
from advisor.errors import AdvisorError
from advisor.library import Library
from advisor.models import open_model

Rows = list[tuple[str, str, str]]
_PACKAGES = ("langchain", "chromadb", "sentence-transformers", "onnxruntime", "gradio", "sqlalchemy")
_REMEDIES = {
    "missing": "Run: advisor index",
    "other-model": "Run: advisor index (the guidance is embedded again)",
    "unexported": "Run: advisor index (it makes what checks the model's sentences)",
    "stale": "Run: advisor index (only what changed is embedded)",
    "ready": "",
}


def examine(settings: Settings) -> tuple[Rows, Rows]:
    """Checks as (what, state, remedy), states opening with ✓, ! or ✗; and every setting with its value."""
    silence_vendors()
    rows: Rows = []
    for package in _PACKAGES:
        try:
            rows.append((package, f"✓ {version(package)}", ""))
        except PackageNotFoundError:
            rows.append((package, "✗ not installed", f"Run: pip install {package}"))
    documents = find_spec("pypdf") is not None and find_spec("docx") is not None
    rows.append(
        ("PDF and DOCX", "✓ readable" if documents else "! not readable", "" if documents else "Run: pip install 'cmo-advisor[documents]'")
    )
    rows += _home(settings)
    rows += _index(settings)
    rows += _chats(settings)
    rows.append(_access(settings))
    rows.append(_traces())
    shown = [(f"ADVISOR_{name.upper()}", settings.shown(name), field.description or "") for name, field in Settings.model_fields.items()]
    return rows, shown


def _home(settings: Settings) -> Rows:
    folder = next(p for p in (settings.home, *settings.home.parents) if p.exists())
    other = "Set ADVISOR_HOME to a folder you may write"
    if not folder.is_dir():
        return [("data folder", f"✗ {folder} is not a folder", other)]
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return [("data folder", f"✗ {folder} cannot be written ({error.strerror})", other)]
    free = shutil.disk_usage(folder).free // 1_000_000
    state = f"✓ {free:,} MB free" if free > 500 else f"! only {free} MB free"
    return [("data folder", state, "" if free > 500 else f"Free some space where {settings.home} lies")]


def _index(settings: Settings) -> Rows:
    try:
        stamp = model_stamp(settings.embedding_model)
        exported = (export_folder(settings, stamp) / "ready.json").is_file()
        if not settings.file.exists():
            return [("index", "✗ missing", _REMEDIES["missing"])]
        library = Library(settings.file)
        state = index_state(settings, library)
        documents = library.listed()
    except AdvisorError as error:
        return [("index", "✗ cannot be used", str(error))]
    mark = {"ready": "✓", "stale": "!"}.get(state.state, "✗")
    held = f" ({len(documents)} documents, {sum(d.chunks for d in documents)} passages from {state.folder})" if documents else ""
    return [
        ("index", f"{mark} {state.state}{held}", _REMEDIES[state.state]),
        ("embedding model", f"✓ {stamp}", ""),
        (
            "questions encoded by",
            "✓ ONNX Runtime" if exported else "! sentence-transformers (slower start)",
            "" if exported else "Run: advisor index",
        ),
        _answers(settings),
    ]


def _answers(settings: Settings) -> tuple[str, str, str]:
    try:
        model = open_model(settings)
    except AdvisorError as error:
        return "answers by", "✗ a model that cannot be used", str(error)
    if model is None:
        return "answers by", "✓ quoting, with no model", ""
    return "answers by", f"✓ {model.name}, each sentence checked, quoting where it fails", "Try it: advisor models"


def _access(settings: Settings) -> tuple[str, str, str]:
    who = {
        "local": "this machine only",
        "sign-in": "whoever signs in, or sends a key",
        "proxy": "whom a proxy names, or who sends a key",
        "open-to-anyone": "anyone",
    }
    return "who may come in", f"✓ {who[settings.access]}, documents of their own {'on' if settings.uploads else 'off'}", ""


def _traces() -> tuple[str, str, str]:
    from advisor.apps import tracing  # with Starlette, which nothing else here needs

    if not tracing.wanted():
        return "traces", "✓ none are sent", ""
    if not tracing.possible():
        return "traces", "! wanted, but none are sent", "Run: pip install 'cmo-advisor[otel]'"
    return "traces", "✓ sent by OpenTelemetry", ""


def _chats(settings: Settings) -> Rows:
    kept = f"kept for {settings.retention_days} days" if settings.retention_days else "kept for ever"
    where = str(settings.file) if settings.database == "sqlite" else settings.shown("database")
    if settings.database == "sqlite" and not settings.file.exists():
        return [("chats", f"✓ none yet, {kept}", "")]
    try:
        store = open_chats(settings)
        conversations, turns = store.counts()
        store.close()
    except AdvisorError as error:
        return [("chats", f"✗ {where} cannot be used", str(error))]
    counted = f"{conversations} conversation{'' if conversations == 1 else 's'}, {turns} question{'' if turns == 1 else 's'}"
    return [("chats", f"✓ {counted} in {where}, {kept}", "")]
