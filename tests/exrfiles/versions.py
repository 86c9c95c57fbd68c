"""`python -m tests.exrfiles.versions FOLDER`: two versions of a shot for the examples of COMPARING.md."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import OpenEXR

from tests.exrfiles.moving import picture


def write_versions(folder: Path) -> None:
    """Write the folders `v012` and `v013`, which replace those that are there."""
    for version, frames in (("v012", range(1001, 1013)), ("v013", [*range(1001, 1003), *range(1004, 1014)])):
        shutil.rmtree(folder / version, ignore_errors=True)
        (folder / version).mkdir(parents=True)
        for frame in frames:
            _write(folder / version, version, frame)


def _write(folder: Path, version: str, frame: int) -> None:
    planes = picture(frame - 1001)
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "capDate": f"2026:01:{int(version[1:])} 10:{frame % 60:02}:00",
    }
    if version == "v013":
        if frame in {1005, 1006}:
            planes["R"][20:24, 40:48] += np.float16(2)
        if frame == 1008:
            header["compression"] = OpenEXR.PIZ_COMPRESSION
        if frame in {1001, 1002}:
            matte = {"A": np.ones((8, 8), np.float16)}
            with OpenEXR.File(dict(header), matte) as file:
                file.write(str(folder / f"matte_{version}.{frame}.exr"))
    with OpenEXR.File(header, planes) as file:
        file.write(str(folder / f"beauty_{version}.{frame}.exr"))


if __name__ == "__main__":
    write_versions(Path(sys.argv[1]))
