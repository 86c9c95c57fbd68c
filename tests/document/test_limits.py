"""Damaged and hostile files end in a status, within bounds of time and memory that the kernel keeps."""

from __future__ import annotations

import random
import struct
from functools import cache
from pathlib import Path

import pytest

from exr_inspector.errors import FAULTS
from tests.corpus import damaged, needed
from tests.document.documents import valid
from tests.document.limited import Run, inspect_limited
from tests.exr.headers import multipart, plain
from tests.exrfiles.attributes import Attribute, Channel, attribute

MIB = 1024 * 1024

# --- damaged files --------------------------------------------------------------------------------------

run_damaged = cache(lambda: inspect_limited(damaged()))


@needed
def test_every_damaged_file_ends_in_a_status() -> None:
    run: Run = run_damaged()
    assert len(run.documents) == len(damaged()) == 185
    for path, document in zip(damaged(), run.documents, strict=True):
        assert document["file"]["path"] == str(path)
        assert document["file"]["status"] in ("ok", "incomplete", "corrupt", "unsupported")
        harmful = [each for each in document["errors"] if FAULTS[each["code"]].status]
        assert bool(harmful) == (document["file"]["status"] != "ok")


@needed
def test_the_document_of_every_damaged_file_is_valid() -> None:
    for document in run_damaged().documents:
        valid(document)


@needed
def test_damaged_files_need_little_memory() -> None:
    assert run_damaged().peak < 200 * 1024


# --- hostile files --------------------------------------------------------------------------------------


def head(*attributes: bytes) -> bytes:
    """A header that goes on."""
    return plain().data[:-1] + b"".join(attributes)


def claimed(type_: bytes, size: int) -> bytes:
    return b"n\0" + type_ + b"\0" + struct.pack("<i", size)


def numbered(count: int) -> bytes:
    return b"".join(b"a%d\0int\0\4\0\0\0\1\0\0\0" % n for n in range(count))


def parts(count: int) -> bytes:
    part = multipart([]).data[8:-1]
    return multipart([]).data[:8] + part * count + b"\0"


NOISE = random.Random(1).randbytes(4 * 65536)

# The first bytes of a file, its size (the rest is zeros), its status and its first code.
HOSTILE: dict[str, tuple[bytes, int, str, str]] = {
    "a channel list that is one endless name": (
        plain(Attribute(b"channels", b"chlist", b"a" * 2 * MIB), flags=0).data,
        0,
        "corrupt",
        "REQUIRED_ATTRIBUTE",
    ),
    "a second channel list of names without channels": (
        plain(Attribute(b"other", b"chlist", b"ab\0" * MIB), flags=0).data,
        0,
        "unsupported",
        "LIMIT_EXCEEDED",
    ),
    "a hundred thousand channels": (
        plain(attribute("channels", "chlist", [Channel(f"c{n}") for n in range(100_000)]), flags=0).data,
        0,
        "unsupported",
        "LIMIT_EXCEEDED",
    ),
    "a hundred thousand attributes": (head(numbered(100_000), b"\0"), 0, "unsupported", "LIMIT_EXCEEDED"),
    "twenty thousand attributes": (head(numbered(20_000), b"\0"), 0, "incomplete", "CHUNKS_MISSING"),
    "fifty thousand parts": (parts(50_000), 0, "unsupported", "LIMIT_EXCEEDED"),
    "a string of 2 GiB": (head(claimed(b"string", 2**31 - 1)), 4 << 30, "unsupported", "LIMIT_EXCEEDED"),
    "a value of 2 GiB in a small file": (
        head(claimed(b"odd", 2**31 - 1)),
        1 << 20,
        "corrupt",
        "HEADER_CORRUPT",
    ),
    "four million empty strings": (
        plain(Attribute(b"n", b"stringvector", bytes(16 * MIB))).data,
        0,
        "incomplete",
        "BAD_ATTRIBUTE",
    ),
    "thirty megabytes of floats in short lists": (
        plain(*(Attribute(b"f%d" % n, b"floatvector", NOISE) for n in range(120))).data,
        0,
        "incomplete",
        "BAD_ATTRIBUTE",
    ),
    "sixteen megabytes of text that is not UTF-8": (
        plain(Attribute(b"n", b"string", b"\xff" * 16 * MIB)).data,
        0,
        "incomplete",
        "BAD_ATTRIBUTE",
    ),
    "a preview of a billion pixels": (
        plain(Attribute(b"preview", b"preview", struct.pack("<2I", 40_000, 40_000))).data,
        0,
        "incomplete",
        "BAD_ATTRIBUTE",
    ),
    "two billion scan lines": (
        plain(
            attribute("dataWindow", "box2i", (0, 0, 2**31 - 1, 2**31 - 2)),
            attribute("compression", "compression", "none"),
        ).data,
        0,
        "incomplete",
        "CHUNKS_MISSING",
    ),
}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    folder = tmp_path_factory.mktemp("hostile")
    for number, (data, size, *_) in enumerate(HOSTILE.values()):
        with (folder / f"{number:02}").open("wb") as file:
            file.write(data)
            file.truncate(max(size, len(data)))
    run = inspect_limited(sorted(folder.iterdir()))
    return dict(zip(HOSTILE, run.documents, strict=True))


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_ends_in_a_status(what: str, hostile: dict[str, dict[str, object]]) -> None:
    _, _, status, code = HOSTILE[what]
    document = hostile[what]
    file, errors = document["file"], document["errors"]
    assert isinstance(file, dict)
    assert isinstance(errors, list)
    assert (file["status"], errors[0]["code"]) == (status, code)


@pytest.mark.parametrize(("count", "size"), [(1, 512 * 1024), (400, 1000)])
def test_strings_are_not_kept(count: int, size: int, tmp_path: Path) -> None:
    """OpenImageIO keeps every distinct string for ever, so some 30 MiB of them would show."""
    for number in range(64):
        strings = [attribute(f"s{n}", "string", f"{number:04}{n:04}" * (size // 8)) for n in range(count)]
        (tmp_path / f"{number:03}.exr").write_bytes(plain(*strings).data)
    run = inspect_limited(sorted(tmp_path.iterdir()))
    assert [each["file"]["openimageio"]["opens"] for each in run.documents] == [True] * 64
    assert run.peak - run.began_with < 16 * 1024
