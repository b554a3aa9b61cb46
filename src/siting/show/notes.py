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
    notices: dict[str, None] = {}
    sources: dict[str, None] = {}
    for frame in frames:
        notice = frame.attrs.get("notice")
        if isinstance(notice, Mapping) and notice.get(lang):
            notices[clean(notice[lang])] = None
        if frame.attrs.get("attribution"):
            sources[clean(frame.attrs["attribution"])] = None
    return list(notices), list(sources)
