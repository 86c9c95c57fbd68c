"""Coded errors for what the `vastdb` SDK raises: one table maps each class to a fault and a remedy.

The SDK has no common base class, and does not catch errors of `requests`, `urllib3` and Arrow
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

from exr_inspector.catalog.vast.sdk import QueryDataInternalError, errors
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
    """What an error means.

    `again`: the same transaction may succeed later. `stale`: the tables may have been altered, so that their
    metadata must be loaded again.
    """

    fault: Fault
    again: bool = False
    stale: bool = False


class TruncatedResponseError(Exception):
    """A response ended too early, and neither HTTP nor the SDK noticed."""


_BUSY = Verdict(DATABASE_CONFLICT, again=True)
_DOWN = Verdict(DATABASE_UNAVAILABLE, again=True)
_GONE = Verdict(DATABASE_UNAVAILABLE, again=True, stale=True)
_DENIED = Verdict(DATABASE_DENIED)
_REFUSED = Verdict(DATABASE_REFUSED, stale=True)

# The first row whose class matches decides.
_VERDICTS: tuple[tuple[type[Exception], Verdict], ...] = (
    (errors.Conflict, _BUSY),
    (errors.Exists, _BUSY),  # another instance created it in the meantime
    (errors.Forbidden, _DENIED),
    (errors.MissingBucket, Verdict(BAD_SETTING)),
    (errors.MissingRowIdColumn, _REFUSED),
    (errors.Missing, _GONE),
    (errors.NotFound, _GONE),  # a table, a column, or a transaction that the server has ended
    (errors.InternalServerError, _GONE),  # how a cluster answers stale metadata is not documented
    (errors.BadRequest, _REFUSED),
    (errors.NotSupported, _REFUSED),
    (errors.InvalidArgument, _REFUSED),  # raised by the SDK: the request would be too large
    (errors.MethodNotAllowed, _REFUSED),
    (errors.NotImplemented, _REFUSED),
    (errors.HttpError, _DOWN),  # 408, 503, 507
    (errors.ConnectionError, _DOWN),
    (errors.ApiResponseError, _DOWN),
    (QueryDataInternalError, _DOWN),
    (TruncatedResponseError, _DOWN),
    (urllib3.exceptions.HTTPError, _DOWN),  # a select that stops in the middle
    (
        OSError,
        _DOWN,
    ),  # of requests: timeouts, truncated responses; of sockets; of Arrow streams that end early
    (EOFError, _DOWN),
    (struct.error, _DOWN),  # a response that ends inside its framing
)

# The SDK raises ValueError for statuses that it has no name for: "429 is not a valid HttpStatus".
_UNNAMED_STATUS = re.compile(r"(\d{3}) is not a valid HttpStatus")
_UNNAMED_VERDICTS = {401: _DENIED, 425: _DOWN, 429: _DOWN}

FAILURES: tuple[type[Exception], ...] = (*(kind for kind, _ in _VERDICTS), ValueError)


def verdict_of(error: Exception) -> Verdict | None:
    """Return what one of `FAILURES` means; None for a ValueError that no response of the database caused."""
    for kind, verdict in _VERDICTS:
        if isinstance(error, kind):
            return verdict
    unnamed = _UNNAMED_STATUS.match(str(error))
    if not unnamed:
        return None
    status = int(unnamed[1])
    return _UNNAMED_VERDICTS.get(status, _DOWN if status >= 500 else _REFUSED)


@contextlib.contextmanager
def decoding() -> Iterator[None]:
    """Treat ValueError and Arrow's errors inside the block as a truncated response.

    Use it only around code that decodes a response: elsewhere a ValueError is a bug.
    """
    try:
        yield
    except (pa.ArrowException, ValueError) as error:
        if isinstance(error, FAILURES) and verdict_of(error):
            raise
        raise TruncatedResponseError(f"{type(error).__name__}: {error}") from error


def coded(error: Exception, fault: Fault, where: str, note: str = "") -> InspectorError:
    """Return the coded error for an error of the SDK; its message has no headers, addresses or keys.

    `note` is added to the message.
    """
    if isinstance(error, errors.HttpError):
        text = f"status {error.status}, {error.message or error.code or 'no message'}"
    elif isinstance(error, errors.ConnectionError):
        text = type(error.cause).__name__
    else:
        text = str(error)
    return InspectorError(fault, f"{type(error).__name__}: {text}{'; ' if note else ''}{note}", where)
