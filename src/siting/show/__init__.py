"""Maps, charts and reports: shows what was computed, computes nothing."""

from siting.show.chart import draw_chart
from siting.show.map import draw_map
from siting.show.picture import draw_picture
from siting.show.report import Section, write_report

__all__ = ["Section", "draw_chart", "draw_map", "draw_picture", "write_report"]


def __dir__() -> list[str]:
    return __all__
