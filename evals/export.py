"""Runs in the forms that other evaluation tools read; none of them is needed here."""

from __future__ import annotations

import json
from collections.abc import Sequence

from evals.table import Row

FORMS = ("ragas", "inspect")


def exported(form: str, rows: Sequence[Row]) -> str:
    """JSON lines: for RAGAS user_input, retrieved_contexts, response, reference; for Inspect input, target, id, metadata.

    The reference is the first alternative of each expected fact. Declined questions keep their plain refusal.
    """
    made = []
    for row in rows:
        contexts = [c["passage"] for c in row["citations"]]
        reference = "; ".join(fact[0] for fact in row["facts"])
        if form == "ragas":
            made.append({"user_input": row["turns"][-1], "retrieved_contexts": contexts, "response": row["text"], "reference": reference})
        else:
            about = {"suite": row["suite"], "answer": row["text"], "contexts": contexts, "outcome": row["outcome"], "tags": row["tags"]}
            made.append({"id": row["id"], "input": row["turns"][-1], "target": reference or row["expected"], "metadata": about})
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in made)
