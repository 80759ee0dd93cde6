"""Chat models through LangChain: any `provider:name`, each provider an extra; keys stay in the environment."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from advisor.config import Settings, has_variable
from advisor.errors import MissingExtra, SettingsError
from advisor.streams import JsonCompletions

CONTEXT = 8192  # tokens that llama.cpp keeps room for


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider needs: the module LangChain loads for it, our extra, the variable of its key."""

    module: str
    extra: str
    key: str = ""


PROVIDERS = {
    "anthropic": Provider("langchain_anthropic", "anthropic", "ANTHROPIC_API_KEY"),
    "openai": Provider("langchain_openai", "openai", "OPENAI_API_KEY"),
    "ollama": Provider("langchain_ollama", "ollama"),
    "llamacpp": Provider("llama_cpp", "llamacpp"),
}


@dataclass(frozen=True, slots=True)
class Delta:
    """A bit of a model's text; `end` is why it ended, where it did, and `usage` counts tokens."""

    text: str = ""
    end: str = ""
    usage: tuple[int, int] = (0, 0)


class ChatModel(Protocol):
    """Writes an answer to instructions and a message, bit by bit; raises whatever its provider raises."""

    @property
    def name(self) -> str: ...

    def write(self, system: str, message: str, longest: int) -> AsyncIterator[Delta]: ...


@dataclass(frozen=True, slots=True)
class LangChainModel:
    """A chat model of LangChain; it never tries again by itself, because our calls are counted."""

    name: str
    model: Any

    async def write(self, system: str, message: str, longest: int) -> AsyncIterator[Delta]:
        from langchain_core.messages import HumanMessage, SystemMessage

        ended = ""
        stream = self.model.astream([SystemMessage(system), HumanMessage(message)], **self._limit(longest))
        async for chunk in stream:
            usage = chunk.usage_metadata or {}
            ended = _end(chunk.response_metadata) or ended
            yield Delta(str(chunk.text), "", (usage.get("input_tokens", 0), usage.get("output_tokens", 0)))
        yield Delta(end=ended or "broken")

    def _limit(self, longest: int) -> dict[str, Any]:
        if self.name.startswith("ollama:"):
            return {"options": {"num_predict": longest}}
        return {"max_tokens": longest}


class LlamaCpp:
    """A model file run in this process by llama.cpp, loaded when it is first asked; it writes one answer at a time."""

    def __init__(self, name: str, path: Path) -> None:
        if not path.is_file():
            raise SettingsError(f"ADVISOR_MODEL names the model file {path}, which does not exist. Give the path of a .gguf file.")
        self.name = name
        self._path = path
        self._loaded: Any = None
        self._lock = threading.Lock()

    async def write(self, system: str, message: str, longest: int) -> AsyncIterator[Delta]:
        bits = self._bits(system, message, longest)
        try:
            # A bit at a time in a thread: between two bits a cancelled call ends.
            while (bit := await asyncio.to_thread(next, bits, None)) is not None:
                yield bit
        finally:
            bits.close()

    def _bits(self, system: str, message: str, longest: int) -> Generator[Delta, None, None]:
        with self._lock:
            if self._loaded is None:
                from llama_cpp import Llama

                self._loaded = Llama(str(self._path), n_ctx=CONTEXT, verbose=False)
            messages = [{"role": "system", "content": system}, {"role": "user", "content": message}]
            for event in self._loaded.create_chat_completion(messages, max_tokens=longest, temperature=0.0, stream=True):
                choice = event["choices"][0]
                yield Delta(choice["delta"].get("content") or "", choice["finish_reason"] or "")


def _end(metadata: dict[str, Any]) -> str:
    why = metadata.get("finish_reason") or metadata.get("stop_reason") or metadata.get("done_reason") or ""
    return {"max_tokens": "length", "end_turn": "stop", "stop_sequence": "stop"}.get(str(why), str(why))


def parts_of(model: str) -> tuple[str, str]:
    """`provider:name` as its two parts; raises `SettingsError` where it is not that."""
    provider, _, name = model.partition(":")
    if provider not in PROVIDERS or not name:
        raise SettingsError(
            f"ADVISOR_MODEL is {model!r}: write it as provider:name, with one of {', '.join(PROVIDERS)} "
            "(anything that speaks OpenAI's protocol: openai:name and ADVISOR_MODEL_URL)."
        )
    return provider, name


def open_model(settings: Settings) -> ChatModel | None:
    """The chat model that `ADVISOR_MODEL` names, or None where none is named; calls nothing yet.

    Raises `SettingsError` for a name or key that is missing, `MissingExtra` for a provider that is not installed.
    """
    if not settings.model:
        return None
    provider, name = parts_of(settings.model)
    needs = PROVIDERS[provider]
    if importlib.util.find_spec(needs.module) is None:
        raise MissingExtra(f"ADVISOR_MODEL is {settings.model!r}, which needs: pip install 'cmo-advisor[{needs.extra}]'")
    if needs.key and not has_variable(needs.key) and not settings.model_url:
        raise SettingsError(f"ADVISOR_MODEL is {settings.model!r}, but {needs.key} is not set. Set it, or unset ADVISOR_MODEL.")
    if provider == "llamacpp":
        return LlamaCpp(settings.model, Path(name))
    from langchain.chat_models import init_chat_model

    more: dict[str, Any] = {"base_url": settings.model_url} if settings.model_url else {}
    if provider == "openai":
        # The old protocol is the one that everything else speaks; a local server asks for no key.
        # Silence is watched over all providers alike, in `calls.py`; once more for each token would cost as much as reading it.
        more |= {"use_responses_api": False, "stream_usage": True, "stream_chunk_timeout": None}
        if settings.model_url and not has_variable(needs.key):
            more["api_key"] = "none"
    if provider != "ollama":
        more |= {"timeout": settings.model_seconds, "max_retries": 0}
    made = init_chat_model(settings.model, temperature=0, **more)
    if provider == "openai":
        made.async_client = JsonCompletions(made.async_client)
    return LangChainModel(settings.model, made)


def providers(settings: Settings) -> list[tuple[str, str, str]]:
    """Each provider as (name, how it stands, what to do), states opening with ✓, ! or ✗."""
    rows = []
    chosen = settings.model.partition(":")[0]
    for name, needs in PROVIDERS.items():
        state, remedy = "✓ installed", ""
        if importlib.util.find_spec(needs.module) is None:
            state, remedy = "! not installed", f"Run: pip install 'cmo-advisor[{needs.extra}]'"
        elif needs.key and not has_variable(needs.key):
            elsewhere = chosen == name and settings.model_url
            state, remedy = (
                "✓ installed, used without a key" if elsewhere else "! installed, no key",
                "" if elsewhere else f"Set {needs.key}",
            )
        rows.append((name, state, remedy))
    return rows
