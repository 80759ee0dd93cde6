"""Sentences and their exact spans; a wrong cut is a wrong quote."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from advisor.sentences import _LIST_ITEM, split

CASES: list[tuple[str, list[str]]] = [
    ("One sentence. Another one.", ["One sentence.", "Another one."]),
    ("Is it so? Yes! It is.", ["Is it so?", "Yes!", "It is."]),
    ("No full stop at the end", ["No full stop at the end"]),
    # figures
    ("The median was $95.5 thousand. It rose.", ["The median was $95.5 thousand.", "It rose."]),
    ("Pay rose 3.5 percent. Costs fell 0.2%. Both count.", ["Pay rose 3.5 percent.", "Costs fell 0.2%.", "Both count."]),
    ("It pays $400,000. $50,000 more is a bonus.", ["It pays $400,000.", "$50,000 more is a bonus."]),
    ("They earn $1.2M. That is much.", ["They earn $1.2M.", "That is much."]),
    ("See section 3.2.1 of the rule. It applies.", ["See section 3.2.1 of the rule.", "It applies."]),
    ("In 2024. 91 people answered.", ["In 2024.", "91 people answered."]),
    # abbreviations
    ("U.S. hospitals pay more.", ["U.S. hospitals pay more."]),
    ("He works in the U.S. The pay is good.", ["He works in the U.S.", "The pay is good."]),
    ("Degrees (e.g. an MBA) help, i.e. they open doors.", ["Degrees (e.g. an MBA) help, i.e. they open doors."]),
    ("Degrees, e.g. MBA or MHA, help.", ["Degrees, e.g. MBA or MHA, help."]),
    ("She holds a Ph.D. in physics. He does not.", ["She holds a Ph.D. in physics.", "He does not."]),
    ("She holds a Ph.D. The degree took years.", ["She holds a Ph.D.", "The degree took years."]),
    ("Dr. Smith met Mr. Jones and Mrs. Li.", ["Dr. Smith met Mr. Jones and Mrs. Li."]),
    ("See No. 5 and Nos. 6 to 8 of the list.", ["See No. 5 and Nos. 6 to 8 of the list."]),
    ("May a CMO sit on boards? No. The contract forbids it.", ["May a CMO sit on boards?", "No.", "The contract forbids it."]),
    ("J. R. R. Tolkien wrote. He did.", ["J. R. R. Tolkien wrote.", "He did."]),
    ("Acme Inc. hired him. Acme Corp. did not.", ["Acme Inc. hired him.", "Acme Corp. did not."]),
    ("The M.D. degree. The D.O. degree.", ["The M.D. degree.", "The D.O. degree."]),
    ("It began on Jan. 5, 2020. It ended.", ["It began on Jan. 5, 2020.", "It ended."]),
    ("Open at 9 a.m. on weekdays. Shut at 5 p.m. The end.", ["Open at 9 a.m. on weekdays.", "Shut at 5 p.m.", "The end."]),
    ("Nurses, clerks, etc. are there. They help.", ["Nurses, clerks, etc. are there.", "They help."]),
    ("Hospital v. Doctor et al. was decided vs. others.", ["Hospital v. Doctor et al. was decided vs. others."]),
    # quotes, brackets, ellipses
    ('He said "No." Then he left.', ['He said "No."', "Then he left."]),
    ("He said “Go.” “Stay,” she said.", ["He said “Go.”", "“Stay,” she said."]),
    ("It works (mostly.) It does.", ["It works (mostly.)", "It does."]),
    ("Wait... what? Well… yes.", ["Wait... what?", "Well… yes."]),
    ("It was long... The end came.", ["It was long...", "The end came."]),
    ("Really?! Yes.", ["Really?!", "Yes."]),
    ("Visit example.com. Then call.", ["Visit example.com.", "Then call."]),
    ("Version 2.0 of node.js is out.", ["Version 2.0 of node.js is out."]),
    # lines
    ("The pay is\ngood and the work\nis hard. Few stay.", ["The pay is\ngood and the work\nis hard.", "Few stay."]),
    ("First paragraph\n\nSecond paragraph", ["First paragraph", "Second paragraph"]),
    ("- One thing\n- Another thing. And more.\n- Last", ["One thing", "Another thing.", "And more.", "Last"]),
    ("Steps:\n1. Join a committee\n2. Chair it\n10) Lead", ["Steps:", "Join a committee", "Chair it", "Lead"]),
    ("a) First\nb) Second", ["First", "Second"]),
    ("A. Scope\nB. Duties", ["Scope", "Duties"]),
    ("C. Everett Koop served.", ["C. Everett Koop served."]),
    ("* Item that wraps\n  onto a second line\n* Next", ["Item that wraps\n  onto a second line", "Next"]),
    ("| Role | Pay |\n| CMO | $400,000 |", ["| Role | Pay |", "| CMO | $400,000 |"]),
    # nothing
    ("", []),
    (" \n\t\n ", []),
    ("... --- !!!", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), CASES, ids=[c[0][:40] for c in CASES])
def test_the_table_of_cases(text: str, wanted: list[str]) -> None:
    assert [text[a:b] for a, b in split(text)] == wanted


def test_spans_point_into_the_whole_text_when_a_part_is_split() -> None:
    text = "Before it. Here is one. Here is two. After it."
    start, end = text.index("Here"), text.index(" After")
    assert [text[a:b] for a, b in split(text, start, end)] == ["Here is one.", "Here is two."]


PIECES = st.sampled_from(
    ["The", "pay", "U.S.", "e.g.", "Ph.D.", "No.", "5", "$95.5", "Dr.", "is", "A", "i.e.", "?", "!", ".", "…", "...", "\n", "\n\n", "\n- ",
     "\n1. ", "\n* ", "|", "“", "”", '"', "(", ")", ",", ":",
     "\t", "É", "ß", "中文", "٣", "²", "\r", "\f", "\x0b", "\u2028", "\u00a0", "Sept.", "a)"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=60).map(" ".join), st.lists(PIECES, max_size=60).map("".join))


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("1. ")
@example("a. b. c.")
@example("\n\n\r0) 0")
def test_spans_are_ordered_and_lose_no_letter(text: str) -> None:
    spans = split(text)
    position = 0
    covered: set[int] = set()
    for a, b in spans:
        assert position <= a < b <= len(text)
        assert text[a:b] == text[a:b].strip()
        assert any(c.isalnum() for c in text[a:b])
        covered.update(range(a, b))
        position = b
    # The number of a list item is its mark and no part of what it says.
    for line in re.finditer(r"[^\n]+", text):
        mark = _LIST_ITEM.match(text, line.start(), line.end())
        if mark:
            covered.update(range(*mark.span()))
    lost = [i for i, c in enumerate(text) if c.isalnum() and i not in covered]
    assert not lost, [text[max(0, i - 10) : i + 10] for i in lost]


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.integers(0, 300), st.integers(0, 300))
def test_a_part_is_split_within_its_bounds(text: str, one: int, other: int) -> None:
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    for a, b in split(text, start, end):
        assert start <= a < b <= end


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ["a.", "A. ", "(", "“ ", "...", "\n", "\n ", "- ", "1. ", "| ", "a" * 50, " ", ". (", "!\"'"])
def test_odd_texts_take_no_longer_than_plain_ones(unit: str) -> None:
    split(unit * (60_000 // len(unit)))
