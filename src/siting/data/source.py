"""A file to read a layer from, and what the caller said of it."""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from siting.errors import LayerError
from siting.messages import Message

logger = logging.getLogger(__name__)
_FILTERS = threading.RLock()

#: Bytes of a file that is read at once.
MOST_READ = 2 << 30


@dataclass(frozen=True)
class Source:
    """A file to read, the role of the layer, the name for messages, and the keywords of `read_layer`."""

    file: Path
    role: str
    name: str
    layer: str | None = None
    encoding: str | None = None
    skip_rows: int = 0
    header: int | None = None
    crs: Any = None
    #: Kinds of geometry of the role.
    geometry: tuple[str, ...] = ()

    def content(self) -> bytes:
        """Return the bytes of the file, which has a limit where all of it is read at once."""
        if (size := self.file.stat().st_size) > MOST_READ:
            gb, most = size / (1 << 30), MOST_READ / (1 << 30)
            raise LayerError(self.name, Message("reading.too_large", gb=gb, suffix=self.suffix, most=most))
        return self.file.read_bytes()

    @property
    def suffix(self) -> str:
        """The suffix of the file in lower case."""
        return self.file.suffix.lower()


@contextlib.contextmanager
def warnings_logged(name: str) -> Iterator[None]:
    """Send warnings of GDAL to the log. One thread at a time: Python has one list of filters for all."""
    with _FILTERS, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for warning in caught:
        logger.warning(Message("error.within", where=name, error=str(warning.message)))


def kept_attrs(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the notice and the attribution of *attrs*, if valid."""
    kept: dict[str, Any] = {}
    notice = attrs.get("notice")
    if isinstance(notice, Mapping):
        kept["notice"] = {str(lang): text for lang, text in notice.items() if isinstance(text, str)}
    if isinstance(attrs.get("attribution"), str):
        kept["attribution"] = attrs["attribution"]
    return {key: value for key, value in kept.items() if value != {}}
