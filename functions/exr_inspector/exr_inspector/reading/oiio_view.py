"""Re-exports for the import path that release 1.0 documented; use `exr_inspector.compat` instead."""

import warnings

from exr_inspector.compat import attributes_from_spec, serialize_value, spec_to_channels, spec_to_part

__all__ = ["attributes_from_spec", "serialize_value", "spec_to_channels", "spec_to_part"]

warnings.warn(f"{__name__} is deprecated: use exr_inspector.compat", DeprecationWarning, stacklevel=2)
