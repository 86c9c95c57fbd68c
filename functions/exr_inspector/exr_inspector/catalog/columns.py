"""The columns of the tables: name, Arrow type and meaning.

docs/DATABASE_SCHEMA.md is generated from here. Times are in UTC. A text of more than 126 KB is replaced by
`{"elided": {size_bytes, sha256}}`.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

from exr_inspector.sequences import PATH_COLUMNS

TEXT, INTEGER, REAL, FLAG = pa.string(), pa.int64(), pa.float64(), pa.bool_()
TIME, BYTES = pa.timestamp("us"), pa.binary()


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
        "Identifies the file: 32 hexadecimal digits, a hash of its location. A re-render keeps it.",
    ),
    Column("file_path", TEXT, "The file's location: an absolute path or `s3://bucket/key`."),
)

FILES = (
    *_FILE_KEY,
    Column(
        "file_path_normalized",
        TEXT,
        "The canonical path, of which `file_id` is a hash; differs from `file_path` only with a path map.",
    ),
    Column(
        "sequence_key",
        TEXT,
        "The path with padding for the frame's digits, as fileseq writes it: `#` for four, `@` for one.",
    ),
    Column(
        "frame_number",
        INTEGER,
        "The frame in the file's name: the last number before the extension, if it is the whole name or"
        " follows a separator. After a dot any number counts, unless it is a decimal (t9.800); after `_` or a"
        " space it needs 3 digits, after `-` 4.",
    ),
    *(
        Column(column, TEXT, f"The {name} in the path, by the configuration of the show; null without one.")
        for name, column in PATH_COLUMNS.items()
    ),
    Column("size_bytes", INTEGER, "Size of the file in bytes."),
    Column("mtime", TIME, "Time of the last modification."),
    Column("etag", TEXT, "eTag of the S3 object."),
    Column("ctime", TIME, "Time of the last change to a local file's inode; copying tools cannot set it."),
    Column("inode", INTEGER, "Inode number of a local file; negative above 63 bits."),
    Column("device", TEXT, "File system of a local file: its type and source, such as `nfs4 vast:/renders`."),
    Column("sequencer", TEXT, "Sequencer of the latest S3 event of this object; orders its events."),
    Column("status", TEXT, "`ok`, `incomplete`, `corrupt`, `unsupported` or `missing`."),
    Column(
        "writing",
        FLAG,
        "Whether the file may still be being written: when last inspected, it was incomplete and had been"
        " modified within EXR_INSPECTOR_SETTLE_SECONDS.",
    ),
    Column(
        "complete", FLAG, "Whether the file contains all chunks that its header promises; null if unknown."
    ),
    Column("chunks_present", INTEGER, "Number of chunks in the file; null if unknown."),
    Column("chunks_promised", INTEGER, "Number of chunks that the header promises, over all parts."),
    Column("error_count", INTEGER, "Number of faults."),
    Column("errors_json", TEXT, "The faults as JSON: a list of {code, message, where}."),
    Column("exr_version", INTEGER, "Version of the file format: 2."),
    Column("version_field", INTEGER, "The version field: version and flags; null in rows of release 1.0."),
    Column("multipart_count", INTEGER, "Number of parts."),
    Column("channel_count", INTEGER, "Number of channels, over all parts."),
    Column("attribute_count", INTEGER, "Number of attributes, over all parts."),
    Column("is_deep", FLAG, "Whether a part is deep."),
    Column("is_tiled", FLAG, "Whether a part is tiled."),
    Column("is_multiview", FLAG, "Whether there is more than one view."),
    Column("header_bytes", INTEGER, "Length of the header in bytes, with the magic number."),
    Column("header_hash", TEXT, "SHA-256 of the header's bytes; null after values were forgotten."),
    Column("openimageio_opens", FLAG, "Whether OpenImageIO opens the file; null if it was not tried."),
    Column("openimageio_message", TEXT, "Why OpenImageIO refuses the file, or was not tried."),
    Column(
        "openimageio_differences",
        TEXT,
        "Facts that OpenImageIO reports differently, as JSON: a list of {part_index, field, openimageio}.",
    ),
    Column(
        "metadata_embedding",
        _vector(384),
        "Unit vector of all metadata of the render, for similarity search.",
    ),
    Column("channel_fingerprint", _vector(128), "Unit vector of the channels, for similarity search."),
    Column(
        "embedding_version", INTEGER, "Version of both vectors; only vectors of one version are comparable."
    ),
    Column("inspector_version", TEXT, "Release of exr-inspector that wrote the row."),
    Column("schema_version", INTEGER, "Version of the document."),
    Column(
        "facts_hash",
        TEXT,
        "SHA-256 of the facts and the versions of rows and vectors; equal hashes mean equal rows.",
    ),
    Column("first_seen", TIME, "Time of the first inspection."),
    Column("last_inspected", TIME, "Time of the last inspection."),
    Column("inspection_count", INTEGER, "Number of inspections."),
    Column("write_id", TEXT, "Identifies the transaction that wrote the row."),
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
    Column("part_index", INTEGER, "Index of the part in the file, from 0."),
    Column("name", TEXT, "The part's name."),
    Column("view", TEXT, "The part's view, such as `left`."),
    Column("type", TEXT, "`scanlineimage`, `tiledimage`, `deepscanline` or `deeptile`."),
    Column("width", INTEGER, "Width of the data window in pixels."),
    Column("height", INTEGER, "Height of the data window in pixels."),
    *_WINDOWS,
    Column("display_width", INTEGER, "Width of the display window in pixels."),
    Column("display_height", INTEGER, "Height of the display window in pixels."),
    Column("data_x_offset", INTEGER, "Left edge of the data window, in pixels."),
    Column("data_y_offset", INTEGER, "Top edge of the data window, in pixels."),
    Column("pixel_aspect_ratio", REAL, "Width of a pixel divided by its height."),
    Column("line_order", TEXT, "`increasingY`, `decreasingY` or `randomY`."),
    Column("compression", TEXT, "Such as `zip`, `piz` or `dwaa`; an unknown code is `unknown(99)`."),
    Column("is_tiled", FLAG, "Whether the part is stored as tiles."),
    Column("tile_width", INTEGER, "Width of a tile in pixels."),
    Column("tile_height", INTEGER, "Height of a tile in pixels."),
    Column("level_mode", TEXT, "`oneLevel`, `mipmap` or `ripmap`."),
    Column("rounding_mode", TEXT, "How level sizes are rounded: `down` or `up`."),
    Column("is_deep", FLAG, "Whether the part has deep samples."),
    Column("chunk_count", INTEGER, "Number of chunks, derived from the data window and the tiles."),
    Column("channel_count", INTEGER, "Number of channels of the part."),
    Column("color_space", TEXT, "The color space that an attribute states; never a guess."),
    Column(
        "color_space_source", TEXT, "The attribute that states the color space, such as `colorInteropID`."
    ),
    Column("render_software", TEXT, "The program that wrote it, with its version, if an attribute names it."),
    Column("render_software_source", TEXT, "The attribute that names the program, such as `arnold/version`."),
)

CHANNELS = (
    *_FILE_KEY,
    Column("part_index", INTEGER, "Index of the channel's part."),
    Column("channel_index", INTEGER, "Index in the part's channel list, from 0."),
    Column("name", TEXT, "Full name, such as `diffuse.R`."),
    Column(
        "layer_name",
        TEXT,
        "The layer: the name before the last dot, otherwise the part's name without the view.",
    ),
    Column("layer_source", TEXT, "Whether the `channel` name or the `part` name carries the layer."),
    Column("component_name", TEXT, "The name after the last dot, or the full name."),
    Column("type", TEXT, "`half`, `float` or `uint`."),
    Column("x_sampling", INTEGER, "Number of pixel columns for each sample."),
    Column("y_sampling", INTEGER, "Number of scan lines for each sample."),
    Column("p_linear", FLAG, "The pLinear flag: values are perceptually linear."),
)

ATTRIBUTES = (
    *_FILE_KEY,
    Column("part_index", INTEGER, "Index of the attribute's part."),
    Column("attribute_index", INTEGER, "Index in the part's header, from 0."),
    Column("attr_name", TEXT, "Name, as stored."),
    Column("attr_type", TEXT, "OpenEXR's name of the type, as stored."),
    Column("value_json", TEXT, 'Value as JSON; `{"forgotten":true}` after `exr-inspector forget`.'),
    Column("value_text", TEXT, "Text of strings, coded values and time codes."),
    Column("value_int", INTEGER, "Value of an `int`."),
    Column("value_float", REAL, "Value of an `int`, `float`, `double` or `rational`."),
)

PIXELS = (
    *_FILE_KEY,
    Column("mode", TEXT, "`full` if every chunk was requested, `sampled` if some were."),
    Column("status", TEXT, "`ok`; `partial` if a chunk was not read; `failed` if none was read."),
    Column("bytes_read", INTEGER, "Number of bytes read from the file."),
    Column("exact", FLAG, "Whether the statistics are those of all pixels."),
    Column(
        "coverage_json", TEXT, "The amount read, as JSON: chunks, bytes, requests, and the decoder's version."
    ),
    Column("failures_json", TEXT, "The failures, as JSON: a list of {part_index, code, message, ...}."),
    Column(
        "hash", TEXT, "Hash of the pixels of all parts; equal hashes mean equal pixels. Null unless exact."
    ),
    Column("parts_json", TEXT, "Hashes of each part, as JSON: of its data window and its display window."),
    Column(
        "thumbnail", BYTES, "A WebP image of at most 256 x 256 pixels; null if there is no image to show."
    ),
    Column(
        "thumbnail_layer", TEXT, "The layer that the thumbnail shows; empty for the channels without one."
    ),
    Column("thumbnail_color_space", TEXT, "How the colors were interpreted, such as `assumed Rec. 709`."),
    Column("look_vector", _vector(64), "Unit vector of the image's look, for similarity search."),
    Column("look_version", INTEGER, "Version of `look_vector`; only vectors of one version are comparable."),
)

PERCENTILES = ("p0_1", "p1", "p5", "p25", "p50", "p75", "p95", "p99", "p99_9")

CHANNEL_STATS = (
    *_FILE_KEY,
    Column("part_index", INTEGER, "Index of the channel's part."),
    Column("name", TEXT, "Full name of the channel, as in `channels`."),
    Column("type", TEXT, "`half`, `float` or `uint`."),
    Column("sample_count", INTEGER, "Number of samples that were read; each stored sample counts once."),
    Column("min", REAL, "The smallest finite sample; null if no sample is finite, like all values below."),
    Column("max", REAL, "The largest finite sample."),
    Column("mean", REAL, "Mean of the finite samples."),
    Column("stddev", REAL, "Population standard deviation of the finite samples."),
    Column("mean_standard_error", REAL, "Estimated standard error of the mean of a sample of the chunks."),
    *(
        Column(name, REAL, f"Percentile {name[1:].replace('_', '.')} of the finite samples.")
        for name in PERCENTILES
    ),
    Column("nan_count", INTEGER, "Number of NaN."),
    Column("pos_inf_count", INTEGER, "Number of +infinity."),
    Column("neg_inf_count", INTEGER, "Number of -infinity."),
    Column("zero_count", INTEGER, "Number of zeros, of either sign."),
    Column("negative_count", INTEGER, "Number of finite samples below zero."),
    Column("subnormal_count", INTEGER, "Number of subnormal samples."),
    Column(
        "first_nonfinite_x", INTEGER, "Pixel of the first NaN or infinity, from top to bottom: its column."
    ),
    Column("first_nonfinite_y", INTEGER, "Its line."),
    Column("constant", FLAG, "Whether all samples that were read are finite and equal."),
    Column("hash", TEXT, "Hash of the samples in the data window; null unless every chunk was read."),
    Column("display_hash", TEXT, "The same for the display window."),
    Column("is_cryptomatte", FLAG, "Whether the values are ids or coverages of a Cryptomatte."),
    *(
        Column(f"alpha_{name}", REAL, f"Of an alpha channel: the share of finite samples {meaning}.")
        for name, meaning in (
            ("zero", "that are 0"),
            ("one", "that are 1"),
            ("between", "between 0 and 1"),
            ("outside", "below 0 or above 1"),
        )
    ),
    Column(
        "firefly_count",
        INTEGER,
        "Number of fireflies: pixels far brighter than their neighbors. Null except"
        " for the picture, if every chunk was read.",
    ),
    Column(
        "hole_count",
        INTEGER,
        "Number of holes: pixels that are black or not finite among brighter ones."
        " Null like `firefly_count`.",
    ),
    Column(
        "flat_rectangle_count",
        INTEGER,
        "Number of rectangles of a single value, such as lost render"
        " buckets leave. Null like `firefly_count`.",
    ),
    Column(
        "packed_bytes",
        INTEGER,
        "The channel's share of the part's packed chunks, in proportion to its unpacked size: an estimate.",
    ),
    Column("details_json", TEXT, "Other measurements, as JSON, such as the histogram."),
)

DEEP_STATS = (
    *_FILE_KEY,
    Column("part_index", INTEGER, "Index of the deep part."),
    Column("pixel_count", INTEGER, "Number of pixels that were read."),
    Column("sample_count", INTEGER, "Number of samples of these pixels."),
    Column("empty_pixel_count", INTEGER, "Number of pixels without samples."),
    Column("samples_per_pixel_min", INTEGER, "The smallest number of samples of a pixel."),
    Column("samples_per_pixel_max", INTEGER, "The largest number of samples of a pixel."),
    Column("samples_per_pixel_mean", REAL, "The mean number of samples of a pixel."),
    Column("deepest_x", INTEGER, "The first pixel with the most samples: its column."),
    Column("deepest_y", INTEGER, "Its line."),
    Column("details_json", TEXT, "Other measurements, as JSON, such as the histogram."),
)

CRYPTOMATTES = (
    *_FILE_KEY,
    Column("part_index", INTEGER, "Index of the first part with its attributes."),
    Column("view", TEXT, "The view of that part, such as `left`."),
    Column("key", TEXT, "The key in the names of its attributes, such as `f834d0a`."),
    Column("name", TEXT, "Its name, such as `crypto_object`."),
    Column("rank_count", INTEGER, "Pairs of an id and a coverage channel."),
    Column("manifest_source", TEXT, "Source of the names: `header` or `sidecar`; null without a manifest."),
    Column("manifest_file", TEXT, "The path of the side-car manifest, as the header states it."),
    Column("manifest_error", TEXT, "Why the manifest is invalid."),
    Column("object_count", INTEGER, "Objects of the manifest."),
    Column("mismatched_count", INTEGER, "Objects whose id is not the hash of their name."),
    Column("damaged_channels", TEXT, "Channels whose ids the codec may have changed, as a JSON list."),
    Column("coverage_error", TEXT, "Why the coverage could not be computed."),
    Column("stored_count", INTEGER, "Its rows in `cryptomatte_objects`."),
    Column("dropped_count", INTEGER, "Number of objects omitted: the smallest, beyond 4,096."),
    Column("dropped_area", REAL, "Area of the omitted objects, and of ids that were not counted separately."),
)

CRYPTOMATTE_OBJECTS = (
    *_FILE_KEY,
    Column("cryptomatte", TEXT, "The name of the cryptomatte, as in `cryptomattes`."),
    Column("key", TEXT, "The key of the cryptomatte."),
    Column("view", TEXT, "The view of the cryptomatte."),
    Column("name", TEXT, "The object's name; null if no manifest has its id."),
    Column("object_id", TEXT, "The object's id as eight hexadecimal digits."),
    Column("area", REAL, "Sum of its coverage, in pixels; null if no coverage was computed."),
    Column("pixel_count", INTEGER, "Number of pixels that contain the object, fully or partly."),
    Column("min_x", INTEGER, "The box around these pixels: its left edge, inclusive."),
    Column("min_y", INTEGER, "Its top."),
    Column("max_x", INTEGER, "Its right edge, inclusive."),
    Column("max_y", INTEGER, "Its bottom, inclusive."),
)

FINDINGS = (
    *_FILE_KEY,
    Column("policy_id", TEXT, "Id of the policy."),
    Column("policy_hash", TEXT, "SHA-256 of the policy's rules, with those that it extends."),
    Column("rule_id", TEXT, "Id of the rule; `exr-inspector explain` describes it."),
    Column("severity", TEXT, "`error`, `warning` or `info`."),
    Column("verdict", TEXT, "`fail`, or `unknown` if the evidence does not decide. A pass has no row."),
    Column("part_index", INTEGER, "Index of the part; null for findings about the whole file."),
    Column("place", TEXT, "`file`, `parts[0]`, `parts[0].channels[R]` or `parts[0].attributes[owner]`."),
    Column("observed_json", TEXT, "What the file has, as JSON."),
    Column("expected_json", TEXT, "What the rule expects, as JSON: a value or operators."),
    Column("message", TEXT, "Description of the failure, or why the rule is unknown."),
    Column("fix", TEXT, "What to do about it."),
    Column("fingerprint", TEXT, "Identifies file, rule and place; the same in every run."),
)

FACETS = (
    *_FILE_KEY,
    Column("facet", TEXT, "The group of rows: `header`, `pixels`, `cryptomatte` or `policy`."),
    Column(
        "input_hash", TEXT, "Hash of everything the rows were computed from; for `header` the facts_hash."
    ),
    Column("computed_from", TEXT, "The object's version (eTag, or size, times and inode) or the facts_hash."),
    Column("engine_version", INTEGER, "Version of the code that computed them."),
    Column("request", TEXT, "The options of the computation, as JSON; null if there are none."),
    Column(
        "status",
        TEXT,
        "`ok`, or why the rows are incomplete: `forgotten` if values of the header were forgotten; for"
        " `pixels`, `partial`, `failed` or `unfinished`; for `policy`, `pass`, `fail`, `unknown`, `skipped`"
        " or `error`.",
    ),
    Column("computed_at", TIME, "When the rows were computed."),
)

COLUMNS = {
    "files": FILES,
    "parts": PARTS,
    "channels": CHANNELS,
    "attributes": ATTRIBUTES,
    "pixels": PIXELS,
    "channel_stats": CHANNEL_STATS,
    "deep_stats": DEEP_STATS,
    "cryptomattes": CRYPTOMATTES,
    "cryptomatte_objects": CRYPTOMATTE_OBJECTS,
    "findings": FINDINGS,
    "facets": FACETS,
}
TABLES: dict[str, pa.Schema] = {
    table: pa.schema([(column.name, column.type) for column in columns]) for table, columns in COLUMNS.items()
}
