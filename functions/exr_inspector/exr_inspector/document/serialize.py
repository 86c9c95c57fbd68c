"""Documents as JSON text."""

from __future__ import annotations

import hashlib
import json
from typing import Any

# json.dumps makes an encoder for each call that does not use its defaults.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def to_json(document: Any, *, indent: int | None = None) -> str:
    """Return JSON text by RFC 8259: no NaN, no surrogates. The same document gives the same text."""
    if indent is None:
        return _ENCODER.encode(document)
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent, separators=(",", ": "))


def elided(content: bytes) -> dict[str, Any]:
    """What stands in the place of content that is too long."""
    return {"elided": {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}}
