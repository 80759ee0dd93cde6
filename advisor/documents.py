"""Text out of HTML, PDF and DOCX, parsed in a child process with limits.

A parser of a hostile format always has one more fault (a 14 KB PDF can take 12 s, a 130 KB DOCX
466 MB, a 360 KB page 6 minutes), so time, memory and processor are limited from outside and the
parent never waits longer. Only small pages are parsed at once.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

from advisor.errors import CorpusError, MissingExtra

_SKIPPED = {"script", "style", "nav", "header", "footer", "aside", "form", "noscript", "template", "svg", "iframe"}
_BLOCKS = {
    "p", "div", "section", "article", "main", "blockquote", "table", "tr", "ul", "ol", "dl", "dt", "dd",
    "figure", "figcaption", "pre", "hr", "br", "body", "h1", "h2", "h3", "h4", "h5", "h6", "li",
}  # fmt: skip
_VOID = {"br", "hr", "img", "input", "meta", "link"}
STDIN = "-"
LONGEST = 20_000_000  # characters that the parent is handed
UNZIPPED_LIMIT = 100_000_000
PAGE_BREAK = "\f"
SMALL_PAGE = 10_000  # characters that the worst page of that length takes under a second for


def text_of_html(markup: str) -> str:
    """The readable text of a page: headings as `#` lines, items as `- ` lines, no scripts or menus."""
    reader = _HtmlText()
    reader.feed(markup)
    reader.close()
    return reader.text()


class _HtmlText(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._words: list[str] = []
        self._prefix = ""
        self._skipping: list[str] = []
        self._title: list[str] | None = None
        self._headed = False
        self._page_title = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._skipping or (tag in _SKIPPED and tag not in _VOID):
            if tag in _SKIPPED:
                self._skipping.append(tag)
            return
        if tag == "title":
            self._title = []
        elif tag in _BLOCKS:
            self._break()
            if tag[0] == "h" and tag[1:].isdigit():
                self._prefix, self._headed = "#" * int(tag[1:]) + " ", True
            elif tag == "li":
                self._prefix = "- "
        elif tag in ("td", "th"):
            self._words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            if tag == self._skipping[-1]:
                self._skipping.pop()
            return
        if tag == "title" and self._title is not None:
            self._page_title, self._title = " ".join("".join(self._title).split()), None
        elif tag in _BLOCKS:
            self._break()

    def handle_data(self, data: str) -> None:
        if self._title is not None:
            self._title.append(data)
        elif not self._skipping:
            self._words.append(data)

    def _break(self) -> None:
        line = " ".join("".join(self._words).split())
        if line:
            self._lines.append(self._prefix + line)
            self._prefix = ""
        self._words = []

    def text(self) -> str:
        self._break()
        lines = self._lines if self._headed or not self._page_title else [f"# {self._page_title}", *self._lines]
        joined = ""
        for i, line in enumerate(lines):
            tight = line.startswith("- ") and i > 0 and lines[i - 1].startswith("- ")
            joined += ("\n" if tight else "\n\n" if i else "") + line
        return joined


def parse(path: Path, *, seconds: int, megabytes: int) -> str:
    """The text of a PDF (pages parted by form feeds) or DOCX file; raises `CorpusError` with the reason."""
    text = _in_child(str(path), b"", seconds, megabytes)
    if not any(c.isalnum() for c in text):
        raise CorpusError("no text in it, as in a scan | Run text recognition (OCR) on it first")
    return text


def parse_page(markup: str, *, seconds: int, megabytes: int) -> str:
    """The readable text of an HTML page of any size; raises `CorpusError` where it takes too long."""
    if len(markup) <= SMALL_PAGE:
        return text_of_html(markup)
    return _in_child(STDIN, markup.encode("utf-8", "replace"), seconds, megabytes)


def _in_child(name: str, sent: bytes, seconds: int, megabytes: int) -> str:
    command = [sys.executable, "-I", "-m", "advisor.documents", name, str(seconds), str(megabytes)]
    try:
        done = subprocess.run(command, input=sent, capture_output=True, timeout=seconds + 10, check=False)
    except subprocess.TimeoutExpired:
        raise CorpusError(f"took more than {seconds} s to read | Save it as text or split it") from None
    if done.returncode == 3:
        raise MissingExtra("Reading PDF and DOCX files needs more packages. Run: pip install 'cmo-advisor[documents]'")
    if done.returncode == 2:
        # The last line is ours; parsers may have grumbled before it.
        raise CorpusError(done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2])
    if done.returncode != 0:
        raise CorpusError(f"could not be read within {seconds} s and {megabytes} MB | Save it as text or split it")
    return done.stdout.decode("utf-8", "replace")


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError):
        raise CorpusError("not a DOCX file, or a damaged one | Save it again as DOCX or text") from None
    if size > UNZIPPED_LIMIT:
        raise CorpusError(f"unpacks to {size // 1_000_000} MB | Save it as text")


def _limit(seconds: int, megabytes: int) -> None:
    try:
        import resource
    except ModuleNotFoundError:  # pragma: no cover - Windows; the parent's clock still holds
        return
    bound = megabytes * 1_000_000
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _page(_name: str) -> str:
    return text_of_html(sys.stdin.buffer.read().decode("utf-8"))


def _pdf(path: str) -> str:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    reader = PdfReader(path)
    try:
        locked = reader.is_encrypted and not reader.decrypt("")
    except DependencyError:  # a cipher that needs one more package
        locked = True
    if locked:
        print("locked with a password | Save an open copy", file=sys.stderr)
        raise SystemExit(2)
    pages = [_reflow(page.extract_text() or "") for page in reader.pages]
    return PAGE_BREAK.join(pages)


def _reflow(page: str) -> str:
    """A page's lines without trailing blanks; a short line that ends no sentence is set apart as a heading."""
    lines = [line.strip() for line in page.splitlines()]
    widest = max((len(line) for line in lines), default=0)
    made: list[str] = []
    for i, line in enumerate(lines):
        previous = lines[i - 1] if i else ""
        ended = not previous or previous[-1] in ".!?:"
        following = lines[i + 1] if i + 1 < len(lines) else ""
        short = 0 < len(line) < 0.5 * widest and len(line.split()) <= 10 and line[-1] not in ".,;:!?" and line[0].isupper()
        if short and ended and following[:1].isupper() and len(following) > 0.6 * widest:
            made += ["", line, ""]
        else:
            made.append(line)
    return "\n".join(made)


def _docx(path: str) -> str:
    import docx

    _check_archive(Path(path))
    made: list[str] = []
    for paragraph in docx.Document(path).iter_inner_content():
        if not hasattr(paragraph, "style"):
            continue
        if hasattr(paragraph, "rows"):
            for row in paragraph.rows:
                made.append("| " + " | ".join(" ".join(cell.text.split()) for cell in row.cells) + " |")
            continue
        line, style = " ".join(paragraph.text.split()), str(getattr(paragraph.style, "name", ""))
        if line and (style == "Title" or style.startswith("Heading")):
            level = int(style.split()[-1]) if style.split()[-1].isdigit() else 1
            line = "#" * min(level, 6) + " " + line
        elif line and style.startswith("List"):
            line = "- " + line
        made.append(line)
    return "\n\n".join(line for line in made if line)


def main(arguments: list[str]) -> int:
    """The child process: prints the text, or the fault with exit code 2, or 3 where packages lack."""
    path, seconds, megabytes = arguments[0], int(arguments[1]), int(arguments[2])
    read = _page if path == STDIN else _pdf if path.lower().endswith(".pdf") else _docx
    try:
        if read is _pdf:
            import pypdf  # noqa: F401
        elif read is _docx:
            import docx  # noqa: F401
    except ModuleNotFoundError:
        return 3
    _limit(seconds, megabytes)
    logging.disable(logging.CRITICAL)  # a parser's grumbling over a hostile file has no end
    try:
        text = read(path)
    except MemoryError:
        return 4
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 2
    except Exception as error:  # a parser may raise anything on hostile input; the parent gets one line
        print(f"damaged, too large or not what its name says ({type(error).__name__}) | Save it again or as text", file=sys.stderr)
        return 2
    if len(text) > LONGEST:
        print(f"holds more than {LONGEST // 1_000_000} million characters | Save the part that matters as text", file=sys.stderr)
        return 2
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
