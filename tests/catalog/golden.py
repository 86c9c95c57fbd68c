"""Golden hashes of documents and facts: `python -m tests.catalog.golden` prints them.

A change of them makes each stored file look changed. If it is intended, raise HEADER_VERSION and update the
hashes in `test_golden.py` in the same commit.
"""

from __future__ import annotations

import struct
from datetime import datetime, timezone
from hashlib import sha256

from exr_inspector.catalog.rows import header_rows
from exr_inspector.document.build import Reading, make_document
from exr_inspector.document.serialize import to_json
from exr_inspector.exr.completeness import assess
from exr_inspector.exr.header import Header, parse_header
from exr_inspector.location import Location
from exr_inspector.sources.protocol import Stat
from exr_inspector.vectors.embedding import embed
from tests.exr.files import KINDS, file
from tests.exr.headers import multipart, plain, without
from tests.exrfiles.attributes import Attribute, Channel, attribute
from tests.exrfiles.demo import TRUNCATED_FRAME, demo_files
from tests.exrfiles.writer import Header as Written

_ODD = plain(
    Attribute(b"caf\xe9", b"string", b"gr\xfcn"),
    Attribute(b"nan", b"float", b"\x01\x00\xc0\x7f"),
    Attribute(b"broken", b"int", b"12345"),
    Attribute(b"unknown", b"nothingKnown", b"\x00\xff"),
    attribute("channels", "chlist", [Channel("Y", 7), Channel("größe", "half", 1, 0, 2)]),
    attribute("matrix", "m33f", [0.1, 1e-7, 1e22, -0.0, 1 / 3, 2.0**-96, 2.0**-149, 3.4e38, 7]),
    attribute("views", "stringvector", ["links", "rechts é"]),
    attribute("timeCode", "timecode", (0x01020304, 7)),
    attribute("rate", "rational", (24000, 1001)),
    attribute("long", "string", "x" * 130_000),
)


def inputs() -> dict[str, bytes]:
    """Return the files: every kind, the demo's, those that are cut or lack their table, and odd headers."""
    found = {kind: file(kind).data for kind in KINDS}
    for kind in KINDS:
        whole = file(kind)
        offsets = sorted(struct.unpack_from(f"<{sum(whole.counts)}Q", whole.data, whole.head))
        found[f"cut {kind}"] = whole.data[: offsets[len(offsets) // 2]]
        found[f"no table {kind}"] = (
            whole.data[: whole.head] + bytes(whole.tables - whole.head) + whole.data[whole.tables :]
        )
    found |= {name: data for name, data in demo_files() if str(TRUNCATED_FRAME) not in name}
    found["odd"] = _ODD.data
    found["parts"] = multipart([], [attribute("take", "int", 2)]).data
    found["no channels"] = Written((without(b"channels"),), 0).data
    return found


def hashes() -> dict[str, str]:
    """Return the first 16 digits of the SHA-256 of each document's text, and of the hash of its facts."""
    found = {}
    for name, data in inputs().items():
        header = parse_header(data, file_size=len(data))
        assert isinstance(header, Header)
        location = Location(f"/shows/golden/{name}", f"/shows/golden/{name}")
        # Not the real size: that of compressed pixels depends on the release of zlib.
        stat = Stat(12345, datetime(2026, 10, 1, 9, 15, 30, 123456, timezone.utc))

        def read(start: int, length: int, data: bytes = data) -> bytes:
            return data[start : start + length]

        complete = assess(header, read, len(data), 1 << 17)
        digest = sha256(data[: header.size]).hexdigest()
        document = make_document(
            Reading(location, stat, header=header, header_hash=digest, completeness=complete)
        )
        rows = header_rows(document, location, stat.mtime, embed(document))
        found[name] = f"{sha256(to_json(document).encode()).hexdigest()[:16]} {rows.file['facts_hash'][:16]}"
    return found


if __name__ == "__main__":
    for name, digest in hashes().items():
        print(f'    "{name}": "{digest}",')
