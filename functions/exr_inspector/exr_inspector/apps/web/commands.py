"""Shell commands for viewers to copy."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from exr_inspector.location import is_object
from exr_inspector.sequences import parse_pattern

# Commands for local files, and for any file.
_LOCAL = {"Play": "rv {}", "Header": "oiiotool --info -v {}"}
_ANY = {"Inspect": "exr-inspector inspect {}", "Statistics": "exr-inspector stats {}"}


def file_commands(path: str) -> Mapping[str, str]:
    """Return commands for a file by purpose; none if its name has control characters.

    Terminals execute some pasted control characters even if they are quoted.
    """
    if not path.isprintable():
        return {}
    templates = _ANY if is_object(path) else {**_LOCAL, **_ANY}
    return {name: text.format(shlex.quote(path)) for name, text in templates.items()}


def sequence_commands(key: str, first: int, last: int) -> Mapping[str, str]:
    """Return commands for a sequence by its key, such as `/shots/beauty.#.exr`, and its frames."""
    pattern = parse_pattern(key)
    if pattern is None or not key.isprintable():
        return {}
    marks = "#" if pattern.widths[0] == 4 else "@" * pattern.widths[0]
    named = f"{pattern.before}{first}-{last}{marks}{pattern.after}"
    rv = {} if is_object(key) else {"Play": f"rv {shlex.quote(named)}"}
    return {
        **rv,
        "Inspect": f"exr-inspector inspect {shlex.quote(key)}",
        "Check": f"exr-inspector check {shlex.quote(key)}",
    }
