"""Learns `reader.npz` and `plain.npz` of `advisor/`: the embedding model's upper layers, anew, to read a question and a sentence together.

The lower layers stay as they are, so what comes out of them is made once. The reader learns whether one of a question's best sentences
answers, from the same rows as the decision; what its verdict is worth beside the trees' is measured on questions that neither had seen.
The plain one, for guidance whose sections list no questions, goes on from there with texts on other careers.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from advisor import decide, reader
from advisor.encode import PACKAGED, model_folder
from evals.learn import FALSELY, FOLDS, Row, fold_of

LEARNT = 4  # layers, the uppermost
EPOCHS, RATE, RATE_PLAIN, BATCH, DROPPED = 3, 2e-4, 1.5e-4, 16, 0.1
SENTENCES = 0.3  # what the verdict on each sentence weighs beside that on the question
WEIGHTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
MARGINS = (1.0, 1.5, 2.0)  # log odds about the bar within which the reader is asked
WORTH = 0.005  # of what is declined, for which a wider one is taken: each takes more time
SHARES = (0.02, 0.03, 0.04, 0.05)
OTHERS = 0.5  # what a row of guidance on something else weighs
# What a verdict weighs where no questions are listed: 1.0 would decline more on other careers, and less on articles about anything
# (CLAPNQ). The share of answerable questions on other careers that may be declined: most of those to decline are very near misses.
PLAIN_WEIGHT, FALSELY_PLAIN = 0.3, 0.12
PARTS = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense", "attention.output.LayerNorm",
    "intermediate.dense", "output.dense", "output.LayerNorm",
)  # fmt: skip
States = list[Any]  # of a question and each of its sentences, shape (tokens, dimensions), half precision


class Layers:
    """The embedding model's parameters, and how they are run; the `learnt` uppermost layers are learnt anew."""

    def __init__(self, learnt: int = LEARNT, most: tuple[int, int] = reader.QUESTION) -> None:
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        folder = Path(model_folder(PACKAGED))
        held = load_file(next(folder.rglob("model.safetensors")))
        self.held = {name.removeprefix("bert."): values.float() for name, values in held.items()}
        self.tokenizer = Tokenizer.from_file(str(next(folder.rglob("tokenizer.json"))))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self.count = 1 + max(int(name.split(".")[2]) for name in self.held if name.startswith("encoder.layer."))
        self.dimensions = int(self.held["embeddings.LayerNorm.weight"].shape[0])
        self.upper = range(self.count - learnt, self.count)
        self.lower = [self.of(number) for number in range(self.count - learnt)]
        self.most = most

    def of(self, number: int) -> dict[str, Any]:
        names = [f"{part}.{kind}" for part in PARTS for kind in ("weight", "bias")]
        return {name: self.held[f"encoder.layer.{number}.{name}"].clone() for name in names}

    def states(self, question: str, texts: Sequence[str]) -> States:
        """What the layers that stay say of a question with each text."""
        pairs = [reader.paired(self.tokenizer, question, text, self.most) for text in texts]
        ids, mask = padded([np.array(one) for one, _ in pairs])
        kinds, _ = padded([np.array(kind) for _, kind in pairs])
        made = self._below(ids, kinds, mask)
        return [made[row, : len(one)].copy() for row, (one, _) in enumerate(pairs)]

    def below(self, ids: Sequence[int], kinds: Sequence[int]) -> Any:
        """What the layers that stay say of each token of a text, shape (tokens, dimensions)."""
        every = torch.ones((1, len(ids)), dtype=torch.bool)
        return self._below(torch.tensor([ids]), torch.tensor([kinds]), every)[0]

    def _below(self, ids: Any, kinds: Any, mask: Any) -> Any:
        with torch.inference_mode():
            held = {name.removeprefix("embeddings."): values for name, values in self.held.items() if name.startswith("embeddings.")}
            x = held["word_embeddings.weight"][ids] + held["token_type_embeddings.weight"][kinds]
            x = normed(held, "LayerNorm", x + held["position_embeddings.weight"][: ids.shape[1]])
            for layer in self.lower:
                x = run(layer, x, mask)
            return x.half().numpy()


def normed(held: Any, name: str, x: Any) -> Any:
    return functional.layer_norm(x, x.shape[-1:], held[f"{name}.weight"], held[f"{name}.bias"], 1e-12)


def run(held: Any, x: Any, mask: Any, dropped: float = 0.0, *, first: bool = False, width: int = 32) -> Any:
    """One layer of BERT; with `first`, of the first token alone."""

    def linear(name: str, x: Any) -> Any:
        return functional.linear(x, held[f"{name}.weight"], held[f"{name}.bias"])

    def heads(name: str, x: Any) -> Any:
        return linear(name, x).view(len(x), x.shape[1], -1, width).transpose(1, 2)

    asked = x[:, :1] if first else x
    query, key, value = (heads(name, y) for name, y in zip(PARTS[:3], (asked, x, x), strict=True))
    seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
    seen = linear(PARTS[3], seen.transpose(1, 2).flatten(2))
    asked = normed(held, PARTS[4], asked + functional.dropout(seen, dropped))
    thought = linear(PARTS[6], functional.gelu(linear(PARTS[5], asked)))
    return normed(held, PARTS[7], asked + functional.dropout(thought, dropped))


class Top(torch.nn.Module):  # type: ignore[misc]
    """The layers that are learnt, and the head."""

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        named = [{name.replace(".", "|"): torch.nn.Parameter(v) for name, v in layers.of(n).items()} for n in layers.upper]
        self.layers = torch.nn.ModuleList([torch.nn.ParameterDict(one) for one in named])
        self.head = torch.nn.Linear(layers.dimensions, 1)
        torch.nn.init.normal_(self.head.weight, std=0.02)
        torch.nn.init.zeros_(self.head.bias)

    def forward(self, states: States) -> Any:
        x, mask = padded(states)
        dropped = DROPPED if self.training else 0.0
        for number, layer in enumerate(self.layers):
            held = {name.replace("|", "."): values for name, values in layer.items()}
            x = run(held, x.float(), mask, dropped, first=number == len(self.layers) - 1)
        return self.head(functional.dropout(x[:, 0], dropped))[:, 0]


def padded(rows: Sequence[Any]) -> tuple[Any, Any]:
    """Arrays of unlike length as one tensor, and where they are."""
    longest = max(map(len, rows))
    made = np.zeros((len(rows), longest, *rows[0].shape[1:]), dtype=rows[0].dtype)
    mask = np.zeros((len(rows), longest), dtype=bool)
    for at, row in enumerate(rows):
        made[at, : len(row)], mask[at, : len(row)] = row, True
    return torch.from_numpy(made), torch.from_numpy(mask)


def labels_of(row: Row) -> list[float] | None:
    """Which of the sentences that are read answer, where that is known."""
    if not row.answered:
        return [0.0] * len(row.read[1])
    return [float(label) for label in row.holding] if any(row.holding) else None


def fitted(layers: Layers, rows: Sequence[Row], states: Sequence[States], start: Path | None = None) -> Top:
    """The top layers learnt from rows; where a file is to be the start, on from there."""
    torch.manual_seed(0)
    top = Top(layers)
    if start:
        restore(layers, top, start)

    def lost(batch: Any) -> Any:
        made = top([one for at in batch for one in states[at]]).float()
        scores = made.split([len(states[at]) for at in batch])
        return sum(loss(rows[at], one) for at, one in zip(batch, scores, strict=True)) / sum(rows[at].weight for at in batch)

    descend(top, np.array([max(map(len, one)) for one in states]), lost, "reader", EPOCHS, RATE_PLAIN if start else RATE)
    return top


def descend(top: Top, lengths: Any, loss: Callable[[Any], Any], what: str, epochs: int, rate: float) -> None:
    """Learns by the loss on the rows of a batch, in epochs over batches of alike length; the head five times as fast."""
    chance = np.random.default_rng(0)
    top.train()
    learner = torch.optim.AdamW([{"params": top.layers.parameters()}, {"params": top.head.parameters()}], weight_decay=0.01)
    halves = torch.cpu.get_capabilities().get("avx512_bf16", False)  # where the processor has none, half precision takes many times as long
    steps, step = epochs * -(-len(lengths) // BATCH), 0
    for epoch in range(epochs):
        losses = []
        for batch in batches(lengths, chance):
            for group, fast in zip(learner.param_groups, (rate, rate * 5), strict=True):
                group["lr"] = fast * min(1.0, step / (0.1 * steps + 1)) * max(0.02, 1 - step / steps)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=halves):
                lost = loss(batch)
            learner.zero_grad()
            lost.backward()
            torch.nn.utils.clip_grad_norm_(top.parameters(), 1.0)
            learner.step()
            losses.append(float(lost.detach()))
            step += 1
        print(f"{what}: epoch {epoch + 1} of {epochs}, loss {np.mean(losses):.3f}", file=sys.stderr, flush=True)
    top.eval()


def restore(layers: Layers, top: Top, path: Path) -> None:
    """Makes the layers what the file of a cross-encoder holds."""
    with torch.no_grad():
        for name, difference in reader.differences(path).items():
            if name.startswith("head."):
                top.head.get_parameter(name[5:]).copy_(torch.from_numpy(difference))
                continue
            _, _, number, *rest = name.split(".")
            parameter = top.layers[int(number) - layers.upper[0]]["|".join(rest)]
            parameter.copy_(parameter + torch.from_numpy(difference))
    top.eval()


def batches(lengths: Any, chance: Any) -> Iterator[Any]:
    """Every row once, in random batches of alike length."""
    order, made = chance.permutation(len(lengths)), []
    for start in range(0, len(order), BATCH * 16):
        part = order[start : start + BATCH * 16]
        part = part[np.argsort(lengths[part])]
        made += [part[at : at + BATCH] for at in range(0, len(part), BATCH)]
    chance.shuffle(made)
    yield from made


def loss(row: Row, scores: Any) -> Any:
    """How wrong the verdicts on a row's sentences are, together and, where known, each alone."""
    entropy = functional.binary_cross_entropy_with_logits
    lost = entropy(scores.logsumexp(0) - np.log(len(scores)), torch.tensor(float(row.answered)))
    labels = labels_of(row)
    return row.weight * (lost if labels is None else lost + SENTENCES * entropy(scores, torch.tensor(labels)))


def learn_reader(rows: Sequence[Row], odds: Any, others: Sequence[Row]) -> dict[str, Any]:
    """What `reader.npz` holds; `odds` are the trees' on each row, from trees that had not seen it.

    Rows of guidance on something else only help to learn to read.
    """
    others = [replace(row, weight=row.weight * OTHERS) for row in others]
    layers, top, verdicts = learnt_and_left_out(rows, others, reader.BEST)
    judged = np.array([row.judged for row in rows])
    settings = worth(odds[judged], verdicts[judged], np.array([row.answered for row in rows])[judged])
    return {"model": PACKAGED, **settings, **changes(layers, top)}


def learn_plain(rows: Sequence[Row], odds: Any, others: Sequence[Row]) -> dict[str, Any]:
    """What `plain.npz` holds, from rows of texts on other careers, a text being left out with all that is asked about it.

    `others` are of texts that the reader has learnt from already. Its verdict is always asked for: where no questions are listed
    the trees know little.
    """
    layers, top, verdicts = learnt_and_left_out(rows, others, reader.BEST_PLAIN, reader.READER)
    judged = np.array([row.judged for row in rows])
    answered, odds, verdicts = np.array([row.answered for row in rows])[judged], odds[judged], verdicts[judged]
    bar = math.log(decide.threshold() / (1 - decide.threshold()))
    shift = float(np.quantile((odds + PLAIN_WEIGHT * verdicts)[answered], FALSELY_PLAIN)) - bar
    return {"model": PACKAGED, "weight": PLAIN_WEIGHT, "shift": shift, "margin": math.inf, **changes(layers, top)}


def learnt_and_left_out(rows: Sequence[Row], others: Sequence[Row], most: int, start: Path | None = None) -> tuple[Layers, Top, Any]:
    """The layers as learnt from all, and the best verdict on the first sentences of each of `rows` by some that had not seen it."""
    torch.set_num_threads(1)
    layers, count = Layers(), len(rows)
    rows = [row if row.read[1] else replace(row, read=(row.read[0], ("",))) for row in (*rows, *others)]
    states = [layers.states(*row.read) for row in rows]
    folds = np.array([fold_of(row.group) if at < count else FOLDS for at, row in enumerate(rows)])
    verdicts = np.zeros(count)
    for fold in range(FOLDS):
        rest = np.flatnonzero(folds != fold)
        top = fitted(layers, [rows[i] for i in rest], [states[i] for i in rest], start)
        with torch.inference_mode():
            for i in np.flatnonzero(folds == fold):
                verdicts[i] = top(states[i][:most]).max().item()  # the first that answers decides: so does the best
    return layers, fitted(layers, rows, states, start), verdicts


def worth(odds: Any, verdicts: Any, answered: Any) -> dict[str, float]:
    """The weight of the reader's verdict, and where it is asked, with which the most is declined, and what keeps the bar in its place.

    The most on average over some shares of answerable questions declined, since at one alone it hangs on a few questions.
    """

    def declined(weight: float, margin: float) -> float:
        both = read_with(odds, verdicts, weight, bar, margin)
        return float(np.mean([(both[~answered] < np.quantile(both[answered], share)).mean() for share in SHARES]))

    bar = float(np.quantile(odds[answered], FALSELY))
    best = [max((declined(weight, margin), weight) for weight in WEIGHTS) for margin in MARGINS]
    share, weight, margin = next((s, w, m) for (s, w), m in zip(best, MARGINS, strict=True) if s >= max(best)[0] - WORTH)
    shift = float(np.quantile(read_with(odds, verdicts, weight, bar, margin)[answered], FALSELY)) - bar
    print(f"reader: weight {weight} within {margin}, {declined(0.0, margin):.3f} declined without it, {share:.3f} with it", flush=True)
    return {"weight": weight, "shift": shift, "margin": margin}


def read_with(odds: Any, verdicts: Any, weight: float, bar: float, margin: float) -> Any:
    """The odds with the reader's verdict, where it is asked."""
    return np.where(np.abs(odds - bar) < margin, odds + weight * verdicts, odds)


def changes(layers: Layers, top: Top) -> dict[str, Any]:
    """How the learnt layers differ, in steps of 1/127 of each row's largest part, and the head."""
    made: dict[str, Any] = {"head.weight": top.head.weight.detach().numpy(), "head.bias": top.head.bias.detach().numpy()}
    for number, layer in zip(layers.upper, top.layers, strict=True):
        for name, before in layers.of(number).items():
            name_here = f"encoder.layer.{number}.{name}"
            difference = (layer[name.replace(".", "|")].detach() - before).numpy()
            if difference.ndim == 1:
                made[name_here] = difference.astype(np.float16)
                continue
            steps = np.abs(difference).max(axis=1, keepdims=True) / 127 + 1e-12
            made[name_here], made[f"{name_here} step"] = np.round(difference / steps).astype(np.int8), steps.astype(np.float32)
    return made
