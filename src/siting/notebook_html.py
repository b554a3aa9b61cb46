"""Values as HTML in a notebook: a title, a few figures, short tables. All text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from numbers import Real

from siting.labels import Language, known, label
from siting.numbers import amount

__all__ = ["card", "table", "words"]

#: Rows of a table in a notebook.
MOST_ROWS = 10
LEFT, RIGHT = 'style="text-align:left"', 'style="text-align:right"'


def words(key: str, lang: Language | None = None, /, **values: object) -> str:
    """Return the words for *key* in *lang*, or in Chinese and English without one.

    A key without labels is a name of the user, returned unchanged.

    Examples
    --------
    >>> words("unit.m", "en"), words("unit.m"), words("standard.ours")
    ('m', '米 m', 'ours')
    """
    if not known(key):
        return key.partition(".")[2]
    if lang is None:
        return " ".join(dict.fromkeys(label(key, each, **values) for each in ("zh", "en")))
    return label(key, lang, **values)


def card(title: str, facts: Mapping[str, object], *tables: str, lang: Language | None = None) -> str:
    """Return the HTML of a value: its title, facts by the keys of their words (empty texts are left out), and tables.

    Examples
    --------
    >>> card("<b>", {"card.how": ""}, lang="en")
    '<div><p><strong>&lt;b&gt;</strong></p></div>'
    """
    rows = [(words(key, lang), _text(value)) for key, value in facts.items() if value != ""]
    lines = (f"<tr><th {LEFT}>{escape(name)}</th><td {LEFT}>{escape(value)}</td></tr>" for name, value in rows)
    listed = f"<table><tbody>{''.join(lines)}</tbody></table>" if rows else ""
    return f"<div><p><strong>{escape(title)}</strong></p>{listed}{''.join(tables)}</div>"


def table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "", lang: Language | None = None
) -> str:
    """Return the HTML of a table, numbers to the right; of many rows the first, and the number of the others.

    *heads* are the keys of words in the table of labels. Without a row there is no table.

    Examples
    --------
    >>> "&lt;script&gt;" in table(["column.site"], [["<script>"]], lang="en")
    True
    """
    kept = list(rows)
    if not kept:
        return ""
    top = f"<caption {LEFT}>{escape(caption)}</caption>" if caption else ""
    head = "".join(
        f"<th {_side(cell)}>{escape(words(key, lang))}</th>" for key, cell in zip(heads, kept[0], strict=True)
    )
    body = "".join(
        f"<tr>{''.join(f'<td {_side(cell)}>{escape(_text(cell))}</td>' for cell in row)}</tr>"
        for row in kept[:MOST_ROWS]
    )
    more = len(kept) - MOST_ROWS
    note = f"<p>{escape(words('report.more_rows', lang, count=f'{more:,}'))}</p>" if more > 0 else ""
    return f"<table>{top}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def _text(value: object) -> str:
    return amount(round(float(value), 2)) if isinstance(value, Real) else str(value)


def _side(value: object) -> str:
    return RIGHT if isinstance(value, Real) or str(value).endswith(" %") else LEFT
