"""The rows that the corpus of OpenEXR images adds to answers. It adds none to the others."""

from __future__ import annotations

from typing import Any

# OpenImageIO's messages.
SUBSAMPLED = (
    'Subsampled channels are not supported (channel "BY" has sampling 2,2). '
    'Subsampled channels are not supported (channel "RY" has sampling 2,2).'
)
INVALID = "EXR Error (the header): EXR_ERR_INVALID_ATTR"
TOO_LARGE = (
    ' exceeds "limits:resolution" = 1048576 for a single dimension. Possible corrupt input? '
    'If you\'re sure this is a valid file, raise the OIIO global attribute "limits:resolution".'
)

# How many rows are added by status, if they are too many to list: every damaged file that is no frame.
COUNTS = {"Which frames must be rendered again?": {"corrupt": 152, "incomplete": 23, "unsupported": 6}}

ROWS: dict[str, list[tuple[Any, ...]]] = {
    "What are the channels of each show?": [
        (
            "openexr-images",
            "",
            [*"\x01\x14 01234567:AB", "BY", "G", "H", "R", "RY", "Y", "Z", "\\x81", "\\x83", "\\x85"],
            ["float", "half", "uint"],
            104,
        ),
        ("openexr-images", "disparityL", ["x", "y"], ["half"], 8),
        ("openexr-images", "disparityR", ["x", "y"], ["half"], 8),
        ("openexr-images", "left", ["A", "B", "G", "R", "Z"], ["half"], 5),
        ("openexr-images", "rgba", ["A", "B", "G", "R", "Z"], ["float", "half"], 5),
        ("openexr-images", "depth", ["Z"], ["half"], 4),
        ("openexr-images", "forward", ["u", "v"], ["half"], 4),
        ("openexr-images", "forward.left", ["u", "v"], ["half"], 4),
        ("openexr-images", "forward.right", ["u", "v"], ["half"], 4),
        ("openexr-images", "whitebarmask", ["mask"], ["half"], 4),
        ("openexr-images", "whitebarmask.left", ["mask"], ["half"], 4),
        ("openexr-images", "whitebarmask.right", ["mask"], ["half"], 4),
        ("openexr-images", "right", ["B", "G", "R", "Y"], ["half"], 2),
    ],
    "Which sequences have the most layers?": [
        ("openexr-images/Beachball/singlepart.#.exr", 1, 7, 20),
        ("openexr-images/Beachball/multipart.#.exr", 10, 6, 20),
    ],
    "Which depth and id channels lose precision?": [
        ("openexr-images/Beachball/multipart.#.exr", "half", "zips", ["Z"], 4),
        ("openexr-images/Beachball/singlepart.#.exr", "half", "zips", ["Z", "left.Z"], 4),
        (
            "openexr-images/Damaged/asan_heap-oob_7fb3a7c6fc99_871_52d1f03c515bc91cc894515beea56a4f_exr",
            "half",
            "zips",
            ["Z"],
            1,
        ),
    ],
    "How much does each show store per compression?": [
        ("openexr-images", "zips", False, 9, 22803616),
        ("openexr-images", "piz", False, 49, 22490686),
        ("openexr-images", "zip", False, 15, 16525407),
        ("openexr-images", "zips", True, 9, 14834522),
        ("openexr-images", "b44a", False, 1, 4156415),
        ("openexr-images", "b44", False, 4, 3226915),
        ("openexr-images", None, False, 27, 2627261),
        ("openexr-images", "none", True, 1, 2256837),
        ("openexr-images", "rle", False, 3, 862722),
        ("openexr-images", "pxr24", False, 7, 799581),
        ("openexr-images", "dwaa", False, 3, 24947),
        ("openexr-images", "zip", True, 1, 1245),
        ("openexr-images", "none", False, 3, 1065),
    ],
    "Which sequences take the most space?": [
        ("openexr-images/Beachball/multipart.#.exr", 4, 11786159, 2946540.0),
        ("openexr-images/Beachball/singlepart.#.exr", 4, 9615684, 2403921.0),
    ],
    "How old are the files, and how large?": [("openexr-images", "3: over a year", 255, 91425769, 4156415)],
    "Which renderers wrote the deep images?": [
        ("openexr-images", "not stated", "deepscanline", "zips", 9, 14834522),
        ("openexr-images", "not stated", "deeptile", "none", 1, 2256837),
        ("openexr-images", "not stated", "deeptiled", "zip", 1, 1245),
    ],
    "Which color spaces does each show declare?": [("openexr-images", "not stated", 132)],
    "Which primaries do files declare?": [
        ("openexr-images", "AP0", 1),
        ("openexr-images", "Rec.709", 1),
        ("openexr-images", "other", 2),
    ],
    "Which sequences exist?": [
        ("openexr-images/Beachball/multipart.#.exr", 1, 4, 4, 0),
        ("openexr-images/Beachball/singlepart.#.exr", 1, 4, 4, 0),
    ],
    "Which faults do the files of each show have?": [
        ("openexr-images", "corrupt", "BAD_ATTRIBUTE", 5),
        ("openexr-images", "corrupt", "CHUNKS_MISSING", 10),
        ("openexr-images", "corrupt", "HEADER_CORRUPT", 110),
        ("openexr-images", "corrupt", "REQUIRED_ATTRIBUTE", 42),
        ("openexr-images", "corrupt", "UNKNOWN_CODE", 1),
        ("openexr-images", "incomplete", "CHUNKS_MISSING", 16),
        ("openexr-images", "incomplete", "HEADER_TRUNCATED", 7),
        ("openexr-images", "ok", "CHUNK_COUNT_MISMATCH", 2),
        ("openexr-images", "unsupported", "NOT_AN_EXR", 6),
    ],
    "Which files can OpenImageIO not open?": [
        ("openexr-images/Chromaticities/Rec709_YC.exr", SUBSAMPLED, 1),
        ("openexr-images/Chromaticities/XYZ_YC.exr", SUBSAMPLED, 1),
        (
            "openexr-images/Damaged/asan_heap-oob_7efd9bd346a5_639_9e0b30ed499cdf9e8802dd64e16a9508_exr",
            f"{INVALID} channel 'H': x subsampling factor is not 1 (192) for a deep image",
            1,
        ),
        (
            "openexr-images/Damaged/signal_sigsegv_7ffff7b21e8a_389_bf048bf41ca71b4e00d2b0edd0a39e27_exr",
            (
                f"{INVALID} Invalid chunk count (814) for part 'rgba.left' (0), expect (23) "
                f"openexr image dimension 8166272x23{TOO_LARGE}"
            ),
            1,
        ),
        ("openexr-images/LuminanceChroma/CrissyField.exr", SUBSAMPLED, 1),
        ("openexr-images/LuminanceChroma/Flowers.exr", SUBSAMPLED, 1),
        ("openexr-images/LuminanceChroma/MtTamNorth.exr", SUBSAMPLED, 1),
        ("openexr-images/LuminanceChroma/StarField.exr", SUBSAMPLED, 1),
    ],
    "Which data windows reach beyond the display window?": [
        (
            "openexr-images/Damaged/asan_heap-oob_7f171b7ab3a2_937_b4e2415c399c2ab39548de911223769d_exr",
            0,
            300,
            0,
            -200,
        ),
        (
            "openexr-images/Damaged/signal_sigsegv_7ffff7b21e8a_389_bf048bf41ca71b4e00d2b0edd0a39e27_exr",
            0,
            -266,
            8164352,
            -791,
        ),
        ("openexr-images/DisplayWindow/t02.exr", 1, 1, -1, -1),
        ("openexr-images/DisplayWindow/t03.exr", 30, 20, 0, 0),
        ("openexr-images/DisplayWindow/t04.exr", 0, 0, 30, 20),
        ("openexr-images/DisplayWindow/t05.exr", 30, 20, 30, 20),
        ("openexr-images/DisplayWindow/t09.exr", 400, 0, -200, 0),
        ("openexr-images/DisplayWindow/t10.exr", -100, 0, 400, 0),
        ("openexr-images/DisplayWindow/t11.exr", 0, 300, 0, -200),
        ("openexr-images/DisplayWindow/t12.exr", 0, -100, 0, 300),
        ("openexr-images/DisplayWindow/t13.exr", 399, 299, -100, -100),
        ("openexr-images/DisplayWindow/t14.exr", -100, -100, 399, 299),
    ],
    "Which standard attributes are missing?": [
        ("openexr-images", "capDate", 71),
        ("openexr-images", "colorInteropID", 74),
        ("openexr-images", "framesPerSecond", 74),
        ("openexr-images", "owner", 41),
    ],
    "Which software wrote the files?": [("openexr-images", "not stated", "", 132)],
}
