"""Templates and filters: format values as text, and text as HTML."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timezone
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from exr_inspector.apps.cli.terminal import harmless
from exr_inspector.apps.web.charts import channel_color
from exr_inspector.document.serialize import to_json
from exr_inspector.sequences import format_frames
from exr_inspector.version import VERSION

STATIC = files(__package__) / "static"


def environment() -> Environment:
    """Return the environment of all templates.

    Text from files is untrusted: it is escaped, and control characters are shown as in Python.
    """
    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    made.filters.update(
        age=age,
        amount=amount,
        channel_color=channel_color,
        frames=format_frames,
        json=to_json,
        layer=layer,
        listed=listed,
        number=number,
        pair=lambda value: (value, value),
        prose=prose,
        real=real,
        size=size,
        tail=tail,
        utc=utc,
    )
    made.globals.update(url=url, static=static, version=VERSION)
    return made


def _shown(value: Any) -> Any:
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def url(path: str, /, **parameters: Any) -> str:
    """Return the URL of a page. Parameters that are None or empty are omitted."""
    given = {name: value for name, value in parameters.items() if value not in (None, "")}
    return f"{path}?{urlencode(given, errors='backslashreplace')}" if given else path


@cache
def static(name: str) -> str:
    """Return the URL of a static file. It contains a hash of the file, so browsers can cache it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return url(f"/static/{name}", v=digest)


def size(count: float | None) -> str:
    """Return a number of bytes in a readable unit: `1.2 GiB`."""
    if count is None:
        return ""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(count) < 1000 or unit == "TiB":
            break
        count /= 1024
    return f"{count:,.0f} {unit}" if unit == "B" or count >= 99.95 else f"{count:.1f} {unit}"


def layer(name: str) -> str:
    """Return a layer's name; `(none)` for channels without a layer."""
    return name or "(none)"


def number(count: float | None) -> str:
    """Return a whole number with commas."""
    return "" if count is None else f"{count:,.0f}"


def real(value: float | None) -> str:
    """Return a number with at most five significant digits."""
    return "" if value is None else f"{value:.5g}"


def amount(value: float) -> str:
    """Return a number: with commas if it is whole, otherwise as `real` does."""
    return number(value) if value == round(value) and abs(value) < 1e15 else real(value)


def listed(value: Any) -> Any:
    """Return a list as items separated by commas, and a bool as yes or no; any other value unchanged."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(str(each) for each in value) if isinstance(value, (list, tuple)) else value


def prose(text: str) -> Markup:
    """Return our own text with paragraphs and `code`, as HTML."""
    paragraphs = (re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(each))) for each in text.split("\n\n"))
    return Markup("".join(f"<p>{each}</p>" for each in paragraphs))  # noqa: S704 - escaped above


def utc(moment: datetime | None) -> Markup:
    """Return a time in UTC as HTML, such as `2026-02-28 14:05`."""
    if moment is None:
        return Markup()
    exact = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        exact, moment.strftime("%Y-%m-%d %H:%M:%S"), moment.strftime("%Y-%m-%d %H:%M")
    )


def tail(path: str, steps: int) -> str:
    """Return the last components of a path, after an ellipsis if there are more."""
    kept = path.rsplit("/", steps)
    return f"…/{'/'.join(kept[1:])}" if len(kept) > steps else path


_AGES = ((86400 * 2, 86400, "day"), (3600 * 2, 3600, "hour"), (120, 60, "minute"), (0, 1, "second"))


def age(moment: datetime) -> str:
    """Return how long ago a time in UTC was: `5 minutes ago`."""
    seconds = max(0, int((datetime.now(timezone.utc).replace(tzinfo=None) - moment).total_seconds()))
    unit, name = next((unit, name) for least, unit, name in _AGES if seconds >= least)
    count = seconds // unit
    return f"{count:,} {name}{'' if count == 1 else 's'} ago"
