"""DuckDB's exceptions as InspectorError."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from exr_inspector.errors import (
    BAD_QUERY,
    DATABASE_CONFLICT,
    DATABASE_DENIED,
    DATABASE_FULL,
    DATABASE_IN_USE,
    DATABASE_NOT_FOUND,
    DATABASE_UNAVAILABLE,
    NOT_A_DATABASE,
    QUERY_LIMIT,
    Fault,
    InspectorError,
)
from exr_inspector.mounts import is_on_network

# Texts of the operating system. DuckDB raises the same class for these as for other failures of a write.
_FULL = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_DENIED = tuple(os.strerror(code) for code in (errno.EROFS, errno.EACCES, errno.EPERM))
# Who holds the lock on a file.
_HOLDER = re.compile(r"Conflicting lock is held in (.+?) \(PID (\d+)\)")
# DuckDB's message for a statement that changes a read-only database.
_WRITES = "attached in read-only mode"
# A DuckDB file has these bytes after the checksum of its first block.
_MAGIC, _MAGIC_OFFSET = b"DUCK", 8


@contextmanager
def coded(path: str) -> Iterator[None]:
    """Raise DuckDB's exceptions as InspectorError."""
    try:
        yield
    except duckdb.Error as error:
        if holder := _HOLDER.search(str(error)):
            message = f"{holder[1]} (process {holder[2]}) has the file open"
            raise InspectorError(DATABASE_IN_USE, message, path) from error
        raise InspectorError(_fault(error), str(error), path) from error


@contextmanager
def coded_query(path: str) -> Iterator[None]:
    """Raise DuckDB's exceptions about a user's statement as InspectorError."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise InspectorError(QUERY_LIMIT, str(error), path) from error
    except (duckdb.OperationalError, duckdb.IOException, duckdb.FatalException) as error:
        raise InspectorError(_fault(error), str(error), path) from error
    except duckdb.Error as error:
        message = (
            "a query cannot change the database, which is open read-only"
            if _WRITES in str(error)
            else str(error)
        )
        raise InspectorError(BAD_QUERY, message, path) from error


def _fault(error: duckdb.Error) -> Fault:
    message = str(error)
    if any(text in message for text in _FULL):
        return DATABASE_FULL
    if any(text in message for text in _DENIED):
        return DATABASE_DENIED
    # A commit that cannot be written is a TransactionException too.
    if isinstance(error, duckdb.TransactionException) and "conflict" in message.lower():
        return DATABASE_CONFLICT
    return DATABASE_UNAVAILABLE


def check_path(path: str, *, read_only: bool) -> None:
    """Raise InspectorError if a DuckDB file cannot be opened at a path, with the reason.

    DATABASE_NOT_FOUND: the file must exist and does not, or its folder does not. NOT_A_DATABASE: something
    else is there. DATABASE_DENIED: the file may not be read, or is to be written on a network file system.
    """
    folder = os.path.dirname(path) or "."  # noqa: PTH120 - text, as DuckDB takes it
    if path == ":memory:":
        return
    if path != path.encode("utf-8", "ignore").decode():
        raise InspectorError(NOT_A_DATABASE, "DuckDB opens only files with names in UTF-8", path)
    if not os.path.isdir(folder):  # noqa: PTH112
        message = f"the folder {folder} does not exist; create it or correct the path"
        raise InspectorError(DATABASE_NOT_FOUND, message, path)
    if not read_only and (network := is_on_network(folder)):
        message = f"the folder is on {network}; DuckDB's locks need a disk of this machine"
        raise InspectorError(DATABASE_DENIED, message, path)
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - a pipe would block
        what = "this is a folder; name a file in it" if os.path.isdir(path) else "this is not a regular file"  # noqa: PTH112
        raise InspectorError(NOT_A_DATABASE, what, path)
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            start = file.read(_MAGIC_OFFSET + len(_MAGIC))
    except FileNotFoundError:
        if read_only:
            message = "the file does not exist; store files in it first, or correct the path"
            raise InspectorError(DATABASE_NOT_FOUND, message, path) from None
        return
    except PermissionError as error:
        raise InspectorError(DATABASE_DENIED, "this user may not read the file", path) from error
    if start[_MAGIC_OFFSET:] != _MAGIC:
        what = "this file is empty" if not start else "this file has other content"
        message = f"{what}; name a DuckDB file, or a path that does not exist yet"
        raise InspectorError(NOT_A_DATABASE, message, path)
