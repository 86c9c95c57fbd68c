"""GET and HEAD of S3 objects, signed and sent with botocore's parts.

A call of botocore's client takes three times the CPU time of its request: it resolves the address, runs some
forty hooks, and parses the response by the service's model, each time. Here the client resolves the address
of a bucket once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.exceptions import ClientError, NoCredentialsError, ParamValidationError
from botocore.httpsession import URLLib3Session
from botocore.parsers import create_parser

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_s3.client import S3Client as Api

# It logs every request that is signed, with the access key.
logging.getLogger("botocore.auth").setLevel(logging.INFO)

_ERROR_STATUS = 300
_OPERATIONS = {"GET": "GetObject", "HEAD": "HeadObject"}


class ObjectRequests:
    """Sends requests for objects from many threads. `api` knows the store; `http` sends signed requests."""

    def __init__(
        self, api: Api, credentials: Credentials | None, http: URLLib3Session, user_agent: str
    ) -> None:
        self._api = api
        self._credentials = credentials
        self._http = http
        self._user_agent = user_agent
        self._address = lru_cache(maxsize=64)(self._resolved)

    def send(self, method: str, location: str, headers: Mapping[str, str]) -> AWSResponse:
        """Send GET or HEAD for `s3://bucket/key`; return the response, with its body still to be read.

        Raises botocore's exceptions: ClientError for an error response or a redirect, ParamValidationError
        for a name that no object can have.
        """
        bucket, _, key = location.removeprefix("s3://").partition("/")
        if not key:
            raise ParamValidationError(report="the key of the object is empty")
        if self._credentials is None:
            raise NoCredentialsError
        request = AWSRequest(
            method=method,
            url=self._address(bucket) + quote(key, safe="/~"),
            headers={"User-Agent": self._user_agent, **headers},
            stream_output=method == "GET",
        )
        keys = self._credentials.get_frozen_credentials()
        S3SigV4Auth(keys, "s3", self._api.meta.region_name).add_auth(request)
        response = self._http.send(request.prepare())
        if response.status_code >= _ERROR_STATUS:
            raise ClientError(_parsed(response), _OPERATIONS[method])
        return response

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()

    def _resolved(self, bucket: str) -> str:
        """Return the address of a bucket, with a slash at its end. Raises ParamValidationError."""
        signed = self._api.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
        return signed.partition("?")[0].removesuffix("k")


def _parsed(response: AWSResponse) -> Any:
    """Return what an error response says, in the form that botocore's client has it."""
    found = {
        "status_code": response.status_code,
        "headers": response.headers,
        "body": response.content,
        "context": {},
    }
    return create_parser("rest-xml").parse(found, None)  # type: ignore[arg-type]
