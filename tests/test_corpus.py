"""Reading guidance: any encoding, any newline, front matter or none; what cannot be read is named."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from advisor.chunking import pieces
from advisor.corpus import MAX_BYTES, fingerprint, questions_of, read_corpus, read_sources
from advisor.errors import CorpusError

Written = Callable[[Mapping[str, str | bytes]], Path]
BODY = "# Pay\n\nA CMO’s salary is “good”.\n"


def _texts(folder: Path) -> dict[str, str]:
    return {g.document.id: g.document.text for g in read_corpus(folder).guidance}


def test_front_matter_is_read_and_the_body_begins_after_it(written: Written) -> None:
    text = "---\ntitle: 'Pay: what to expect'\nas_of: 2026-11-01\nquestions:\n  - How much?\n---\n" + BODY
    [guidance] = read_corpus(written({"pay.md": text})).guidance
    assert guidance.curated
    assert guidance.document.title == "Pay: what to expect"
    assert guidance.document.text == text, "spans point into the file as it is on the disk"
    assert text[guidance.body :] == BODY
    assert list(questions_of(guidance)) == ["How much?"]
    assert guidance.document.metadata["as_of"] == "2026-11-01"


def test_a_file_without_front_matter_takes_its_heading_as_title(written: Written) -> None:
    [guidance] = read_corpus(written({"pay.md": BODY})).guidance
    assert (guidance.document.title, guidance.body, guidance.curated) == ("Pay", 0, False)
    assert list(questions_of(guidance)) == []


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("a.txt", "The path\n\nMost begin on committees.", "The path"),
        ("b.txt", "most begin on committees, and so on", "most begin on committees, and so on"),
        ("c.md", "---\n---\n# Empty front matter\n\nText.", "Empty front matter"),
        ("d.md", "---\n# No end of it\n\nText.", "No end of it"),
        ("e.md", "---\njust a line\n---\n# A rule above\n\nText.", None),
        ("f.md", "---\ntitle:\n---\n# Title left empty\n\nText.", "Title left empty"),
        ("g.md", "---\ntitle: 42\n---\nText.", "42"),
        ("h.html", "<title>Page</title><p>Text.</p>", "Page"),
        ("i.md", "word", "word"),
    ],
)
def test_titles_are_found(written: Written, name: str, text: str, title: str | None) -> None:
    [guidance] = read_corpus(written({name: text})).guidance
    assert title is None or guidance.document.title == title


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "cp1252"])
def test_encodings_are_told_apart(written: Written, encoding: str) -> None:
    raw = b"\xff\xfe" + BODY.encode("utf-16-le") if encoding == "utf-16-le-bom" else BODY.encode(encoding)
    assert _texts(written({"pay.md": raw})) == {"pay": BODY}


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_newlines_become_one_kind(written: Written, newline: str) -> None:
    text = "---\ntitle: Pay\n---\n" + BODY
    [guidance] = read_corpus(written({"pay.md": text.replace("\n", newline)})).guidance
    assert guidance.document.text == text
    assert guidance.curated


@pytest.mark.parametrize(
    ("name", "raw", "fault"),
    [
        ("x.txt", b"MZ\0\0\x01binary", "binary, not text. Save it as UTF-8 text."),
        ("x.txt", b"", "no text in it. Write something or remove the file."),
        ("x.md", b" \n\t\n--- ...", "no text in it"),
        ("x.md", b"---\ntitle: only this\n---\n", "no text in it"),
        ("x.html", b"<script>var all = 'script'</script>", "no text in it"),
        ("x.md", b"---\ntitle: a: b: c\n---\nText.", "not valid YAML near line 1. Quote values"),
        ("x.md", b"---\nas_of: 2026-02-30\n---\nText.", "not valid YAML. Quote values"),
        ("x.md", b"---\na: !!python/object/apply:os.system ['true']\n---\nText.", "not valid YAML"),
        ("x.pdf", b"no pdf at all", "damaged, too large or not what its name says"),
        ("x.docx", b"no docx at all", "not a DOCX file, or a damaged one"),
    ],
)
def test_what_cannot_be_read_is_left_out_and_named(written: Written, name: str, raw: bytes, fault: str) -> None:
    corpus = read_corpus(written({"good.md": BODY, name: raw}))
    assert [g.document.id for g in corpus.guidance] == ["good"]
    [problem] = corpus.problems
    assert str(problem).startswith(f"{name}: {fault}"), str(problem)
    assert str(problem).endswith(".")
    assert "\n" not in str(problem)
    assert " | " not in str(problem)


def test_a_file_that_is_too_large_is_left_out(written: Written) -> None:
    folder = written({"good.md": BODY})
    with open(folder / "large.txt", "wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "larger than 25 MB" in str(read_corpus(folder).problems[0])


def test_a_folder_without_anything_readable_is_refused(written: Written, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="is not a folder or a file"):
        read_corpus(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="holds no Markdown"):
        read_corpus(written({"readme.rst": "text"}))
    with pytest.raises(CorpusError, match=r"1 file\(s\) could not be read, first x\.txt: binary"):
        read_corpus(written({"x.txt": b"\0"}))


def test_hidden_files_and_other_kinds_are_passed_over(written: Written) -> None:
    files = {"a.md": BODY, ".hidden.md": BODY, ".git/b.md": BODY, "c.py": "x = 1", "sub/D.TXT": "Text here.", "e.markdown": BODY}
    assert set(_texts(written(files))) == {"a", "sub/D.TXT", "e.markdown"}


def test_names_that_differ_little_stay_apart(written: Written) -> None:
    names = ["a.md", "a.MD", "a.txt", "a.txt.md", "a.md.md", "sub/a.md", "a.markdown", "a b.md", "ä.md"]
    texts = _texts(written({name: f"# {i}\n\nText {i}." for i, name in enumerate(names)}))
    assert len(texts) == len(names)
    assert {"a", "a.MD", "a.txt", "a.txt.md", "a.md.md", "sub/a"} <= set(texts)


def test_names_that_are_no_utf8_can_be_kept(written: Written, library: object, encoder: object) -> None:
    folder = written({"a.md": BODY})
    try:
        for raw in (b"\xff.md", b"\xfe.md"):
            (folder / os.fsdecode(raw)).write_text(BODY)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    corpus = read_corpus(folder)
    assert len({g.document.id.encode("utf-8") for g in corpus.guidance}) == 3
    assert library.update(corpus, encoder, limit=100).added == 3  # type: ignore[attr-defined]


def test_odd_front_matter_can_be_kept(written: Written, library: object, encoder: object) -> None:
    text = "---\n1: one\ntwo: {3: three, d: 2026-01-01, n: [null, 2.5, true]}\nquestions: 7\n---\n" + BODY
    corpus = read_corpus(written({"a.md": text}))
    assert corpus.guidance[0].document.metadata == {
        "1": "one", "two": {"3": "three", "d": "2026-01-01", "n": [None, 2.5, True]}, "questions": 7,
    }  # fmt: skip
    assert library.update(corpus, encoder, limit=100).added == 1  # type: ignore[attr-defined]


def test_a_single_file_is_a_folder_of_one(written: Written) -> None:
    folder = written({"a.md": BODY, "b.md": BODY})
    assert set(_texts(folder / "a.md")) == {"a"}


def test_readmes_are_not_guidance_where_sources_are_kept(written: Written) -> None:
    files = {"a.md": BODY, "README.md": "# About\n\nText."}
    assert set(_texts(written(files))) == {"a", "README"}
    assert set(_texts(written({"sources.yaml": "- {key: k, title: T}"}))) == {"a"}


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"- key: a\n  title: b: c", "sources.yaml: not valid YAML near line 2"),
        (b"- key: a", "sources.yaml: entry 1 has no key or no title"),
        (b"- title: t", "entry 1 has no key"),
        (b"- {key: a, title: t}\n- just text", "entry 2"),
        (b"key: a\ntitle: t", "sources.yaml: not a list"),
        (b"\0\1", "sources.yaml: binary"),
    ],
)
def test_faulty_sources_are_refused_in_one_line(written: Written, raw: bytes, fault: str) -> None:
    with pytest.raises(CorpusError) as caught:
        read_corpus(written({"a.md": BODY, "sources.yaml": raw}))
    assert fault in str(caught.value)
    assert " | " not in str(caught.value)


def test_sources_may_lack_everything_but_a_title(written: Written, tmp_path: Path) -> None:
    folder = written({"sources.yaml": "- {key: a, title: T, date: 2020-01-02, url: null}\n- {key: b, title: caf\u00e9}".encode("cp1252")})
    found = read_sources(folder / "sources.yaml")
    assert (found["a"].date, found["a"].url, found["b"].title) == ("2020-01-02", "", "café")
    assert read_sources(tmp_path / "none.yaml") == {}
    assert read_sources(written({"sources.yaml": "# nothing yet\n"}) / "sources.yaml") == {}


def test_an_unknown_source_key_is_refused_when_indexed(written: Written, library: object, encoder: object) -> None:
    guide = "---\ntitle: Pay\n---\n# Pay\n\nText.\n\nSources: unknown-key\n"
    corpus = read_corpus(written({"pay.md": guide, "sources.yaml": "- {key: k, title: T}"}))
    with pytest.raises(CorpusError, match=r"pay\.md: the section 'Pay' names the source 'unknown-key'"):
        library.update(corpus, encoder, limit=100)  # type: ignore[attr-defined]


def test_the_fingerprint_follows_what_is_written_added_and_removed(written: Written) -> None:
    folder = written({"a.md": BODY, "sources.yaml": "- {key: k, title: T}"})
    seen = [fingerprint(folder)]
    assert fingerprint(folder) == seen[0]
    for change in ({"b.md": BODY}, {"b.md": BODY + "More."}, {"sources.yaml": "- {key: k, title: Another}"}):
        seen.append(fingerprint(written(change)))
    (folder / "b.md").unlink()
    seen.append(fingerprint(folder))
    assert len(set(seen)) == len(seen)
    written({"notes.rst": "no guidance"})
    assert fingerprint(folder) == seen[-1]


def test_braces_and_markup_in_guidance_stay_as_they_are(written: Written) -> None:
    hostile = "# {title}\n\n{{question}} {0} %s ${HOME} <script>alert(1)</script> [x](javascript:1).\n"
    [guidance] = read_corpus(written({"a.md": hostile})).guidance
    assert guidance.document.text == hostile
    assert pieces(guidance.document.text, len, limit=1000)
