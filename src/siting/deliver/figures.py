"""The figures of the report, drawn again from what a run wrote."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pandas as pd

from siting.deliver.results import Found, plan_of
from siting.show import draw_chart, draw_picture
from siting.study.contents import Planned, Served

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figures_of"]

#: Dots per inch of an image.
DPI = 200


def figures_of(found: Found) -> dict[str, bytes]:
    """Return an image of each figure of the report in PNG, by its anchor there."""
    maps = {f"service/{served.service}": _image(_map(found, served)) for served in found.contents.served}
    curves = {f"goal/{goal.name}": _image(_curve(found, goal)) for goal in found.contents.planned if goal.curve}
    return {**maps, **curves}


def _image(figure: Figure) -> bytes:
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=DPI)
    figure.clear()
    return image.getvalue()


def _map(found: Found, served: Served) -> Figure:
    shown = found.plan_on_map(served.service)
    return draw_picture(
        found.inputs, service=served.service, areas=found.areas(served), coverage=served.table(), lang=found.lang,
        plan=None if shown is None else plan_of(shown[1]),
    )  # fmt: skip


def _curve(found: Found, goal: Planned) -> Figure:
    return draw_chart(pd.DataFrame(dict(goal.curve), dtype=float), target=goal.target, lang=found.lang)
