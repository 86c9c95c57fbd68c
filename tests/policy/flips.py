"""Changes of the facts of a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Document = dict[str, Any]
Flip = Callable[[Document], object]


def part(**facts: Any) -> Flip:
    return lambda document: document["parts"][0].update(facts)


def about(**facts: Any) -> Flip:
    return lambda document: document["file"].update(facts)


def channel(index: int, **facts: Any) -> Flip:
    return lambda document: document["channels"][index].update(facts)
