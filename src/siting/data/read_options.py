"""The keywords that `read_layer`, `read_arrow` and `read_postgis` share, and the layer that they make of a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from siting.data import tables
from siting.data.check import Missing, check_layer
from siting.data.check_ids import with_id_prefix
from siting.data.china_datums import Datum, is_shifted, read_datum
from siting.data.convert_datum import in_wgs84
from siting.data.datums import WGS84, crs_name, read_crs, same_crs
from siting.data.mapping import LayerMapping
from siting.data.mojibake import mend_mojibake, mended_choice
from siting.data.roles import COORDINATES, Role
from siting.data.source import kept_attrs
from siting.errors import LayerError
from siting.messages import Message

__all__ = ["ReadOptions"]


@dataclass(frozen=True)
class ReadOptions:
    """Keywords of a reader; without a role the rows stay unchecked, and only *crs* and *datum* count."""

    role: Role | None
    name: str
    mapping: LayerMapping | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    crs: Any = None
    datum: Datum | None = None
    missing: Missing = "raise"
    strict: bool = False
    strip_units: bool = False
    id_prefix: str = ""
    #: Of files only.
    layer: str | None = None
    encoding: str | None = None
    skip_rows: int = 0
    header: int | None = None

    @classmethod
    def of(cls, role: Role | None, name: str, mapping: str | Path | None, **keywords: Any) -> ReadOptions:
        """Return *keywords*, with those of *mapping* in place of None; *name* is that of the layer in messages."""
        plan = None if mapping is None or role is None else LayerMapping.from_toml(mapping, role)
        stated = {} if plan is None else dict(plan.options)
        chosen = stated | {key: value for key, value in keywords.items() if value is not None}
        if "datum" in chosen:
            chosen["datum"] = read_datum(chosen["datum"])
        if "crs" in chosen:
            chosen["crs"] = read_crs(chosen["crs"], name)
        return cls(role, name, plan, **chosen)

    def checked(self, frame: Any, source: str | None = None) -> Any:
        """Bring *frame* to the canonical form of the role, in WGS 84 if a datum is given; *source* is for its attrs."""
        if self.role is None:
            return in_wgs84(frame, self.datum, self.name)
        frame, columns = self._placed(mend_mojibake(frame, self.name), self.role)
        frame.attrs |= {"source": source} if source else {}
        out = check_layer(
            frame, self.role, columns=columns, missing=self.missing, name=self.name, strict=self.strict,
            strip_units=self.strip_units,
        )  # fmt: skip
        out = in_wgs84(out, self.datum, self.name)
        return with_id_prefix(out, self.id_prefix, self.name) if self.id_prefix else out

    def _placed(self, frame: Any, role: Role) -> tuple[Any, dict[str, str]]:
        """Apply the mapping, make the geometry of a table, and set the CRS; return the choice of other columns, too."""
        table = not isinstance(frame, gpd.GeoDataFrame)
        attrs = dict(frame.attrs) if table else kept_attrs(frame.attrs)
        chosen, renumber = mended_choice(self.columns, frame.columns), table
        if self.mapping is not None:
            renumber |= isinstance(frame.index, pd.RangeIndex)
            frame, planned, dropped = self.mapping.apply(frame, role, self.name, strip_units=self.strip_units)
            chosen = {**planned, **chosen}
            attrs |= {"dropped": dropped} if dropped else {}
        if table:
            places = {key: chosen.pop(key) for key in COORDINATES if key in chosen}
            frame, attrs["understood"] = tables.with_geometry(frame, places, self.crs, self.name)
        frame = frame.reset_index(drop=True) if renumber else frame
        frame = self._in_crs(frame)
        frame.attrs = attrs
        return frame, chosen

    def _in_crs(self, frame: Any) -> Any:
        """Set the CRS of a frame without one; refuse one that *crs* contradicts."""
        given = self.crs
        if given is None and frame.crs is None and self.datum is not None and is_shifted(self.datum):
            given = WGS84  # services give degrees
        if given is not None and frame.crs is None:
            return frame.set_crs(given)
        if given is not None and not same_crs(frame.crs, given):
            said = Message("datum.contradicted", own=crs_name(frame.crs), given=crs_name(given))
            raise LayerError(self.name, said)
        return frame
