"""Upload an EXR file as a renderer would, and wait for its row: `python -m deploy.verify FILE SAMPLE`.

FILE is the .env file. Print the row. Exit codes: 0 the row appeared, 1 it did not, 2 this machine cannot
reach the object store or the database.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from exr_inspector.apps.deployment.env_file import Plan, read_plan
from exr_inspector.catalog.connect import open_store
from exr_inspector.catalog.store import Store, Stored
from exr_inspector.errors import STORAGE_UNAVAILABLE, InspectorError
from exr_inspector.location import object_location
from exr_inspector.settings import Settings

# Each verification overwrites this object. Inspecting the same bytes again increases the row's count.
SAMPLE_NAME = "exr-inspector-verify.exr"
PAUSE = 2.0


def verify(
    plan: Plan, store: Store, sample: bytes, pause: Callable[[float], object] = time.sleep
) -> Stored | None:
    """Upload `sample` under the watched prefix, and return its row after the next inspection.

    Return None after DEPLOY_WAIT seconds without an inspection. Raises InspectorError if the object store or
    the database does not respond.
    """
    key = plan.deployment.prefix + SAMPLE_NAME
    identity = object_location(plan.deployment.source_bucket, key).file_id
    before = _inspections(store, identity)
    upload(plan.settings, plan.deployment.source_bucket, key, sample)
    for _ in range(max(1, int(plan.deployment.wait / PAUSE))):
        if _inspections(store, identity) > before:
            return store.lookup([identity])[identity]
        pause(PAUSE)
    return None


def upload(settings: Settings, bucket: str, key: str, body: bytes) -> None:
    """Put an object. Raises InspectorError(STORAGE_UNAVAILABLE)."""
    try:
        client: Any = botocore.session.get_session().create_client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key,
            aws_secret_access_key=settings.s3_secret_key,
            verify=(settings.ca_bundle or None) if settings.s3_verify_tls else False,
            config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
        )
        client.put_object(Bucket=bucket, Key=key, Body=body)
    except (BotoCoreError, ClientError) as error:
        raise InspectorError(STORAGE_UNAVAILABLE, f"the sample was not uploaded: {error}", bucket) from error


def _inspections(store: Store, identity: str) -> int:
    stored = store.lookup([identity]).get(identity)
    return (stored.inspection_count or 0) if stored else 0


def main() -> None:
    """Verify a deployment. The arguments are those of the module."""
    plan, faults = read_plan(Path(sys.argv[1]))
    if plan is None:
        sys.exit("\n".join(faults))
    try:
        store = open_store(plan.settings)
        assert store, "a plan always names a database"
        try:
            found = verify(plan, store, Path(sys.argv[2]).read_bytes())
        finally:
            store.close()
    except InspectorError as error:
        sys.stderr.write(f"{error}\n{error.fault.remedy}\n")
        sys.exit(2)
    if found is None:
        sys.exit(1)
    sys.stdout.write(f"{json.dumps(asdict(found), default=str, indent=2)}\n")


if __name__ == "__main__":
    main()
