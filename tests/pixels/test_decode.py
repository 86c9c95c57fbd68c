from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from exr_inspector.errors import NOT_INSTALLED, InspectorError
from exr_inspector.pixels import decode
from exr_inspector.pixels.decode import DecodeError, Decoder, DecoderLostError, Job
from exr_inspector.pixels.deep import DeepChunks
from exr_inspector.pixels.helper import Helper, shared_helper
from exr_inspector.pixels.plan import Unit
from exr_inspector.pixels.stitch import stitch
from exr_inspector.pixels.stream import PartStream, _Task, channels_of
from exr_inspector.pixels.worker import decode_deep
from tests.exr import files
from tests.exrfiles.geometry import Tiling
from tests.exrfiles.parts import deep_tiled
from tests.exrfiles.writer import write
from tests.pixels.images import chunks_of, library_deep_file, library_file, opened

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def _job(tmp_path: Path, value: float = 1.0, **changes: Any) -> Job:
    planes = {"R": np.full((8, 8), value, np.float16)}
    file = library_file(planes, "zip", tmp_path / f"{value}.exr")
    return Job(file, [0], 1, ["half"], [(8, 8)], 128)._replace(**changes)


@pytest.fixture
def helper(request: pytest.FixtureRequest) -> Iterator[Helper]:
    with closing(Helper(f"tests.pixels.faulty_{request.param}")) as found:
        yield found


@pytest.mark.parametrize(
    ("helper", "reason"),
    [
        ("crash", "signal 11"),
        ("exit", "exit code 3"),
        ("hang", "more than 1 seconds"),
        ("spin", "more than 1 seconds"),
    ],
    indirect=["helper"],
)
def test_a_decoder_that_is_lost_is_replaced(helper: Helper, reason: str, tmp_path: Path) -> None:
    with closing(Decoder(seconds=1, helper=helper)) as decoder:
        with pytest.raises(DecoderLostError, match=reason):
            decoder.decode(_job(tmp_path, 666))
        decoder.seconds = 60
        assert decoder.decode(_job(tmp_path))[0].sum() == 64


@linux
@pytest.mark.parametrize("helper", ["memory"], indirect=True)
def test_a_decoder_that_takes_too_much_memory_fails_alone(helper: Helper, tmp_path: Path) -> None:
    with closing(Decoder(helper=helper)) as decoder:
        with pytest.raises(DecodeError, match="Unable to allocate"):
            decoder.decode(_job(tmp_path, 666))
        assert decoder.decode(_job(tmp_path))[0].sum() == 64


def _descriptors(process: int | str) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


@linux
@pytest.mark.parametrize("helper", ["crash", "hang"], indirect=True)
def test_lost_decoders_leave_no_process_and_no_descriptor(helper: Helper, tmp_path: Path) -> None:
    job = _job(tmp_path, 666)
    with closing(Decoder(seconds=0.5, helper=helper)) as decoder, pytest.raises(DecoderLostError):
        decoder.decode(job)
    before = _descriptors("self"), _descriptors(helper.process.pid)
    for _ in range(3):
        with closing(Decoder(seconds=0.5, helper=helper)) as decoder, pytest.raises(DecoderLostError):
            decoder.decode(job)
    after = _descriptors("self"), _descriptors(helper.process.pid)
    children = Path(f"/proc/{helper.process.pid}/task/{helper.process.pid}/children").read_text()
    assert (after, children) == (before, "")


@pytest.mark.parametrize("helper", ["crash"], indirect=True)
def test_closing_the_helper_ends_its_process(helper: Helper) -> None:
    helper.start(1 << 28)[1].close()
    helper.close()
    assert helper.process.returncode == 0


@linux
def test_a_decoder_has_no_secrets_no_privileges_and_one_thread(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    with closing(Helper()) as helper, closing(Decoder(helper=helper)) as decoder:
        decoder.decode(_job(tmp_path))
        status = Path(f"/proc/{helper.process.pid}/status").read_text()
        child = Path(f"/proc/{decoder._child}/status").read_text()
        environment = Path(f"/proc/{helper.process.pid}/environ").read_text()
        maximum = Path(f"/proc/{decoder._child}/limits").read_text()
    assert "Threads:\t1\n" in status
    assert "Threads:\t1\n" in child
    assert "NoNewPrivs:\t1\n" in child
    assert "hidden" not in environment
    assert "Max core file size        0                    0 " in maximum


def test_what_the_library_refuses_is_an_error_of_the_job(tmp_path: Path) -> None:
    with closing(Decoder()) as decoder:
        job = _job(tmp_path)
        with pytest.raises(DecodeError, match="cannot decode"):
            decoder.decode(job._replace(file=job.file[:-20]))
        assert decoder.decode(job)[0].sum() == 64


@pytest.mark.parametrize(
    "changes", [{"channels": 2}, {"shapes": [(8, 9)], "size": 999}, {"shapes": [(8, 7)]}, {"size": 100}]
)
def test_samples_that_the_job_does_not_state_are_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    with closing(Decoder()) as decoder, pytest.raises(DecodeError):
        decoder.decode(_job(tmp_path, **changes))


def test_threads_share_the_helper(tmp_path: Path) -> None:
    job = _job(tmp_path)
    found: list[float] = []

    def work() -> None:
        for _ in range(5):
            with closing(Decoder()) as decoder:
                found.append(float(decoder.decode(job)[0].sum()))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [64.0] * 30


def test_a_helper_that_was_killed_is_replaced(tmp_path: Path) -> None:
    first = shared_helper()
    first.process.kill()
    first.process.wait()
    with closing(Decoder()) as decoder:
        assert decoder.decode(_job(tmp_path))[0].sum() == 64
    assert shared_helper() is not first


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", absent)
    decode.decoder_version.cache_clear()
    with pytest.raises(InspectorError, match=r"exr-inspector\[pixels\]") as caught:
        decode.decoder_version()
    assert caught.value.fault is NOT_INSTALLED


def test_versions_with_known_vulnerabilities_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda _: "3.4.9")
    decode.decoder_version.cache_clear()
    with pytest.raises(InspectorError, match=r"3\.4\.9 is installed"):
        decode.decoder_version()
    decode.decoder_version.cache_clear()


@pytest.mark.parametrize("compression", ["none", "rle", "zips", "tiles"])
def test_deep_chunks_decode_as_the_library_decodes_them(compression: str, tmp_path: Path) -> None:
    data = _deep_tiles() if compression == "tiles" else library_deep_file(compression, tmp_path)
    header, table = opened(data)
    part, layout = header.parts[0], table.layouts[0]
    chunks = chunks_of(data, 0, [0, 2, 5])
    no_reader: Any = SimpleNamespace(counts_only=False)
    channels = channels_of(part, layout)
    stream = PartStream(0, part, layout, no_reader, [], channels, channels)
    units: list[Unit] = [(0,), (2,), (5,)]
    job = stream._job(_Task(units, units, dict(zip((0, 2, 5), chunks, strict=True))))
    assert job.chunks is not None
    with closing(Decoder()) as decoder:
        own = decoder.decode(job)
    _, library = decode_deep(io.BytesIO(job.file), job.planes)
    assert [each.tobytes() for each in own] == [each.tobytes() for each in library]


def _deep_tiles() -> bytes:
    counts = np.random.default_rng(3).integers(0, 40, (16, 24)).astype(np.int32)
    samples = np.arange(counts.sum())
    types = (("A", np.float16), ("Z", np.float32), ("id", np.uint32))
    return write(deep_tiled(counts, {name: samples.astype(type_) for name, type_ in types}, Tiling(8, 8)))


def test_a_deep_chunk_that_lies_about_its_samples_is_refused() -> None:
    data = files.file("deep scan lines").data
    header, table = opened(data)
    chunk = chunks_of(data, 0, [0])[0]
    file = stitch(header.parts[0], table.layouts[0], [chunk._replace(unpacked_size=chunk.unpacked_size + 4)])
    start = len(file) - 28 - len(chunk.table) - len(chunk.data)
    chunks = DeepChunks("zips", False, True, start, 45, [1], ["<f4"])
    with pytest.raises(ValueError, match="samples do not have"):
        chunks.decode(file, [0])
