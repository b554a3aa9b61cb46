"""The site in Chinese beside the English one: which pages have their words, which words are missing, and the search."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from docutils import nodes
from sphinx.search.en import SearchEnglish
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.nodes import extract_messages

CATALOGUES = Path(__file__).resolve().parent / "locale" / "zh_CN" / "LC_MESSAGES"
#: Notebooks say everything in both languages: a paragraph in Chinese, then one in italics.
BILINGUAL = "tutorials/"
#: What says the same in both languages: code, targets of links, formulas, words in capitals.
SAME = re.compile(r"``.+?``|`[^`]+`|\]\([^)]*\)|\$[^$]+\$|https?://\S+")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
RUNS = re.compile(r"[\u4e00-\u9fff]+|[^\W\u4e00-\u9fff]+")


def catalogue_of(page: str) -> Path:
    """Say where the Chinese words of *page* are kept."""
    return CATALOGUES / f"{page}.po"


@cache
def _words(page: str) -> Catalog | None:
    path = catalogue_of(page)
    return read_po(path.open("rb"), locale="zh_CN") if path.is_file() else None


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
        for node, message in extract_messages(self.document) if words else ():
            found = words.get(message)
            if needs_words(message) and (not found or not found.string or found.fuzzy):
                said = " ".join(message.split())[:60]
                logging.getLogger(__name__).warning("not in Chinese: %s", said, location=node)


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

    def split(self, input: str) -> list[str]:
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
    app.connect("html-page-context", lambda _app, page, _template, context, _tree: context.update(
        in_chinese=in_chinese(page) or _tree is None, chinese=chinese))
