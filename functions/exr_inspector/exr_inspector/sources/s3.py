"""Objects in an S3 store, read in ranges. The only place that imports boto3; import it when needed.

One `S3Client` is made at start and shared by all threads. An `S3Object` belongs to one inspection: it
learns size, time and eTag from the answer to its first range request and ties all others to that eTag.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from datetime import timezone
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from exr_inspector.errors import (
    BAD_EVENT,
    BAD_SETTING,
    FILE_NOT_FOUND,
    OBJECT_CHANGED,
    STORAGE_DENIED,
    STORAGE_REFUSED,
    STORAGE_UNAVAILABLE,
    Fault,
    InspectorError,
)
from exr_inspector.settings import KIB, MIB, Settings
from exr_inspector.sources.protocol import Stat

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client as Api
    from urllib3 import BaseHTTPResponse

Result = TypeVar("Result")

# Seconds before the second and the third try, shortened by up to a half at random so that threads that
# failed together do not come back together. A fault that outlasts them is worth a redelivery instead.
PAUSES = (0.1, 0.4)

_PIECE = 256 * KIB
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_BY_STATUS = {
    400: STORAGE_REFUSED,
    401: STORAGE_DENIED,
    403: STORAGE_DENIED,
    412: OBJECT_CHANGED,
    413: STORAGE_REFUSED,
    414: BAD_EVENT,
}
# An object is gone only where the store says so of the object itself. Any other 404 may come from what
# stands before the store, or from the wrong store, and would cost the rows of files that are still there.
_BY_CODE = {
    "NoSuchKey": FILE_NOT_FOUND,
    "NoSuchVersion": FILE_NOT_FOUND,
    "ExpiredToken": STORAGE_DENIED,
    "InvalidToken": STORAGE_DENIED,
    "InvalidBucketName": BAD_EVENT,
    "InvalidObjectName": BAD_EVENT,
    "InvalidURI": BAD_EVENT,
    "KeyTooLongError": BAD_EVENT,
    "XMinioInvalidObjectName": BAD_EVENT,
    "RequestTimeout": STORAGE_UNAVAILABLE,
}
# Stores say InvalidArgument of names, but of wrong credentials and headers too.
_OF_A_NAME = re.compile(r"\b(object|bucket)[ -]?(name|key)\b|^(key|bucket|object)$", re.IGNORECASE)
_FIRST_ERROR = 300
_NOT_SATISFIABLE = 416
_CREDENTIALS = (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError)


class S3Object:
    """A Source on one object: one ranged GET for each read, and no other request.

    Only an object without bytes, of which no range can be had, costs a HEAD as well.
    """

    def __init__(self, client: S3Client, location: str) -> None:
        """Name an object: `s3://bucket/key`, the key as it is stored, not percent-encoded."""
        self.location = location
        self._client = client
        self._stat: Stat | None = None

    def read(self, start: int, length: int) -> bytes:
        """See Source. An object that is replaced between two reads raises OBJECT_CHANGED."""
        end = start + length if self._stat is None else min(start + length, self._stat.size)
        if end <= start:
            return b""
        body, stat = self._client.get(self.location, start, end, self._stat.etag if self._stat else None)
        if self._stat not in (None, stat):
            raise InspectorError(OBJECT_CHANGED, "the object was replaced while it was read", self.location)
        self._stat = stat
        return body

    def stat(self) -> Stat:
        """See Source. Before the first read this is a HEAD request."""
        if self._stat is None:
            self._stat = self._client.head(self.location)
        return self._stat


def make_client(settings: Settings) -> S3Client:
    """The client for an instance's life; makes no request. Raises InspectorError(BAD_SETTING)."""
    # What it says of each request at level DEBUG holds the access key.
    logging.getLogger("botocore.endpoint").setLevel(logging.INFO)
    try:
        api = boto3.session.Session().client(
            "s3",
            endpoint_url=settings.s3_endpoint or None,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key or None,
            aws_secret_access_key=settings.s3_secret_key or None,
            # None leaves the choice of certificates to AWS_CA_BUNDLE.
            verify=None if settings.s3_verify_tls else False,
            config=_config(settings),
        )
    except (BotoCoreError, ValueError) as error:
        raise InspectorError(BAD_SETTING, f"no S3 client can be made: {error}", "S3_ENDPOINT") from error
    api.meta.events.register("response-received.s3", _end_at_an_error)
    return S3Client(api, settings)


def _end_at_an_error(parsed_response: dict[str, Any] | None, event_name: str, **_: Any) -> None:
    """Raise an error answer before botocore follows it: it asks a store that redirects for the bucket's
    region, which is redirected too, and so on until the stack is full.
    """
    if parsed_response and parsed_response["ResponseMetadata"]["HTTPStatusCode"] >= _FIRST_ERROR:
        raise ClientError(parsed_response, event_name.rpartition(".")[2])  # type: ignore[arg-type]


def _config(settings: Settings) -> Config:
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=settings.s3_connect_timeout,
        read_timeout=settings.s3_read_timeout,
        max_pool_connections=settings.s3_connections,
        retries={"total_max_attempts": 1, "mode": "standard"},
        # Newer SDKs ask for checksums that stores other than AWS may not know.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


class S3Client:
    """Range requests to one S3 service, for many threads; at most `settings.s3_connections` at once."""

    def __init__(self, api: Api, settings: Settings, pause: Callable[[float], object] = time.sleep) -> None:
        self._api = api
        self._seconds = settings.s3_read_timeout
        self._slots = BoundedSemaphore(settings.s3_connections)
        self._pause = pause

    def get(self, location: str, start: int, end: int, etag: str | None = None) -> tuple[bytes, Stat]:
        """The bytes [start, end) of an object, fewer at its end, and what the answer says of it.

        A request that fails for the store's sake is repeated twice. Raises InspectorError:
        FILE_NOT_FOUND, STORAGE_DENIED, STORAGE_REFUSED, OBJECT_CHANGED if the object no longer has
        `etag`, STORAGE_UNAVAILABLE, and BAD_EVENT for names that no object can have.
        """
        names = _names(location, etag)
        return self._repeated(location, lambda: self._ranged(names, start, end))

    def head(self, location: str) -> Stat:
        """Return what the store states about an object. Raises as `get` does.

        The answer to HEAD has no body that could name the object, so any 404 counts as FILE_NOT_FOUND: only a
        store that was read before should be asked like this.
        """

        def once() -> Stat:
            head = self._api.head_object(**_names(location, None))  # type: ignore[arg-type]
            return _stat(head, _header(head, "ContentLength"))

        return self._repeated(location, once)

    def close(self) -> None:
        """Close the idle connections."""
        self._api.close()

    def _repeated(self, location: str, request: Callable[[], Result]) -> Result:
        """Send a request, again after each of PAUSES if the store is unavailable."""
        for seconds in PAUSES:
            try:
                return self._once(location, request)
            except InspectorError as error:
                if error.fault is not STORAGE_UNAVAILABLE:
                    raise
            self._pause(seconds * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        return self._once(location, request)

    def _once(self, location: str, request: Callable[[], Result]) -> Result:
        try:
            with self._slots:
                return request()
        except ClientError as error:
            raise _answered(error, location) from error
        except Exception as error:  # the client raises whatever it meets in an odd answer
            raise InspectorError(_fault(error), str(error), location) from error

    def _ranged(self, names: dict[str, str], start: int, end: int) -> tuple[bytes, Stat]:
        try:
            response = self._api.get_object(**names, Range=f"bytes={start}-{end - 1}")  # type: ignore[arg-type]
        except ClientError as error:
            if _status(error) != _NOT_SATISFIABLE:
                raise
            return b"", self._beyond_end(names, start)
        with response["Body"] as stream:
            raw = cast("BaseHTTPResponse", stream)  # what botocore's stream is when entered
            offset, size = _extent(response)
            return self._body(raw, start - offset, min(end, size) - start), _stat(response, size)

    def _beyond_end(self, names: dict[str, str], start: int) -> Stat:
        """No byte lies at `start`: the object is shorter, often empty. Only a HEAD now tells its size."""
        head = self._api.head_object(**names)  # type: ignore[arg-type]
        if head["ContentLength"] > start:
            raise _AnswerError("the object grew between two requests")
        return _stat(head, head["ContentLength"])

    def _body(self, raw: BaseHTTPResponse, skip: int, wanted: int) -> bytes:
        """`wanted` bytes after `skip` others, which come only from servers that ignore ranges.

        A timeout counts from the last byte, so one that trickles would never end: each MiB that is
        begun may take no longer than the timeout.
        """
        if skip < 0:
            raise _AnswerError("the answer holds another range than the one asked for")
        deadline = time.monotonic() + self._seconds * (1 + (skip + wanted) // MIB)
        body = bytearray()
        while len(body) < wanted:
            piece = raw.read1(min(_PIECE, skip + wanted - len(body)))
            if not piece:
                raise _AnswerError(f"the answer ended after {len(body)} of {wanted} bytes")
            if time.monotonic() > deadline:
                raise _AnswerError(f"only {len(body)} of {wanted} bytes came within the timeout")
            body += piece[skip:]
            skip = max(0, skip - len(piece))
        return bytes(body)


class _AnswerError(Exception):
    """The store answered, but not as S3 stores do."""


def _names(location: str, etag: str | None) -> dict[str, str]:
    bucket, _, key = location.removeprefix("s3://").partition("/")
    names = {"Bucket": bucket, "Key": key}
    return {**names, "IfMatch": f'"{etag}"'} if etag else names


def _extent(response: Mapping[str, Any]) -> tuple[int, int]:
    """The offset of the body's first byte and the size of the whole object."""
    if "ContentRange" not in response:
        return 0, _header(response, "ContentLength")
    found = _CONTENT_RANGE.fullmatch(response["ContentRange"])
    if not found:
        raise _AnswerError("the answer's Content-Range does not tell the object's size")
    return int(found[1]), int(found[2])


def _stat(response: Mapping[str, Any], size: int) -> Stat:
    mtime = _header(response, "LastModified").astimezone(timezone.utc)
    return Stat(size, mtime, response.get("ETag", "").strip('"') or None)


def _header(response: Mapping[str, Any], name: str) -> Any:
    if name not in response:
        raise _AnswerError(f"the answer lacks {name}")
    return response[name]


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def _answered(error: ClientError, location: str) -> InspectorError:
    """The fault behind an error answer."""
    said: Mapping[str, Any] = error.response["Error"]
    code = said.get("Code", "")
    fault = _BY_CODE.get(code) or _BY_STATUS.get(_status(error), STORAGE_UNAVAILABLE)
    if code == "InvalidArgument" and _is_about_a_name(said):
        fault = BAD_EVENT
    if code == "404" and error.operation_name == "HeadObject":
        # An answer to HEAD has no body to name the object in; the GET before it has found the store.
        fault = FILE_NOT_FOUND
    return InspectorError(fault, f"{code}: {said.get('Message', '')}", location)


def _is_about_a_name(said: Mapping[str, Any]) -> bool:
    return any(_OF_A_NAME.search(str(said.get(word) or "")) for word in ("ArgumentName", "Message"))


def _fault(error: Exception) -> Fault:
    """The fault behind a request that got no answer of an S3 store, or was never sent."""
    if isinstance(error, _CREDENTIALS):
        return STORAGE_DENIED
    return BAD_EVENT if isinstance(error, (ParamValidationError, UnicodeEncodeError)) else STORAGE_UNAVAILABLE
