"""The reference of the library, the document and the versions that work together."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import exr_inspector

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
NOTE = "<!-- Generated from the code by `make docs`; edit the code. -->"
_WIDTH = 100

# --- Python ---------------------------------------------------------------------------------------------


def library() -> Iterator[str]:
    yield from ("# Python", "", NOTE, "")
    yield "These names are public. Everything else is internal, except"
    yield "`exr_inspector.compat`, which has the names of the original design. The package has `py.typed`."
    yield "A missing library raises `NOT_INSTALLED`, which names the extra to install."
    for name in exr_inspector.__all__:
        if not name.startswith("__"):
            yield from ("", f"## {name}", "", "```python", *_signature(name), "```", "")
            yield from _prose(inspect.getdoc(getattr(exr_inspector, name)) or "")
    yield from ("", "The fields of `Settings` are those of [CONFIGURATION.md](CONFIGURATION.md).")


def _signature(name: str) -> Iterator[str]:
    signature = inspect.signature(getattr(exr_inspector, name))
    if name == "Settings":
        yield "Settings(**settings)"
        return
    parts, is_keyword = [], False
    for each in signature.parameters.values():
        if each.kind is each.KEYWORD_ONLY and not is_keyword:
            parts.append("*")
            is_keyword = True
        default = "" if each.default is each.empty else f" = {each.default!r}"
        parts.append(f"{each.name}: {_annotation(each.annotation)}{default}")
    returned = signature.return_annotation
    answer = "" if returned in ("None", signature.empty) else f" -> {_annotation(returned)}"
    line = f"{name}({', '.join(parts)}){answer}"
    if len(line) <= _WIDTH:
        yield line
    else:
        yield from (f"{name}(", *(f"    {part}," for part in parts), f"){answer}")


def _annotation(given: Any) -> str:
    return str(getattr(given, "__forward_arg__", given))


def _prose(text: str) -> Iterator[str]:
    """Yield a docstring, with its examples as blocks of code."""
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ""
        is_example = paragraph.startswith(">>>")
        yield from (["```pycon", paragraph, "```"] if is_example else [paragraph])


# --- the document ---------------------------------------------------------------------------------------


def document() -> Iterator[str]:
    schema = json.loads((ROOT / "docs" / "document.schema.json").read_text("utf-8"))
    yield from ("# The document", "", NOTE, "")
    yield "`inspect` and the function return this document: JSON, schema version 1, described by"
    yield "[document.schema.json](document.schema.json)."
    yield from ("", schema["description"])
    yield from ("", "| key | type | meaning |", "|---|---|---|")
    yield from _properties(schema)
    for name, each in schema["$defs"].items():
        if not name.startswith("value_"):
            yield from _definition(name, each)
    yield from ("", "## Values of attributes", "", "| type | value |", "|---|---|")
    for name, each in schema["$defs"].items():
        if name.startswith("value_"):
            words = "other" if name == "value_of_unknown_type" else f"`{name.removeprefix('value_')}`"
            yield f"| {words} | {_cell(each.get('description') or _type(each))} |"


def _definition(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    words = schema.get("description") or _type(schema).capitalize() + "."
    yield from ("", f"## {name}", "", words)
    if "properties" in schema:
        yield from ("", "| key | type | meaning |", "|---|---|---|")
        yield from _properties(schema)


def _properties(schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    for name, each in schema["properties"].items():
        optional = "" if name in required else " (optional)"
        yield f"| `{name}`{optional} | {_cell(_type(each))} | {_cell(each.get('description', ''))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _type(schema: Mapping[str, Any]) -> str:
    """Return the type of a value in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return "a value by its type" if name == "decoded" else f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(each)}`" for each in schema["enum"])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(map(_type, schema[union])))
    kinds = schema.get("type", "any")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "array" in kinds and isinstance(schema.get("items"), dict):
        return f"list of {_type(schema['items'])}"
    return " or ".join(kinds)


# --- versions -------------------------------------------------------------------------------------------

_LIBRARIES = (
    *("numpy", "OpenImageIO", "pyarrow", "OpenEXR", "duckdb", "botocore", "vastdb", "obstore", "distributed"),
    *("google-re2", "pydantic", "click", "starlette"),
)


def versions() -> Iterator[str]:
    """Yield the table of packages: the range that pyproject.toml declares, and what the lock pins."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {"": project["dependencies"], **project["optional-dependencies"]}
    lock = (ROOT / "requirements.txt").read_text("utf-8")
    yield from ("", "| package | versions | tested | extra |", "|---|---|---|---|")
    for name in _LIBRARIES:
        found = re.compile(rf"{re.escape(name)}(?P<range>[<>=][^;]*)(;.*)?", re.IGNORECASE)
        extras = {
            extra: match["range"]
            for extra, texts in declared.items()
            for match in map(found.fullmatch, texts)
            if match and extra not in ("test", "lint", "docs", "release")
        }
        tested = re.findall(rf"^{re.escape(name)}==([^ ;\n]+)", lock, re.MULTILINE | re.IGNORECASE)
        yield (
            f"| {name} | {next(iter(extras.values())).replace('>=', '≥ ').replace(',<', ', < ')} |"
            f" {', '.join(tested)} | {', '.join(f'`{extra}`' for extra in extras if extra)} |"
        )
