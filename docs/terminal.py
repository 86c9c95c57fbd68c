"""Draw the terminal capture of the README: run commands in a terminal of 80 columns, and write an SVG."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

from exr_inspector.apps.cli.terminal import SHADES
from tests.exrfiles.demo import write_demo

CAPTURE = Path(__file__).parent / "images" / "terminal.svg"
COMMANDS = (
    "exr-inspector inspect sq010 -r --db exr.duckdb",
    "exr-inspector check sq010/sh020 --frames 1001-1008 --settle 0",
    """exr-inspector sql --db exr.duckdb "FROM parts
SELECT type, compression, count(*) AS parts GROUP BY ALL ORDER BY ALL\"""",
)
COLUMNS = 80
COLUMN, LINE, MARGIN = 8.4, 20, 16
"""Size of a character cell, and the margin, in pixels."""
STYLES = {
    "0": "",
    "1": ' font-weight="bold"',
    "2": ' fill="#8b949e"',
    f"38;5;{SHADES['green']}": ' fill="#3fb950"',
    f"38;5;{SHADES['red']}": ' fill="#ff7b72"',
    f"38;5;{SHADES['yellow']}": ' fill="#e3b341"',
}
"""What the terminal's escape sequences mean in SVG, on the dark background of the capture."""
_PIECE = re.compile(r"\x1b\[([0-9;]*)m|([ \n]+)|((?:[^ \n\x1b]| (?! ))+)")


def shown(command: str, folder: Path) -> str:
    """Run a command in a folder, in a terminal. Return the lines that it leaves there, with their colors."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 100, COLUMNS, 0, 0))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        ["bash", "-c", command],  # noqa: S607 - on any machine
        cwd=folder,
        env={"PATH": path, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    text = b"".join(_read(ours)).decode()
    os.close(ours)
    process.wait()
    # The counter of files rewrites its line until it removes it.
    return re.sub(r".*\x1b\[K", "", text.replace("\r\n", "\n"))


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:  # Linux reports the end so
            return
        if not data:
            return
        yield data


def capture(folder: Path) -> str:
    """Write the demo to a folder, run all commands in it, and return an SVG of commands and output."""
    write_demo(folder)
    sessions = []
    for command in COMMANDS:
        typed = command.replace("\n", "\x1b[0m\n> \x1b[1m")
        sessions.append(f"$ \x1b[1m{typed}\x1b[0m\n{shown(command, folder / 'shots')}")
    return svg("\n".join(sessions))


def svg(text: str) -> str:
    """Return the text of a terminal as SVG. Its own background makes it legible on any page."""
    width, height = round(COLUMNS * COLUMN) + 2 * MARGIN, text.count("\n") * LINE + 2 * MARGIN
    texts = "\n".join(_texts(text))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="#161b22" stroke="#6e7681"/>
<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3">
{texts}
</g>
</svg>
"""


def _texts(text: str) -> Iterator[str]:
    """Yield an element for each piece between two wide spaces. `textLength` aligns columns in any font."""
    style = ""
    line = column = 0
    for codes, space, piece in _PIECE.findall(text):
        if codes:
            style = STYLES[codes]
        for character in space:
            line, column = (line + 1, 0) if character == "\n" else (line, column + 1)
        if piece:
            x, y, length = MARGIN + COLUMN * column, MARGIN + LINE * line + 15, COLUMN * len(piece)
            yield f'<text x="{x:g}" y="{y}" textLength="{length:g}"{style}>{escape(piece)}</text>'
            column += len(piece)


def main() -> None:
    with TemporaryDirectory() as folder:
        CAPTURE.write_text(capture(Path(folder)), "utf-8")


if __name__ == "__main__":
    main()
