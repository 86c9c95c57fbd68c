"""Text for terminals and pipes: widths, truncation, colors, and escapes for control characters.

Text from files may contain anything. A terminal must display it and never execute it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from exr_inspector.document.serialize import to_json

Item = TypeVar("Item")

# Lines of one text.
_MAX_LINES = 12
SHADES = {"green": 28, "red": 160, "yellow": 130, "cyan": 31, "magenta": 127}
"""Colors of the palette of 256, by the name of the basic color that they stand for."""


def uses_color() -> bool:
    """Return whether output may be colored: NO_COLOR is not set (https://no-color.org), TERM is not dumb."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def columns() -> int | None:
    """Return the width of the terminal on standard output in characters; None if it is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def shade(color: str) -> str | int:
    """Return a color as `click.style` takes it: of 256 colors one that can be read on dark and light grounds.

    The basic colors depend on the terminal's theme; a terminal with no others gets those.
    """
    has_256 = "256color" in os.environ.get("TERM", "") or bool(os.environ.get("COLORTERM"))
    return SHADES.get(color, color) if has_256 else color


def say(text: str, color: str = "", *, bold: bool = False, err: bool = False) -> None:
    """Print a text, in as many lines as it needs on a terminal; the later ones are indented."""
    lines = lines_of(text, err=err)
    styled = click.style("\n".join(lines), fg=shade(color) if color else None, bold=bold or None)
    click.echo(styled, err=err)


def lines_of(text: str, *, err: bool = False) -> list[str]:
    """Return the lines that `say` prints. A line break at the start of the text is kept."""
    text = harmless(text, keep="\n" if text.startswith("\n") else "")
    if not (sys.stderr if err else sys.stdout).isatty():
        return text.split("\n")
    room = shutil.get_terminal_size().columns
    indent = " " * (len(text) - len(text.lstrip(" ")) + 2)
    first, *rest = fold(text.lstrip("\n"), room, len(text) + 1)
    rest = fold(text.lstrip("\n")[len(first) :].lstrip(), room - len(indent), _MAX_LINES) if rest else []
    return [""] * text.startswith("\n") + [first, *(indent + each for each in rest)]


def page(lines: Sequence[str]) -> None:
    """Print lines, in the pager that PAGER names if they are more than a terminal shows.

    `less` keeps colors, and leaves the lines on the terminal, unless LESS says otherwise.
    """
    os.environ.setdefault("LESS", "FRX")
    text = "\n".join(lines)
    if sys.stdout.isatty() and len(lines) >= shutil.get_terminal_size().lines:
        click.echo_via_pager(text)
    else:
        click.echo(text)


def can_print(text: str) -> bool:
    """Return whether the encoding of standard output has all characters of `text`."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def ellipsis() -> str:
    """Return the mark of truncated text."""
    return "…" if can_print("…") else "~"


def harmless(text: str, *, keep: str = "\n") -> str:
    r"""Return the text with control characters as escapes, except those of `keep`.

    Bytes of a path that are not UTF-8 become `\xe9`, as in documents and in the store.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in keep else _escape(each) for each in text)


def _escape(character: str) -> str:
    is_byte = 0xDC80 <= ord(character) <= 0xDCFF  # as os.fsdecode returns it
    return f"\\x{ord(character) - 0xDC00:02x}" if is_byte else repr(character)[1:-1]


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return JSON for standard output. On a terminal, control characters are escaped as JSON escapes them."""
    text = to_json(value, indent=indent)
    if not sys.stdout.isatty():
        return text
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def nearby(path: str) -> str:
    """Return a path below the working folder relative to it; any other path unchanged."""
    return path.removeprefix(str(Path.cwd()).rstrip(os.sep) + os.sep)


def plural(number: int, word: str) -> str:
    """Return a number of things, such as `1 file` or `1,000 files`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def width_of(text: str) -> int:
    """Return how many columns a terminal needs for printable text: two for wide East Asian characters."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def truncate(text: str, width: int, *, left: bool = False) -> str:
    """Return text that needs at most `width` columns. A mark replaces the end, or with `left` the start."""
    if width_of(text) <= width:
        return text
    kept: list[str] = []
    room = width - 1
    for character in reversed(text) if left else text:
        room -= _width(character)
        if room < 0:
            break
        kept.append(character)
    return ellipsis() + "".join(reversed(kept)) if left else "".join(kept) + ellipsis()


def fold(text: str, width: int, max_lines: int) -> list[str]:
    """Return the text in lines of at most `width` columns, broken behind a space or comma near the end.

    If the lines are too many, the last is truncated.
    """
    lines = [""]
    for character in text:
        line = lines[-1] + character
        if width_of(line) <= width:
            lines[-1] = line
        elif len(lines) == max_lines:
            lines[-1] = truncate(line, width)
            break
        else:
            space = max(line.rfind(" "), line.rfind(",", 0, len(line) - 1)) + 1
            cut = space if 2 * space > width else len(line) - 1
            lines[-1:] = [line[:cut].rstrip(), line[cut:].lstrip()]
    return lines


class Counter:
    """Shows the progress of a step on standard error if it is a terminal: files done, rate, time left."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._step = ""
        self._began = self._due = 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show `done` of `total` files, or of an unknown number if it is 0."""
        now = time.monotonic()
        if step != self._step:
            self._step, self._began = step, now
        elif now < self._due and done != total:
            return
        if not self._shown:
            return
        self._due = now + 0.1
        rate = done / max(now - self._began, 1e-3)
        text = (
            f"{step}: {done:,} of {plural(total, 'file')}, {100 * done // total}%"
            if total
            else f"{step}: {plural(done, 'file')}"
        )
        if now - self._began > 1 and done:
            text += f", {rate:,.0f} a second"
            text += f", {(total - done) / rate:,.0f} s left" if total else ""
        # A second line would stay when this one is removed.
        sys.stderr.write(f"\r\x1b[K{truncate(text, shutil.get_terminal_size().columns)}")
        sys.stderr.flush()

    def end(self) -> None:
        """Remove the line until the next call."""
        if self._shown and self._step:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._due = 0.0


def progress(items: Iterable[Item], total: int, *, shown: bool, prints: bool = False) -> Iterator[Item]:
    """Yield the items, and show how many were yielded.

    With `prints`, nothing is shown while the caller has an item, which it prints.
    """
    counter = Counter(shown=shown)
    try:
        for done, item in enumerate(items, 1):
            if prints:
                counter.end()
                yield item
            counter("Inspecting", done, total)
            if not prints:
                yield item
    finally:
        counter.end()
