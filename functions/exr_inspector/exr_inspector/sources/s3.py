"""Objects in an S3 store, read by ranges. Import this module when it is needed: it imports botocore.

All threads share one `S3Client`. An `S3Object` belongs to one inspection: it takes size, time and eTag from
the response to its first range request and ties all other requests to that eTag.
"""

from __future__ import annotations

import logging
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from threading import BoundedSemaphore
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

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
from exr_inspector.location import S3
from exr_inspector.settings import KIB, MIB, Settings
from exr_inspector.sources.protocol import Listed, Stat
from exr_inspector.sources.s3_requests import ObjectRequests

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client as Api
    from urllib3 import BaseHTTPResponse

Result = TypeVar("Result")

# Seconds before the second and the third attempt, shortened at random by up to a half, so that threads that
# failed together do not retry together. A fault that lasts longer is left to a redelivery of the event.
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
# Only NoSuchKey or NoSuchVersion counts as deletion. Any other 404 may come from a proxy or the wrong store,
# and would delete the rows of files that still exist.
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
# Stores answer InvalidArgument to impossible names, but also to wrong credentials and headers.
_NAME_WORDS = re.compile(r"\b(object|bucket)[ -]?(name|key)\b|^(key|bucket|object)$", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ERROR_STATUS = 300
_NOT_SATISFIABLE = 416
_CREDENTIALS = (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError)


class S3Object:
    """A Source on one object: one ranged GET per read.

    Only an empty object, which has no range, costs a HEAD request as well.
    """

    def __init__(self, client: S3Client, location: str) -> None:
        """Name an object: `s3://bucket/key`, the key as it is stored, not percent-encoded."""
        self.location = location
        self._client = client
        self._stat: Stat | None = None

    def read(self, start: int, length: int) -> bytes:
        """See Source. Raises OBJECT_CHANGED if the object was replaced between two reads."""
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
    """Return the client of an instance; no request is made. Raises InspectorError(BAD_SETTING)."""
    # Its DEBUG messages contain the access key.
    logging.getLogger("botocore.endpoint").setLevel(logging.INFO)
    session = botocore.session.get_session()
    keys = settings.s3_access_key, settings.s3_secret_key
    verify: Any = settings.tls_verification(is_on=settings.s3_verify_tls)
    if verify is True:
        bundle = session.get_config_variable("ca_bundle")  # AWS_CA_BUNDLE
        verify = bundle or os.environ.get("REQUESTS_CA_BUNDLE") or True
    timeouts: Any = (settings.s3_connect_timeout, settings.s3_read_timeout)
    try:
        api: Any = session.create_client(
            "s3",
            endpoint_url=settings.s3_endpoint or None,
            region_name=settings.s3_region,
            aws_access_key_id=keys[0] or None,
            aws_secret_access_key=keys[1] or None,
            verify=verify,
            config=_config(settings),
        )
    except (BotoCoreError, ValueError) as error:
        raise InspectorError(BAD_SETTING, f"no S3 client can be made: {error}", "S3_ENDPOINT") from error
    api.meta.events.register("response-received.s3", _end_at_an_error)
    http = URLLib3Session(
        verify=verify,
        proxies=get_environ_proxies(api.meta.endpoint_url),
        timeout=timeouts,
        max_pool_connections=settings.s3_connections,
    )
    credentials = Credentials(*keys) if keys[0] else session.get_credentials()
    return S3Client(api, ObjectRequests(api, credentials, http, session.user_agent()), settings)


def _end_at_an_error(parsed_response: dict[str, Any] | None, event_name: str, **_: Any) -> None:
    """Raise an error response before botocore acts on it.

    On a redirect botocore asks for the bucket's region; if the store redirects that too, it recurses until
    the stack overflows.
    """
    if parsed_response and parsed_response["ResponseMetadata"]["HTTPStatusCode"] >= _ERROR_STATUS:
        raise ClientError(parsed_response, event_name.rpartition(".")[2])  # type: ignore[arg-type]


def _config(settings: Settings) -> Config:
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=settings.s3_connect_timeout,
        read_timeout=settings.s3_read_timeout,
        max_pool_connections=settings.s3_connections,
        retries={"total_max_attempts": 1, "mode": "standard"},
        # Newer SDKs request checksums that stores other than AWS may not support.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


class S3Client:
    """Sends requests to one S3 service, from many threads; at most `settings.s3_connections` at once.

    Lists with `api`, and reads objects with `objects`.
    """

    def __init__(
        self,
        api: Api,
        objects: ObjectRequests,
        settings: Settings,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._api = api
        self._objects = objects
        self._seconds = settings.s3_read_timeout
        self._slots = BoundedSemaphore(settings.s3_connections)
        self._pause = pause

    def get(self, location: str, start: int, end: int, etag: str | None = None) -> tuple[bytes, Stat]:
        """Return the bytes [start, end) of an object, fewer at its end, and the object's state.

        Retries twice if the store is unavailable. Raises InspectorError: FILE_NOT_FOUND, STORAGE_DENIED,
        STORAGE_REFUSED, OBJECT_CHANGED if the object no longer has `etag`, STORAGE_UNAVAILABLE, and BAD_EVENT
        for names that no object can have.
        """
        return self._repeated(location, lambda: self._ranged(location, start, end, etag))

    def head(self, location: str) -> Stat:
        """Return the state of an object. Raises as `get` does.

        A response to HEAD has no body that names the object, so any 404 counts as FILE_NOT_FOUND. Call it
        only if an object of this store was read before.
        """
        return self._repeated(location, lambda: self._state(location))

    def list_pages(self, location: str, *, recursive: bool = True) -> Iterator[Page]:
        """Yield the objects whose location begins with `location`, in pages of up to 1,000.

        Without `recursive`, keys with a further slash are folders of the page. Raises as `get` does.
        """
        bucket, _, prefix = location[len(S3) :].partition("/")
        wanted = {"Bucket": bucket, "Prefix": prefix, **({} if recursive else {"Delimiter": "/"})}
        while True:
            page = self._repeated(location, lambda: self._api.list_objects_v2(**wanted))  # type: ignore[arg-type]
            objects = [
                Listed(
                    f"{S3}{bucket}/{each['Key']}",
                    each["Size"],
                    (each["LastModified"] - _EPOCH) // timedelta(microseconds=1),
                    each.get("ETag", "").strip('"') or None,
                )
                for each in page.get("Contents", [])
            ]
            folders = [f"{S3}{bucket}/{each['Prefix']}" for each in page.get("CommonPrefixes", [])]
            yield Page(objects, folders, not page.get("IsTruncated"))
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = _header(page, "NextContinuationToken")

    def close(self) -> None:
        """Close the idle connections."""
        self._api.close()
        self._objects.close()

    def _repeated(self, location: str, request: Callable[[], Result]) -> Result:
        """Send a request, and again after each of PAUSES if the store is unavailable."""
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
            raise _response_error(error, location) from error
        except Exception as error:  # the client raises many types on malformed responses
            raise InspectorError(_fault(error), str(error), location) from error

    def _ranged(self, location: str, start: int, end: int, etag: str | None) -> tuple[bytes, Stat]:
        headers = {"Range": f"bytes={start}-{end - 1}", **({"If-Match": f'"{etag}"'} if etag else {})}
        try:
            response = self._objects.send("GET", location, headers)
        except ClientError as error:
            if _status(error) != _NOT_SATISFIABLE:
                raise
            return b"", self._beyond_end(location, start, etag)
        with response.raw as raw:
            offset, size = _extent(response.headers)
            return self._body(raw, start - offset, min(end, size) - start), _stat(response.headers, size)

    def _beyond_end(self, location: str, start: int, etag: str | None) -> Stat:
        """Return the state of an object that has no byte at `start`, often an empty one."""
        stat = self._state(location, etag)
        if stat.size > start:
            raise _ResponseError("the object grew between two requests")
        return stat

    def _state(self, location: str, etag: str | None = None) -> Stat:
        headers = self._objects.send("HEAD", location, {"If-Match": f'"{etag}"'} if etag else {}).headers
        return _stat(headers, int(_header(headers, "Content-Length")))

    def _body(self, raw: BaseHTTPResponse, skip: int, wanted: int) -> bytes:
        """Read `wanted` bytes after `skip` others, which only servers that ignore ranges send.

        The client's timeout restarts with each byte, so a slow stream could last forever. Allow the timeout
        once per MiB.
        """
        if skip < 0:
            raise _ResponseError("the response has another range than the requested one")
        deadline = time.monotonic() + self._seconds * (1 + (skip + wanted) // MIB)
        body = bytearray()
        while len(body) < wanted:
            piece = raw.read1(min(_PIECE, skip + wanted - len(body)))
            if not piece:
                raise _ResponseError(f"the response ended after {len(body)} of {wanted} bytes")
            if time.monotonic() > deadline:
                raise _ResponseError(f"only {len(body)} of {wanted} bytes arrived within the timeout")
            body += piece[skip:]
            skip = max(0, skip - len(piece))
        return bytes(body)


class Page(NamedTuple):
    """A part of a listing."""

    objects: list[Listed]
    folders: list[str]
    is_last: bool


class _ResponseError(Exception):
    """The store's response does not follow the S3 protocol."""


def _extent(headers: Mapping[str, str]) -> tuple[int, int]:
    """Return the offset of the body's first byte and the size of the whole object."""
    if "Content-Range" not in headers:
        return 0, int(_header(headers, "Content-Length"))
    found = _CONTENT_RANGE.fullmatch(headers["Content-Range"])
    if not found:
        raise _ResponseError("the response's Content-Range does not state the object's size")
    return int(found[1]), int(found[2])


def _stat(headers: Mapping[str, str], size: int) -> Stat:
    mtime = parsedate_to_datetime(_header(headers, "Last-Modified")).astimezone(timezone.utc)
    return Stat(size, mtime, headers.get("ETag", "").strip('"') or None)


def _header(response: Mapping[str, Any], name: str) -> Any:
    if name not in response:
        raise _ResponseError(f"the response lacks {name}")
    return response[name]


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def _response_error(error: ClientError, location: str) -> InspectorError:
    """Return the fault that an error response means."""
    details: Mapping[str, Any] = error.response["Error"]
    code = details.get("Code", "")
    fault = _BY_CODE.get(code) or _BY_STATUS.get(_status(error), STORAGE_UNAVAILABLE)
    if code == "InvalidArgument" and any(
        _NAME_WORDS.search(str(details.get(field) or "")) for field in ("ArgumentName", "Message")
    ):
        fault = BAD_EVENT
    if code == "404" and error.operation_name == "HeadObject":
        # A response to HEAD has no body that names the object; an earlier GET has reached the store.
        fault = FILE_NOT_FOUND
    return InspectorError(fault, f"{code}: {details.get('Message', '')}", location)


def _fault(error: Exception) -> Fault:
    """Return the fault of a request that was not sent or got no valid response."""
    if isinstance(error, _CREDENTIALS):
        return STORAGE_DENIED
    return BAD_EVENT if isinstance(error, (ParamValidationError, UnicodeEncodeError)) else STORAGE_UNAVAILABLE
