"""Where the whole way of a file goes: `python -m benchmarks.profile [--files FILE...] [--seconds 20]`.

A timer of CPU time looks at the stack about 250 times a second, which distorts less than a tracing profiler:
that one charges each Python call a microsecond, and calls in C almost nothing. Prints microseconds per file,
by function with what it calls and without, and by line; time in C belongs to the line that calls it.
"""

from __future__ import annotations

import argparse
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import FrameType

from benchmarks.whole_way import Way, request_of
from tests.corpus import images
from tests.exrfiles.demo import write_demo

LINES = 30


class Sampler:
    """Counts the functions and lines that run at the ticks of a timer, as long as the block runs."""

    def __init__(self) -> None:
        self.own: Counter[str] = Counter()
        self.total: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()

    def __enter__(self) -> Sampler:  # noqa: PYI034 - Self needs Python 3.11
        signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _tick(self, _: int, frame: FrameType | None) -> None:
        stack: list[str] = []
        if frame is not None:
            self.lines[f"{_place(frame)}:{frame.f_lineno}"] += 1
        while frame is not None:
            stack.append(f"{_place(frame)} {frame.f_code.co_name}")
            frame = frame.f_back
        self.own.update(stack[:1])
        self.total.update(set(stack))


def _place(frame: FrameType) -> str:
    return "/".join(Path(frame.f_code.co_filename).parts[-2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20, help="seconds of CPU")
    parser.add_argument("--files", nargs="+", type=Path, help="by default the corpus, or the demo's files")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = asked.files or images() or write_demo(Path(folder))
        way, requests = Way(), [request_of(str(path)) for path in paths]
        way.go(requests)
        started, rounds = time.process_time(), 0
        with Sampler() as sampler:
            while time.process_time() - started < asked.seconds:
                rounds += 1
                for request in requests:
                    way.go([request])
        each = 1e6 * (time.process_time() - started) / (rounds * len(paths))
    print(f"{len(paths)} files, {each:.0f} microseconds of CPU per file")
    for title, counts in (
        ("functions, with what they call", sampler.total),
        ("functions, without what they call", sampler.own),
        ("lines", sampler.lines),
    ):
        print(f"\n{title}")
        for name, count in counts.most_common(LINES):
            print(f"{each * count / sampler.lines.total():9.1f}  {name}")


if __name__ == "__main__":
    main()
