"""exr-inspector: knows what is inside every OpenEXR file.

>>> import exr_inspector
>>> document = exr_inspector.inspect("beauty.1001.exr")  # doctest: +SKIP
"""

from exr_inspector.catalog.connect import open_store
from exr_inspector.catalog.search import Match
from exr_inspector.document.build import header_bytes
from exr_inspector.document.serialize import to_json
from exr_inspector.errors import InspectorError
from exr_inspector.pipeline import inspect
from exr_inspector.settings import Settings
from exr_inspector.similar import similar
from exr_inspector.vectors.embedding import channel_fingerprint, metadata_embedding
from exr_inspector.version import VERSION

__version__ = VERSION

__all__ = [
    "InspectorError",
    "Match",
    "Settings",
    "__version__",
    "channel_fingerprint",
    "header_bytes",
    "inspect",
    "metadata_embedding",
    "open_store",
    "similar",
    "to_json",
]
