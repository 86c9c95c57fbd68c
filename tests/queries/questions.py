"""The questions of docs/VAST_ANALYTICS_QUERIES.md, with their SQL and sample answers, as people read them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

DOCUMENT = Path(__file__).parents[2] / "docs" / "VAST_ANALYTICS_QUERIES.md"

_SECTION = re.compile(r"^### (.+?)\n(.*?)(?=^##|\Z)", re.DOTALL | re.MULTILINE)
_SQL = re.compile(r"^```sql ?(duckdb|trino|)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ROW = re.compile(r"^\| (.*) \|$", re.MULTILINE)


class Question(NamedTuple):
    """A question of the document.

    `sql` has the keys `duckdb` and `trino`, or the empty string if one query works in both.
    `sample` is the table of the sample answer, column names first; it is empty if there is none.
    """

    heading: str
    sql: dict[str, str]
    sample: list[list[str]]

    @property
    def duckdb(self) -> str:
        return self.sql.get("") or self.sql["duckdb"]

    @property
    def trino(self) -> str:
        return self.sql.get("") or self.sql["trino"]


def questions() -> list[Question]:
    return [_question(heading, body) for heading, body in _SECTION.findall(DOCUMENT.read_text())]


def _question(heading: str, body: str) -> Question:
    rows = [row.split(" | ") for row in _ROW.findall(_SQL.sub("", body))]
    return Question(heading, dict(_SQL.findall(body)), rows)
