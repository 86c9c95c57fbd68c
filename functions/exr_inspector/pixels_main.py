"""The function that measures pixels: build it with `-H pixels_main.py` instead of main.py.

It runs beside the first function, with more memory and a longer timeout, so that headers are indexed within
seconds whatever pixels cost. A schedule starts it; see "Statistics of pixels" in
docs/SERVERLESS_INTEGRATION.md.
"""

from __future__ import annotations

from typing import Any

import main


def init(ctx: Any) -> None:
    """Start the function, as `main.init` does."""
    main.init(ctx)


def handler(ctx: Any, event: Any) -> dict[str, Any]:
    """Measure the next files that lack statistics; or, if an event names a file, that file."""
    return main.pixels_handler(ctx, event)
