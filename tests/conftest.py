"""Fixtures for all tests."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright

from exr_inspector.catalog.vast import journal
from tests.exrfiles.demo import write_demo

CHROMIUM = "/usr/bin/chromium"

# How long it takes to draw and to try an example says more about the machine than about the code.
hypothesis.settings.register_profile(
    "any speed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any speed")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them, and they leave no journals there."""
    monkeypatch.setattr(journal, "default_folder", lambda: None)
    for name in list(os.environ):
        if name.startswith(("EXR_INSPECTOR_", "S3_", "VAST_DB_", "AWS_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _one_botocore_loader() -> Iterator[None]:
    """Clients of S3 share the description of the service, which takes longer to load than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo's files; not to be written to."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder)
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests. Without it, they are skipped on a developer's machine and fail in CI."""
    if not shutil.which(CHROMIUM):
        message = f"{CHROMIUM} is not installed: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
