"""The sample district of the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from siting.data.read import read_layer
from siting.errors import SitingError
from siting.messages import Message

__all__ = ["load_sample", "sample_path"]

LAYERS = ("communities", "eldercare", "childcare", "candidates", "districts", "streets")


def sample_path(name: str = "sample.gpkg") -> Path:
    """Return the path of a file of the sample.

    Parameters
    ----------
    name
        Name of the file.

    Raises
    ------
    SitingError
        When the sample has no such file.

    Examples
    --------
    >>> sample_path().name
    'sample.gpkg'
    """
    package = Path(__file__).resolve().parents[1]
    # An installed package contains the sample; in a checkout it is in the data folder.
    for folder in (package / "_sample", package.parents[1] / "data" / "sample"):
        file = folder / name
        if Path(name).name == name and file.is_file():
            return file
    raise SitingError(Message("data.no_sample", name=name))


def load_sample() -> dict[str, Any]:
    """Return the layers of the sample district, by role.

    Real streets with synthetic population and facilities: ``attrs["notice"]`` of each layer states it.

    Returns
    -------
    dict of str to geopandas.GeoDataFrame
        ``communities``, ``eldercare``, ``childcare``, ``candidates``, ``districts`` and
        ``streets``, as `read_layer` returns them.

    Raises
    ------
    SitingError
        When the sample is missing.

    Examples
    --------
    >>> list(load_sample())
    ['communities', 'eldercare', 'childcare', 'candidates', 'districts', 'streets']
    """
    path = sample_path()
    return {name: read_layer(path, name, layer=name) for name in LAYERS}
