"""Tables that fit the terminal. In a pipe, every row is one line and nothing is shortened to a width."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from exr_inspector.apps.cli import terminal
from exr_inspector.document.serialize import to_json

_GAP = "  "
# The narrowest that a column of paths or of long text becomes.
_MIN_PATH, _MIN_TEXT = 20, 12
# Optional columns are left out before a path becomes narrower than this.
_OPTIONAL_PATH = 32
# Characters of a cell in a pipe; --json shortens nothing.
_MAX_CELL = 4000
# Lines of one value that is folded.
_MAX_LINES = 8
_HASH = re.compile("[0-9a-f]{32}")
# More numbers than this are a vector.
_MAX_NUMBERS = 16

_COLORS = {
    "status": {
        "ok": "green",
        "ok?": "yellow",
        "incomplete": "red",
        "corrupt": "red",
        "missing": "red",
        "unsupported": "yellow",
        "not read": "yellow",
    },
    "OIIO": {"refuses": "yellow"},
}


@dataclass
class _Column:
    name: str
    cells: list[str]
    is_number: bool = False
    is_whole: bool = False
    """Whether the values are useless if truncated: numbers and hashes."""
    is_path: bool = False
    is_key: bool = False
    """Whether the column says what a row is about, so that optional columns leave it its width."""

    def __post_init__(self) -> None:
        self.width = max(map(terminal.width_of, (self.name, *self.cells)))
        least = max(_MIN_PATH if self.is_path else _MIN_TEXT, terminal.width_of(self.name))
        self.min_width = self.width if self.is_whole else min(self.width, least)

    def padded(self, text: str, color: str | None = None) -> str:
        space = " " * (self.width - terminal.width_of(text))
        text = click.style(text, fg=color) if color else text
        return space + text if self.is_number else text + space

    def line(self, index: int) -> str:
        text = terminal.truncate(self.cells[index], self.width, left=self.is_path)
        return self.padded(text, self.color(index))

    def color(self, index: int) -> str | None:
        return _COLORS.get(self.name, {}).get(self.cells[index])


def print_table(
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str = "",
    optional: Sequence[str] = (),
    folded: str = "",
) -> list[str]:
    """Print a table, and return the names of columns that the terminal is too narrow for.

    None is an empty cell. Paths are shortened on the left and other text on the right. Columns of `optional`
    are left out if they do not fit: first those without a value, then in the order of `optional`. The values
    of the column `folded`, which must be the last, continue on the next lines. If the columns still do not
    fit, each row is printed as a list of names and values.
    """
    values = [list(row) for row in rows]
    made = [_column(name, [row[index] for row in values]) for index, name in enumerate(names)]
    room = terminal.columns()
    lines = [click.style(terminal.harmless(title), bold=True)] if title else []
    needed = [each for each in made if each.name not in optional]
    for each in needed[:1]:
        each.is_key = True
    if room is not None and values and _min_width(needed) > room:
        lines += _records(made, room)
        shown = made
    else:
        shown = made if room is None else _fitting(made, optional, room)
        lines += _grid(shown, room, folded) if shown else ()
    click.echo("\n".join(lines))
    return [each.name for each in made if each not in shown]


def print_record(facts: dict[str, Any]) -> None:
    """Print names and values, one a line. Long values are folded."""
    made = [_column(name, [value]) for name, value in facts.items() if value is not None]
    click.echo("\n".join(_record(made, 0, terminal.columns())))


def _min_width(made: Sequence[_Column], min_path: int = 0) -> int:
    """Return the narrowest that a table becomes, if paths and its key keep at least `min_path` columns."""
    widths = [
        max(each.min_width, min(each.width, min_path)) if each.is_path or each.is_key else each.min_width
        for each in made
    ]
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _fitting(made: Sequence[_Column], optional: Sequence[str], room: int) -> list[_Column]:
    """Return the columns without as many of the optional ones as necessary."""
    shown = list(made)
    columns = sorted((each for name in optional for each in made if each.name == name), key=_has_values)
    for each in columns:
        if _min_width(shown, _OPTIONAL_PATH) <= room:
            break
        shown.remove(each)
    return shown


def _has_values(column: _Column) -> bool:
    return any(column.cells)


def _column(name: str, values: Sequence[Any]) -> _Column:
    known = [value for value in values if value is not None]
    texts = [value for value in known if isinstance(value, str)]
    is_number = bool(known) and all(map(_is_number, known))
    return _Column(
        terminal.harmless(name, keep=""),
        [_cell(value) for value in values],
        is_number=is_number,
        is_whole=is_number or (bool(texts) and all(map(_HASH.fullmatch, texts))),
        is_path=bool(texts) and len(texts) == len(known) and all("/" in text for text in texts),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    is_vector = isinstance(value, (list, tuple)) and len(value) > _MAX_NUMBERS and all(map(_is_number, value))
    if is_vector and terminal.columns():
        return f"[{', '.join(f'{each:.3g}' for each in value[:3])}, ... {len(value)} numbers]"
    text = to_json(value) if isinstance(value, (dict, list, tuple)) else str(value)
    if len(text) > _MAX_CELL:
        text = text[: _MAX_CELL - 1] + terminal.ellipsis()
    return terminal.harmless(text, keep="")


def _grid(made: Sequence[_Column], room: int | None, folded: str) -> Iterator[str]:
    last = made[-1]
    rest: dict[int, list[str]] = {}
    if room is not None:
        _shrink(made, room)
        if last.name == folded:
            for index, cell in enumerate(last.cells):
                last.cells[index], *rest[index] = terminal.fold(cell, last.width, _MAX_LINES)
    yield click.style(_GAP.join(each.padded(each.name) for each in made).rstrip(), bold=True)
    yield click.style(_GAP.join(_rule(each.width) for each in made), dim=True)
    indent = " " * (sum(each.width + len(_GAP) for each in made[:-1]))
    for index in range(len(last.cells)):
        yield _GAP.join(each.line(index) for each in made).rstrip()
        yield from (indent + piece for piece in rest.get(index, ()))


def _shrink(made: Sequence[_Column], room: int) -> None:
    """Make the columns narrower until they fit. A path keeps twice as much of its width as other text."""
    excess = sum(each.width + len(_GAP) for each in made) - len(_GAP) - room
    for _ in range(max(0, min(excess, sum(each.width - each.min_width for each in made)))):
        widest = max(made, key=lambda each: (each.width - each.min_width) * (1 if each.is_path else 2))
        widest.width -= 1


def _rule(width: int) -> str:
    return ("─" if terminal.can_print("─") else "-") * width


def _records(made: Sequence[_Column], room: int) -> Iterator[str]:
    for index in range(len(made[0].cells)):
        yield click.style(_rule(2) + f" {index + 1} ".ljust(room - 2, _rule(1)), dim=True)
        yield from _record(made, index, room)


def _record(made: Sequence[_Column], index: int, room: int | None) -> Iterator[str]:
    margin = max(terminal.width_of(each.name) for each in made) + len(_GAP)
    for each in made:
        text, color = each.cells[index], each.color(index)
        if not text:
            continue
        first, *rest = terminal.fold(text, max(room - margin, 10), _MAX_LINES) if room else [text]
        head = each.name + " " * (margin - terminal.width_of(each.name))
        yield (head + (click.style(first, fg=color) if color else first)).rstrip()
        yield from (" " * margin + piece for piece in rest)
