"""The golden vectors: `python -m tests.vectors.golden` writes them anew, for a new EMBEDDING_VERSION."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from exr_inspector.vectors.embedding import EMBEDDING_VERSION, channel_fingerprint, metadata_embedding
from tests.vectors.documents import GOLDEN, OF_PURPOSES, Document

FILE = Path(__file__).with_name("golden.json")


def vectors(document: Document) -> dict[str, str]:
    """Both vectors as little-endian float32 in base64."""
    both = {"metadata": metadata_embedding(document), "channels": channel_fingerprint(document)}
    return {kind: b64encode(vector.astype("<f4").tobytes()).decode() for kind, vector in both.items()}


def digest(document: Document) -> str:
    """SHA-256 of both vectors."""
    return hashlib.sha256("".join(vectors(document).values()).encode()).hexdigest()


def golden() -> dict[str, Any]:
    return {
        "version": EMBEDDING_VERSION,
        "vectors": {name: vectors(make()) for name, make in GOLDEN.items()},
        "purposes": {purpose: digest(make()) for purpose, make in OF_PURPOSES.items()},
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(golden(), indent=1) + "\n")
