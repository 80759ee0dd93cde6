"""What a sentence claims, as far as words show it: figures with their units, negation, obligation, quantity, direction, names.

`differences` compares a claim with its evidence in each of these; `advisor/verify.py` weighs them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from advisor.figures import agree, close, covers, figures, worked_out
from advisor.query import ALIKE, stem, words_of
from advisor.words import FUNCTION_WORDS

NOTHING: frozenset[str] = frozenset()
_NEGATION = re.compile(
    r"\b(?:not|no|none|never|neither|nor|cannot|without|lacks?|lacked|fails?|failed|nobody|nothing|hardly|unable|un(?:likely|common|necessary|needed)|needless|exclud\w+|except|instead of|rather than|refus\w+|den(?:y|ies|ied)|absent|stopped|ended|ceased)\b|n['’]t\b",
    re.I,
)
_LEVELS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("must", re.compile(r"\b(?:must|requir\w+|mandator\w+|has to|have to|had to|obligat\w+|need(?:s|ed)?|necessary|only if|essential|compulsory|insist\w*|demand\w*|shall|prerequisite|cannot|always|guarantee\w*|ensur\w+|will)\b", re.I)),
    ("should", re.compile(r"\b(?:should|prefer\w*|favou?r\w*|recommend\w*|expect\w*|advis\w+|desir\w+|ideal\w*|suggest\w*|encourag\w+|usual\w*|typical\w*|general\w*|normal\w*|tends?)\b", re.I)),
    ("may", re.compile(r"\b(?:may|might|can|could|option\w*|voluntar\w*|possibl\w*|allow\w*|perhaps|free to|likely|sometimes|occasional\w*|often|permit\w*)\b", re.I)),
)  # fmt: skip
_QUANTITIES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("all", re.compile(r"\b(?:all|every|each|entire\w*|whole|any|always|everyone|fully|universal\w*)\b", re.I)),
    ("most", re.compile(r"\b(?:most|majority|mostly|mainly|largely|usually|typically|more than half|nearly all|almost all|commonly|generally)\b", re.I)),
    ("some", re.compile(r"\b(?:some|several|many|often|various|sometimes|a number of|frequently)\b", re.I)),
    ("few", re.compile(r"\b(?:few|fewer|rarely|seldom|hardly|minority|little|rare|uncommon|scarce\w*)\b", re.I)),
    ("none", re.compile(r"\b(?:none|never|neither|nobody|nothing|no)\b", re.I)),
    ("only", re.compile(r"\b(?:only|just|solely|exclusively|alone|merely|unless)\b", re.I)),
)  # fmt: skip
_CONDITION = re.compile(r"\b(?:if|unless|except|provided|only when|as long as|depending|where|but not|other than|until)\b", re.I)
_DIRECTIONS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("up", re.compile(r"\b(?:more|higher|highest|ris\w+|rose|increas\w+|above|longer|longest|greater|greatest|exceed\w*|over|gr(?:ow|ew|own|owth)\w*|larger|largest|most|beyond|up|at least|minimum|better|best|gain\w*|improv\w+|climb\w*|doubl\w+|ahead|stronger|widen\w*|outnumber\w*|top)\b", re.I)),
    ("down", re.compile(r"\b(?:less|lower|lowest|lowered|fewer|fewest|decreas\w+|below|shorter|shortest|smaller|smallest|fell|fall\w*|declin\w+|drop\w*|under|at most|maximum|down|worse|worst|least|reduc\w+|cut|cuts|shr[aiu]nk\w*|behind|weaker|up to|no more than|within|los[est]\w*|trail\w*)\b", re.I)),
    ("before", re.compile(r"\b(?:before|earlier|prior|first|until|previous\w*|former\w*|early|ago|precede\w*)\b", re.I)),
    ("after", re.compile(r"\b(?:after|later|then|since|following|subsequent\w*|next|once|from|latest|late)\b", re.I)),
)  # fmt: skip
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b(?:[A-Z][a-zà-ÿ]+|[A-Z]{2,}[A-Za-z]*s?|[A-Z]+\d+|[A-Z]\.[A-Z]\.?)(?:['’]s)?\b")
_CLAUSE = re.compile(r"\s*(?:[;:]|,|\band\b|\bbut\b|\bwhile\b|\bwhich\b|\bwho\b|\bbecause\b|\bso\b|\bthan\b|\bagainst\b|\s-\s)\s*")

FEATURES = (
    "words held", "words held alone", "words missing", "rare words missing", "evidence words said", "pairs held", "longest run",
    "figures", "figures missing", "figures missing whatever their unit", "figures worked out", "figures among other words", "years missing",
    "figures rounded",
    "names missing", "acronyms missing", "negation differs", "negation added", "negation taken", "obligation raised", "obligation lowered",
    "must added", "may taken", "quantity differs", "all added", "only added", "most added", "none added", "up for down", "down for up",
    "before for after", "direction added", "words", "evidence's words", "order kept", "worst clause held",
    "condition added", "condition taken",
)  # fmt: skip


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    ordered = tuple(stem(w) for w in words_of(text) if w.lower() not in FUNCTION_WORDS)
    return ordered, frozenset(ordered)


@lru_cache(maxsize=8192)
def _levels(text: str, table: tuple[tuple[str, re.Pattern[str]], ...]) -> dict[str, bool]:
    return {name: pattern.search(text) is not None for name, pattern in table}


def differences(claim: str, evidence: str, context: str, rarity: dict[str, float]) -> list[float]:
    """The features of `FEATURES`: how a claim differs from its evidence; `rarity` weighs the claim's stems."""
    said, said_set = _read(claim)
    held, held_set = _read(evidence)
    around = held_set | _read(context)[1]
    weight = {s: rarity.get(s, 0.5) for s in said_set}
    total = sum(weight.values()) or 1.0
    soft = {
        s: 1.0 if s in around else 0.8 if ALIKE.get(s, NOTHING) & around else 0.6 if any(_kin(s, h) for h in around) else 0.0
        for s in said_set
    }
    missing = [s for s in said_set if not soft[s]]
    pairs = set(pairwise(said))
    runs = _longest_run(said, held)
    row = [
        sum(weight[s] * soft[s] for s in said_set) / total,
        sum(weight[s] for s in said_set if s in held_set) / total,
        float(len(missing)),
        max((weight[s] for s in missing), default=0.0),
        len(held_set & said_set) / max(1, len(held_set)),
        len(pairs & set(pairwise(held))) / max(1, len(pairs)),
        runs / max(1, len(said)),
    ]
    row += _figures(claim, evidence, context)
    names = {m.group().rstrip("s'’") for m in _NAME.finditer(claim)}
    known = f"{evidence} {context}".casefold()
    unknown = [n for n in names if n.casefold() not in known]
    row += [float(len(unknown)), float(sum(n.isupper() and len(n) > 1 for n in unknown))]
    no, no_held = bool(_NEGATION.search(claim)), bool(_NEGATION.search(evidence))
    row += [float(no != no_held), float(no and not no_held), float(no_held and not no)]
    level, level_held = _levels(claim, _LEVELS), _levels(evidence, _LEVELS)
    strongest = _strength(level) - _strength(level_held)
    row += [
        max(0.0, strongest),
        max(0.0, -strongest),
        float(level["must"] and not level_held["must"]),
        float(level_held["may"] and not level["may"]),
    ]
    much, much_held = _levels(claim, _QUANTITIES), _levels(evidence, _QUANTITIES)
    added = {name: float(much[name] and not much_held[name]) for name in much}
    row += [sum(added.values()), added["all"], added["only"], added["most"], added["none"]]
    way, way_held = _levels(claim, _DIRECTIONS), _levels(evidence, _DIRECTIONS)
    row += [
        float(way["up"] and not way_held["up"] and way_held["down"]),
        float(way["down"] and not way_held["down"] and way_held["up"]),
        float(
            (way["before"] and not way_held["before"] and way_held["after"])
            or (way["after"] and not way_held["after"] and way_held["before"])
        ),
        float(sum(way[name] and not way_held[name] for name in way)),
    ]
    row += [float(len(said)), float(len(held)), _order(said, held)]
    clauses = [_read(c)[1] for c in _CLAUSE.split(claim)]
    condition, condition_held = bool(_CONDITION.search(claim)), bool(_CONDITION.search(evidence))
    row.append(min((sum(soft[s] for s in c) / len(c) for c in clauses if len(c) > 1), default=row[0]))
    return [*row, float(condition and not condition_held), float(condition_held and not condition)]


def _figures(claim: str, evidence: str, context: str) -> list[float]:
    mine, theirs = figures(claim), [*figures(evidence), *figures(context)]
    exact = [[t for t in theirs if agree(f, t)] for f in mine]
    absent = [f for f, found in zip(mine, exact, strict=True) if not found and not (f.value <= 2 and not f.unit)]
    missing = [f for f in absent if not any(covers(f, t) for t in theirs)]
    loose = [f for f in missing if not any(close(f, t) for t in theirs)]
    worked = [f for f in loose if worked_out(f, theirs)]
    apart = 1.0
    for figure, found in zip(mine, exact, strict=True):
        if found and figure.near:
            apart = min(apart, max(len(figure.near & t.near) for t in found) / len(figure.near))
    years = [f for f in missing if f.unit == "year"]
    row = [len(mine), len(missing), len(loose) - len(worked), len(worked), apart, len(years), len(absent) - len(missing)]
    return [float(value) for value in row]


def _strength(levels: dict[str, bool]) -> float:
    return 3.0 if levels["must"] else 2.0 if levels["should"] else 1.0 if levels["may"] else 1.5


def _kin(a: str, b: str) -> bool:
    """Whether two stems are of one family, such as `certif` and `certifi`."""
    return len(a) > 4 and len(b) > 4 and a[:5] == b[:5]


def _longest_run(said: Sequence[str], held: Sequence[str]) -> int:
    best, before = 0, [0] * (len(held) + 1)
    for s in said:
        row = [0] * (len(held) + 1)
        for j, h in enumerate(held, 1):
            if s == h:
                row[j] = before[j - 1] + 1
                best = max(best, row[j])
        before = row
    return best


def _order(said: Sequence[str], held: Sequence[str]) -> float:
    """The share of shared words next to each other in the claim that stand in the same order in the evidence."""
    places = [held.index(s) for s in said if s in held]
    steps = list(pairwise(places))
    return sum(a < b for a, b in steps) / len(steps) if steps else 1.0
