"""An advisor on one text: what an operator has who points it at a single article."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from advisor.assemble import open_advisor
from advisor.config import Settings
from advisor.corpus import read_corpus
from advisor.encode import open_encoder, open_trainer
from advisor.library import Library
from advisor.pipeline import Advisor


def prepared_home(home: Path) -> Settings:
    """Settings of a data folder in which questions and texts are encoded, and read, by what is exported."""
    settings = Settings(home=home)  # type: ignore[call-arg]
    for lists in (True, False):
        open_trainer(settings, lists=lists)
    return settings


@contextmanager
def advisor_on(settings: Settings, corpus: Path) -> Iterator[Advisor]:
    """An advisor whose only guidance is `corpus`, in a library of its own that is gone afterwards."""
    encoder = open_encoder(settings)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        (home / "models").symlink_to(settings.models)
        own = settings.model_copy(update={"home": home})
        library = Library(own.file)
        library.update(read_corpus(corpus), encoder, limit=own.chunk_tokens)
        library.close()
        yield open_advisor(own, remember=False)


def write_article(folder: Path, title: str, text: str) -> Path:
    """A plain-text article on the disk: its title, a blank line, its text."""
    path = folder / "article.txt"
    path.write_text(f"{title}\n\n{text}\n", encoding="utf-8")
    return path
