"""A document is built once: whatever is done with it afterwards, nobody changes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest

from exr_inspector import header_bytes, reader, to_json
from exr_inspector.apps.cli import summary
from exr_inspector.apps.cli.details import print_details
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.catalog.rows import rows_of
from exr_inspector.document.build import make_document
from exr_inspector.document.truncate import truncate
from exr_inspector.location import NO_MAP
from exr_inspector.pipeline import Runtime, inspect_many, request_for
from exr_inspector.settings import Settings
from exr_inspector.vectors.embedding import embed
from exr_inspector.vectors.explain import explain


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("a document was changed")


class FrozenDict(dict[Any, Any]):
    """A dict that cannot be changed."""


class FrozenList(list[Any]):
    """A list that cannot be changed."""


for _name in ("__setitem__", "__delitem__", "__ior__", "update", "pop", "popitem", "clear", "setdefault"):
    setattr(FrozenDict, _name, _refuse)
for _name in (
    *("__setitem__", "__delitem__", "__iadd__", "__imul__"),
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"),
):
    setattr(FrozenList, _name, _refuse)


def frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return FrozenDict({key: frozen(each) for key, each in value.items()})
    return FrozenList(map(frozen, value)) if isinstance(value, list) else value


def test_the_freeze_itself_refuses_every_change() -> None:
    document = frozen({"parts": [{"name": "a"}]})
    with pytest.raises(AssertionError, match="was changed"):
        document["errors"] = []
    with pytest.raises(AssertionError, match="was changed"):
        document["parts"].append({})
    with pytest.raises(AssertionError, match="was changed"):
        document["parts"][0].pop("name")


def test_no_step_from_the_document_to_the_answer_changes_it(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Any] = []

    def build(*arguments: Any, **options: Any) -> Any:
        built.append(frozen(make_document(*arguments, **options)))
        return built[-1]

    monkeypatch.setattr(reader, "make_document", build)
    store = DuckDBStore(str(tmp_path / "rows.duckdb"))
    runtime = Runtime(Settings(), store)
    paths = sorted(demo.rglob("*.exr"))
    for _ in range(2):
        answers = list(inspect_many([request_for(path, runtime.settings) for path in paths], runtime))
    store.close()
    assert len(built) == len(answers) * 2 == 22
    for document in built:
        to_json(document)
        rows_of(document)
        embed(document)
        truncate(document, 1000)
        summary.row(document, NO_MAP)
        summary.faults(document, NO_MAP)
        print_details(document, NO_MAP)
        if document["file"]["header_hash"]:
            header_bytes(document)
            explain(document, built[0])
