"""The rules for pixels: judged by statistics that were measured, sampled, or not asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exr_inspector import inspect, pixel_stats
from exr_inspector.policy.evaluate import evaluate
from exr_inspector.policy.load import load_pack, load_policy
from exr_inspector.settings import Settings
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write

PIXEL_RULES = {"PIX-01", "PIX-02", "PIX-03", "PIX-04"}
HEIGHT = 64


def planes(**values: float) -> dict[str, np.ndarray]:
    """Channels R and Z without compression: one chunk a line, with these values in the last line."""
    found = {name: np.full((HEIGHT, 4), 0.5, np.float16) for name in ("R", "Z")}
    for name, value in values.items():
        found[name][-1, 2] = value
    return found


def judged(content: bytes, folder: Path, **options: Any) -> dict[str, str]:
    """The verdicts of the rules for pixels, with statistics by these options."""
    path = folder / "beauty.1001.exr"
    path.write_bytes(content)
    document = inspect(path, Settings(openimageio=False))
    validation = evaluate([load_pack("default")], document, pixel_stats(path, **options) if options else {})
    skipped = dict.fromkeys(validation["policies"][0]["skipped"], "skipped")
    failed = {each["rule_id"]: each["verdict"] for each in validation["findings"]}
    return {rule: verdict for rule, verdict in (skipped | failed).items() if rule in PIXEL_RULES}


def file(**values: float) -> bytes:
    return write(scanline(planes(**values), compression="none"))


@pytest.mark.parametrize(
    ("values", "failing"),
    [
        ({}, set()),
        ({"R": np.nan}, {"PIX-02"}),
        ({"Z": np.nan}, {"PIX-02"}),
        ({"R": np.inf}, {"PIX-03"}),
        ({"Z": np.inf}, {"PIX-04"}),
    ],
    ids=["clean", "NaN in color", "NaN in depth", "Inf in color", "Inf in depth"],
)
def test_a_full_pass_decides_every_rule_for_pixels(
    tmp_path: Path, values: dict[str, float], failing: set[str]
) -> None:
    assert judged(file(**values), tmp_path, mode="full") == dict.fromkeys(failing, "fail")


def test_a_chunk_that_cannot_be_decoded_fails_and_leaves_the_values_unknown(tmp_path: Path) -> None:
    content = bytearray(write(scanline(planes(), compression="zip")))
    content[-20:] = bytes(20)
    found = judged(bytes(content), tmp_path, mode="full")
    assert found == {"PIX-01": "fail", "PIX-02": "unknown", "PIX-03": "unknown", "PIX-04": "unknown"}


def test_none_in_a_sample_is_unknown_and_never_a_pass(tmp_path: Path) -> None:
    assert judged(file(), tmp_path, mode="sampled", budget=0) == dict.fromkeys(PIXEL_RULES, "unknown")


def test_one_in_a_sample_is_a_failure(tmp_path: Path) -> None:
    everywhere = {name: np.full((HEIGHT, 4), np.nan, np.float16) for name in ("R", "Z")}
    content = write(scanline(everywhere, compression="none"))
    found = judged(content, tmp_path, mode="sampled", budget=0)
    assert found["PIX-02"] == "fail"
    assert found["PIX-01"] == "unknown"


def test_rules_for_pixels_are_skipped_and_counted_once_if_no_pixel_was_asked_for(tmp_path: Path) -> None:
    assert judged(file(R=np.nan), tmp_path) == dict.fromkeys(PIXEL_RULES, "skipped")


SUSPECTS = """\
policy: review
rules:
  - {id: FIREFLY, title: None is bright, given: statistics, when: {firefly_count: {exists: true}},
     assert: {firefly_count: 0}}
  - {id: ALPHA, title: Alpha is a share, given: statistics, when: {alpha_outside: {exists: true}},
     assert: {alpha_outside: 0}}
"""


def test_suspects_and_shares_of_alpha_are_facts_for_rules(tmp_path: Path) -> None:
    picture = np.full((HEIGHT, 64), 0.5, np.float16)
    picture[20, 30] = 100
    path = tmp_path / "beauty.1001.exr"
    path.write_bytes(write(scanline({"R": picture, "A": picture / 80, "Z": picture}, compression="none")))
    document, review = (
        inspect(path, Settings(openimageio=False)),
        load_policy(SUSPECTS.encode(), "review.yaml"),
    )

    def failing(**options: Any) -> set[tuple[str, str, str]]:
        found = evaluate([review], document, pixel_stats(path, **options))["findings"]
        return {(each["rule_id"], each["verdict"], each["place"]) for each in found}

    firefly, alpha = ("FIREFLY", "fail", "parts[0].channels[R]"), ("ALPHA", "fail", "parts[0].channels[A]")
    assert failing(mode="full") == {firefly, alpha}
    path.write_bytes(write(scanline({"R": np.full((HEIGHT, 64), 0.5, np.float16)}, compression="none")))
    assert failing(mode="full") == set()
    assert failing(mode="sampled", budget=0) == {("FIREFLY", "unknown", "parts[0].channels[R]")}
