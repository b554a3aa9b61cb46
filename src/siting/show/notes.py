"""Notices and sources of the layers and tables of a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from siting.show.text import clean

__all__ = ["notes_of"]


def notes_of(frames: Iterable[pd.DataFrame | pd.Series], lang: str) -> tuple[list[str], list[str]]:
    """Return the notices and the sources in ``attrs`` of *frames*, each once.

    Examples
    --------
    >>> frame = pd.DataFrame()
    >>> frame.attrs = {"notice": {"zh": "合成数据", "en": "synthetic"}, "attribution": "OpenStreetMap"}
    >>> notes_of([frame, frame], "en")
    (['synthetic'], ['OpenStreetMap'])
    """
    carried = [frame.attrs for frame in frames]
    notices = [notice.get(lang) for attrs in carried if isinstance(notice := attrs.get("notice"), Mapping)]
    sources = [attrs.get("attribution") for attrs in carried]
    return list(dict.fromkeys(map(clean, filter(None, notices)))), list(
        dict.fromkeys(map(clean, filter(None, sources)))
    )
