"""Small talk is answered as such, and nothing that is a question is taken for it."""

from __future__ import annotations

import pytest

from advisor.smalltalk import Replies

REPLIES = Replies({n: n for n in ("greeting", "thanks", "farewell", "about", "help", "scope", "decline", "professional")})


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("hi", "greeting"), ("Good morning!", "greeting"), ("Hello there, how are you?", "greeting"),
        ("thanks", "thanks"), ("Thank you so much, that was helpful!", "thanks"), ("perfect", "thanks"),
        ("bye", "farewell"), ("see you later", "farewell"),
        ("Who are you?", "about"), ("are you a real person", "about"),
        ("What can you do?", "help"), ("help", "help"), ("what questions can I ask you?", "help"),
        ("Is this legal advice?", "scope"),
    ],
)  # fmt: skip
def test_small_talk_gets_its_reply(said: str, reply: str) -> None:
    answered = REPLIES.to(said)
    assert answered is not None
    assert (answered.outcome, answered.text) == ("chat", reply)


@pytest.mark.parametrize(
    "asked",
    [
        "Can I sue my hospital?", "Is my non-compete enforceable?", "Can I deduct the MBA on my tax return?",
        "How many mg of metoprolol for a fib?", "Should I apply for a green card through my hospital?",
    ],
)  # fmt: skip
def test_a_case_for_another_professional_is_declined_and_said_so(asked: str) -> None:
    answered = REPLIES.to(asked)
    assert answered is not None
    assert (answered.outcome, answered.text) == ("declined", "professional")


@pytest.mark.parametrize(
    "asked",
    [
        "What can a CMO do about burnout?", "Hi, do I need an MBA?", "Thanks. What about pay?", "Who are the people a CMO reports to?",
        "What do you do after a medical director role?", "What can I do to become a CMO?", "Great answers in interviews: what are they?",
        "What is a non-compete clause?", "What should a good CMO know about malpractice?", "Tell me about fellowships",
        "I'm in medical affairs. What do I do?", "I chair the credentials committee. What can I do now?",
    ],
)  # fmt: skip
def test_a_question_is_not_taken_for_small_talk(asked: str) -> None:
    assert REPLIES.to(asked) is None
