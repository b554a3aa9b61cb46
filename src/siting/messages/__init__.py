"""What is said to the user, by code, in the language that is set: errors, warnings, and lines of the shell.

A message is a code and its values. The words of ``file.absent`` stand in ``file.toml``, beside this module, as
``absent = { zh = "…", en = "…" }``: a file for each room that has much to say. A message becomes text where it is
shown, so that an error that was raised under English words can be shown in Chinese.

In the words, ``{n:row|rows}`` is a number with its noun (in Chinese ``{n:,} 行``), ``{ids:5}`` the first five of
several values, ``{kinds:plain}``, ``{kinds:or}`` and ``{kinds:and}`` (or ``plain40``) those without
quotation marks,
``{faults:lines}`` each on a line of its own, ``{value:quoted}`` what a user wrote, in quotation marks
where it is text, and of a table or another object its type, ``{of:noun}`` the word for a key of ``noun.toml``,
``{n:{of}}`` a number of these;
other braces are those of `str.format`.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from numbers import Number
from typing import Any

from siting.labels import LANGUAGES, Language

__all__ = ["Message", "language", "set_language", "text_in"]

#: The language of messages, for all threads.
_LANGUAGE: list[Language] = ["en"]
#: How many of several values are named where a text does not say.
MOST = 5
#: The longest text, of what a user gave, that is shown whole.
SHORT = 60
#: How values stand without quotation marks: the word between them, and how many.
UNQUOTED = re.compile(r"(plain|or|and)(\d*)")


def language() -> Language:
    """Return the language of messages: "en" unless `set_language` was called."""
    return _LANGUAGE[0]


def set_language(lang: Language) -> None:
    """Set the language of errors, warnings and log lines: "en", as it is at first, or "zh".

    Maps and reports have their own keyword ``lang``, whose default is Chinese.

    Raises
    ------
    ValueError
        When there is no such language.

    Examples
    --------
    >>> import siting as st
    >>> st.set_language("zh")
    >>> st.set_language("en")
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang is {lang!r}; choose one of {', '.join(LANGUAGES)}")
    _LANGUAGE[0] = lang


class Message:
    r"""A code and its values, as text in any language.

    Examples
    --------
    >>> Message("error.several", where="homes", n=1, error=["no rows"]).text("en")
    'homes: 1 fault\n  - no rows'
    """

    __slots__ = ("code", "values")

    def __init__(self, code: str, /, **values: Any) -> None:
        self.code, self.values = code, values

    def text(self, lang: Language | None = None) -> str:
        """Return the text in *lang*, else in the language that is set."""
        chosen = language() if lang is None else lang
        return _Words(chosen).vformat(_words(self.code, chosen), (), self.values)

    def within(self, where: str | Message) -> Message:
        """Return the sentence with the place in front, such as the name of the layer."""
        return Message("error.within", where=where, error=self)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Message {self.code}: {self.text('en')}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self.code, self.values)


def _made(code: str, values: Mapping[str, Any]) -> Message:
    return Message(code, **values)


def text_in(lang: Language | None, value: object) -> str:
    """Return a message in a language; any other value as `str` does."""
    return value.text(lang) if isinstance(value, Message) else str(value)


class _Words(string.Formatter):
    """`str.format` with nouns after numbers, several values, and messages inside messages."""

    def __init__(self, lang: Language) -> None:
        self.lang = lang

    def format_field(self, value: Any, spec: str) -> str:
        if isinstance(value, Message):
            return value.text(self.lang)
        if spec == "quoted":
            return _given(value, self.lang)
        if spec == "noun":
            return _noun(value, self.lang)[1]
        if spec == "lines":
            lines = (text_in(self.lang, each).replace("\n", "\n  ") for each in value)
            return "".join(f"\n  - {line}" for line in lines)
        if unquoted := UNQUOTED.fullmatch(spec):
            most = int(unquoted[2] or MOST)
            return _listed(list(value), self.lang, most=most, quoted=False, between=unquoted[1])
        if isinstance(value, Iterable) and not isinstance(value, str):
            return _listed(list(value), self.lang, most=int(spec or MOST))
        if len(spec) > 1 and spec.isalpha():
            one, many = _noun(spec, self.lang)
            return _words("list.counted", self.lang).format(value, one if value == 1 else many)
        one, bar, many = spec.partition("|")
        if bar:
            return f"{value:,} {one if value == 1 else many}"
        return str(super().format_field(value, spec))


def _noun(key: str, lang: Language) -> tuple[str, str]:
    """Return the word for a key of ``noun.toml``, for one and for several; the key itself where there is none."""
    one, _, many = _room("noun").get(key, {}).get(lang, key).partition("|")
    return one, many or one


def _plain(text: str) -> str:
    r"""Return a text with signs that cannot be seen as they are written in code: ``\n``."""
    return "".join(sign if sign.isprintable() or sign == "\u3000" else repr(sign)[1:-1] for sign in text)


def _given(value: object, lang: Language) -> str:
    """Return a value as a user writes it, in quotation marks if it is text; of an object that is long its type."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        short = f"{value[:SHORT]}…" if len(value) > SHORT else value
        return _words("list.quoted", lang).format(_plain(short))
    plain = value is None or isinstance(value, Number) or (callable(value) and not isinstance(value, type))
    if isinstance(value, list | tuple):
        plain = all(each is None or isinstance(each, str | Number) for each in value)
    written = str(value) if plain else ""
    if written and len(written) <= SHORT and "\n" not in written:
        return written
    kind = value.__name__ if isinstance(value, type) else type(value).__name__
    kind = kind.removeprefix("nd")  # an array of numpy
    return _words("list.an" if kind[0].lower() in "aeiou" else "list.a", lang).format(kind)


def _listed(
    values: Sequence[Any], lang: Language, *, most: int = MOST, quoted: bool = True, between: str = "plain"
) -> str:
    named = [text_in(lang, value) for value in values[:most]]  # of a million only the first
    if quoted:
        named = [_words("list.quoted", lang).format(_plain(value)) for value in named]
    head = _words(f"list.{between}", lang).join(named)
    rest = len(values) - most
    return _words("list.more", lang).format(head, rest) if rest > 0 else head


def _words(code: str, lang: Language) -> str:
    """Return the words of a code."""
    room, _, key = code.partition(".")
    return _room(room)[key][lang]


@cache
def _room(room: str) -> dict[str, dict[str, str]]:
    """Return the words of a room by key."""
    return tomllib.loads(files(__name__).joinpath(f"{room}.toml").read_text(encoding="utf-8"))
