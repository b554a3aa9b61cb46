"""The words of layers of streets: what classes, yes-no words and levels mean, whatever office wrote them.

Every column of tags is read here, so that a word has one meaning for access, bridges and one-way streets. The words are
in ``street_words.toml``, with their sources. A warning names each unknown word, with the number of its rows.
"""

from __future__ import annotations

import logging
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Collection
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from siting.errors import NetworkError
from siting.messages import Message
from siting.numbers import Bools, Floats, Ints8, Positions

log = logging.getLogger(__name__)

#: Words of `oneway` in OpenStreetMap other than yes and no; streets that change by the hour are open both ways.
WAYS = frozenset({"yes", "no", "-1", "reverse", "reversible", "alternating"})
#: Words of `bridge` and `tunnel` that are kinds of them; further ones count as such, with a warning.
DECKS = frozenset({
    "yes", "no", "viaduct", "aqueduct", "boardwalk", "cantilever", "covered", "low_water_crossing", "movable",
    "trestle", "simple_brunnel", "simple", "beam", "arch", "suspension", "pontoon", "floating", "pier", "footbridge",
    "log", "building_passage", "culvert", "avalanche_protector", "passage", "subway", "underpass", "flooded",
})  # fmt: skip

_WHOLE = re.compile(r"([+-]?\d+)\.0+")
_BETWEEN = re.compile(r"[\s_\-‐]+")


def words(cell: Any) -> tuple[str, ...]:
    """Split a cell of tags into its values, lower case: a list as osmnx makes them, or text joined by ";"."""
    if isinstance(cell, (list, tuple, set, np.ndarray)):
        return tuple(word for each in cell for word in words(each))
    if cell is None or pd.isna(cell):
        return ()
    text = unicodedata.normalize("NFKC", str(cell)).lower()
    return tuple(_WHOLE.sub(r"\1", word) for part in text.split(";") if (word := part.strip(" \t\r\n\ufeff\u200b")))


_TABLE: dict[str, Any] = tomllib.loads(
    files("siting.network").joinpath("street_words.toml").read_text(encoding="utf-8")
)
#: The class of OpenStreetMap for each word of a class, folded as they are compared.
CLASSES: dict[str, str] = {
    _BETWEEN.sub("", words(word)[0]): name
    for table in _TABLE["classes"]
    for name, listed in table["words"].items()
    for word in listed
}
#: The classes that are understood.
KNOWN_CLASSES = frozenset(CLASSES.values())
#: "yes", "no" or "" for each word of a flag.
FLAGS: dict[str, str] = {
    unicodedata.normalize("NFKC", word).lower(): kind.replace("empty", "")
    for kind, listed in _TABLE["flags"].items()
    for word in listed
}
#: "unknown" is a class: a street not yet surveyed.
_EMPTY = frozenset(word for word, flag in FLAGS.items() if not flag and word not in CLASSES)


class Tag:
    """A column as codes of its few distinct cells, in the words of *key* in OpenStreetMap; *known* ones are read."""

    def __init__(self, column: pd.Series, key: str, known: Collection[str] | None = None) -> None:
        try:
            codes, values = pd.factorize(column)
        except TypeError:  # lists, as osmnx makes them where it merges streets
            codes, values = pd.factorize(pd.Series([";".join(words(cell)) or None for cell in column], dtype=object))
        self.key, self.name = key, column.name
        self.codes: Positions = codes
        self.raw = [words(value) for value in values]
        self.words = [tuple(new for word in each if (new := translated(word, key))) for each in self.raw]
        self._known = known

    def among(self, values: Collection[str]) -> Bools:
        """Mark the rows that have one of *values*."""
        return self._rows([any(word in values for word in each) for each in self.words])

    def filled(self) -> Bools:
        """Mark the rows that have any word."""
        return self._rows([bool(each) for each in self.words])

    def _rows(self, marks: list[bool]) -> Bools:
        return np.array([*marks, False])[self.codes]  # last: empty cells

    def count(self, rows: Bools, values: Collection[str]) -> list[tuple[str, int]]:
        """Count in *rows* the first of *values* that each cell holds."""
        first = [next((word for word in each if word in values), "") for each in self.words]
        counts = pd.Series(np.array(first, object)[self.codes[rows]]).value_counts()
        return [(str(value), int(number)) for value, number in counts.items()]

    def unread(self) -> dict[str, int]:
        """Count the rows of each word that is not understood, the most frequent first."""
        if self._known is None:
            return {}
        odd = [next((word for word in each if word not in self._known), None) for each in self.words]
        count = np.bincount(self.codes[self.codes >= 0], minlength=len(odd))
        rows: Counter[str] = Counter()
        for word, number in zip(odd, count.tolist(), strict=True):
            if word is not None and number:
                rows[word] += number
        return dict(sorted(rows.items(), key=lambda at: (-at[1], at[0])))

    def warn_of_unread(self, meaning: Message) -> dict[str, int]:
        """Warn of unknown words, with *meaning*, the default that applies. Return them, counted."""
        unread = self.unread()
        if unread:
            words = [Message("osm.word", word=word, n=n) for word, n in unread.items()]
            said = Message("osm.unknown_words", column=self.name, words=words, meaning=meaning)
            log.warning(said.within("streets"))
        return unread


def translated(word: str, key: str) -> str:
    """Translate a word into OpenStreetMap's word for tags of *key*; "" if it has no meaning."""
    if key == "highway":
        return CLASSES.get(_BETWEEN.sub("", word), word) if word not in _EMPTY else ""
    return FLAGS.get(word, word)


def osm_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Rename an office's columns of flags to OpenStreetMap's names; the log lists them."""
    have = {unicodedata.normalize("NFKC", str(name)).strip().lower(): name for name in frame.columns}
    named = {name: [have[word] for word in listed if word in have] for name, listed in _TABLE["columns"].items()}
    # Two columns that could have the same meaning are ambiguous; a name of OpenStreetMap never is.
    new = {given[0]: name for name, given in named.items() if len(given) == 1 and name not in frame.columns}
    if not new:
        return frame
    names = [Message("osm.column_as", source=source, name=name) for source, name in new.items()]
    log.info(Message("osm.columns", names=names).within("streets"))
    return frame.rename(columns=new)


def is_yes(column: pd.Series) -> Bools:
    """Mark the rows where a column of flags is yes, in any words."""
    return Tag(column, str(column.name)).among({"yes"})


def is_deck(column: pd.Series) -> Bools:
    """Mark the streets that are bridges, or tunnels, by a column of that name; kinds of them count."""
    tag = Tag(column, "bridge", DECKS)
    tunnel = column.name == "tunnel"
    tag.warn_of_unread(Message("osm.counts_tunnel") if tunnel else Message("osm.counts_bridge"))
    return tag.among({word for each in tag.words for word in each} - {"no"})


def read_levels(column: pd.Series) -> Floats:
    """Read a column of levels; NaN where there is none. Of several the first counts."""
    tag = Tag(column, "layer")
    first = [each[0] if each else "" for each in tag.raw]  # unchanged: "0" and "1" are levels here, not flags
    numbers = pd.to_numeric(pd.Series(first, dtype=object), errors="coerce").to_numpy(float)
    odd = [word for word, number in zip(first, numbers, strict=True) if np.isnan(number) and FLAGS.get(word, word)]
    if odd:
        log.warning(Message("osm.no_level", column=column.name, words=odd).within("streets"))
    return np.append(numbers, np.nan)[tag.codes]


def levels(streets: pd.DataFrame) -> Floats:
    """Return the level of each line by `layer`, `bridge` and `tunnel`: 0 is the ground."""

    def has(column: str) -> Bools:
        return is_deck(streets[column]) if column in streets else np.zeros(len(streets), np.bool_)

    level = np.where(has("bridge"), 1.0, np.where(has("tunnel"), -1.0, 0.0))
    if "layer" in streets:
        given = read_levels(streets["layer"])
        level = np.where(np.isnan(given), level, given)
    return level


def directions(column: pd.Series) -> Ints8:
    """Read a column of one-way signs: 1 along the line, -1 against it, 0 both ways.

    If the column has a "B" (both) it is Geofabrik's, where "F" is forward and "T" against the line; else these are
    false and true.

    Raises
    ------
    NetworkError
        When it has any other word.

    Examples
    --------
    >>> directions(pd.Series(["yes", "-1", "no", 1.0, True, "是", None])).tolist()
    [1, -1, 0, 1, 1, 1, 0]
    >>> directions(pd.Series(["F", "T", "B"])).tolist()
    [1, -1, 0]
    """
    tag = Tag(column, "oneway", WAYS)
    raw = [each[:1] for each in tag.raw]
    if ("b",) in raw:
        sign = {"f": 1, "t": -1, "b": 0}
        signs = [sign.get(each[0]) if each and FLAGS.get(each[0], each[0]) else 0 for each in raw]
    else:
        if ("f",) in raw or ("t",) in raw:
            log.warning(Message("osm.true_false", column=column.name).within("streets"))
        known = {"yes": 1, "-1": -1, "reverse": -1, "no": 0, "reversible": 0, "alternating": 0, "": 0}
        signs = [known.get(each[0] if each else "") for each in tag.words]
    odd = np.array([at is None for at in signs] + [False])[tag.codes]
    if odd.any():
        words = column[odd].astype(str).unique()
        said = Message("network.oneway_words", column=column.name, words=words, ids=column.index[odd])
        raise NetworkError(said.within("streets"))
    return np.array([at or 0 for at in signs] + [0], np.int8)[tag.codes]
