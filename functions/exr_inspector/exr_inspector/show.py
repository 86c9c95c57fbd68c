"""Show configuration: one YAML file per root, with the meaning of paths and the expected frames and policies.

It is read as safely as a policy, runs nothing, and its patterns match in linear time.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import re2
from pydantic import Field

from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.location import is_object
from exr_inspector.policy.schema import FormError, Line, StrictModel, validate
from exr_inspector.policy.yaml_text import MAX_BYTES, Parsed, YamlError, parse_yaml
from exr_inspector.sequences import PATH_FIELDS, PathFields, parse_frames

MAX_TABLE_BYTES = 16 << 20
"""Size of the table of frame ranges."""

_DEFAULTS = {"version": "[vV]?[0-9]+", "frame": "-?[0-9]+"}
_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_TOKEN = re.compile(r"(\{[a-z]*\}|\*\*/|\*\*|\*|\?)")

Ranges = Mapping[tuple[str, ...], Mapping[tuple[str, ...], tuple[int, ...]]]
Pattern = Annotated[str, Field(max_length=500)]
FieldName = Literal["show", "sequence", "shot", "pass", "version", "frame"]


class FrameRange(StrictModel):
    """The frames of the paths with these fields."""

    show: str | None = None
    sequence: str | None = None
    shot: str | None = None
    pass_: str | None = Field(None, alias="pass")
    version: str | None = None
    frames: str = Field(description="The frames, as 1001-1240 or 1001-1100, 1201-1240x2.")


class PixelSource(StrictModel):
    """The pixels that `check` reads, unless the command line says otherwise."""

    mode: Literal["none", "sampled", "full"] = Field("none", description="`none`, `sampled` or `full`.")
    budget_mib: int = Field(32, ge=0, description="MiB of a file that a sample may read.")


class ShowSource(StrictModel):
    """A show configuration."""

    show: str | None = Field(None, description="The show, if the patterns do not name it.")
    root: str = Field(".", description="The root: a folder relative to this file, or s3://bucket/prefix.")
    patterns: list[Pattern] = Field(
        default_factory=list,
        max_length=100,
        description="Paths below the root, with `{show}`, `{sequence}`, `{shot}`, `{pass}`, `{version}`,"
        " `{frame}`, `*`, `?` and `**`. The first match is used.",
    )
    fields: dict[FieldName, Pattern] = Field(
        default_factory=dict,
        description="Regular expressions (RE2) of fields. Without one, a field matches any text without a"
        " slash.",
    )
    policies: list[Line] = Field(
        default_factory=list, max_length=20, description="Policies: packs, or files relative to this one."
    )
    frames: list[FrameRange] = Field(
        default_factory=list,
        max_length=5000,
        description="The expected frames. The entry with the most fields is used.",
    )
    frame_table: str | None = Field(
        None,
        description="A CSV file with more of them: columns of fields, and `frames`, or `first` and `last`.",
    )
    color_config: str | None = Field(None, description="The OpenColorIO configuration of the show.")
    pixels: PixelSource = Field(
        PixelSource.model_validate({}), description="What `check` reads of the pixels."
    )
    settle_seconds: int | None = Field(
        None, ge=0, description="An incomplete file that changed within this time counts as being written."
    )
    webhook: str | None = Field(
        None,
        pattern="^https?://",
        description="URL that `check --watch` notifies when a sequence becomes complete or broken.",
    )


@dataclass(frozen=True)
class Show:
    """A show configuration that was read. `root` is an absolute path or `s3://bucket/prefix`."""

    path: str
    root: str
    source: ShowSource
    ranges: Ranges = field(default_factory=dict)
    """The frames by the names and values of fields, those with the most fields first."""

    @cached_property
    def _patterns(self) -> list[Any]:
        return [re2.compile(_translated(each, self.source.fields), _OPTIONS) for each in self.source.patterns]

    def describe(self, path: str) -> PathFields:
        """Return the fields of a path below the root; no fields for other paths."""
        start = len(self.root.rstrip("/")) + 1
        if path[:start] != self.root.rstrip("/") + "/":
            return PathFields({})
        fixed = {"show": self.source.show} if self.source.show else {}
        for pattern in self._patterns:
            found = pattern.fullmatch(path, start)
            named = _agreed(found) if found else None
            if named is not None:
                groups = [index for name, index in pattern.groupindex.items() if name.startswith("frame")]
                span = found.span(groups[0]) if groups else None
                named.pop("frame", None)
                return PathFields({**fixed, **named}, span)
        return PathFields(fixed)

    def span(self, path: str) -> tuple[int, int] | None:
        """Return where a path's frame is, as a pattern of sequences does; None if no pattern names it."""
        return self.describe(path).span

    def expected(self, fields: Mapping[str, str]) -> tuple[int, ...] | None:
        """Return the frames that a sequence with these fields must have; None if it is not stated."""
        for names, values in self.ranges.items():
            frames = values.get(tuple(fields.get(name, "") for name in names))
            if frames is not None:
                return frames
        return None


def load_show(path: str) -> Show:
    """Read a show configuration. Raises InspectorError(BAD_SETTING), which names file, line and field."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - the name may not be UTF-8
            parsed = parse_yaml(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise InspectorError(BAD_SETTING, f"cannot read it: {error.strerror}", path) from None
    except YamlError as error:
        raise InspectorError(BAD_SETTING, error.message, f"{path}:{error.line}") from None
    try:
        source = validate(parsed.value or {}, ShowSource)
        for name, pattern in source.fields.items():
            _check(pattern, ("fields", name))
        for index, pattern in enumerate(source.patterns):
            _check_pattern(pattern, source.fields, index)
        root = source.root
        if not is_object(root):
            root = os.path.abspath(os.path.join(os.path.dirname(path), root))  # noqa: PTH100, PTH118, PTH120
        return Show(path, root, source, _ranges(source, path))
    except FormError as error:
        raise _error(path, parsed, error) from None


def _error(path: str, parsed: Parsed, error: FormError) -> InspectorError:
    named = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in error.path).lstrip(".")
    message = f"{named}: {error.message}" if named else error.message
    return InspectorError(BAD_SETTING, message, f"{path}:{parsed.line(error.path)}")


def _check_pattern(pattern: str, fields: Mapping[Any, str], index: int) -> None:
    at = ("patterns", index)
    unknown = [name for name in re.findall(r"\{([^}]*)\}", pattern) if name not in (*PATH_FIELDS, "frame")]
    if unknown:
        raise FormError(
            at, f"there is no field {{{unknown[0]}}}; known are {', '.join(PATH_FIELDS)} and frame"
        )
    _check(_translated(pattern, fields), at)


def _check(pattern: str, at: tuple[str | int, ...]) -> None:
    try:
        re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise FormError(at, f"not a valid pattern: {reason}") from None


def _translated(pattern: str, fields: Mapping[Any, str]) -> str:
    """Return a pattern as a regular expression. The groups of one field are `shot_1`, `shot_3`, ..."""
    pieces = []
    for index, token in enumerate(_TOKEN.split(pattern)):
        if token.startswith("{") and token.endswith("}"):
            name = token[1:-1]
            pieces.append(f"(?P<{name}_{index}>{fields.get(name) or _DEFAULTS.get(name) or '[^/]+?'})")
        else:
            pieces.append(_WILDCARDS.get(token) or re2.escape(token))
    return "".join(pieces)


def _agreed(found: Any) -> dict[str, str] | None:
    """Return the fields that matched; None if one was named twice and differs."""
    named: dict[str, str] = {}
    for group, value in found.groupdict().items():
        name = group.rpartition("_")[0]
        if named.setdefault(name, value) != value:
            return None
    return named


def _ranges(source: ShowSource, path: str) -> dict[tuple[str, ...], dict[tuple[str, ...], tuple[int, ...]]]:
    found: dict[tuple[str, ...], dict[tuple[str, ...], tuple[int, ...]]] = {}
    for at, values, text in _stated(source, path):
        names = tuple(name for name in PATH_FIELDS if values.get(name))
        try:
            frames = parse_frames(text)
        except ValueError as error:
            raise FormError(at, str(error)) from None
        found.setdefault(names, {}).setdefault(tuple(str(values[name]) for name in names), frames)
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def _stated(source: ShowSource, path: str) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any], str]]:
    """Yield the place, the fields and the frames of each entry, and of each row of the table."""
    for index, each in enumerate(source.frames):
        yield ("frames", index), each.model_dump(by_alias=True), each.frames
    if not source.frame_table:
        return
    at = ("frame_table",)
    table = Path(path).parent / source.frame_table
    try:
        with table.open("rb") as file:
            raw = file.read(MAX_TABLE_BYTES + 1)
        if len(raw) > MAX_TABLE_BYTES:
            raise FormError(at, f"{table} has more than {MAX_TABLE_BYTES >> 20} MiB")
        rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    except OSError as error:
        raise FormError(at, f"cannot read {table}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormError(at, f"{table} is not a CSV file in UTF-8: {error}") from None
    for line, row in enumerate(rows, 2):
        values = {str(name).strip().lower(): (value or "").strip() for name, value in row.items() if name}
        text = values.get("frames") or "-".join(filter(None, (values.get("first"), values.get("last"))))
        if not text or not any(values.get(name) for name in PATH_FIELDS):
            raise FormError(at, f"{table}:{line} has no frames, or none of {', '.join(PATH_FIELDS)}")
        try:
            parse_frames(text)
        except ValueError as error:
            raise FormError(at, f"{table}:{line}: {error}") from None
        yield at, values, text
