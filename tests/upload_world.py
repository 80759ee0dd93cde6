"""Documents that people might send: honest ones, bombs, and honest ones spoilt by chance."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from collections.abc import Iterator

CV = """# Dr. Mary Okafor

## Experience

Associate Chief Medical Officer at Xylotron Hospital since 2019, leading 14 medical directors.

Managed a department budget of $42 million.

## Licenses

Licensed in Ohio and Michigan.
"""
PAGE = "<!doctype html><title>Offer</title><h1>Offer</h1><p>The base salary is $410,000 a year.</p><script>alert(1)</script>"


def pdf() -> bytes:
    from reportlab.pdfgen import canvas

    out = io.BytesIO()
    made = canvas.Canvas(out)
    for page in ("The medical director leads the quality committee.", "The term of office is three years."):
        made.drawString(72, 720, page)
        made.showPage()
    made.save()
    return out.getvalue()


def docx() -> bytes:
    import docx as library

    made, out = library.Document(), io.BytesIO()
    made.add_heading("Contract", 1)
    made.add_paragraph("Either party may end this agreement with 90 days of written notice.")
    made.save(out)
    return out.getvalue()


def samples() -> dict[str, bytes]:
    """One honest document of each kind."""
    return {"cv.md": CV.encode(), "cv.txt": CV.encode("utf-16"), "offer.html": PAGE.encode(), "rules.pdf": pdf(), "contract.docx": docx()}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _changed(**parts: bytes) -> bytes:
    """The honest DOCX with some of its parts replaced."""
    with zipfile.ZipFile(io.BytesIO(docx())) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    return zipped({**held, **{name.replace("__", "/").replace("_xml", ".xml"): content for name, content in parts.items()}})


def _lying() -> bytes:
    """An archive whose directory says that its parts are small."""
    made = bytearray(_changed(word__document_xml=b"<w>" + b"a" * 50_000_000 + b"</w>"))
    at = made.rindex(b"word/document.xml") - 46
    made[at + 24 : at + 28] = (100).to_bytes(4, "little")
    return bytes(made)


def _pdf_of(objects: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % p for p in places)
    return bytes(out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))


def _pdf_with(stream: bytes, length: str = "") -> bytes:
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>"
    return _pdf_of(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page,
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(stream) + stream + b"\nendstream",
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
    )


ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)
BODY = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>'
END = b"</w:t></w:r></w:p></w:body></w:document>"


def bombs() -> Iterator[tuple[str, str, bytes]]:
    """What each is, its name, and its bytes; all below the limit of size."""
    yield "a part that unpacks a thousandfold", "bomb.docx", _changed(word__document_xml=BODY + b" " * 99_000_000 + END)
    yield "an archive that unpacks to more than it may", "bomb.docx", zipped({f"{n}.bin": bytes(60_000_000) for n in range(4)})
    yield "an archive that lies about its size", "bomb.docx", _lying()
    yield "a billion laughs", "bomb.docx", _changed(word__document_xml=ENTITIES + b"]>" + BODY + b"&j;" + END)
    outside = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + BODY + b"Hello &f; there" + END
    yield "an entity that reads a file of this machine", "reader.docx", _changed(word__document_xml=outside)
    yield "a part outside of its folder", "slip.docx", _changed(**{"../../../../tmp/advisor-slipped": b"slipped"})
    yield "a hundred thousand parts", "parts.docx", zipped({f"p/{n}": b"" for n in range(60_000)})
    yield "an archive within an archive", "nested.docx", zipped({"word/document.xml": zipped({"x": bytes(40_000_000)})})
    yield "paragraphs within paragraphs", "deep.docx", _changed(word__document_xml=BODY + b"<w:p>" * 100_000 + END)
    yield "a stream that unpacks a thousandfold", "bomb.pdf", _pdf_with(zlib.compress(b"BT (" + b"a" * 300_000_000 + b") Tj ET", 9))
    yield "a page of a million words", "long.pdf", _pdf_with(zlib.compress(b"BT /F 1 Tf " + b"(word ) Tj " * 2_000_000 + b"ET", 9))
    yield (
        "pages that hold each other",
        "loop.pdf",
        _pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"]),
    )
    yield (
        "a billion pages",
        "pages.pdf",
        _pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [" + b"2 0 R " * 500_000 + b"] /Count 999999999 >>"]),
    )
    yield "tags within tags", "deep.html", b"<div>" * 1_500_000
    yield "a tag that never ends", "open.html", b"<a " + b"a=" * 4_000_000
    yield "comments that never end", "open.html", b"<!--" * 2_000_000
    yield "one word", "word.txt", b"a" * 9_000_000
    yield "one short line a million times", "lines.txt", b"A b c.\n\n" * 1_000_000
    yield "headings and nothing else", "headings.md", b"# A\n\n" * 30_000
    yield "dots", "dots.txt", b"a. " * 60_000
    yield "brackets", "brackets.md", b"[" * 199_000 + b"a"
    yield "quotes", "quotes.md", b"> " * 99_000 + b"a"
    yield "spaces", "spaces.txt", b"a" + b" " * 199_000 + b"b"
    yield "figures", "figures.txt", b"9" * 199_000
    yield "abbreviations", "short.txt", b"e.g. U.S. Ph.D. " * 12_000
    yield (
        "aliases of YAML",
        "yaml.md",
        b"---\na: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9))
        + b"---\nHello there world.\n",
    )


def mutated(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Honest documents with bytes changed, cut, doubled or mixed, or with a name of another kind."""
    chance = random.Random(seed)
    honest = samples()
    names = sorted(honest)
    for _ in range(count):
        name = chance.choice(names)
        made = bytearray(honest[name])
        for _ in range(chance.randrange(1, 12)):
            at = chance.randrange(len(made) or 1)
            kind = chance.randrange(6)
            if kind == 0 and made:
                made[at % len(made)] = chance.randrange(256)
            elif kind == 1:
                del made[at : at + chance.randrange(1, 400)]
            elif kind == 2:
                made[at:at] = made[at : at + chance.randrange(1, 4000)] * chance.randrange(1, 5)
            elif kind == 3:
                made[at:at] = chance.randbytes(chance.randrange(1, 60))
            elif kind == 4:
                made[at:at] = chance.choice([b"\0", b"\xff\xfe", b"<<", b"/Length 999999999", b"endstream", b"<!--", b"&#x110000;", b"\r"])
            else:
                other = honest[chance.choice(names)]
                made[at:] = other[chance.randrange(len(other)) :]
        yield (chance.choice(names) if chance.random() < 0.2 else name), bytes(made)
