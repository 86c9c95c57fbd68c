"""Documents as JSON text. Stored hashes depend on this text, so golden tests pin it."""

from __future__ import annotations

import hashlib
import json
from json import encoder
from typing import Any

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_make: Any = getattr(encoder, "c_make_encoder", None)  # None in a Python without C extensions
# JSONEncoder makes this C function again for each text, which takes longer than the text of most attributes.
_pieces: Any = (
    _make(None, _ENCODER.default, encoder.encode_basestring, None, ":", ",", False, False, False)
    if _make
    else _ENCODER.iterencode
)

quoted = encoder.encode_basestring
"""Return the JSON text of a string, as `to_json` does."""


def to_json(document: Any, *, indent: int | None = None) -> str:
    """Return JSON text (RFC 8259): compact, or with `indent` spaces per level.

    Non-ASCII characters are not escaped. Raises ValueError for a float that is NaN or infinite.
    """
    if indent is None:
        return "".join(_pieces(document, 0))
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent, separators=(",", ": "))


def elided(content: bytes) -> dict[str, Any]:
    """Return what replaces content that is too long: its size in bytes and its SHA-256."""
    return {"elided": {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}}
