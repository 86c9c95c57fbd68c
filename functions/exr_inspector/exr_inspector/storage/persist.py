"""Re-exports for the import path that release 1.0 documented; use `exr_inspector.compat` instead."""

from exr_inspector.compat import persist_to_vast_database

__all__ = ["persist_to_vast_database"]
