"""Who asks must not change the advice: names, gender, origin and school are left out of what is searched.

They stay where the question is about them ("do women earn less?", "does my visa matter?"); what people
have done, where they stand and what they want always stays.
"""

from __future__ import annotations

import re

from advisor.query import asked_and_told

_PERSON = r"(?:(?:Dr|Prof|Mr|Mrs|Ms|Miss)\b\.?\s+(?:[A-Z][\w.'’-]*)(?:\s+[A-Z][\w.'’-]*){0,3}|[A-Z][a-z'’-]+(?:\s+[A-Z][\w.'’-]*){1,3})"
# An introduction by name, and what stands in its place.
_NAMED = (
    (re.compile(rf"\b[Mm]y name(?:'s|’s| is)\s+(?:{_PERSON}|[A-Z][a-z'’-]+)\s*(?:,\s*(?:and\s+)?|and\s+)(?=an?\s)"), "I'm "),
    (re.compile(rf"\b[Mm]y name(?:'s|’s| is)\s+(?:{_PERSON}|[A-Z][a-z'’-]+)(?:\s*,\s*(?:and\s+)?|\s+and\s+)?"), ""),
    (re.compile(rf"\b(?P<am>I'm|I’m|I am|[Tt]his is)\s+{_PERSON}(?P<end>\s*,\s*(?:and\s+)?|\s+and\s+|(?=[.!;]|$))"), r"I'm "),
    (re.compile(rf"(?:^|(?<=[.!?]\s)){_PERSON}\s+here\b\s*[,.:;–—-]*\s*"), "I'm "),
    (re.compile(r"(?:^|(?<=[.!?]\s))(?:Dr|Prof|Mr|Mrs|Ms|Miss)\b\.?\s+[A-Z][\w.'’-]*(?:\s+[A-Z][\w.'’-]*){0,3}\s*,\s*"), "I'm "),
)
_KIND = (
    r"(?:wom[ae]n|female|lady|man|male|guy|girl|mother|father|mom|mum|dad|black|white|african[- ]american|latin[oax]|latine|hispanic|asian|"
    r"south asian|native american|caucasian|arab|muslim|christian|jewish|hindu|sikh|gay|lesbian|queer|trans(?:gender)?|straight|"
    r"(?:she|he|they)/(?:her|him|them)(?:/\w+)?)"
)
_PLACE = r"(?:the\s+)?[A-Z][\w.'’-]*(?:\s+[A-Z][\w.'’-]*)*"
_SCHOOL = rf"(?:an?\s+)?(?:{_PLACE}|(?:an?|my)\s+(?:state|public|private|ivy league|small|local|caribbean|foreign|top)\s+(?:medical\s+)?(?:school|university|college))"
_TOLD = (
    re.compile(
        rf"\(?\b(?:an?\s+)?{_KIND}(?:\s+and\s+(?:an?\s+)?{_KIND})*\s+of\s+\w+(?:\s+(?:kids|children|boys|girls|daughters|sons))?\)?\s*,?",
        re.I,
    ),
    re.compile(rf"\(?\b{_KIND}\b\)?", re.I),
    re.compile(rf"\b(?:born(?:\s+and\s+raised)?|raised|(?:grew|grown)\s+up|originally)\s+(?:in|from)\s+{_PLACE}"),
    re.compile(rf"\b(?:an?\s+)?(?:alum(?:nus|na|ni)?|graduate|grad)\s+(?:of|from)\s+{_SCHOOL}"),
    re.compile(r"\b(?:an?\s+)?[A-Z][\w.'’-]*(?:\s+[A-Z][\w.'’-]*)*\s+(?:alum(?:nus|na)?|graduate|grad)\b"),
    re.compile(
        rf"\b(?:I\s+)?(?:went\s+to|graduated\s+from|attended)\s+(?:medical\s+school\s+at\s+)?{_SCHOOL}(?:\s+for\s+medical\s+school)?"
    ),
)
# What makes such a thing the matter itself.
_ASKED = re.compile(
    r"\b(?:wom[ae]n|females?|m[ae]n|males?|gender\w*|sex\w*|mothers?|fathers?|pregnan\w+|matern\w+|patern\w+|child\w*|kids?|race|racial|racis\w+|"
    r"black|white|latin\w+|hispanic|asian|minorit\w+|under-?represented|divers\w+|equit\w+|discriminat\w+|bias\w*|fair\w*|sponsor\w*|barriers?|glass|"
    r"visas?|immigra\w+|green card|citizen\w*|h-?1b|j-?1|abroad|overseas|foreign\w*|international|imgs?|ecfmg|countr\w+|nationalit\w+|accent\w*|"
    r"schools?|alma mater|pedigree|prestig\w+|universit\w+|colleges?|alumn\w+|religi\w+|hijab|headscarf|gay|lgbt\w*|trans\w*|people like me|look like me|"
    r"outsider\w*|imposter|impostor)\b",
    re.I,
)


def impartial(question: str) -> str:
    """The question without what must not change its answer; as it was where nothing of the kind is told."""
    for pattern, instead in _NAMED:
        question = pattern.sub(instead, question)
    question = re.sub(r"\bI'm (?=[.!;]|$)[.!;]?\s*", "", question).strip()
    focus, profile = asked_and_told(question)
    if not focus or not profile or _ASKED.search(focus):
        return question
    told = profile
    for pattern in _TOLD:
        told = pattern.sub(" ", told)
    return question if told == profile else f"{_mended(told)} {focus}".strip()


def _mended(told: str) -> str:
    """What is left of a telling, without doubled articles, commas and endings that lost their words."""
    told = re.sub(r"\s+", " ", told)
    told = re.sub(r"\b(?:an?|the)\s+(?=(?:an?|the|and|who|with|of)\b|[,.;!?]|$)", "", told, flags=re.I)
    told = re.sub(r"\s+([,.;!?])", r"\1", told)
    told = re.sub(r"(?:,\s*)+(?=[,.;!?]|$)", "", told)
    told = re.sub(r"\b(I'm|I’m|I am)\s*(?:,\s*)?(?:and\s+)?(?=\w)", r"\1 ", told)
    told = re.sub(r"\b(?:I'm|I’m|I am|I)\s*(?:and\s*)?(?:[.;!?]|$)", "", told)
    told = re.sub(r"(^|[.;!?]\s+)(?:and|but|also|here)\b[\s,]*", r"\1", re.sub(r"\s+", " ", told).strip(" ,;."))
    return told[:1].upper() + told[1:] + ("" if told[-1:] in ".!?" or not told else ".")
