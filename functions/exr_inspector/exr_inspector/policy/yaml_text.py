"""YAML as plain values, with the line of each: the YAML 1.2 core schema, without aliases, anchors and tags.

Policies come from studios, so size, depth and number of values are limited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_VALUES = 20_000
TOO_DEEP = f"values are nested more than {MAX_DEPTH} deep"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}$")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?$")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

Path = tuple[str | int, ...]


class YamlError(ValueError):
    """An error in a text, and its line, from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass
class Parsed:
    """A value, and the line of each value in it by its path, from 1."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Return the line of a value, or of the nearest value that contains it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse_yaml(raw: bytes) -> Parsed:
    """Return the value of a YAML document. Raises YamlError."""
    if len(raw) > MAX_BYTES:
        raise YamlError(1, f"the file has {len(raw)} bytes; at most {MAX_BYTES} are allowed")
    try:
        events = yaml.parse(raw.decode("utf-8-sig"), Loader=_LOADER)
        return _Builder(events).document()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise YamlError(line, "the text is not UTF-8") from None
    except yaml.reader.ReaderError as error:
        raise YamlError(1, f"the text has the control character U+{int(error.character):04X}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # The scanner looks ahead; since PyYAML 6.0.4 it has its own limit.
        is_deep = "nesting depth" in str(error.problem)
        message = TOO_DEEP if is_deep else f"not valid YAML: {error.problem}"
        raise YamlError(mark.line + 1 if mark else 1, message) from None


class _Builder:
    def __init__(self, events: Iterator[Any]) -> None:
        self.events = events
        self.parsed = Parsed()

    def document(self) -> Parsed:
        for event in self.events:
            if isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)):
                continue
            if isinstance(event, yaml.StreamEndEvent):
                break
            if self.parsed.lines:
                raise YamlError(
                    event.start_mark.line + 1, "a second document begins here; only one is allowed"
                )
            self.parsed.value = self._value(event, ())
        return self.parsed

    def _value(self, event: Any, path: Path) -> Any:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            raise YamlError(line, "aliases and anchors are not allowed")
        if event.tag is not None and event.tag != "!":
            raise YamlError(line, f"the tag {event.tag} is not allowed")
        if len(path) > MAX_DEPTH:
            raise YamlError(line, TOO_DEEP)
        if len(self.parsed.lines) >= MAX_VALUES:
            raise YamlError(line, f"the file has more than {MAX_VALUES} values")
        self.parsed.lines[path] = line
        if isinstance(event, yaml.ScalarEvent):
            return plain_value(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return [
                self._value(each, (*path, index))
                for index, each in enumerate(self._until(yaml.SequenceEndEvent))
            ]
        found: dict[str, Any] = {}
        for key_event in self._until(yaml.MappingEndEvent):
            key_line = key_event.start_mark.line + 1
            if not isinstance(key_event, yaml.ScalarEvent):
                raise YamlError(key_line, "a key must be a text")
            key = key_event.value
            if key in found:
                raise YamlError(key_line, f"the key {key!r} occurs twice")
            inner = (*path, key)
            found[key] = self._value(next(self.events), inner)
            self.parsed.lines[inner] = key_line
        return found

    def _until(self, end: type) -> Iterator[Any]:
        for event in self.events:
            if isinstance(event, end):
                return
            yield event


def plain_value(text: str) -> Any:
    """Return the value of a scalar without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text


def write_yaml(value: Mapping[str, Any]) -> str:
    """Return YAML as people write it: in lines, with the innermost lists and mappings in one line."""
    text: str = yaml.safe_dump(value, default_flow_style=None, sort_keys=False, allow_unicode=True)
    return text
