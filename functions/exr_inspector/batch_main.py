"""The function in event batching (DataEngine 5.5): built with `-H batch_main.py` in place of main.py.

The only file that imports the runtime, which runs a handler in batches where its decorator marks it.
"""

from __future__ import annotations

from typing import Any

from vast.dataengine.sdk import event_batching_handler  # type: ignore[import-not-found]

import main


def init(ctx: Any) -> None:
    """As in main.py."""
    main.init(ctx)


@event_batching_handler  # type: ignore[untyped-decorator]
def handler(ctx: Any, events: Any) -> list[dict[str, Any]]:
    """One answer per event; all files are stored in one transaction, or none where one must come again."""
    return main.batch_handler(ctx, events)
