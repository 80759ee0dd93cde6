"""Claims made from sentences by rule: said in nearly the same words, or changed in one place so that they no longer hold.

People write pairs that are hard in meaning; these teach to look at every word, and cost nothing. None is measured on.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence

from evals.rewording import amounts, moved, other_amounts, turned_round
from evals.support import Pair

MOVED = 0.5  # of the claims, those said in another order or with other figures, where that can be done

_SAME = tuple(
    tuple(pair.split(" = "))
    for pair in (
        "physician = doctor|physicians = doctors|about = roughly|must = has to|requires = demands|often = frequently|"
        "usually = typically|four = 4|more than = over|less than = under|because = since|begin = start|begins = starts|"
        "help = assist|such as = for example|job = position|leads = heads|led = headed|chooses = selects|hire = recruit|"
        "United States = US|many = a lot of|shows = demonstrates|large = big|needs = requires|get = obtain|"
        "answers to = reports to|percent = per cent|chief medical officer = CMO|Chief Medical Officer = CMO|"
        "CMO = chief medical officer|organization = institution|role = position|should = ought to|study = research|"
        "survey = poll|found = reported|at least = no fewer than|two = 2|three = 3|five = 5|ten = 10"
    ).split("|")
)
_OTHER = tuple(
    tuple(pair.split(" = "))
    for pair in (
        "more = less|less = more|higher = lower|lower = higher|increase = decrease|rose = fell|fell = rose|"
        "increased = decreased|before = after|after = before|always = never|all = few|most = few|many = few|few = most|some = all|"
        "often = rarely|usually = rarely|"
        "can = cannot|may = must|should = must|might = will|must = may|at least = at most|at most = at least|first = last|longer = shorter|"
        "larger = smaller|and = but not|with = without|inside = outside|required = optional|optional = required|require = forbid|"
        "requires = forbids|public = private|internal = external|no = every|never = always|rather than = and|instead of = along with|"
        "more than = fewer than|begins = ends|best = worst|early = late|under = over|over = under|up = down|without = with|only = also|"
        "can = must|help = prevent|allow = forbid|allows = forbids|improve = worsen|grew = shrank|won = lost|born = died|north = south|"
        "east = west|oldest = youngest|known = unknown|typically = never"
    ).split("|")
)
_NUMBER = re.compile(r"\b\d[\d,]*(?:\.\d+)?\b")
_VERB = re.compile(r"\b(?:is|are|was|were|can|may|should|must|will|would|has|have|had|does|do|could)\b(?! not)")
_NAME = re.compile(r"(?<!^)(?<![.!?] )\b(?:[A-Z][a-z]+(?: [A-Z][a-z]+)*|[A-Z]{2,5})\b")
_ASIDE = re.compile(r", (?:which|who|where|although|while|because|such as|including|and|but|so|according)[^,.;]*(?=[,.;])")
_OPENING = re.compile(r"^(?:In|As of|By|For|At|On|When|If|After|Before|Under)\b[^,]{3,60}, (\w)")
_DATED = re.compile(r"(?P<said>[A-Z][^,.]{10,}) (?P<when>(?:in|during|since|after|before|by) (?:the )?\d{4})\.$")
_IS = r"(?:is|are|was|were|has|have|must|can|may|should|requires?|needs?)\b"
Section = tuple[str, Sequence[str]]  # what sentences stand under, and they
Change = Callable[[random.Random, str, Sequence[str]], str | None]


def contrasts(sections: Sequence[Section], count: int, seed: int = 5) -> list[Pair]:
    """So many claims about the sections' sentences, half of them supported."""
    chance, made = random.Random(seed), list[Pair]()
    sections = chance.sample(sections, len(sections))
    at = 0
    while len(made) < count:
        under, sentences = sections[at % len(sections)]
        at += 1
        place = chance.randrange(len(sentences))
        before, after = chance.choice((0, 0, 1, 2)), chance.choice((1, 1, 2, 3))
        held = " ".join(sentences[max(0, place - before) : place + after])
        supported = chance.random() < 0.5
        claim = (_kept if supported else _changed)(chance, sentences[place], sentences)
        if claim and (supported or claim not in held):
            label = "supported" if supported else "contradicted"
            made.append(Pair(f"contrast-{len(made)}", claim, held, under, supported, label, "contrast", "tune"))
    return made


def sentences_of(sentences: Iterable[str]) -> list[str]:
    """The sentences that claims can be made from."""
    return [s for s in sentences if 6 <= len(s.split()) <= 45 and s.endswith(".") and not s.startswith(("Asked", "Sources", "|", "-", "*"))]


def _kept(chance: random.Random, sentence: str, _: Sequence[str]) -> str | None:
    claim = (_shorter(chance, sentence) or sentence) if chance.random() < 0.5 else sentence
    if chance.random() < 0.5 and (dated := _DATED.match(claim)):
        claim = f"{dated['when'][0].upper()}{dated['when'][1:]}, {dated['said'][0]}{dated['said'][1:]}."
    if chance.random() < MOVED:
        claim = chance.choice((moved, amounts))(chance, claim) or claim
    said = _reworded(chance, claim)
    return None if said == sentence and chance.random() < 0.5 else said  # some quotes are enough


def _changed(chance: random.Random, sentence: str, others: Sequence[str]) -> str | None:
    claim = (_shorter(chance, sentence) or sentence) if chance.random() < 0.4 else sentence
    changes: tuple[Change, ...] = (_other_number, _other_number, _negated, _opposite, _opposite, _other_name, _mixed)
    said = chance.choice((turned_round, other_amounts))(chance, claim) if chance.random() < MOVED else None
    said = said or chance.choice(changes)(chance, claim, others)
    if said is None or said == claim:
        return None
    return _reworded(chance, said) if chance.random() < 0.6 else said


def _swapped(chance: random.Random, text: str, pairs: Sequence[Sequence[str]], most: int) -> str:
    found = [pair for pair in pairs if re.search(rf"(?<!\w){re.escape(pair[0])}(?!\w)", text)]
    for old, new in chance.sample(found, min(most, len(found))):
        places = list(re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", text))
        if places:
            place = chance.choice(places)
            text = text[: place.start()] + new + text[place.end() :]
    return text


def _reworded(chance: random.Random, text: str) -> str:
    return _swapped(chance, text, _SAME, 3)


def _opposite(chance: random.Random, text: str, _: Sequence[str]) -> str | None:
    return _swapped(chance, text, _OTHER, 1)


def _shorter(chance: random.Random, text: str) -> str | None:
    cut = _ASIDE.sub("", text, count=1)
    if cut == text and chance.random() < 0.5:
        cut = _OPENING.sub(lambda m: m.group(1).upper(), text)
    return cut if cut != text and len(cut.split()) > 5 else None


def _other_number(chance: random.Random, text: str, _: Sequence[str]) -> str | None:
    places = list(_NUMBER.finditer(text))
    if not places:
        return None
    place = chance.choice(places)
    digits = place.group().replace(",", "")
    if re.fullmatch(r"(?:19|20)\d\d", digits):
        other = str(int(digits) + chance.choice((-12, -7, -4, -2, -1, 1, 2, 3, 5, 10)))
    else:
        value = float(digits) * chance.choice((0.5, 2, 1.5, 0.75, 1.2, 0.9, 3, 10, 1.1))
        other = f"{value:.1f}" if "." in digits else f"{max(1, round(value)):,}" if "," in place.group() else str(max(1, round(value)))
        if other == place.group():
            other = str(int(float(digits)) + chance.choice((1, 2, 3)))
    return text[: place.start()] + other + text[place.end() :]


def _negated(chance: random.Random, text: str, _: Sequence[str]) -> str | None:
    if re.search(r"\bnot\b", text) and chance.random() < 0.7:
        return re.sub(r"(?:do|does|did) not |\bnot ", "", text, count=1)
    places = list(_VERB.finditer(text))
    if not places:
        return None
    place = chance.choice(places)
    return f"{text[: place.end()]} not{text[place.end() :]}"


def _other_name(chance: random.Random, text: str, others: Sequence[str]) -> str | None:
    places = list(_NAME.finditer(text))
    if not places:
        return None
    place = chance.choice(places)
    names = sorted({m.group() for s in others for m in _NAME.finditer(s)})
    fitting = [n for n in names if n not in text and n.isupper() == place.group().isupper()]
    return text[: place.start()] + chance.choice(fitting) + text[place.end() :] if fitting else None


def _mixed(chance: random.Random, text: str, others: Sequence[str]) -> str | None:
    other = chance.choice(others)
    subject, rest = re.match(rf"(.{{8,}}?) {_IS}", text), re.search(rf" {_IS}.*", other)
    return subject.group(1) + rest.group() if other != text and subject and rest else None
