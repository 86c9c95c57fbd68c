"""The columns of the tables: name, Arrow type and meaning.

docs/DATABASE_SCHEMA.md is generated from here. Times are in UTC. A text of more than 126 KB is replaced by
`{"elided": {size_bytes, sha256}}`.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

TEXT, INTEGER, REAL, FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()
TIME = pa.timestamp("us")


def _vector(length: int) -> pa.DataType:
    return pa.list_(pa.field("item", pa.float32(), nullable=False), length)


class Column(NamedTuple):
    name: str
    type: pa.DataType
    meaning: str


_FILE_KEY = (
    Column(
        "file_id",
        TEXT,
        "The file: 32 hexadecimal digits made from its location alone, so that a re-render keeps it.",
    ),
    Column("file_path", TEXT, "Where it lies: an absolute path or `s3://bucket/key`."),
)

FILES = (
    *_FILE_KEY,
    Column(
        "file_path_normalized",
        TEXT,
        "The path without `.`, `..` and doubled slashes; an S3 location as it is.",
    ),
    Column(
        "sequence_key",
        TEXT,
        "The path with the frame's digits as fileseq writes them: `#` for four, `@` for one.",
    ),
    Column(
        "frame_number",
        INTEGER,
        "The frame in the file's name: the last number before the extension, if it is the whole name or"
        " follows a separator. After a dot any number counts, unless it is a decimal (t9.800); after `_` or a"
        " space it needs 3 digits, after `-` 4.",
    ),
    Column("size_bytes", INTEGER, "Size of the file."),
    Column("mtime", TIME, "When the file was last modified."),
    Column("etag", TEXT, "The S3 object's eTag."),
    Column("sequencer", TEXT, "The order of the latest S3 event for this object."),
    Column("status", TEXT, "`ok`, `incomplete`, `corrupt`, `unsupported` or `missing`."),
    Column("complete", FLAG, "Whether it holds all chunks that its header promises; null if unknown."),
    Column("chunks_present", INTEGER, "How many chunks are in the file; null if unknown."),
    Column("chunks_promised", INTEGER, "How many chunks the header promises, over all parts."),
    Column("error_count", INTEGER, "How many faults were found."),
    Column("errors_json", TEXT, "The faults: a list of {code, message, where}."),
    Column("exr_version", INTEGER, "Version of the file format, 2."),
    Column("multipart_count", INTEGER, "Number of parts."),
    Column("channel_count", INTEGER, "Number of channels, over all parts."),
    Column("attribute_count", INTEGER, "Number of attributes, over all parts."),
    Column("is_deep", FLAG, "Has a deep part."),
    Column("is_tiled", FLAG, "Has a tiled part."),
    Column("is_multiview", FLAG, "Has more than one view."),
    Column("header_bytes", INTEGER, "Length of the header, from the file's first byte."),
    Column("header_hash", TEXT, "SHA-256 of the header's bytes."),
    Column("openimageio_opens", FLAG, "Does OpenImageIO open it? Null where it was not asked."),
    Column("openimageio_message", TEXT, "Why OpenImageIO refuses it, or was not asked."),
    Column(
        "openimageio_differences",
        TEXT,
        "Facts that OpenImageIO shows differently: a list of {part_index, field, openimageio}.",
    ),
    Column("metadata_embedding", _vector(384), "What kind of render it is, as a unit vector."),
    Column("channel_fingerprint", _vector(128), "Which channels it has, as a unit vector."),
    Column("embedding_version", INTEGER, "Version of both vectors; only equal versions compare."),
    Column("inspector_version", TEXT, "Release of exr-inspector that wrote the row."),
    Column("schema_version", INTEGER, "Version of the document."),
    Column("facts_hash", TEXT, "SHA-256 of all facts and versions; equal means that nothing has changed."),
    Column("first_seen", TIME, "When the file was first inspected."),
    Column("last_inspected", TIME, "When it was last inspected."),
    Column("inspection_count", INTEGER, "How often it was inspected."),
    Column("write_id", TEXT, "Marks the transaction that wrote the row."),
)

_WINDOWS = tuple(
    Column(f"{window}_window_{end}_{axis}", INTEGER, f"The {window} window's {side}, in pixels, inclusive.")
    for window in ("data", "display")
    for end, axis, side in (
        ("min", "x", "left"),
        ("min", "y", "top"),
        ("max", "x", "right"),
        ("max", "y", "bottom"),
    )
)

PARTS = (
    *_FILE_KEY,
    Column("part_index", INTEGER, "Place of the part in the file, from 0."),
    Column("name", TEXT, "The part's name."),
    Column("view", TEXT, "Its view, such as `left`."),
    Column("type", TEXT, "`scanlineimage`, `tiledimage`, `deepscanline` or `deeptile`."),
    Column("width", INTEGER, "Width of the data window."),
    Column("height", INTEGER, "Height of the data window."),
    *_WINDOWS,
    Column("display_width", INTEGER, "Width of the display window."),
    Column("display_height", INTEGER, "Height of the display window."),
    Column("data_x_offset", INTEGER, "The data window's left edge."),
    Column("data_y_offset", INTEGER, "The data window's top edge."),
    Column("pixel_aspect_ratio", REAL, "Width of a pixel divided by its height."),
    Column("line_order", TEXT, "`increasingY`, `decreasingY` or `randomY`."),
    Column("compression", TEXT, "As `zip`, `piz`, `dwaa`; a code that is not known as `unknown(99)`."),
    Column("is_tiled", FLAG, "Stored as tiles."),
    Column("tile_width", INTEGER, "Width of a tile."),
    Column("tile_height", INTEGER, "Height of a tile."),
    Column("level_mode", TEXT, "`oneLevel`, `mipmap` or `ripmap`."),
    Column("rounding_mode", TEXT, "How level sizes are rounded: `down` or `up`."),
    Column("is_deep", FLAG, "Holds deep samples."),
    Column("chunk_count", INTEGER, "How many chunks it has, derived from its windows and tiles."),
    Column("channel_count", INTEGER, "Number of its channels."),
    Column("color_space", TEXT, "The color space that an attribute states; never a guess."),
    Column("color_space_source", TEXT, "The attribute that states the color space, as `colorInteropID`."),
    Column("render_software", TEXT, "The program that wrote it, with its version, if an attribute names it."),
    Column("render_software_source", TEXT, "The attribute that names the program, as `arnold/version`."),
)

CHANNELS = (
    *_FILE_KEY,
    Column("part_index", INTEGER, "The channel's part."),
    Column("channel_index", INTEGER, "Its place in the part's channel list, from 0."),
    Column("name", TEXT, "Its whole name, as `diffuse.R`."),
    Column(
        "layer_name",
        TEXT,
        "The layer: its name before the last dot, or else its part's name without the view.",
    ),
    Column("layer_source", TEXT, "Whether the `channel` name or the `part` name carries the layer."),
    Column("component_name", TEXT, "Its name after the last dot, or the whole name."),
    Column("type", TEXT, "`half`, `float` or `uint`."),
    Column("x_sampling", INTEGER, "One sample for so many columns."),
    Column("y_sampling", INTEGER, "One sample for so many scanlines."),
    Column("p_linear", FLAG, "The pLinear flag: values are perceptually linear."),
)

ATTRIBUTES = (
    *_FILE_KEY,
    Column("part_index", INTEGER, "The attribute's part."),
    Column("attribute_index", INTEGER, "Its place in the part's header, from 0."),
    Column("attr_name", TEXT, "Its name, OpenEXR's own."),
    Column("attr_type", TEXT, "Its type, OpenEXR's own."),
    Column("value_json", TEXT, "Its value as JSON."),
    Column("value_text", TEXT, "Strings, the names of coded values, and time codes, as text."),
    Column("value_int", INTEGER, "The value of an `int`."),
    Column("value_float", REAL, "The value of an `int`, `float`, `double` or `rational`."),
)

FACETS = (
    *_FILE_KEY,
    Column("facet", TEXT, "The group of rows: `header`."),
    Column(
        "input_hash", TEXT, "Hash of everything the rows were computed from; for `header` the facts_hash."
    ),
    Column("computed_from", TEXT, "The object's version (eTag, or size and time) or the facts_hash."),
    Column("engine_version", INTEGER, "Version of the code that computed them."),
    Column("request", TEXT, "What was asked for, as JSON; null if there are no options."),
    Column("status", TEXT, "`ok`, or why there are no rows."),
    Column("computed_at", TIME, "When the rows were computed."),
)

COLUMNS = {"files": FILES, "parts": PARTS, "channels": CHANNELS, "attributes": ATTRIBUTES, "facets": FACETS}
TABLES: dict[str, pa.Schema] = {
    table: pa.schema([(column.name, column.type) for column in columns]) for table, columns in COLUMNS.items()
}
