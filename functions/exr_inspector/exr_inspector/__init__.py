"""Index the metadata of OpenEXR files.

>>> import exr_inspector
>>> exr_inspector.inspect("beauty.1001.exr")["file"]["status"]
'ok'
"""

from typing import TYPE_CHECKING, Any

from exr_inspector.catalog.connect import open_store
from exr_inspector.catalog.search import Match
from exr_inspector.document.build import header_bytes
from exr_inspector.document.serialize import to_json
from exr_inspector.errors import InspectorError
from exr_inspector.library import inspect_many
from exr_inspector.pipeline import inspect
from exr_inspector.settings import Settings
from exr_inspector.similar import similar
from exr_inspector.vectors.embedding import channel_fingerprint, metadata_embedding
from exr_inspector.version import VERSION

if TYPE_CHECKING:
    from exr_inspector.pixels.stats import pixel_stats

__version__ = VERSION

__all__ = [
    "InspectorError",
    "Match",
    "Settings",
    "__version__",
    "channel_fingerprint",
    "header_bytes",
    "inspect",
    "inspect_many",
    "metadata_embedding",
    "open_store",
    "pixel_stats",
    "similar",
    "to_json",
]


def __getattr__(name: str) -> Any:
    """Import `pixel_stats` when it is asked for: the function that reads headers does not need it."""
    if name == "pixel_stats":
        from exr_inspector.pixels.stats import pixel_stats  # noqa: PLC0415

        return pixel_stats
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
