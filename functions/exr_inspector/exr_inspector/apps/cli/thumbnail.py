"""`exr-inspector thumbnail`: write a small picture of a file."""

from __future__ import annotations

import os
from math import isnan
from pathlib import Path

import click

from exr_inspector.apps.cli.output import write_bytes
from exr_inspector.apps.cli.paths import local_name
from exr_inspector.apps.cli.terminal import harmless, nearby
from exr_inspector.errors import InspectorError
from exr_inspector.location import path_location
from exr_inspector.settings import Settings


@click.command()
@click.argument("path", metavar="FILE")
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the picture to this file, as WebP.",
)
@click.option(
    "--exposure",
    default=0.0,
    show_default=True,
    metavar="STOPS",
    type=click.FloatRange(-100, 100),
    help="Brighten by these stops.",
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
def thumbnail(path: str, output: str, exposure: float, layer: str | None, size: int) -> None:
    """Write a small picture of an EXR file.

    It shows the display window of the beauty: R, G and B without a layer; else Y; else a layer named rgba,
    beauty or the like; else the first layer with R, G and B. The exposure is fixed, so that pictures of the
    frames of a sequence can be compared. Colors are read by colorInteropID or the chromaticities, or else as
    Rec. 709. Of a file with mip levels, only the level of this size is read.
    """
    from exr_inspector.pixels.thumbnail import file_picture  # noqa: PLC0415 - so that --help is quick

    if isnan(exposure):  # it passes the range
        raise click.UsageError("--exposure must be a number")
    if Path(output).suffix.lower() not in ("", ".webp"):
        raise click.UsageError(
            f"--output is a WebP picture: end its name in .webp, not {Path(output).suffix}"
        )
    settings = Settings.from_mapping(os.environ)
    location = path_location(local_name(path, settings), settings.paths)
    try:
        picture = file_picture(location, layer, settings, size=size)
    except InspectorError as error:
        raise error if error.where else InspectorError(error.fault, error.message, location.path) from error
    if picture is None:
        message = "the file has no channels to look at, or none of their chunks could be read"
        raise click.UsageError(f"{nearby(location.path)}: {message}")
    data = picture.webp(exposure, None)
    write_bytes(output, data)
    layer = picture.beauty.layer or "/".join(picture.beauty.channels)
    click.echo(harmless(f"{nearby(output)}: {layer}, {picture.color_space}, {len(data):,} bytes"), err=True)
