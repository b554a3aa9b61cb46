"""The errors of the library.

::

    SitingError (ValueError)
    ├── LayerError      a layer that cannot be used
    ├── NetworkError    streets that make no network, or an invalid request
    ├── StandardError   a standard or rule that cannot be read or applied
    └── ProblemError    an invalid siting problem

An infeasible goal raises nothing: the plan has the status ``"infeasible"``.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

from siting.labels import Language
from siting.messages import Message, text_in

__all__ = ["LayerError", "NetworkError", "ProblemError", "SitingError", "StandardError"]


def __dir__() -> list[str]:
    return __all__


class SitingError(ValueError):
    """Base of all errors that a user can correct.

    Parameters
    ----------
    message
        What is wrong, where, and how to mend it: a text, or a `Message`, which has words in Chinese and English.

    Attributes
    ----------
    code
        What is wrong, as a key of the table of messages; None for an error that has only a text.
    values
        The values in the sentence, by name.

    Examples
    --------
    >>> import siting as st
    >>> try:
    ...     st.Study.from_toml("absent.toml")
    ... except st.SitingError as error:
    ...     print(error.code, error.text("zh"))
    file.absent absent.toml：没有这个文件
    """

    def __init__(self, message: str | Message = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = message.code if isinstance(message, Message) else None
        self.values = message.values if isinstance(message, Message) else {}

    def text(self, lang: Language) -> str:
        """Return the sentence in a language; `str` gives that of `set_language`."""
        return text_in(lang, self.message)

    def __str__(self) -> str:
        return str(self.message)

    def within(self, where: str | Message) -> Message:
        """Return the sentence with the place in front, for an error that knows the place."""
        return Message("error.within", where=where, error=self.message)


class LayerError(SitingError):
    """A layer that cannot be used: each error with its rows and its remedy.

    Parameters
    ----------
    layer
        Name of the layer as the user knows it (role or file).
    faults
        One sentence for each error.
    partial
        The layer as far as it was read.

    Examples
    --------
    >>> print(LayerError("communities", ["population is missing"]))
    communities: population is missing
    """

    def __init__(self, layer: str, faults: str | Message | Sequence[str | Message], *, partial: object = None) -> None:
        self.layer, self.partial = layer, partial
        self.faults = (faults,) if isinstance(faults, str | Message) else tuple(faults)
        code, listed = ("within", self.faults[0]) if len(self.faults) == 1 else ("several", self.faults)
        super().__init__(Message(f"error.{code}", where=layer, n=len(self.faults), error=listed))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.layer, self.faults)

    @property
    def found(self) -> object:
        """The old name of `partial`."""
        said = Message("renamed.attribute", name="LayerError", old="found", new="partial")
        warnings.warn(str(said), DeprecationWarning, stacklevel=2)
        return self.partial


class NetworkError(SitingError):
    """Streets that make no network, or an invalid request to the network."""


class StandardError(SitingError):
    """A standard or rule that cannot be read or applied."""


class ProblemError(SitingError):
    """An invalid siting problem."""


def some(values: Iterable[object], most: int = 5) -> str:
    """Name the first few of *values* for a message, and the number of the others.

    Examples
    --------
    >>> some(["a", "b", "c"], most=2)
    '"a", "b" and 1 more'
    """
    listed = [f'"{value}"' for value in values]
    rest = len(listed) - most
    head = ", ".join(listed[:most])
    return f"{head} and {rest} more" if rest > 0 else head


def counted(n: int, many: str) -> str:
    """Write a number and what is counted, the plural *many* or its singular.

    Examples
    --------
    >>> counted(1, "communities"), counted(2, "sites"), counted(1200, "pairs")
    ('1 community', '2 sites', '1,200 pairs')
    """
    one = f"{many[:-3]}y" if many.endswith("ies") else many.removesuffix("s")
    return f"{n:,} {one if n == 1 else many}"
