"""Types of facilities: one table of the words of registers, statistics and plans.

A word means its type in every city; a type includes all narrower ones (敬老院 is a kind of 养老机构). The words are in
``facility_types.toml``. A word that is not there means only itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from siting.data.toml_files import package_toml

__all__ = ["closest_types", "facility_types", "of_type", "type_of", "types_in"]

_BLANKS_AND_QUOTES = re.compile(r"[\s\u200b\ufeff\"'“”‘’「」『』《》]+")
_BRACKETS = re.compile(r"\(([^()]*)\)")
#: Between the types of one cell; not inside brackets.
_BETWEEN = re.compile(r"[;,、/|+&\n](?![^(]*\))")
#: Other brackets are equal, and a number before a type or a full stop after it has no meaning.
_ROUND = str.maketrans("[]{}【】〔〕〖〗", "()()()()()")
_AROUND = re.compile(r"^\(?\d+[).、]\s*|[\s.。;,、]+$")
#: Between types, where each part is one.
_AND = re.compile("以及|和|与|及|兼|暨|并|-|:|–|—|―")
#: Before a type added by a remark, and words for facilities that are not open now.
_ADDS = re.compile("^(?:含|兼|附设|加挂|另设|并设)(?:有)?")
_NOT_THERE = re.compile("停[业办用运]|关停|暂停|注销|撤销|关闭|闲置|拆除|在建|拟建|待建|未建|筹建|筹备|规划")
#: The least similarity of a word named as the closest.
_ALIKE = 0.6


@dataclass(frozen=True)
class FacilityType:
    """A type of facilities: its names, other words for the same, and the wider types."""

    name: str
    en: str
    words: tuple[str, ...]
    wider: tuple[str, ...]


@cache
def types_table() -> dict[str, FacilityType]:
    """Return the types of ``facility_types.toml`` by name."""
    return {
        name: FacilityType(name, at["en"], tuple(at.get("words", ())), tuple(at.get("is", ())))
        for name, at in package_toml("facility_types.toml").items()
    }


@cache
def _words() -> dict[str, str]:
    """Return the type of each word, the words as they are compared."""
    return {comparable(word): one.name for one in types_table().values() for word in (one.name, one.en, *one.words)}


def comparable(word: object) -> str:
    """Return a word for comparison: of one width, without blanks and quotation marks, in lower case."""
    return _BLANKS_AND_QUOTES.sub("", unicodedata.normalize("NFKC", str(word))).casefold()


@cache
def _lineage(name: str) -> frozenset[str]:
    """Return a type and all wider ones; an unknown word gives itself."""
    if name not in types_table():
        return frozenset({name})
    return frozenset({name}).union(*(_lineage(wider) for wider in types_table()[name].wider))


def type_of(word: str) -> str:
    """Return the type of a word; "" for an unknown word.

    Examples
    --------
    >>> type_of("托儿所"), type_of("街道（乡镇）居家养老服务中心"), type_of("棋牌室")
    ('托育机构', '乡镇（街道）居家养老服务中心', '')
    """
    return _words().get(comparable(word), "")


def types_in(cell: Any) -> tuple[str, ...]:
    """Return the types of a cell, several if joined; an unknown word is unchanged.

    Examples
    --------
    >>> types_in("养老机构和日间照料中心"), types_in("托育园（民办）"), types_in("托育园（停办）"), types_in(None)
    (('养老机构', '日间照料中心'), ('托育机构',), ('托育园(停办)',), ())
    """
    return () if pd.api.types.is_scalar(cell) and pd.isna(cell) else _types_in(str(cell))


@cache
def _types_in(cell: str) -> tuple[str, ...]:
    whole = _AROUND.sub("", unicodedata.normalize("NFKC", cell).translate(_ROUND).strip())
    if type_of(whole):
        return (type_of(whole),)
    parts = [part for part in _BETWEEN.split(whole) if part.strip()]
    return tuple(dict.fromkeys(name for part in parts for name in _of_part(part)))


def _of_part(part: str) -> tuple[str, ...]:
    """Read one type, or several joined by a word or dash; a remark may name a further one, as in 幼儿园（含托班）."""
    if type_of(part):
        return (type_of(part),)
    if _NOT_THERE.search(part):
        return (part.strip(),)
    remarks = [type_of(_ADDS.sub("", inside)) for inside in _BRACKETS.findall(part)]
    stem = _BRACKETS.sub("", part)
    stems = [type_of(stem)] if type_of(stem) else [type_of(one) for one in _AND.split(stem)]
    dashed = re.search("[-:–—―]", stem) is not None  # what stands before or behind a dash may be a remark
    return tuple(filter(None, (*(stems if all(stems) or dashed else ()), *remarks))) or (part.strip(),)


def of_type(values: pd.Series, types: Iterable[str], *, excluded: Iterable[str] = ()) -> pd.Series:
    """Mark the facilities that are of some types, by the words of the table.

    Parameters
    ----------
    values
        Types, such as the column `facility_type` of a layer. A cell may join several: 养老机构、日间照料中心.
    types
        The types that count: each with its synonyms and all narrower types.
    excluded
        Types that do not count, though a wider one does: each with its synonyms and all narrower types. A facility of
        several types counts when one of them does.

    Returns
    -------
    Series
        True and False, with the index of *values*; a blank is of no type.

    Examples
    --------
    >>> import pandas as pd
    >>> written = pd.Series(["托儿所", "幼儿园托育部", "敬老院", None])
    >>> of_type(written, ["托育机构"]).tolist(), of_type(written, ["养老机构"]).tolist()
    ([True, False, False, False], [False, False, True, False])
    >>> of_type(written, ["婴幼儿照护服务设施"], excluded=["幼儿园托班"]).tolist()
    [True, False, False, False]
    """
    wanted, left_out = ({name for word in each for name in types_in(word)} for each in (types, excluded))
    codes, words = pd.factorize(values)  # few words stand in many rows
    lineages = [[_lineage(name) for name in types_in(word)] for word in words]
    counts = [any(lineage & wanted and not lineage & left_out for lineage in each) for each in lineages]
    return pd.Series(np.array([*counts, False], bool)[codes], values.index)


def closest_types(word: str, *, most: int = 3) -> list[str]:
    """Name the types with the most similar words, the closest first.

    Examples
    --------
    >>> closest_types("托育机够")[0]
    '托育机构'
    """
    alike = get_close_matches(comparable(word), list(_words()), n=4 * most, cutoff=_ALIKE)
    return list(dict.fromkeys(_words()[one] for one in alike))[:most]


def facility_types() -> pd.DataFrame:
    """List the types of facilities and their words.

    Returns
    -------
    DataFrame
        Index: `type`. Columns: `en` (its English name), `kind_of` (the wider types) and `words` (other words for the
        same), each joined by "、".

    Examples
    --------
    >>> facility_types().loc["农村敬老院", ["en", "kind_of"]].tolist()
    ['rural old-age home', '敬老院']
    """
    rows = [(one.name, one.en, "、".join(one.wider), "、".join(one.words)) for one in types_table().values()]
    return pd.DataFrame(rows, columns=["type", "en", "kind_of", "words"]).set_index("type")
