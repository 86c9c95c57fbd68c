"""Index the metadata of OpenEXR files.

>>> import exr_inspector
>>> exr_inspector.inspect("beauty.1001.exr")["file"]["status"]
'ok'
"""

from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any

from exr_inspector.errors import InspectorError, requires_extra
from exr_inspector.settings import Settings
from exr_inspector.similar import similar
from exr_inspector.version import VERSION

if TYPE_CHECKING:
    from exr_inspector.catalog.connect import open_store
    from exr_inspector.catalog.rows import to_arrow
    from exr_inspector.catalog.search import Match
    from exr_inspector.checks.checker import check
    from exr_inspector.differences import diff
    from exr_inspector.document.build import header_bytes
    from exr_inspector.document.serialize import to_json
    from exr_inspector.library import inspect_many
    from exr_inspector.pipeline import inspect
    from exr_inspector.pixels.cryptomatte import cryptomattes
    from exr_inspector.pixels.stats import pixel_stats
    from exr_inspector.vectors.embedding import channel_fingerprint, metadata_embedding

__version__ = VERSION

__all__ = [
    "InspectorError",
    "Match",
    "Settings",
    "__version__",
    "channel_fingerprint",
    "check",
    "cryptomattes",
    "diff",
    "header_bytes",
    "inspect",
    "inspect_many",
    "metadata_embedding",
    "open_store",
    "pixel_stats",
    "similar",
    "to_arrow",
    "to_json",
]

# Imported when they are used: numpy and pyarrow take 150 ms, which `exr-inspector --version` does not need.
_MODULES = {
    "Match": "catalog.search",
    "channel_fingerprint": "vectors.embedding",
    "check": "checks.checker",
    "cryptomattes": "pixels.cryptomatte",
    "diff": "differences",
    "header_bytes": "document.build",
    "inspect": "pipeline",
    "inspect_many": "library",
    "metadata_embedding": "vectors.embedding",
    "open_store": "catalog.connect",
    "pixel_stats": "pixels.stats",
    "to_arrow": "catalog.rows",
    "to_json": "document.serialize",
}
# Those that cannot be imported without an extra.
_EXTRAS = {"check": "policy"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with requires_extra(_EXTRAS[name]) if name in _EXTRAS else nullcontext():
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
