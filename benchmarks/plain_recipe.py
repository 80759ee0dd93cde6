"""The plain recipe, run by `benchmarks/plain.py` in an environment of its own; imports nothing of the advisor.

LangChain's splitter, embeddings and Chroma store as their tutorials set them up: files as they are, 1,000
characters with 200 shared, the four nearest.

    python plain_recipe.py build INDEX CORPUS MODEL
    python plain_recipe.py cold INDEX MODEL QUESTION
    python plain_recipe.py warm INDEX MODEL QUESTIONS.json      (prints one line of JSON)
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

K = 4


def store(index: str, model: str) -> Any:
    """The persisted store, with the embeddings it was built with."""
    from langchain_chroma import Chroma
    from langchain_huggingface import HuggingFaceEmbeddings

    return Chroma("guidance", embedding_function=HuggingFaceEmbeddings(model_name=model), persist_directory=index)


def build(index: str, corpus: str, model: str) -> None:
    from langchain_core.documents import Document
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    files = [Document(path.read_text(encoding="utf-8"), metadata={"document": path.stem}) for path in sorted(Path(corpus).glob("*.md"))]
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200, add_start_index=True)
    store(index, model).add_documents(splitter.split_documents(files))


def cold(index: str, model: str, question: str) -> None:
    print(store(index, model).similarity_search(question, k=K)[0].page_content)


def warm(index: str, model: str, questions: str) -> None:
    import psutil

    asked = json.loads(Path(questions).read_text(encoding="utf-8"))
    opened = store(index, model)
    for question in asked[:20]:
        opened.similarity_search(question, k=K)
    seconds, found = [], []
    for question in asked:
        start = time.perf_counter()
        hits = opened.similarity_search(question, k=K)
        seconds.append(time.perf_counter() - start)
        places = [(h.metadata["document"], h.metadata["start_index"], len(h.page_content)) for h in hits]
        found.append([(ident, start, start + length) for ident, start, length in places])
    print(json.dumps({"seconds": seconds, "found": found, "rss": psutil.Process().memory_info().rss}))


if __name__ == "__main__":
    {"build": build, "cold": cold, "warm": warm}[sys.argv[1]](*sys.argv[2:])
