"""Documents as JSON text. Stored hashes depend on this text, so golden tests pin it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

# json.dumps makes an encoder for each call that does not use its defaults.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def to_json(document: Any, *, indent: int | None = None) -> str:
    """Return JSON text (RFC 8259), compact unless `indent` gives the spaces per level.

    Characters beyond ASCII are kept. Raises ValueError for a float that is NaN or infinite.
    """
    if indent is None:
        return _ENCODER.encode(document)
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent, separators=(",", ": "))


def elided(content: bytes) -> dict[str, Any]:
    """Return what replaces content that is too long: its size in bytes and its SHA-256."""
    return {"elided": {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}}
