"""docs/SCALING.md: the table of 100 million files follows from its rates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[1] / "docs" / "SCALING.md").read_text()
RATES = {
    name: float(value) for name, value in re.findall(r"^\| (\w+) \| ([0-9.]+) \| \D", TEXT, re.MULTILINE)
}
ROWS = [
    [float(cell.replace(",", "")) for cell in line.strip("| ").split(" | ")]
    for line in re.findall(r"^\| [0-9]+,000,000 \|.*$", TEXT, re.MULTILINE)
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]:,.0f}")
def test_the_table_follows_from_its_rates(row: list[float]) -> None:
    files, listing, inspecting, wall, read, rows, requests, database, dollars = row
    assert listing == pytest.approx(files * (RATES["compare"] + RATES["list"]) / 1e6 / 3600, rel=0.1)
    assert inspecting == pytest.approx(files * RATES["inspect"] / 1e3 / 3600, rel=0.02)
    assert wall == pytest.approx((files * RATES["inspect"] / 1e3 / 3600 + listing) / 100, abs=0.01)
    assert read == pytest.approx(files * RATES["read"] / 2**30, abs=0.01)
    assert rows == pytest.approx(files * RATES["rows"] / 1e9, abs=0.01)
    assert requests == pytest.approx(files * RATES["requests"] / 1e6)
    assert database == pytest.approx(files * RATES["database"] / 1e6)
    money = (inspecting + listing) * RATES["core"] + requests * RATES["requests_price"]
    assert dollars == pytest.approx(money, rel=0.02)


def test_the_page_has_a_hundred_million_files() -> None:
    assert [row[0] for row in ROWS] == [1_000_000, 100_000_000]
    assert len(RATES) == 9
