from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from exr_inspector.exr.loss import LOSSY_CODECS, is_lossy
from tests.pixels.images import CODECS, Planes, decoded, library_file

NAMES = (
    *("R", "G", "B", "A", "Y", "RY", "BY", "Z", "AR"),
    *("x.R", "x.G", "x.B", "x.A", "x.Y", "r.x", "R.x"),
    *("y.r", "y.g", "y.b", "z.red", "z.green", "z.blue", "z.alpha"),
)


def _planes(pixel_type: str) -> Planes:
    random = np.random.default_rng(1)
    ramp = np.linspace(0.1, 2, 64 * 64).reshape(64, 64)
    scale, dtype = {"uint": (1e6, np.uint32), "half": (1, np.float16), "float": (1, np.float32)}[pixel_type]
    return {name: ((ramp + random.normal(0, 0.01, ramp.shape)) * scale).astype(dtype) for name in NAMES}


@pytest.mark.parametrize("pixel_type", ["uint", "half", "float"])
@pytest.mark.parametrize("compression", CODECS)
def test_a_codec_changes_the_channels_that_are_called_lossy(
    compression: str, pixel_type: str, tmp_path: Path
) -> None:
    planes = _planes(pixel_type)
    found = decoded(library_file(planes, compression, tmp_path / "x.exr"))
    changed = {name for name, plane in planes.items() if found[name].tobytes() != plane.tobytes()}
    called = {name for name in planes if is_lossy(compression, pixel_type, name)}
    if compression == "lj2k":  # it changes only the first colors of a part
        assert changed <= called
        assert changed == ({"R", "G", "B"} if pixel_type != "uint" else set())
    else:
        assert changed == called
    assert not called or compression in LOSSY_CODECS


def test_a_codec_is_lossy_if_it_changes_any_channel() -> None:
    lossy = {
        each for each in CODECS for kind in ("half", "float") for name in NAMES if is_lossy(each, kind, name)
    }
    assert lossy == LOSSY_CODECS


def test_an_unknown_codec_is_not_called_lossy() -> None:
    assert not is_lossy("unknown(99)", "float", "R")
