"""The expected answer of each question for the shows in tests/queries/studio.py."""

from __future__ import annotations

from typing import Any

# OpenImageIO's messages.
SUBSAMPLED = (
    'Subsampled channels are not supported (channel "BY" has sampling 2,2). '
    'Subsampled channels are not supported (channel "RY" has sampling 2,2).'
)

ROWS: dict[str, list[tuple[Any, ...]]] = {
    "Which renders look like this one?": [
        ("hill/sq010/sh010/render/beauty.@@@@@.exr", 1, 1.0),
        ("hill/sq010/sh020/render/beauty.#.exr", 6, 1.0),
    ],
    "Which sequences have the same channels as this one?": [
        ("hill/sq010/sh010/comp/comp.#.exr", 3),
        ("tide/sq100/sh100/stereo/beauty.#.exr", 1),
        ("tide/sq100/sh110/stereo/beauty.#.exr", 1),
    ],
    "Which files were made with a 35 mm lens?": [
        ("hill/sq010/sh010/render/beauty.#.exr", "nominalFocalLength", 35.0, 7),
        ("hill/sq010/sh010/render/beauty.@@@@@.exr", "nominalFocalLength", 35.0, 1),
        ("hill/sq010/sh020/render/beauty.#.exr", "nominalFocalLength", 35.0, 6),
    ],
    "Which headers contain a word?": [
        ("software", "Arnold 7.3.3.1 [synthetic] linux clang-15.0.7 oiio-2.4.1", 11),
        ("software", "Arnold 7.3.4.0 [synthetic] linux clang-15.0.7 oiio-2.4.1", 3),
    ],
    "What are the channels of each show?": [
        ("hill", "", ["A", "B", "BY", "G", "R", "RY", "Y", "Z"], ["float", "half"], 23),
        ("hill", "crypto_object00", ["A", "B", "G", "R"], ["float"], 14),
        ("hill", "diffuse", ["B", "G", "R"], ["half"], 14),
        ("hill", "specular", ["B", "G", "R"], ["half"], 11),
        ("tide", "", ["A", "B", "G", "R", "Z", "ZBack"], ["float", "half"], 15),
        ("tide", "crypto_object00", ["A", "B", "G", "R"], ["half"], 5),
        ("tide", "rgba", ["A", "B", "G", "R"], ["half"], 3),
        ("tide", "right", ["A", "B", "G", "R"], ["half"], 1),
    ],
    "Which sequences have the most layers?": [
        ("hill/sq010/sh010/render/beauty.#.exr", 1, 3, 15),
        ("hill/sq010/sh010/render/beauty.@@@@@.exr", 1, 3, 15),
        ("hill/sq010/sh020/render/beauty.#.exr", 1, 3, 15),
        ("tide/sq100/sh100/stereo/beauty.#.exr", 2, 1, 8),
    ],
    "Which AOVs are missing from some frames of a sequence?": [
        ("hill/sq010/sh020/render/beauty.#.exr", ["specular.B", "specular.G", "specular.R"], 3, 3, 1003),
        ("tide/sq100/sh110/stereo/beauty.#.exr", ["right.A", "right.B", "right.G", "right.R"], 1, 1, 1),
    ],
    "Which depth and id channels lose precision?": [
        (
            "tide/sq100/sh110/render/beauty.#.exr",
            "half",
            "dwab",
            ["Z", "crypto_object00.A", "crypto_object00.B", "crypto_object00.G", "crypto_object00.R"],
            5,
        )
    ],
    "Which frames show an object?": [
        ("hill/sq010/sh020/render/beauty.#.exr", "/char/dragon/body", [1003, 1004, 1005], 71.5),
        ("hill/sq010/sh020/render/beauty.#.exr", "/char/dragon/tail", [1005], 3.25),
    ],
    "Which frames lack a view?": [
        ("tide/sq100/sh100/stereo/beauty.#.exr", "right", [3]),
        ("tide/sq100/sh110/stereo/beauty.#.exr", "right", [2]),
    ],
    "How much does each show store per compression?": [
        ("hill", "zip", False, 14, 57700),
        ("hill", "piz", False, 5, 15000),
        ("hill", "dwaa", False, 3, 7500),
        ("hill", "b44", False, 1, 2000),
        ("tide", "zip", False, 7, 36000),
        ("tide", "zips", True, 5, 36000),
        ("tide", "dwab", False, 5, 25500),
        ("tide", "zips", False, 1, 7000),
    ],
    "Which sequences take the most space?": [
        ("hill/sq010/sh020/render/beauty.#.exr", 6, 27000, 4500.0),
        ("hill/sq010/sh010/render/beauty.#.exr", 7, 26500, 3786.0),
        ("tide/sq100/sh110/render/beauty.#.exr", 8, 26412, 3302.0),
        ("tide/sq100/sh100/render/water.#.exr", 3, 24000, 8000.0),
        ("tide/sq100/sh100/stereo/beauty.#.exr", 4, 20000, 5000.0),
        ("hill/sq010/sh010/plate/plate.#.exr", 5, 15000, 3000.0),
        ("tide/sq100/sh110/render/mist.#.exr", 2, 12000, 6000.0),
        ("hill/sq010/sh010/comp/comp.#.exr", 3, 7500, 2500.0),
        ("tide/sq100/sh110/stereo/beauty.#.exr", 2, 7000, 3500.0),
        ("hill/sq010/sh010/render/beauty.@@@@@.exr", 1, 4200, 4200.0),
        ("hill/sq010/sh020/plate/plate.#.exr", 1, 2000, 2000.0),
    ],
    "How old are the files, and how large?": [
        ("hill", "1: up to a month", 23, 82200, 4500),
        ("tide", "2: up to a year", 19, 89412, 8000),
        ("tide", "3: over a year", 2, 16000, 9000),
    ],
    "Which renderers wrote the deep images?": [
        ("tide", "V-Ray 6.20.02", "deepscanline", "zips", 3, 24000),
        ("tide", "Karma 20.5.332", "deepscanline", "zips", 2, 12000),
    ],
    "Which textures are not mip-mapped?": [
        ("tide/assets/rope/textures/rope_bump.exr", "scanlineimage", None, 64, 64)
    ],
    "Which color spaces does each show declare?": [
        ("hill", "lin_ap1_scene", 14),
        ("hill", "not stated", 6),
        ("hill", "lin_ap0_scene", 2),
        ("hill", "lin_rec709_scene", 1),
        ("tide", "ACEScg", 8),
        ("tide", "not stated", 8),
        ("tide", "data", 1),
        ("tide", "lin_rec709_scene", 1),
    ],
    "Which primaries do files declare?": [("hill", "AP0", 2), ("hill", "Rec.709", 6)],
    "Which sequences exist?": [
        ("hill/sq010/sh010/comp/comp.#.exr", 1001, 1003, 3, 0),
        ("hill/sq010/sh010/plate/plate.#.exr", 1001, 1005, 5, 0),
        ("hill/sq010/sh010/render/beauty.#.exr", 1001, 1010, 7, 1),
        ("hill/sq010/sh010/render/beauty.@@@@@.exr", 1001, 1001, 1, 0),
        ("hill/sq010/sh020/plate/plate.#.exr", 1001, 1001, 1, 0),
        ("hill/sq010/sh020/render/beauty.#.exr", 1001, 1006, 6, 0),
        ("tide/sq100/sh100/render/water.#.exr", 1, 3, 3, 0),
        ("tide/sq100/sh100/stereo/beauty.#.exr", 1, 4, 4, 0),
        ("tide/sq100/sh110/render/beauty.#.exr", 1, 8, 8, 3),
        ("tide/sq100/sh110/render/mist.#.exr", 1, 2, 2, 0),
        ("tide/sq100/sh110/stereo/beauty.#.exr", 1, 2, 2, 0),
    ],
    "Which frames are missing?": [
        ("hill/sq010/sh010/render/beauty.#.exr", 1004, 1005, 2),
        ("hill/sq010/sh010/render/beauty.#.exr", 1008, 1008, 1),
    ],
    "Which frames exist twice?": [
        (
            "hill/sq010/sh010/render/beauty.#.exr",
            1001,
            ["hill/sq010/sh010/render/beauty.01001.exr", "hill/sq010/sh010/render/beauty.1001.exr"],
        )
    ],
    "Which frames are copies of another?": [
        (["hill/sq010/sh020/render/beauty.1005.exr", "hill/sq010/sh020/render/beauty.1006.exr"], 4500)
    ],
    "Which properties change within a sequence?": [
        (
            "hill/sq010/sh010/comp/comp.#.exr",
            ["16 x 9"],
            ["dwaa"],
            ["lin_ap0_scene", "lin_rec709_scene"],
            ["Nuke 15.1v3"],
        ),
        (
            "hill/sq010/sh020/render/beauty.#.exr",
            ["16 x 9"],
            ["zip"],
            ["lin_ap1_scene"],
            [
                "Arnold 7.3.3.1",
                "Arnold 7.3.4.0",
            ],
        ),
        (
            "tide/sq100/sh110/render/beauty.#.exr",
            ["16 x 9", "32 x 18"],
            ["dwab"],
            ["ACEScg"],
            ["V-Ray 6.20.02"],
        ),
    ],
    "Where does the time code jump?": [
        ("hill/sq010/sh010/plate/plate.#.exr", 1004, "01:00:00:02", "01:00:00:13", 1, 11)
    ],
    "Which faults do the files of each show have?": [
        ("hill", "incomplete", "CHUNKS_MISSING", 1),
        ("tide", "corrupt", "HEADER_CORRUPT", 1),
        ("tide", "incomplete", "EMPTY_FILE", 1),
        ("tide", "unsupported", "NOT_AN_EXR", 1),
    ],
    "Which frames must be rendered again?": [
        ("hill/sq010/sh010/render/beauty.#.exr", "incomplete", [1007]),
        ("tide/sq100/sh110/render/beauty.#.exr", "corrupt", [7]),
        ("tide/sq100/sh110/render/beauty.#.exr", "incomplete", [2]),
        ("tide/sq100/sh110/render/beauty.#.exr", "unsupported", [8]),
    ],
    "Which files can OpenImageIO not open?": [("hill/sq010/sh020/plate/plate.#.exr", SUBSAMPLED, 1)],
    "Which frames have an unusual size?": [("tide/sq100/sh110/render/beauty.#.exr", 4, 1500, 6000.0)],
    "Which frames differ from the first of their sequence?": [
        ("hill/sq010/sh010/comp/comp.#.exr", [1002]),
        ("hill/sq010/sh020/render/beauty.#.exr", [1004, 1005, 1006]),
        ("tide/sq100/sh100/stereo/beauty.#.exr", [3]),
        ("tide/sq100/sh110/render/beauty.#.exr", [5]),
        ("tide/sq100/sh110/stereo/beauty.#.exr", [2]),
    ],
    "Which data windows reach beyond the display window?": [
        ("hill/sq010/sh010/render/beauty.#.exr", 2, 2, 2, 2),
        ("hill/sq010/sh010/render/beauty.@@@@@.exr", 2, 2, 2, 2),
        ("hill/sq010/sh020/render/beauty.#.exr", 2, 2, 2, 2),
    ],
    "Which standard attributes are missing?": [
        ("hill", "colorInteropID", 8),
        ("tide", "capDate", 17),
        ("tide", "colorInteropID", 16),
        ("tide", "framesPerSecond", 18),
        ("tide", "owner", 18),
    ],
    "Which software wrote the files?": [
        ("hill", "Arnold", "7.3.3.1", 11),
        ("hill", "not stated", "", 6),
        ("hill", "Arnold", "7.3.4.0", 3),
        ("hill", "Nuke", "15.1v3", 3),
        ("tide", "V-Ray", "6.20.02", 8),
        ("tide", "Redshift", "2026.1.0", 6),
        ("tide", "Karma", "20.5.332", 2),
        ("tide", "OpenImageIO", "3.2.2.0", 1),
        ("tide", "not stated", "", 1),
    ],
    "Which files were rendered again?": [("hill/sq010/sh010/render/beauty.#.exr", [1009], 2)],
    "Which files should be inspected again after an upgrade?": [("0.0.9", 0, 1)],
}
