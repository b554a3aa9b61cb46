"""Charts of coverage by number of sites or by budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from siting.errors import SitingError
from siting.labels import label
from siting.messages import Message
from siting.numbers import percent
from siting.show.colours import INK, MUTED, PAPER, TARGET, WITHIN
from siting.show.fonts import drawing
from siting.show.text import clean, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_chart"]

#: Shares that print alike, to a tenth of a percent, are one.
SAME = 5e-4


def draw_chart(
    curve: pd.DataFrame, *, target: float | None = None, lang: str = "zh", title: str | None = None
) -> Figure:
    """Draw the share of people covered against the number of new sites, or against the budget.

    Parameters
    ----------
    curve
        From `siting.frontier`: a row for each number of sites, with the columns ``sites`` (count of new sites)
        and ``share`` (0 to 1), and, if known, ``bound_share`` (the largest share possible with this number of
        sites). A row with 0 sites is the coverage of the existing facilities. Rows without a share are left out. With a
        column ``budget`` the curve is drawn against that.
    target
        A share to reach, 0 to 1: drawn as a line, with the least number of sites that meets it.
    lang
        ``"zh"`` or ``"en"``.
    title
        Above the chart; default: what is drawn.

    Returns
    -------
    matplotlib.figure.Figure
        Without a window; ``.savefig("curve.png")`` writes it.

    Raises
    ------
    SitingError
        When *curve* is no table, a column is missing, no row has a share, or *target* is not a share.

    Examples
    --------
    >>> import pandas as pd
    >>> curve = pd.DataFrame({"sites": [0, 1, 2], "share": [0.5, 0.8, 0.95]})
    >>> figure = draw_chart(curve, target=0.9, lang="en")
    >>> [text.get_text() for text in figure.axes[0].texts][:2]
    ['today 50.0 %', '95.0 %']
    """
    if not isinstance(curve, pd.DataFrame):
        raise SitingError(Message("show.curve_kind", value=curve))
    by = "budget" if "budget" in curve.columns else "sites"
    steps = _checked(curve, target, by)
    if title is None:
        title = label("chart.title" if by == "sites" else "chart.title_budget", lang)
    with drawing():
        from matplotlib.ticker import MaxNLocator

        from siting.show.display import Picture  # matplotlib takes a while to import

        figure = Picture(figsize=(8.4, 4.5))
        axes = figure.add_axes((0.075, 0.135, 0.845, 0.68))
        axes.grid(visible=True, axis="y")
        axes.spines["left"].set_visible(False)
        axes.tick_params(length=0, pad=6)
        if by == "sites":
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        else:
            axes.xaxis.set_major_formatter("{x:,.10g}")
        axes.yaxis.set_major_formatter("{x:.0%}")
        keys = _draw_lines(axes, steps, by, lang)
        _draw_ends(axes, steps, by, lang)
        if target is not None:
            _draw_target(axes, steps, target, by, lang)
        _set_limits(axes, steps, target, by)
        axes.set_xlabel(label(f"chart.{by}", lang), labelpad=8)
        figure.text(0.02, 0.965, clean(title), fontsize=13, fontweight="bold", va="top")
        _draw_keys(figure, keys)
    return figure


def _checked(curve: pd.DataFrame, target: float | None, by: str) -> pd.DataFrame:
    """Return the rows that can be drawn, in the order of their number of sites or their budget."""
    if missing := [name for name in ("sites", "share") if name not in curve.columns]:
        raise SitingError(Message("show.curve_columns", columns=missing))
    if target is not None and not 0 < target <= 1:
        raise SitingError(Message("show.target", value=target))
    steps = curve.loc[curve["share"].notna()].sort_values(by, kind="stable")
    if steps.empty:
        raise SitingError(Message("show.curve_empty"))
    return steps


def _draw_lines(axes: Axes, steps: pd.DataFrame, by: str, lang: str) -> list[tuple[str, dict[str, Any]]]:
    """Draw the curve, and the bound where it differs; return the entries of the key."""
    along, share = (steps[name].to_numpy(float) for name in (by, "share"))
    line: dict[str, Any] = {"color": WITHIN[0], "linewidth": 2}
    mark: dict[str, Any] = {"marker": "o", "markersize": 5, "markeredgecolor": PAPER, "markeredgewidth": 1}
    axes.plot(along, share, zorder=4, **line, **mark)
    keys = [(label("chart.share", lang), {**line, **mark})]
    if "bound_share" in steps:
        bound = steps["bound_share"].to_numpy(float)
        if np.nanmax(np.abs(bound - share), initial=0) > SAME:
            dashed: dict[str, Any] = {"color": MUTED, "linewidth": 1.2, "linestyle": (0, (4, 3))}
            axes.plot(along, bound, zorder=3, **dashed)
            axes.fill_between(along, share, bound, color=MUTED, alpha=0.12, linewidth=0, zorder=2)
            keys.append((label("chart.bound", lang), dashed))
    return keys


def _draw_ends(axes: Axes, steps: pd.DataFrame, by: str, lang: str) -> None:
    first, last = steps.iloc[0], steps.iloc[-1]
    note: dict[str, Any] = {"textcoords": "offset points", "fontsize": 9.5, "color": INK, "zorder": 6}
    if first["sites"] == 0:
        words = label("chart.today", lang, share=percent(first["share"]))
        axes.annotate(words, (first[by], first["share"]), (9, -12), va="center", **note)
    if len(steps) > 1:
        axes.annotate(percent(last["share"]), (last[by], last["share"]), (9, 0), va="center", **note)


def _draw_target(axes: Axes, steps: pd.DataFrame, target: float, by: str, lang: str) -> None:
    """Draw the goal as a line, and the least number of sites, or budget, of the curve that meets it."""
    goal, suffix = f"{target * 100:.4g} %", "" if by == "sites" else "_budget"
    axes.axhline(target, color=TARGET, linewidth=1.2, linestyle=(0, (1, 1.5)), zorder=1)
    # Shares are quotients of sums: compare within the rounding tolerance.
    met = steps.loc[steps["share"] >= target - 1e-9]
    if met.empty:
        words = label(f"chart.not_met{suffix}", lang, goal=goal, **{by: f"{steps[by].max():,.10g}"})
    else:
        least, share = float(met[by].iloc[0]), float(met["share"].iloc[0])
        words = label(f"chart.met{suffix}", lang, goal=goal, **{by: f"{least:,.10g}"})
        axes.plot([least, least], [0, share], color=TARGET, linewidth=1.2, linestyle=(0, (1, 1.5)))
        ring: dict[str, Any] = {"marker": "o", "markersize": 9, "markerfacecolor": PAPER, "markeredgecolor": TARGET}
        axes.plot([least], [share], **ring, markeredgewidth=2, linestyle="none", zorder=5)
    # Where the goal is met early the curve is above the line at its right end, else below it at its left.
    early = not met.empty and float(met[by].iloc[0]) < float(steps[by].iloc[[0, -1]].mean())
    at, off = (0.996 if early else 0.004, target), (0, -4 if early else 4)
    sides = {"ha": "right", "va": "top"} if early else {"ha": "left", "va": "baseline"}
    note: dict[str, Any] = {**sides, "fontsize": 9.5, "color": TARGET, "zorder": 6}
    axes.annotate(words, at, off, xycoords=("axes fraction", "data"), textcoords="offset points", **note)


def _set_limits(axes: Axes, steps: pd.DataFrame, target: float | None, by: str) -> None:
    """Begin the axis at a tenth below the curve, and leave room for the words at its ends."""
    least, most = float(steps["share"].min()), float(steps["share"].max())
    if "bound_share" in steps:
        most = max(most, float(steps["bound_share"].max()))
    ends = [least, most, *([] if target is None else [target])]
    low = max(0.0, np.floor(min(ends) * 10 - 0.5) / 10)
    axes.set_ylim(low, max(ends) + (max(ends) - low) * 0.1)
    axes.set_yticks([tick for tick in axes.get_yticks() if low - 1e-9 <= tick <= 1 + 1e-9])
    span = float(steps[by].max() - steps[by].min()) or 1.0
    axes.set_xlim(steps[by].min() - span * 0.02, steps[by].max() + span * 0.02)


def _draw_keys(figure: Figure, keys: list[tuple[str, dict[str, Any]]]) -> None:
    """Write what the lines mean in a row above the chart, with estimated widths, right without Chinese fonts, too."""
    from matplotlib.lines import Line2D

    width = figure.get_figwidth()
    left, level = 0.02 * width, 0.865
    for words, style in keys:
        ends = [left / width, (left + 0.36) / width]
        drawn = {name: value for name, value in style.items() if not name.startswith("mark")}
        marked = {name: value for name, value in style.items() if name.startswith("mark")}
        figure.add_artist(Line2D(ends, [level] * 2, **drawn))
        if marked:
            dot = {"color": style["color"], "linestyle": "none", **marked}
            figure.add_artist(Line2D([sum(ends) / 2], [level], **dot))
        figure.text((left + 0.44) / width, level, words, va="center", fontsize=9.5, color=INK)
        left += 0.44 + text_width(words, 9.5) + 0.35
