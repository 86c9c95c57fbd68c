from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

INIT = "def init(ctx): ctx.seen = []\n"


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Make a function's folder from the source of its main.py. Add `init` if it is missing."""

    def make(source: str, name: str = "main.py") -> Path:
        text = dedent(source)
        (tmp_path / name).write_text(text if "init(" in text else INIT + text)
        return tmp_path

    return make


@pytest.fixture
def event() -> dict[str, Any]:
    """An element event like those of real triggers."""
    return {
        "specversion": "1.0",
        "id": "3007123456789012",
        "type": "vastdata.com:Element.ElementCreated",
        "source": "vastdata.com:exr-landing.6f1d2c3b-1111-4222-8333-444455556666",
        "subject": "render-broker.main",
        "time": "2026-10-01T09:15:30.123456+00:00",
        "elementpath": "shots/sq010/sh020/beauty.1001.exr",
        "knativekafkaoffset": "4711",
        "data": {"Records": [{"eventName": "ObjectCreated:Put"}]},
    }
