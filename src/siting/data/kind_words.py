"""Words for kinds of geometry, in messages."""

from __future__ import annotations

from siting.messages import Message

_CHINESE = {
    "Point": "点", "LineString": "线", "LinearRing": "环", "Polygon": "面", "MultiPoint": "多点",
    "MultiLineString": "多线", "MultiPolygon": "多面", "GeometryCollection": "几何集合",
}  # fmt: skip


def kind_word(name: str) -> Message:
    """Return the word for a kind of geometry: its name, in Chinese 点, 线, 面."""
    return Message("data.word", zh=_CHINESE[name], en=name)
