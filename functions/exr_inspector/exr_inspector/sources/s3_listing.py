"""List the objects of a bucket with obstore, which takes a thirtieth of botocore's CPU time for each key.

obstore's paths are not keys: it refuses a stream with a key that has `//`, a `.` or `..` segment or a control
character, and drops a slash at either end of a key. Its errors are not coded either. If this raises, the
caller lists the prefix with botocore. The caller also checks empty objects, which may be folder markers.

obstore starts threads. Import this module only in processes that never fork.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from exr_inspector.location import S3
from exr_inspector.settings import Settings
from exr_inspector.sources.protocol import Listed

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
# Keys of one page of a response.
_PAGE = 1000


def make_store(settings: Settings, bucket: str) -> S3Store | None:
    """Return obstore's client of a bucket; None for settings that only botocore understands."""
    keys = settings.s3_access_key, settings.s3_secret_key
    if not (settings.s3_endpoint and all(keys)) or settings.ca_bundle:
        return None
    return S3Store(
        bucket,
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        access_key_id=keys[0],
        secret_access_key=keys[1],
        virtual_hosted_style_request=False,
        client_options={
            "allow_http": True,
            "allow_invalid_certificates": not settings.s3_verify_tls,
            "connect_timeout": timedelta(seconds=settings.s3_connect_timeout),
            "timeout": timedelta(seconds=settings.s3_read_timeout),
        },
        retry_config={"max_retries": 2},
    )


def list_pages(store: S3Store, bucket: str, prefix: str) -> Iterator[list[Listed]]:
    """Yield the objects below a prefix: `s3://bucket/`, or longer, with a slash at its end.

    Raises NotImplementedError if obstore refuses a key, or fails for any other reason.
    """
    root = f"{S3}{bucket}/"
    below = prefix[len(root) :]
    try:
        if not below and next(iter(obstore.list(store, prefix="/", chunk_size=1)), None):
            raise NotImplementedError("a key begins with a slash")
        for page in obstore.list(store, prefix=below or None, chunk_size=_PAGE):
            yield [
                Listed(
                    root + each["path"],
                    each["size"],
                    (each["last_modified"] - _EPOCH) // _MICROSECOND,
                    (each["e_tag"] or "").strip('"') or None,
                )
                for each in page
            ]
    except (BaseError, ValueError) as error:
        raise NotImplementedError(str(error)) from error
