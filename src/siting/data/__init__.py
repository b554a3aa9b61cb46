"""Reading, checking, converting and writing layers.

A layer is a GeoDataFrame with a role (`list_roles`): communities, elder care, childcare, candidates, districts,
streets, or one of your own (`Role.from_toml`). `read_layer` reads a file, and `check_layer` brings a layer to the
canonical form of the role, or reports all errors at once, with rows and remedies. `write_layer` writes it completely
or not at all. `read_postgis` and `write_postgis` do the same with a database.
"""

from siting.data.atomic_write import atomic_path
from siting.data.check import check_layer
from siting.data.columns import Column
from siting.data.combine import combine_layers, one_layer
from siting.data.convert_datum import convert_datum
from siting.data.coordinate_checks import check_extent, check_together
from siting.data.crs import points, to_crs, to_metric
from siting.data.datum_offsets import DatumOffset, datum_offset
from siting.data.heading_list import list_headings
from siting.data.postgis import read_postgis
from siting.data.postgis_write import write_postgis
from siting.data.projection_choice import common_crs, metric_crs
from siting.data.read import read_arrow, read_layer
from siting.data.roles import Role, list_roles, role
from siting.data.sample import load_sample, sample_path
from siting.data.types_of_facilities import closest_types, facility_types, of_type, type_of, types_in
from siting.data.write import write_layer, write_table

__all__ = [
    "Column", "DatumOffset", "Role", "atomic_path", "check_extent", "check_layer", "check_together",
    "closest_types", "combine_layers", "common_crs", "convert_datum", "datum_offset", "facility_types", "list_headings",
    "list_roles", "load_sample", "metric_crs", "of_type", "one_layer", "points", "read_arrow", "read_layer",
    "read_postgis", "role", "sample_path", "to_crs", "to_metric", "type_of", "types_in", "write_layer", "write_postgis",
    "write_table",
]  # fmt: skip


def __dir__() -> list[str]:
    return __all__
