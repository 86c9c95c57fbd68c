"""`exr-inspector thumbnail`: write small pictures of files, which all have one exposure."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from math import isnan
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from exr_inspector.apps.cli.exits import FOUND, OK
from exr_inspector.apps.cli.output import write_bytes
from exr_inspector.apps.cli.paths import complete_paths, expand_some, recursive_option
from exr_inspector.apps.cli.terminal import nearby, plural, progress, say
from exr_inspector.errors import InspectorError
from exr_inspector.location import Location
from exr_inspector.settings import Settings

if TYPE_CHECKING:
    from exr_inspector.pixels.thumbnail import Picture
    from exr_inspector.pixels.tone import Format

FORMATS: dict[str, Format] = {".webp": "webp", ".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png"}
FRAMES = 16
"""Maximum number of files that --auto-exposure reads."""


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=complete_paths)
@recursive_option
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FILE|FOLDER",
    help="A .webp, .jpg or .png file; or a folder, which gets a .webp file for each picture.",
)
@click.option(
    "--exposure",
    default=0.0,
    show_default=True,
    metavar="STOPS",
    type=click.FloatRange(-100, 100),
    help="Brighten by this many stops.",
)
@click.option(
    "--auto-exposure",
    is_flag=True,
    help="Use one exposure for all files, at which 1% of their pixels are white. --exposure adds to it.",
)
@click.option("--layer", metavar="NAME", help="Show this layer instead of the beauty.")
@click.option(
    "--size",
    default=256,
    show_default=True,
    metavar="PIXELS",
    type=click.IntRange(1, 4096),
    help="Pixels of the longer side.",
)
@click.pass_context
def thumbnail(
    ctx: click.Context,
    paths: tuple[str, ...],
    recursive: bool,
    output: str,
    exposure: float,
    auto_exposure: bool,
    layer: str | None,
    size: int,
) -> None:
    """Write small pictures of EXR files, all at one exposure.

    PATH is a file, a folder, a pattern such as beauty.#.exr, or s3://bucket/folder/. A picture shows the
    display window of the beauty: R, G and B without a layer; otherwise Y; otherwise a layer named rgba,
    beauty or similar; otherwise the first layer with R, G and B. Deep parts have no picture. Colors are
    interpreted by colorInteropID or chromaticities, otherwise as Rec. 709. If a file has mip levels, only the
    level for this size is read.

    The exit code is 1 if a picture could not be written.
    """
    from exr_inspector.pixels.tone import encode, shared_exposure  # noqa: PLC0415 - so that --help is quick

    if isnan(exposure):  # it passes the range
        raise click.UsageError("--exposure must be a number")
    settings = Settings.from_mapping(os.environ)
    files = expand_some(paths, recursive=recursive, settings=settings)
    is_folder = Path(output).is_dir() or not (Path(output).suffix or Path(output).exists())
    targets = _in_folder(output, files) if is_folder else _in_file(output, files)
    missing: dict[Location, InspectorError | click.UsageError] = {}

    def pictures(some: Sequence[Location], size: int) -> Iterator[tuple[Location, Picture]]:
        for location in progress(some, len(some), shown=True):
            try:
                yield location, _picture(location, layer, settings, size)
            except (InspectorError, click.UsageError) as error:
                if not is_folder:
                    raise
                missing[location] = error

    if auto_exposure:
        some = files[:: -(-len(files) // FRAMES)]
        exposure += shared_exposure(picture.linear() for _, picture in pictures(some, 256))
    size_of = {}
    for location, picture in pictures(files, size):
        target = targets[location]
        data = encode(picture.linear(), exposure, FORMATS[target.suffix.lower()])
        write_bytes(str(target), data)
        size_of[location] = len(data)
        shown = f"{picture.beauty.layer or '/'.join(picture.beauty.channels)}, {picture.color_space}"
    for error in missing.values():
        say(str(error), err=True)
    if is_folder:
        shown = plural(len(size_of), "picture")
    line = f"{nearby(output)}: {shown}, {exposure:+g} stops, {sum(size_of.values()):,} bytes"
    say(line, err=True)
    ctx.exit(FOUND if missing else OK)


def _in_file(output: str, files: Sequence[Location]) -> dict[Location, Path]:
    """Return the file to write for the only file. Raises click.UsageError."""
    if len(files) > 1:
        raise click.UsageError(f"--output is one file, but {len(files):,} are read: name a folder")
    if Path(output).suffix.lower() not in FORMATS:
        ends = f"{', '.join(FORMATS)}, not {Path(output).suffix or 'nothing'}"
        raise click.UsageError(f"--output is a picture or a folder: end its name in {ends}")
    return {files[0]: Path(output)}


def _in_folder(output: str, files: Sequence[Location]) -> dict[Location, Path]:
    """Make the folder, and return the file to write there for each file. Raises click.UsageError."""
    sources: dict[Path, Location] = {}
    for each in files:
        target = Path(output, PurePosixPath(each.path).name.removesuffix(".exr") + ".webp")
        other = sources.setdefault(target, each)
        if other is not each:
            both = f"{nearby(other.path)} and {nearby(each.path)}"
            raise click.UsageError(f"{target} would be the picture of {both}: name one folder at a time")
    try:
        Path(output).mkdir(exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"cannot make the folder {output}: {error.strerror}") from error
    return {location: target for target, location in sources.items()}


def _picture(location: Location, layer: str | None, settings: Settings, size: int) -> Picture:
    """Return the picture of a file. Raises click.UsageError without one; an InspectorError names the file."""
    from exr_inspector.pixels.thumbnail import NO_PICTURE, file_picture  # noqa: PLC0415 - so that --help is quick

    try:
        picture = file_picture(location, layer, settings, size=size)
    except InspectorError as error:
        inside = f", {error.where}" if error.where not in ("", location.path) else ""
        raise InspectorError(error.fault, error.message, location.path + inside) from error
    if picture is None:
        raise click.UsageError(f"{nearby(location.path)}: {NO_PICTURE}")
    return picture
