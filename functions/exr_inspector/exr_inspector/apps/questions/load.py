"""Read the questions of `sql/`.

A file begins with comments: the title, paragraphs, parameters, and a sample answer as a table. A parameter is
`$name kind = default: meaning`, or `$name kind such as example: meaning` if it is required. If DuckDB's SQL
does not work in Trino, `NAME.trino.sql` has Trino's SQL, after a note.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import get_args

from exr_inspector.apps.questions.contents import SECTIONS
from exr_inspector.apps.questions.question import COMMON, Kind, Parameter, Question
from exr_inspector.errors import BAD_QUERY, InspectorError

_FILES = files("exr_inspector.apps.questions") / "sql"
_PARAMETER = re.compile(
    rf"\$(?P<name>\w+) (?P<kind>{'|'.join(get_args(Kind))}) "
    r"(?P<how>=|such as) (?P<value>\S+): (?P<meaning>.+)"
)


def names() -> list[str]:
    """Return the names of the questions, in order."""
    return [name for section in SECTIONS for name in section.names]


def questions() -> list[Question]:
    """Return the questions, in order."""
    return [_question(name, section.title) for section in SECTIONS for name in section.names]


def question(name: str) -> Question:
    """Return a question by name. Raises InspectorError(BAD_QUERY), with suggestions, if there is none."""
    for section in SECTIONS:
        if name in section.names:
            return _question(name, section.title)
    near = " or ".join(nearest(name))
    raise InspectorError(BAD_QUERY, f"there is no question {name!r}" + (f"; is it {near}?" if near else ""))


def nearest(name: str) -> list[str]:
    """Return up to three names that are spelled similarly, or that share a word."""
    words = {each for each in re.split(r"\W+|_", name.lower()) if len(each) > 2}
    similar = get_close_matches(name.lower(), names(), cutoff=0.7)
    sharing = [each for each in names() if words & set(each.split("-"))]
    return list(dict.fromkeys((*similar, *sharing)))[:3]


@cache
def _question(name: str, section: str) -> Question:
    head, sql = _split((_FILES / f"{name}.sql").read_text(encoding="utf-8"))
    title, *paragraphs = head
    other = _FILES / f"{name}.trino.sql"
    notes, trino = _split(other.read_text(encoding="utf-8")) if other.is_file() else ([], sql)
    stated = {found["name"]: _parameter(found) for found in map(_PARAMETER.match, head) if found}
    common = {key: each for key, each in COMMON.items() if f"${key}" in sql or key == "path"}
    sample = [row[2:-2].split(" | ") for row in paragraphs if row.startswith("|")]
    prose = [each for each in paragraphs if not each.startswith(("$", "|"))]
    return Question(
        name,
        title,
        section,
        "\n".join(prose).strip(),
        tuple({**stated, **{key: each for key, each in common.items() if key not in stated}}.values()),
        sql,
        trino,
        "\n".join(notes),
        tuple(tuple(row) for row in sample if set(row[0]) != {"-"} and not row[0].startswith("--")),
    )


def _split(text: str) -> tuple[list[str], str]:
    """Return the lines of the leading comment, without dashes, and the SQL after them."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return [line[2:].removeprefix(" ") for line in lines[:start]], "\n".join(lines[start:]).strip()


def _parameter(found: re.Match[str]) -> Parameter:
    default = found["value"] if found["how"] == "=" else None
    return Parameter(found["name"], found["kind"], found["meaning"], default, found["value"])  # type: ignore[arg-type]
