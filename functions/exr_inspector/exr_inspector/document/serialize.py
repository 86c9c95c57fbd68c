"""Documents as JSON text."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def to_json(document: Any, *, indent: int | None = None) -> str:
    """JSON text by RFC 8259: no NaN, no surrogates; the same document gives the same text."""
    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)


def elided(content: bytes) -> dict[str, Any]:
    """What stands in the place of content that is too long."""
    return {"elided": {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}}
