"""The site in Chinese beside the English one: which pages have their words, which words are missing, and the search.

`make words`, which runs this file, brings the catalogues up to the pages; `chinese.py how-to/page` begins a new one.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from docutils import nodes
from sphinx.search.en import SearchEnglish
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.nodes import extract_messages

CATALOGUES = Path(__file__).resolve().parent / "locale" / "zh_CN" / "LC_MESSAGES"
#: Pages that have changed since they were put into Chinese: their new paragraphs are shown in English.
BEHIND: frozenset[str] = frozenset()
HEADER = 'msgid ""\nmsgstr "Language: zh_CN\\nContent-Type: text/plain; charset=utf-8\\n"\n\n'
#: Notebooks say everything in both languages: a paragraph in Chinese, then one in italics.
BILINGUAL = "tutorials/"
#: What says the same in both languages: code, targets of links, formulas, words in capitals.
SAME = re.compile(r"``.+?``|`[^`]+`|\]\([^)]*\)|\$[^$]+\$|https?://\S+")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
RUNS = re.compile(r"[\u4e00-\u9fff]+|[^\W\u4e00-\u9fff]+")


def pages() -> list[str]:
    """List the pages that have Chinese words; `sphinx.po` has those of the frame around them."""
    found = (path.relative_to(CATALOGUES).with_suffix("").as_posix() for path in CATALOGUES.rglob("*.po"))
    return sorted(page for page in found if page != "sphinx")


def catalogue_of(page: str) -> Path:
    """Say where the Chinese words of *page* are kept."""
    return CATALOGUES / f"{page}.po"


def read(path: Path) -> Catalog:
    """Read a catalogue of messages."""
    return read_po(BytesIO(path.read_bytes()), locale="zh_CN")


@cache
def _words(page: str) -> Catalog | None:
    path = catalogue_of(page)
    return read(path) if path.is_file() else None


def in_chinese(page: str) -> bool:
    """Whether *page* is read in Chinese on the Chinese site."""
    return _words(page) is not None or page.startswith(BILINGUAL)


def needs_words(message: str) -> bool:
    """Whether *message* has English words, besides code, formulas and addresses, and is not Chinese already."""
    prose = SAME.sub(" ", message)
    return re.search("[a-z]{2}", prose) is not None and len(re.findall("[a-z]", prose)) > len(CHINESE.findall(prose))


class MissingWords(SphinxTransform):
    """Warn of each paragraph of a translated page that has no Chinese words, or only a guess at them."""

    default_priority = 15  # before the words are put in

    def apply(self, **_: Any) -> None:
        words = _words(self.env.docname)
        if words is None or self.env.docname in BEHIND:
            return
        for node, message in extract_messages(self.document):
            found = words.get(message)
            if needs_words(message) and (not found or not found.string or found.fuzzy):
                logging.getLogger(__name__).warning("not in Chinese: %s", message[:60], location=node)


class OneLanguage(SphinxTransform):
    """Leave out the English paragraphs of notebooks."""

    default_priority = 15

    def apply(self, **_: Any) -> None:
        if self.env.docname.startswith(BILINGUAL):
            for paragraph in list(self.document.findall(nodes.paragraph)):
                if all(isinstance(part, nodes.emphasis) or not part.astext().strip() for part in paragraph.children):
                    paragraph.parent.remove(paragraph)


class SearchBoth(SearchEnglish):
    """Index English by words and Chinese by pairs of signs, in which each Chinese word is found.

    Queries are split alike by the page.
    """

    js_splitter_code = r"""
function splitQuery(query) {
  const runs = query.match(/[\u4e00-\u9fff]+|(?:(?![\u4e00-\u9fff])[\p{L}\p{N}_])+/gu) || [];
  return runs.flatMap((run) =>
    /[\u4e00-\u9fff]{2}/.test(run) ? Array.from({length: run.length - 1}, (_, i) => run.slice(i, i + 2)) : [run]);
}
"""

    def split(self, input: str) -> list[str]:  # noqa: A002 - the name that Sphinx gives it
        """Split a text into words and pairs of Chinese signs."""
        return [word for run in RUNS.findall(input) for word in _pairs(run)]


def _pairs(run: str) -> list[str]:
    if len(run) < 2 or not "\u4e00" <= run[0] <= "\u9fff":
        return [run]
    return [run[i : i + 2] for i in range(len(run) - 1)]


def setup(app: Any, *, chinese: bool) -> None:
    """Add the search to *app*, and to the Chinese site what it needs besides."""
    app.add_search_language(SearchBoth)
    if chinese:
        app.add_transform(MissingWords)
        app.add_transform(OneLanguage)

    def say(_app: Any, page: str, _template: str, context: dict[str, Any], tree: Any) -> None:
        context.update(chinese=chinese, in_chinese=tree is None or in_chinese(page), behind=page in BEHIND)

    app.connect("html-page-context", say)


def update(new: Iterable[str] = ()) -> None:
    """Bring the catalogues up to the pages: what is empty or marked fuzzy in them afterwards wants Chinese words."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["-q", "-b", "gettext", "-t", "zh", "-D", "locale_dirs=", "-D", "nb_execution_mode=off"]
        command = [sys.executable, "-m", "sphinx", *options, "-d", f"{folder}/trees"]
        subprocess.run([*command, CATALOGUES.parents[2], folder], check=True)
        for page in sorted({*pages(), *new}):
            template = Path(folder, f"{page}.pot")
            if not template.is_file():
                catalogue_of(page).unlink()
            elif wanting := write(page, (str(message.id) for message in read(template) if message.id)):
                print(f"{page}: {wanting} paragraphs want Chinese words")  # noqa: T201 - the answer of make words


def write(page: str, messages: Iterable[str], words: Mapping[str, str] | None = None) -> int:
    """Write the catalogue of *page* for its *messages*, with its own words and *words*; return how many are wanting."""
    template, catalogue = Catalog(), _words(page) or Catalog(locale="zh_CN")
    for message in filter(needs_words, messages):
        template.add(message)
    catalogue.update(template)
    for message, string in (words or {}).items():
        if string and (kept := catalogue.get(message)):
            kept.string = string
            kept.flags.discard("fuzzy")
    text = BytesIO()
    write_po(text, catalogue, width=0, omit_header=True, ignore_obsolete=True)
    catalogue_of(page).parent.mkdir(parents=True, exist_ok=True)
    catalogue_of(page).write_text(HEADER + text.getvalue().decode("utf-8"), encoding="utf-8", newline="\n")
    return sum(not message.string or message.fuzzy for message in catalogue if message.id)


if __name__ == "__main__":
    update(sys.argv[1:])
