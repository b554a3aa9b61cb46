"""The table in Markdown, from the rows as records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["table"]

Record = Mapping[str, Any]
HEAD = ("Work", "Size", "siting", "Peer", "Peer's", "Ratio", "Target", "Met", "Checked")
#: Of published instances.
KNOWN = ("Instance", "Family", "Best known", "siting", "Off", "Bound", "Gap", "Seconds", "Checked")


def table(machine: Mapping[str, str], size: str, rows: Iterable[Record]) -> str:
    """Write the machine, the table, and below it what failed or was skipped."""
    return "\n".join(_lines(machine, size, list(rows))) + "\n"


def _lines(machine: Mapping[str, str], size: str, rows: list[Record]) -> Iterator[str]:
    yield f"Measured on {machine['date']} with the sizes `{size}` on {machine['processor']},"
    yield f"{machine['memory']} of memory, {machine['system']}, {machine['python']}; {machine['packages']}."
    yield ""
    # The targets are for the full sizes; in a small city a call's own cost is most of it.
    rows = [row if size == "full" else {**row, "target": None, "met": None} for row in rows]
    done = [row for row in rows if row["status"] == "ok"]
    judged = [row["met"] for row in done if row["met"] is not None]
    if judged:
        yield f"{sum(judged)} of {len(judged)} targets are met."
        yield ""
    raced = [row for row in done if row.get("value") is None]
    if raced:
        yield "| " + " | ".join(HEAD) + " |"
        yield "|---|---|--:|---|--:|--:|--:|---|---|"
        yield from (_row(row) for row in raced)
    published = [row for row in done if row.get("value") is not None]
    if published:
        yield ""
        yield "| " + " | ".join(KNOWN) + " |"
        yield "|---|---|--:|--:|--:|--:|--:|--:|---|"
        yield from (_published(row) for row in published)
    left = [row for row in rows if row["status"] != "ok"]
    if left:
        yield ""
        yield "Not measured:"
        yield ""
        yield from (f"- {_text(row['work'])}: {row['status']}: {_text(row['checked'])}" for row in left)


def _row(row: Record) -> str:
    met = {True: "yes", False: "**no**", None: ""}[row["met"]]
    cells = (
        _text(row["work"]), _text(row["size"]), _amount(row["ours"], row["unit"]), _text(row["peer"]),
        _amount(row["theirs"], row["unit"]), _times(row["ratio"]), _target(row), met, _text(row["checked"]),
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _published(row: Record) -> str:
    known, value, bound = (float(row[key]) for key in ("known", "value", "bound"))
    off = "" if f"{value:.6g}" == f"{known:.6g}" else f"{100 * (value - known) / max(abs(known), 1e-300):+.2g} %"
    gap = "" if value == bound else f"{100 * abs(bound - value) / max(abs(value), abs(bound), 1e-300):.2g} %"
    cells = (
        _text(row["work"]), _text(row["size"]), f"{known:,.10g}", f"{value:,.10g}", off, f"{bound:,.10g}", gap,
        f"{row['ours']:.3g}", _text(row["checked"]),
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _target(row: Record) -> str:
    if row["target"] is None:
        return ""
    sign = "≤" if row["most"] else "≥"
    if row["ratio"] is not None:
        return f"{sign} {_times(row['target'])}"
    return f"{sign} {_amount(row['target'], row['unit'])}"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:,.3g}×" if ratio < 100 else f"{ratio:,.0f}×"


def _amount(value: float | None, unit: str) -> str:
    """Write seconds in the unit that reads best, or a value in its own unit."""
    if value is None:
        return ""
    if unit == "%":
        return f"{value:.2g} %"
    if unit == "problems":
        return f"{value:,.0f}"
    if unit in ("MB", "bytes a node", "bytes a pair"):
        return f"{value:,.1f} {unit}"
    factor, name = next(((f, n) for f, n in ((1.0, "s"), (1e-3, "ms")) if value >= f), (1e-6, "µs"))
    return f"{value / factor:.3g} {name}" + (f" {unit}" if unit else "")


def _text(value: str) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")
