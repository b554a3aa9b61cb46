"""Reports: one offline page for reading and printing, without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siting.data import atomic_path
from siting.errors import SitingError
from siting.labels import LANGUAGES, label
from siting.messages import Message
from siting.show.blocks import Block, Section, blocks_of, frames_in
from siting.show.fonts import FAMILIES
from siting.show.notes import notes_of
from siting.show.text import clean

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["Section", "report_page", "write_report"]


def write_report(
    path: str | Path,
    *parts: Any,
    title: str | None = None,
    lang: str = "zh",
    notices: Iterable[str | Mapping[str, str]] = (),
    attribution: str | None = None,
) -> Path:
    """Write verdicts, plans, tables and figures to one page.

    The page needs no other file, runs no script, and shows all names as text. The same parts give the same bytes.

    Parameters
    ----------
    path
        The file, ending in ``.html``. An existing file is replaced when the new one is complete.
    *parts
        The contents, in order:

        - a `Section` with a title and parts of its own;
        - a str: a paragraph;
        - a DataFrame or Series: a table, at most 500 rows; a geometry column is left out;
        - a matplotlib Figure, such as from `draw_chart` and `draw_picture`;
        - an `Audit`: its rules with value, target, gap, verdict and clause;
        - a `Plan`: its sites, facts and description;
        - `Alternatives` or a `TradeOff`: what they say of their plans, each of which is a part of its own where given;
        - a mapping name -> part: the name is the caption of a table or figure, the heading of anything else.
    title
        Title of the page.
    lang
        ``"zh"`` or ``"en"``.
    notices
        Notices for readers, such as that data are synthetic: texts, or mappings language -> text. Notices
        of tables in ``attrs["notice"]`` are shown too.
    attribution
        Sources; those of tables in ``attrs["attribution"]`` are added.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    SitingError
        When the suffix, the language or a part is invalid. Nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> table = pd.DataFrame({"share": [0.372]}, index=pd.Index(["east"], name="district"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(f"{folder}/report.html", "Coverage today.", table, lang="en")
    ...     "37.2 %" in page.read_text(encoding="utf-8")
    True
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise SitingError(Message("show.report_file", file=target.name))
    if lang not in LANGUAGES:
        raise SitingError(Message("argument.choose", what="lang", value=lang, choices=LANGUAGES))
    carried, sources = notes_of(frames_in(parts), lang)
    page = report_page(
        blocks_of(parts, lang),
        title=label("report.title", lang) if title is None else title,
        lang=lang,
        notices=[*_in_language(notices, lang), *carried],
        sources=[*([clean(attribution)] if attribution else []), *sources],
    )
    with atomic_path(target) as beside:
        beside.write_text(page, encoding="utf-8", newline="\n")
    return target


def report_page(
    blocks: Sequence[Block], *, title: str, lang: str, notices: Iterable[str], sources: Iterable[str]
) -> str:
    """Return the page of some blocks; a figure is the markup in its lines."""
    headings = [block for block in blocks if block.kind == "heading" and block.level <= 3]
    return _template().render(
        lang="zh-CN" if lang == "zh" else lang,
        title=clean(title),
        notices=list(dict.fromkeys(notices)),
        contents=headings if len(headings) > 1 else [],
        contents_title=label("report.contents", lang),
        blocks=blocks,
        sources=list(dict.fromkeys(sources)),
        sources_title=label("report.sources", lang),
        made_with=label("report.made_with", lang, version=version("siting")),
        families=", ".join(f'"{name}"' for name in FAMILIES),
    )


def _in_language(notices: Iterable[str | Mapping[str, str]], lang: str) -> list[str]:
    given = [notices] if isinstance(notices, str | Mapping) else notices
    texts = (each if isinstance(each, str) else each.get(lang, "") for each in given)
    return [clean(text) for text in texts if text]


@cache
def _template() -> Template:
    # Imported here: an analysis that writes no page needs no template engine.
    from jinja2 import Environment, StrictUndefined

    # What users pass is given to one rendering as values, escaped; it is never part of the template.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = files("siting.show").joinpath("templates", "report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source)
