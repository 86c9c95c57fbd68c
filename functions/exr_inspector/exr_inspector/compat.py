"""The functions of the original design (release 0.9), under the names that its README gives them.

Each function has its name with and without the leading underscore. The functions are this release's:
`parse_config` returns the configuration and a list of errors, `inspect_exr` returns a complete document, and
`persist_to_vast_database` stores one. `handler` and `init` are in `main`, beside this package. Importing this
module loads OpenImageIO, so `main` does not import it.
"""

from exr_inspector.catalog.persist import persist_to_vast_database
from exr_inspector.document.oiio_report import (
    attributes_from_spec,
    serialize_value,
    spec_to_channels,
    spec_to_part,
)
from exr_inspector.events.parse import extract_file_path
from exr_inspector.events.request import Config, parse_config
from exr_inspector.pipeline import inspect_exr

InspectorConfig = Config

_attributes_from_spec = attributes_from_spec
_extract_file_path = extract_file_path
_inspect_exr = inspect_exr
_parse_config = parse_config
_persist_to_vast_database = persist_to_vast_database
_serialize_value = serialize_value
_spec_to_channels = spec_to_channels
_spec_to_part = spec_to_part

__all__ = [
    "InspectorConfig",
    "_attributes_from_spec",
    "_extract_file_path",
    "_inspect_exr",
    "_parse_config",
    "_persist_to_vast_database",
    "_serialize_value",
    "_spec_to_channels",
    "_spec_to_part",
    "attributes_from_spec",
    "extract_file_path",
    "inspect_exr",
    "parse_config",
    "persist_to_vast_database",
    "serialize_value",
    "spec_to_channels",
    "spec_to_part",
]
