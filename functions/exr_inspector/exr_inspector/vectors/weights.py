"""The weights of features within their groups, and the bins of numbers.

The weights of the groups are in `embedding.GROUPS`. A change here changes the vectors: raise
EMBEDDING_VERSION.
"""

from __future__ import annotations

WEIGHTS = {
    "layer": 3.0,
    "word of a layer": 1.0,
    "side of a window": 1.0,
    "color space": 4.0,
    "color value": 0.5,
    "program": 12.0,
    "version": 3.0,
    "exact version": 0.25,
    "release": 0.5,
    "camera text": 3.0,
    "camera number": 1.0,
    "attribute": 1.0,
    "namespace": 3.0,
    "text": 1.0,
    # A counter looks just like a setting.
    "whole number": 0.0625,
}
"""Kind of feature -> weight."""

FIELDS = {
    "compression": ("storage", 8.0),
    "line_order": ("storage", 2.0),
    "tile_width": ("storage", 1.0),
    "tile_height": ("storage", 1.0),
    "rounding_mode": ("storage", 1.0),
    "level_mode": ("structure", 3.0),
    "type": ("structure", 6.0),
    "view": ("structure", 3.0),
    "name": ("structure", 1.0),
}
"""Field of a part -> group and weight of its value."""

KINDS = {
    "environment map": 12.0,
    "latlong": 1.0,
    "cube": 1.0,
    "cryptomatte": 12.0,
    "deep": 12.0,
    "levels": 4.0,
    "views": 4.0,
    "chroma": 6.0,
    "layers": 2.0,
    "one channel": 3.0,
    "photograph": 3.0,
}
"""What a file is for -> weight."""

PICTURE = "picture"
"""The kind of a file that is of no other kind."""

SCALES: dict[str, tuple[float, ...]] = {
    "channels": (1,),
    "layers": (1,),
    "parts": (1,),
    "size": (0.5, 2),
    "shape": (4,),
    "pixel aspect": (16,),
    "reach": (4,),
    "camera": (1,),
}
"""Kind of number -> scales: bins per octave, or per unit for the reach of a data window."""
