"""The expected answers about pixels for the show in tests/queries/dune.py."""

from __future__ import annotations

from typing import Any

ROWS: dict[str, list[tuple[Any, ...]]] = {
    "Which shots have NaN or infinite values?": [
        ("sh010", "R", 1, 1, 1, 1002, 4, 2),
        ("sh010", "Z", 1, 0, 1, 1002, 0, 0),
    ],
    "Which frames are frozen?": [
        ("dune/sq010/sh010/render/beauty.#.exr", [1004]),
    ],
    "Which frames are black?": [
        ("dune/sq010/sh010/render/beauty.#.exr", 1005, 0.0),
    ],
    "Which frames have fireflies or holes?": [
        ("dune/sq010/sh010/render/beauty.#.exr", 1001, 1, 0),
        ("dune/sq010/sh010/render/beauty.#.exr", 1002, 0, 2),
    ],
    "Where is alpha clipped or out of range?": [
        ("dune/sq010/sh020/render/beauty.#.exr", 1002, "A", 1.5, 4.2, 12.1),
    ],
    "Where does the depth jump?": [
        ("dune/sq010/sh010/render/beauty.#.exr", 1005, 36.4, 0.0),
        ("dune/sq010/sh010/render/beauty.#.exr", 1006, 0.0, 36.4),
        ("dune/sq010/sh020/render/beauty.#.exr", 1003, 36.4, 109.1),
        ("dune/sq010/sh020/render/beauty.#.exr", 1004, 109.1, 36.4),
    ],
    "Which frames look unlike the frame before?": [
        ("dune/sq010/sh010/render/beauty.#.exr", 1005, -0.05),
        ("dune/sq010/sh010/render/beauty.#.exr", 1006, -0.68),
    ],
    "How many bytes does each layer take?": [
        ("dune", "(main)", 10, 9840),
        ("dune", "volume", 10, 4920),
    ],
    "Which channels never change, and waste space?": [
        ("dune/sq010/sh010/render/beauty.#.exr", "volume.B", 0.0, 6, 36864),
        ("dune/sq010/sh010/render/beauty.#.exr", "volume.G", 0.0, 6, 36864),
        ("dune/sq010/sh010/render/beauty.#.exr", "volume.R", 0.0, 6, 36864),
        ("dune/sq010/sh020/render/beauty.#.exr", "volume.B", 0.0, 4, 24576),
        ("dune/sq010/sh020/render/beauty.#.exr", "volume.G", 0.0, 4, 24576),
        ("dune/sq010/sh020/render/beauty.#.exr", "volume.R", 0.0, 4, 24576),
    ],
    "Which files were not measured?": [
        ("dune", 10, 10, 10),
    ],
}
