"""Responses to the client, and refusals, which become responses."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sending(Enum):
    """How much of a response reaches the client."""

    WHOLE = "whole"
    CUT = "cut"  # the headers; the connection ends inside the body
    RESET = "reset"  # nothing: the connection is reset


class Framing(Enum):
    """How a client detects the end of a response."""

    CHUNKED = "chunked"  # as a cluster sends rows: a client notices a truncated response
    LENGTH = "length"  # Content-Length: a client notices only if it checks it
    CLOSE = "close"  # by the end of the connection: a truncated response looks complete


@dataclass(frozen=True)
class Answer:
    """A response. If it is truncated, `kept` is the fraction of the body that is sent."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    sending: Sending = Sending.WHOLE
    framing: Framing = Framing.CHUNKED
    kept: float = 0.5


class Refusal(Exception):  # noqa: N818 - not every refusal is an error: a conflict is daily work
    """A request that is answered with an S3 error: an HTTP status, a code and a message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def answer(self) -> Answer:
        body = f"<Error><Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message></Error>"
        return Answer(self.status, body.encode(), {"Content-Type": "application/xml"})


def missing(what: str) -> Refusal:
    return Refusal(404, "NotFound", f"{what} does not exist")


def conflict(message: str) -> Refusal:
    return Refusal(409, "Conflict", message)


def invalid(message: str) -> Refusal:
    return Refusal(400, "InvalidArgument", message)


def not_offered(what: str) -> Refusal:
    return Refusal(501, "NotImplemented", f"this server does not offer {what}")
