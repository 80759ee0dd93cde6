"""Loads, checks and fills `prompts/`: one file a text, `{{name}}` for what is filled in."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from advisor.errors import SettingsError

_PLACEHOLDER = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text with placeholders; `digest` changes when the text does."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    def fill(self, **values: str) -> str:
        """The text with every placeholder filled, once: what is filled in is never expanded again."""
        wanted = set(_PLACEHOLDER.findall(self.text))
        if wanted != set(values):
            missing, unused = sorted(wanted - set(values)), sorted(set(values) - wanted)
            raise SettingsError(f"The prompt {self.name!r} lacks values for {missing} and has no place for {unused}.")
        return _PLACEHOLDER.sub(lambda match: values[match.group(1)], self.text)


def load_prompts(folder: Path) -> dict[str, Prompt]:
    """Every prompt of a folder by name; raises `SettingsError` where one is empty."""
    found: dict[str, Prompt] = {}
    for path in sorted(folder.glob("*.md")):
        if path.name == "README.md":
            continue
        text = path.read_text(encoding="utf-8").strip()
        if not text:
            raise SettingsError(f"The prompt {path.name} is empty. Restore it or install the package again.")
        found[path.stem] = Prompt(path.stem, text)
    return found
