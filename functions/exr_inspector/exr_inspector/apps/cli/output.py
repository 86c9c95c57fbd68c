"""Where JSON goes: standard output, or a file that is replaced only by a whole one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TextIO

import click

# What commands read and never write, by the bytes at a place in it.
_KEPT = {"an OpenEXR file": (0, b"v/1\x01"), "a DuckDB file": (8, b"DUCK")}


def write_bytes(output: str, data: bytes) -> None:
    """Write a file, which has its old content until the new one is complete.

    Raises click.UsageError if it cannot be written, or would replace what commands read.
    """
    with _replacing(Path(output)) as target:
        target.write_bytes(data)


class Discard(Exception):  # noqa: N818 - a request, not an error
    """Raised inside `opened`: the output is incomplete, so an output file keeps its previous content."""


@contextmanager
def opened(output: str | None) -> Iterator[TextIO]:
    """Open standard output, or a file that appears under its name once it is complete.

    Raises click.UsageError if the file cannot be written, or would replace what commands read.
    """
    if not output:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        with suppress(Discard):
            yield sys.stdout
        sys.stdout.flush()  # here, so that click handles a closed pipe
        return
    with suppress(Discard), _replacing(Path(output)) as target, target.open("w", encoding="utf-8") as file:
        yield file


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    """Yield the path to write to, so that a file appears under its name once it is complete.

    Raises click.UsageError if the file cannot be written, or would replace what commands read.
    """
    # A device or a pipe cannot be replaced. To replace a link would leave the file it points to unchanged.
    is_replaced = not target.is_symlink() and (target.is_file() or not target.exists())
    _check_target(target)
    try:
        with completed(target) if is_replaced else nullcontext(target) as path:
            yield path
    except OSError as error:
        raise click.UsageError(f"cannot write {target}: {error.strerror}") from error


@contextmanager
def completed(path: str | Path) -> Iterator[Path]:
    """Yield the path of a file beside another one, which it replaces at the end, and whose mode it gets.

    Raises click.UsageError if it would replace what commands read.
    """
    target = Path(path)
    _check_target(target)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        yield part
        if target.exists():
            part.chmod(target.stat().st_mode)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _check_target(target: Path) -> None:
    if not target.is_file():
        return
    with suppress(OSError), target.open("rb") as file:
        start = file.read(16)
        for what, (place, magic) in _KEPT.items():
            if start.startswith(magic, place):
                raise click.UsageError(f"{target} is {what}, and cannot be replaced; name another file")
