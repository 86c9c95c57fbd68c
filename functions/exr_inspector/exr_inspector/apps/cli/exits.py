"""The exit codes of the commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from exr_inspector.errors import (
    DANGLING_LINK,
    FILE_NOT_FOUND,
    LINK_LOOP,
    NOT_A_FILE,
    OBJECT_CHANGED,
    STORAGE_DENIED,
    STORAGE_REFUSED,
    STORAGE_UNAVAILABLE,
    Fault,
    InspectorError,
)

OK, FOUND, WRONG, UNREAD, INTERRUPTED, ENDED = 0, 1, 2, 3, 130, 143
MEANINGS = {
    OK: "Nothing to report.",
    FOUND: "A file is not ok, or the command found something: a finding, a difference, an outlier.",
    WRONG: "A usage, environment or database error.",
    UNREAD: "A file cannot be read. Used by `check`, `diff` and `outliers`, where 1 is a result.",
    INTERRUPTED: "Ctrl-C.",
    ENDED: "The signal TERM, as farm managers send it.",
}

UNREAD_FAULTS = frozenset(
    (
        FILE_NOT_FOUND,
        DANGLING_LINK,
        LINK_LOOP,
        NOT_A_FILE,
        STORAGE_UNAVAILABLE,
        STORAGE_DENIED,
        STORAGE_REFUSED,
        OBJECT_CHANGED,
    )
)
"""The faults of files that could not be inspected at all."""
ANSWERING = ("check", "diff", "outliers")


def of_fault(fault: Fault, command: str | None) -> int:
    """Return the exit code for a fault that ends a command."""
    if fault in UNREAD_FAULTS and command in ANSWERING:
        return UNREAD
    return FOUND if fault.status else WRONG


def of_result(found: Mapping[str, Any]) -> int:
    """Return the exit code for the result of one file, by its `status`."""
    return OK if found["status"] in ("ok", "planned", "unchanged") else FOUND


def attempt(read: Callable[[], dict[str, Any]], **nothing: Any) -> dict[str, Any]:
    """Return the result of a file; a failed one, with `nothing` in it, if the file cannot be read now.

    Raises InspectorError for a fault that does not concern the file alone.
    """
    try:
        return read()
    except InspectorError as error:
        if error.fault not in UNREAD_FAULTS:
            raise
        failure = {"part_index": None, "code": error.code, "message": error.message, "chunks": None}
        return {"status": "failed", **nothing, "failures": [failure]}
