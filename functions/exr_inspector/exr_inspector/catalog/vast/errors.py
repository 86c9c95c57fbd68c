"""What the `vastdb` SDK raises, as ours: one table says which fault each class is, and what may help.

The SDK has no common base class, and lets errors of `requests`, `urllib3` and Arrow through
(vastdb 2.1.0, `errors.py`, `_internal.py`).
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa
import urllib3
from vastdb import errors
from vastdb._internal import QueryDataInternalError

from exr_inspector.errors import (
    BAD_SETTING,
    DATABASE_CONFLICT,
    DATABASE_DENIED,
    DATABASE_REFUSED,
    DATABASE_UNAVAILABLE,
    Fault,
    InspectorError,
)


class Verdict(NamedTuple):
    """`again`: the same transaction may succeed later. `stale`: the tables may have been altered."""

    fault: Fault
    again: bool = False
    stale: bool = False


class BrokenAnswerError(Exception):
    """What was answered ends too soon, where neither HTTP nor the SDK has noticed it."""


_BUSY = Verdict(DATABASE_CONFLICT, again=True)
_DOWN = Verdict(DATABASE_UNAVAILABLE, again=True)
_GONE = Verdict(DATABASE_UNAVAILABLE, again=True, stale=True)
_DENIED = Verdict(DATABASE_DENIED)
_REFUSED = Verdict(DATABASE_REFUSED, stale=True)

# The first row that fits an exception counts.
_VERDICTS: tuple[tuple[type[Exception], Verdict], ...] = (
    (errors.Conflict, _BUSY),
    (errors.Exists, _BUSY),  # another instance has made it since this one looked
    (errors.Forbidden, _DENIED),
    (errors.MissingBucket, Verdict(BAD_SETTING)),
    (errors.MissingRowIdColumn, _REFUSED),
    (errors.Missing, _GONE),
    (errors.NotFound, _GONE),  # a table, a column, or a transaction that the server has ended
    (errors.InternalServerError, _GONE),  # what a cluster says to stale metadata is not known
    (errors.BadRequest, _REFUSED),
    (errors.NotSupported, _REFUSED),
    (errors.InvalidArgument, _REFUSED),  # by the SDK: more than one request takes
    (errors.MethodNotAllowed, _REFUSED),
    (errors.NotImplemented, _REFUSED),
    (errors.HttpError, _DOWN),  # 408, 503, 507
    (errors.ConnectionError, _DOWN),
    (errors.ApiResponseError, _DOWN),
    (QueryDataInternalError, _DOWN),
    (BrokenAnswerError, _DOWN),
    (urllib3.exceptions.HTTPError, _DOWN),  # a select that stops in the middle
    (OSError, _DOWN),  # of requests: timeouts and cut answers; of sockets; of Arrow streams that end early
    (EOFError, _DOWN),
    (struct.error, _DOWN),  # the end of an answer inside its framing
)

# Statuses that the SDK has no name for come as ValueError: "429 is not a valid HttpStatus".
_UNNAMED = re.compile(r"(\d{3}) is not a valid HttpStatus")
_UNNAMED_VERDICTS = {401: _DENIED, 425: _DOWN, 429: _DOWN}

FAILURES: tuple[type[Exception], ...] = (*(kind for kind, _ in _VERDICTS), ValueError)


def verdict_of(error: Exception) -> Verdict | None:
    """What one of `FAILURES` means; None for a ValueError that is not an answer of the database."""
    for kind, verdict in _VERDICTS:
        if isinstance(error, kind):
            return verdict
    unnamed = _UNNAMED.match(str(error))
    if not unnamed:
        return None
    status = int(unnamed[1])
    return _UNNAMED_VERDICTS.get(status, _DOWN if status >= 500 else _REFUSED)


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Inside, an answer is read. What cannot be read there is no mistake of ours, as it would be elsewhere:
    Arrow and the SDK say ValueError to the half of an answer, too.
    """
    try:
        yield
    except (pa.ArrowException, ValueError) as error:
        if isinstance(error, FAILURES) and verdict_of(error):
            raise
        raise BrokenAnswerError(f"{type(error).__name__}: {error}") from error


def coded(error: Exception, fault: Fault, where: str) -> InspectorError:
    """Our error for one of the SDK's; its message has no headers, addresses or keys."""
    return InspectorError(fault, f"{type(error).__name__}: {_said(error)}", where)


def _said(error: Exception) -> str:
    if isinstance(error, errors.HttpError):
        return f"status {error.status}, {error.message or error.code or 'no message'}"
    if isinstance(error, errors.ConnectionError):
        return type(error.cause).__name__
    return str(error)
