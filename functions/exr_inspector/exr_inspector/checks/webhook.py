"""Send signed JSON to a URL. The signature is an HMAC-SHA256 of the time and the body (RFC 2104)."""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
import urllib.request
import uuid
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from exr_inspector.document.serialize import to_json
from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.settings import Settings
from exr_inspector.version import VERSION

TIMEOUT = 10.0
"""Seconds to wait for the answer."""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a message: `sha256=` and 64 hexadecimal digits.

    The receiver computes it in the same way, compares both in constant time, and refuses an old timestamp.
    """
    content = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect: it may lead into the network of this machine."""


def send(url: str, payload: Mapping[str, Any], settings: Settings) -> None:
    """Send a payload, once.

    Raises InspectorError(BAD_SETTING) without a secret, and OSError unless the answer's status is 2xx.
    """
    if not settings.webhook_secret:
        name = "EXR_INSPECTOR_WEBHOOK_SECRET"
        raise InspectorError(BAD_SETTING, f"{name} must be set to send webhooks", name)
    body, timestamp = to_json(payload).encode(), str(int(time.time()))
    request = urllib.request.Request(  # noqa: S310 - the configuration accepts only http and https
        url,
        body,
        {
            "Content-Type": "application/json",
            "User-Agent": f"exr-inspector/{VERSION}",
            "X-Exr-Inspector-Delivery": str(uuid.uuid4()),
            "X-Exr-Inspector-Timestamp": timestamp,
            "X-Exr-Inspector-Signature": signature(settings.webhook_secret, timestamp, body),
        },
    )
    context = ssl.create_default_context(cafile=settings.ca_bundle or None)
    opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=TIMEOUT):
            pass
    except (ValueError, HTTPException) as error:
        raise OSError(f"{type(error).__name__}: {error}") from None
