"""Re-exports for the import path that release 1.0 documented; use `exr_inspector.compat` instead."""

import warnings

from exr_inspector.compat import persist_to_vast_database

__all__ = ["persist_to_vast_database"]

warnings.warn(f"{__name__} is deprecated: use exr_inspector.compat", DeprecationWarning, stacklevel=2)
