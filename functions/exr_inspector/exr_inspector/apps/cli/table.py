"""Tables that fit the terminal. In a pipe, every row is one line and nothing is shortened to a width."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(eq=False)
class _Column:
    name: str
    cells: list[str]
    is_number: bool = False
    is_whole: bool = False
    """Whether the values are useless if truncated: numbers and hashes."""
    is_path: bool = False
    is_key: bool = False
    """Whether the column says what a row is about, so that optional columns leave it its width."""
    width: int = field(init=False)
    min_width: int = field(init=False)
    whole_width: int = field(init=False)
    """The width at which no cell is truncated; the column name may take several lines."""

    def __post_init__(self) -> None:
        widest = max(map(terminal.width_of, self.cells), default=0)
        self.width = max(terminal.width_of(self.name), widest)
        head = max(map(terminal.width_of, _words(self.name)))
        least = widest if self.is_whole else min(widest, _MIN_PATH if self.is_path else _MIN_TEXT)
        self.min_width = max(head, least)
        self.whole_width = max(head, widest)

    @property
    def heading(self) -> list[str]:
        """The name in lines that fit the width, broken between words."""
        lines = [""]
        for word in _words(self.name):
            if lines[-1] and terminal.width_of(lines[-1] + word.rstrip()) > self.width:
                lines.append("")
            lines[-1] += word
        return [each.rstrip() for each in lines]

    def padded(self, text: str, color: str | None = None) -> str:
        space = " " * (self.width - terminal.width_of(text))
        text = click.style(text, fg=terminal.shade(color)) if color else text
        return space + text if self.is_number else text + space

    def line(self, index: int) -> str:
        text = terminal.truncate(self.cells[index], self.width, left=self.is_path)
        return self.padded(text, self.color(index))

    def color(self, index: int) -> str | None:
        return _COLORS.get(self.name, {}).get(self.cells[index].partition(",")[0])


def print_table(
    names: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str = "",
    optional: Sequence[str] = (),
    folded: str = "",
    is_answer: bool = False,
    whole: bool = False,
) -> list[str]:
    """Print a table, and return the names of columns that the terminal is too narrow for.

    None is an empty cell. Paths are shortened on the left and other text on the right. Columns of `optional`
    are left out if they do not fit: first those without a value, then in the order of `optional`. The values
    of the column `folded`, which must be the last, continue on the next lines. If the columns still do not
    fit, each row is printed as a list of names and values.

    The answer to a query may be wide and long. So values that rarely change are printed where they do before
    rows become lists, and what is longer than the terminal is shown in a pager. With `whole`, no value of the
    column `folded` is too long.
    """
    values = [list(row) for row in rows]
    made = [_column(name, [row[index] for row in values], whole=whole) for index, name in enumerate(names)]
    room = terminal.columns()
    max_lines = sys.maxsize if whole else _MAX_LINES
    lines = [click.style(each, bold=True) for each in terminal.lines_of(title)] if title else []
    needed = [each for each in made if each.name not in optional]
    for each in needed[:1]:
        each.is_key = True
    shown = made
    if room is None:
        lines += _grid(made, None, folded) if made else ()
    elif not values and _min_width(made) > room:
        lines += terminal.fold(", ".join(each.name for each in made), room, sys.maxsize)
    elif _min_width(needed) <= room:
        shown = _fitting(made, optional, room)
        lines += _grid(shown, room, folded, max_lines=max_lines)
    else:
        lines += (is_answer and _grouped(made, room)) or _records(made, room, max_lines)
    terminal.page(lines) if is_answer else click.echo("\n".join(lines))
    return [each.name for each in made if each not in shown]


def print_record(facts: Mapping[str, Any], *, whole: bool = False) -> None:
    """Print names and values, one a line. Long values are folded, and with `whole` never truncated."""
    made = [_column(name, [value], whole=whole) for name, value in facts.items() if value is not None]
    max_lines = sys.maxsize if whole else _MAX_LINES
    click.echo("\n".join(_record(made, 0, terminal.columns(), max_lines=max_lines)))


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
    found = (each for name in optional for each in made if each.name == name)
    columns = sorted(found, key=lambda column: any(column.cells))  # those without a value first
    for each in columns:
        if _min_width(shown, _OPTIONAL_PATH) <= room:
            break
        shown.remove(each)
    return shown


def _column(name: str, values: Sequence[Any], *, whole: bool = False) -> _Column:
    known = [value for value in values if value is not None]
    texts = [value for value in known if isinstance(value, str)]
    is_number = bool(known) and all(map(_is_number, known))
    return _Column(
        terminal.harmless(name, keep=""),
        [_cell(value, whole=whole) for value in values],
        is_number=is_number,
        is_whole=is_number or (bool(texts) and all(map(_HASH.fullmatch, texts))),
        is_path=bool(texts) and len(texts) == len(known) and all("/" in text for text in texts),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: Any, *, whole: bool) -> str:
    if value is None:
        return ""
    is_vector = isinstance(value, (list, tuple)) and len(value) > _MAX_NUMBERS and all(map(_is_number, value))
    if is_vector and terminal.columns():
        return f"[{', '.join(f'{each:.3g}' for each in value[:3])}, ... {len(value)} numbers]"
    text = to_json(value) if isinstance(value, (bool, dict, list, tuple)) else str(value)
    if len(text) > _MAX_CELL and not whole:
        text = text[: _MAX_CELL - 1] + terminal.ellipsis()
    return terminal.harmless(text, keep="")


def _grid(
    made: Sequence[_Column],
    room: int | None,
    folded: str = "",
    before: Mapping[int, Sequence[str]] | None = None,
    max_lines: int = _MAX_LINES,
) -> Iterator[str]:
    """Yield the lines of a table; those of `before` in front of the row that is their key."""
    last = made[-1]
    rest: dict[int, list[str]] = {}
    if room is not None:
        _shrink(made, room)
        if last.name == folded:
            for index, cell in enumerate(last.cells):
                last.cells[index], *rest[index] = terminal.fold(cell, last.width, max_lines)
    heads = [each.heading for each in made]
    height = max(map(len, heads))
    for line in zip(*([""] * (height - len(head)) + head for head in heads), strict=True):
        cells = (each.padded(piece) for each, piece in zip(made, line, strict=True))
        yield click.style(_GAP.join(cells).rstrip(), bold=True)
    yield click.style(_GAP.join(_rule(each.width) for each in made), dim=True)
    indent = " " * (sum(each.width + len(_GAP) for each in made[:-1]))
    for index in range(len(last.cells)):
        yield from (before or {}).get(index, ())
        yield _GAP.join(each.line(index) for each in made).rstrip()
        yield from (indent + piece for piece in rest.get(index, ()))


def _grouped(made: Sequence[_Column], room: int) -> list[str]:
    """Return the lines of a table. Values of the columns that change least are printed only when they change.

    The result is empty if there are too many changes, or if no column is left.
    """
    changes = [(each, _changes(each)) for each in made]
    rest, slow = list(made), []
    for each, _ in sorted(changes, key=lambda pair: len(pair[1])):
        if _min_width(rest) <= room:
            break
        rest.remove(each)
        slow.append(each)
    shown: dict[int, list[_Column]] = defaultdict(list)
    for each, rows in changes:
        for row in rows if each in slow else ():
            shown[row].append(each)
    if not rest or 2 * len(shown) > len(made[0].cells):
        return []
    before = {row: ["", *_record(each, row, room, empty="(empty)")] for row, each in shown.items() if row}
    return [*_record(shown[0], 0, room), "", *_grid(rest, room, before=before)]


def _changes(column: _Column) -> set[int]:
    """Return the rows whose value differs from that of the row above."""
    return {index for index, cell in enumerate(column.cells) if not index or cell != column.cells[index - 1]}


def _words(name: str) -> list[str]:
    return re.findall("[^_ ]+[_ ]*|[_ ]+", name) or [name]


def _shrink(made: Sequence[_Column], room: int) -> None:
    """Make the columns narrower until they fit: first names, then values.

    A path keeps twice as much of its width as other text.
    """

    def slack(column: _Column) -> tuple[int, int]:
        weight = 1 if column.is_path else 2
        return max(0, column.width - column.whole_width), (column.width - column.min_width) * weight

    excess = sum(each.width + len(_GAP) for each in made) - len(_GAP) - room
    for _ in range(max(0, min(excess, sum(each.width - each.min_width for each in made)))):
        max(made, key=slack).width -= 1


def _rule(width: int) -> str:
    return ("─" if terminal.can_print("─") else "-") * width


def _records(made: Sequence[_Column], room: int, max_lines: int) -> Iterator[str]:
    for index in range(len(made[0].cells)):
        yield click.style(_rule(2) + f" {index + 1} ".ljust(room - 2, _rule(1)), dim=True)
        yield from _record(made, index, room, max_lines=max_lines)


def _record(
    made: Sequence[_Column], index: int, room: int | None, empty: str = "", max_lines: int = _MAX_LINES
) -> Iterator[str]:
    """Yield the lines of a row as names and values; those without a value only if there is text for it."""
    margin = max(terminal.width_of(each.name) for each in made) + len(_GAP)
    for each in made:
        text, color = each.cells[index] or empty, each.color(index)
        if not text:
            continue
        first, *rest = terminal.fold(text, max(room - margin, 10), max_lines) if room else [text]
        head = each.name + " " * (margin - terminal.width_of(each.name))
        yield (head + (click.style(first, fg=terminal.shade(color)) if color else first)).rstrip()
        yield from (" " * margin + piece for piece in rest)
