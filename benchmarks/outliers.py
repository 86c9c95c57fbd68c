"""`python -m benchmarks.outliers [--seeds 3]`: which planted faults `exr-inspector outliers` finds.

Each sequence has 40 frames of a moving camera under changing light, and one faulty frame. A false alarm is
any other frame that stands out.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from exr_inspector import inspect
from exr_inspector.compare.outliers import FrameFacts, find_outliers, frame_facts
from exr_inspector.location import path_location
from exr_inspector.pixels.stats import source_stats
from exr_inspector.settings import MIB, Settings
from exr_inspector.sources.opener import Opener
from tests.exrfiles.moving import KINDS, write

COUNT = 40
FAULT_AT = (7, 18, 31)


def facts(folder: Path) -> Iterator[FrameFacts]:
    settings = Settings()
    opener = Opener(settings)
    for path in sorted(folder.iterdir()):
        stats = source_stats(opener(path_location(str(path))), "full", 8 * MIB, settings)
        yield frame_facts(int(path.name.split(".")[1]), inspect(path), stats)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    alarms = frames = 0
    print(f"{'planted':34} found  false alarms")
    for kind in ("", *KINDS):
        found = wrong = 0
        for seed in seeds:
            place = FAULT_AT[seed % len(FAULT_AT)]
            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder), COUNT, seed=seed, kind=kind, fault_at=place)
                outliers = {each["frame"] - 1001 for each in find_outliers(facts(Path(folder)))}
            found += bool(kind) and place in outliers
            wrong += len(outliers - {place} if kind else outliers)
        frames += len(seeds) * COUNT - bool(kind) * len(seeds)
        alarms += wrong
        print(f"{kind or 'nothing':34} {found if kind else '-'}/{len(seeds)}    {wrong}", flush=True)
    print(f"{alarms} false alarms in {frames:,} frames without a fault")


if __name__ == "__main__":
    main()
