"""What `diff` prints of files and sequences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from exr_inspector.apps.cli.table import print_table
from exr_inspector.apps.cli.terminal import can_print, columns, harmless, nearby, plural, say, shade, truncate
from exr_inspector.apps.cli.values import change_text, readable_window

if TYPE_CHECKING:
    from exr_inspector.compare.files import FileDiff
    from exr_inspector.compare.header import Change
    from exr_inspector.compare.pixels import ChannelDiff, PixelDiff
    from exr_inspector.compare.sequences import SequenceChange, SequenceDiff

# Reasons why frames of a sequence are not compared.
MAX_REASONS = 8
_SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": ">"}
_COLORS = {
    "added": "green",
    "removed": "red",
    "changed": "yellow",
    "renamed": "cyan",
    "equal": "green",
    "different": "red",
    "unknown": "yellow",
}


def print_file(found: FileDiff, *, show_all: bool) -> None:
    """Print the difference of two files."""
    click.echo(harmless(f"--- {nearby(found['a'])}\n+++ {nearby(found['b'])}"))
    for error in found["errors"]:
        say(f"{nearby(error['where'])}: {error['code']}: {error['message']}", "yellow")
    shown = [each for each in found["header"] if show_all or not each["is_occasional"]]
    for change, parts in _together(shown):
        where = f" ({', '.join(parts)})" if parts else ""
        click.echo(_line(change, f"{change['name']}{where}"))
    occasional = dict.fromkeys(each["name"] for each in found["header"] if each["is_occasional"])
    if occasional and not show_all:
        say(f"  {', '.join(occasional)}: differ, as expected (--all shows them)")
    if not found["errors"]:
        click.echo("header: " + (_verdict("different") if shown else _verdict("equal")))
    pixels = found["pixels"]
    if pixels:
        _print_pixels(pixels)
    elif not found["errors"]:
        click.echo("pixels: not compared (--pixels full)")


def _together(changes: Iterable[Change]) -> Iterator[tuple[Change, list[str]]]:
    """Yield each change once, with the parts that share it."""
    found: dict[str, tuple[Change, list[str]]] = {}
    for each in changes:
        key = repr((each["what"], each["kind"], each["name"], each["before"], each["after"]))
        parts = found.setdefault(key, (each, []))[1]
        if each["part"] is not None and each["what"] != "part":
            parts.append(each["part"])
    yield from found.values()


def _line(change: Change | SequenceChange, name: str, indent: str = "") -> str:
    kind = change["kind"]
    what = "" if change["what"] in ("attribute", "file") else f"{change['what']} "
    before, after = (change_text(change["what"], change[side]) for side in ("before", "after"))
    values = f"{before} {_arrow()} {after}" if before and after else before or after
    text = harmless(f"{indent}{_SIGNS[kind]} {what}{name}" + (f": {values}" if values else ""), keep="")
    room = columns()
    return click.style(truncate(text, room) if room else text, fg=shade(_COLORS[kind]))


def _arrow() -> str:
    return "→" if can_print("→") else "->"


def _print_pixels(pixels: PixelDiff) -> None:
    for each in pixels["windows"]:
        both = "they share no pixel" if each["both"] is None else f"both have {readable_window(each['both'])}"
        windows = f"{readable_window(each['a'])} and {readable_window(each['b'])}"
        click.echo(f"data windows {windows}: {both}")
    for before, after in pixels["renamed"]:
        say(f"> channel {before['name']} {_arrow()} {after['name']}: equal pixels", "cyan")
    shown = [each for each in pixels["channels"] if each["status"] != "equal"]
    equal = len(pixels["channels"]) - len(shown)
    if shown:
        names = (
            "channel",
            "",
            "differ",
            "max",
            "mean",
            "RMS",
            "PSNR",
            "NaN/Inf",
            "worst at",
            "before",
            "after",
        )
        print_table(names, [_row(each) for each in shown], optional=("PSNR", "RMS", "mean", "", "NaN/Inf"))
    for counts in pixels["sample_counts"]:
        if counts["numbers"] and counts["numbers"]["different"]:
            click.echo(f"{counts['numbers']['different']:,} pixels have other numbers of samples")
    for side, failures in pixels["failures"].items():
        for failure in failures:
            number = plural(failure["chunks"], "chunk")
            say(f"{side}: {failure['code']}: {number}: {failure['message']}", "yellow")
    click.echo(
        f"pixels: {_verdict(pixels['status'])}, {equal} of {len(pixels['channels'])} channels are equal"
    )


def _verdict(status: str) -> str:
    return click.style(status, fg=shade(_COLORS[status]))


def _row(channel: ChannelDiff) -> list[Any]:
    before, after = channel["names"]
    name = before if before == after else f"{before} {_arrow()} {after}"
    numbers = channel["numbers"]
    if channel["reason"] or numbers is None:
        return [name, channel["reason"] or channel["status"], *[None] * 9]
    missing = f"{channel['lines_missing']} lines unknown" if channel["lines_missing"] else None
    worst: Mapping[str, Any] = numbers["worst"] or {}
    values = [numbers[each] for each in ("max_error", "mean_error", "rms_error", "psnr")]
    return [
        name,
        missing,
        numbers["different"],
        *(None if value is None else float(f"{value:.4g}") for value in values),
        numbers["nonfinite"] or None,
        f"{worst['x']},{worst['y']}" if worst else None,
        _short(worst.get("before")),
        _short(worst.get("after")),
    ]


def _short(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def print_sequence(found: SequenceDiff, *, pixels: str) -> None:
    """Print the differences between two sequences: one line, then each change with its frames."""
    name = nearby(found["a"] or found["b"] or "")
    counts = [
        f"{status} {found[status]}"
        for status in ("different", "unknown", "added", "removed")
        if found[status]
    ]
    if found["a"] is None or found["b"] is None:
        counts = ["added" if found["a"] is None else "removed"]
    elif not counts:
        what = "headers" if pixels == "none" else "headers and pixels"
        counts = [f"{found['status']}: {what} of {plural(found['files'], 'file')}"]
    say(f"{name} {'  '.join(counts)}", _COLORS[found["status"]])
    for change in found["changes"]:
        part = f" in {change['part']}" if change["part"] and change["what"] != "part" else ""
        click.echo(_line(change, f"{change['name']}{part}{_at(change['frames'])}", "  "))
    reasons = list(found["reasons"].items())
    for reason, frames in reasons[:MAX_REASONS]:
        say(f"  ? not compared{_at(frames)}: {reason}", "yellow")
    if len(reasons) > MAX_REASONS:
        say(f"  ? and {len(reasons) - MAX_REASONS} more reasons (--json)", "yellow")
    for channel, frames in found["channels"].items():
        say(f"  ~ pixels of {channel}{_at(frames)}", "yellow")


def _at(frames: str) -> str:
    return f" at {frames}" if frames else ""
