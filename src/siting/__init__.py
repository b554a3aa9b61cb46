"""Siting of service facilities and analysis of their coverage along the street network.

Layers in, values out: read layers, build the walking network, measure who reaches what, judge it by a city's written
standard, propose sites with a proof of how good they are, and show it on maps and in reports that open offline.

The public names stand in ``__init__.pyi``; each is loaded when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.2.0"
