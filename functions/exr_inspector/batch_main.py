"""The function in event batching (DataEngine 5.5): build it with `-H batch_main.py` instead of main.py.

Only this module imports the runtime, which passes batches to handlers that its decorator marks.
"""

from __future__ import annotations

from typing import Any

from vast.dataengine.sdk import event_batching_handler  # type: ignore[import-not-found]

import main


def init(ctx: Any) -> None:
    """Start the function, as `main.init` does."""
    main.init(ctx)


@event_batching_handler  # type: ignore[untyped-decorator]
def handler(ctx: Any, events: Any) -> list[dict[str, Any]]:
    """Return one answer per event. One transaction stores all files, or none if one must be retried."""
    return main.batch_handler(ctx, events)
