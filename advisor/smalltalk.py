"""Greetings, thanks and questions about the advisor itself, answered as such and nothing more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from advisor.types import Outcome

_FILLER = r"(?:[\s,.!]*(?:there|all|everyone|again|doc|doctor|advisor|bot|friend|team|sir|so much|very much|a lot|a million|for (?:that|this|the|your|all)[\w\s]{0,40}|you|to you|now|then|that|this|was|is|it|really|very|great|helpful|useful|good|perfect|nice|awesome|day|today|one|for now|and|next time|later|soon|see you|bye|anyone home|any(?:body|one)(?: there| home| here)?|how are you(?: doing)?(?: today)?))*"
_END = r"[\s.!?,:;)(❤-🙏👍😀-🙏-]*$"
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.I))
    for name, pattern in (
        ("greeting", rf"^\W*(?:hi+|hello+|hey+|hiya|howdy|yo|greetings|good (?:morning|afternoon|evening|day)|g'?day|what'?s up|sup|how are you(?: doing)?(?: today)?|nice to meet you|any(?:body|one) (?:there|home|here)|are you there|test|testing){_FILLER}{_END}"),
        ("thanks", rf"^\W*(?:ok(?:ay)?,?\s+|great,?\s+|perfect,?\s+|wow,?\s+)?(?:thanks?|thank you|thx|ty|cheers|much appreciated|appreciate it|i appreciate|great(?: answer| help| stuff)?|perfect|awesome|brilliant|excellent|(?:that|this|it)(?:'s| is| was) (?:very |really |so )?(?:helpful|useful|great|good|perfect|clear|all)|(?:very |super )?helpful|got it|makes sense|ok|okay|cool|nice){_FILLER}{_END}"),
        ("farewell", rf"^\W*(?:ok(?:ay)?,?\s+)?(?:bye+|goodbye|good ?bye|see you|see ya|farewell|good night|talk (?:to you )?(?:later|soon)|that'?s all|i'?m done|have a (?:good|nice|great)){_FILLER}{_END}"),
        ("about", r"^\W*(?:hi,?\s+|hello,?\s+|so,?\s+|but\s+)?(?:who|what) (?:exactly )?(?:are|r) (?:you|u)\b[\w\s]{0,20}[?.!]*$|\bwho (?:made|built|created|wrote|runs|trained) (?:you|this)\b|\b(?:are|r) (?:you|u) (?:an?\s+)?(?:real|human|bot|robot|person|ai|a\.i\.|chatbot|machine|llm|language model|chatgpt|gpt|computer|doctor|physician|lawyer|live)\b|\bam i (?:talking|speaking|chatting) (?:to|with)\b|^\W*(?:tell me about|introduce) yourself\b|\bwhat(?:'s| is) your (?:name|purpose|job)\b|\bdo you have a name\b|\bwhat is this(?: (?:thing|site|page|app|bot|tool|chat))?\??$"),
        ("help", r"^\W*(?:help|help me|menu|commands|start|/help|/start)\W*$|\bwhat (?:(?:can|could|do) (?:you|u) (?:do|help|answer|know|offer|ask)|(?:can|could|do) i ask(?: you)?)\b(?!.*\b(?:cmo|physician|career|degree|role|after|before|when|to become|if)\b)|\bhow (?:can|do|does|could) (?:you (?:help|work)|this work|i use (?:you|this))\b|\bwhat (?:topics|questions|subjects|(?:kinds?|sorts?|types?) of (?:questions|things|topics|stuff))\b.*\b(?:you|i ask)\b|\bwhere (?:do|does) (?:you|your) (?:get|information|answers|knowledge)|\bwhat (?:are your sources|sources do you use)\b"),
        ("scope", r"\b(?:is|are|does|do) (?:this|you|these|your answers?|that)\b.{0,40}\b(?:legal|tax|medical|clinical|immigration|financial) advice\b|\b(?:can|do|could|will) you (?:give|offer|provide)(?: me)?\b.{0,30}\b(?:legal|tax|medical|clinical|immigration|financial) advice\b"),
    )
)  # fmt: skip

# A personal case that wants a professional of another kind, whatever the guidance says around it.
_PROFESSIONAL = re.compile(
    r"\b(?:can|should|could|may) i sue\b|\b(?:sue|suing) my\b|\b(?:is|are) my\b.{0,60}\b(?:enforceable|legal|illegal|valid|binding|deductible|taxable)\b"
    r"|\b(?:deduct|write off|claim)\b.{0,40}\b(?:tax|taxes|return|irs)\b|\bmy (?:tax|taxes|tax return)\b"
    r"|\b(?:apply|file|filing|renew|extend|transfer|sponsor|petition|switch)\b.{0,40}\b(?:visa|green card|h-?1b|j-?1|o-?1|eb-?\d)\b"
    r"|\bmy (?:lawsuit|malpractice (?:case|suit|claim))\b|\b(?:file|filing) (?:a )?(?:lawsuit|for bankruptcy)\b"
    r"|\bhow (?:much|many)\b.{0,30}\b(?:mg|milligrams|units of)\b|\b(?:dosage|dosing|dose of|mg/kg|side effects of|treatment (?:of|for) (?:my|a patient)|differential diagnosis|first-line (?:therapy|treatment|drug)|my (?:symptoms|rash|chest pain|headache|blood pressure))\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said, and whether it is small talk or a question that is declined."""

    outcome: Outcome
    text: str


@dataclass(frozen=True, slots=True)
class Replies:
    """The advisor's own words, read from `prompts/`."""

    texts: Mapping[str, str]

    def to(self, question: str) -> Reply | None:
        """The reply to small talk or to a question for another professional; None for all else."""
        for name, pattern in _PATTERNS:
            if pattern.search(question.strip()):
                return Reply("chat", self.texts[name])
        if _PROFESSIONAL.search(question):
            return Reply("declined", self.texts["professional"])
        return None

    def decline(self) -> str:
        return self.texts["decline"]
