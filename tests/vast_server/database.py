"""All schemas and tables at one moment, as an immutable value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tests.vast_server.answers import conflict, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.vast_server.tables import Table


class Ref(NamedTuple):
    """The name of a table. Schemas nest: `schema` is a path with slashes."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}/{self.name}"


@dataclass(frozen=True)
class Database:
    schemas: Mapping[str, Mapping[str, Table]] = field(default_factory=dict)

    def children(self, schema: str) -> list[str]:
        """Return the names of the schemas directly under `schema`; "" is the bucket itself."""
        paths = (path.rpartition("/") for path in self.schemas)
        return [name for parent, _slash, name in paths if parent == schema]

    def tables(self, schema: str) -> Mapping[str, Table]:
        if schema not in self.schemas:
            raise missing(f"schema {schema}")
        return self.schemas[schema]

    def table(self, ref: Ref) -> Table:
        tables = self.tables(ref.schema)
        if ref.name not in tables:
            raise missing(f"table {ref}")
        return tables[ref.name]

    def with_schema(self, schema: str) -> Database:
        if schema in self.schemas:
            raise conflict(f"schema {schema} exists")
        return Database({**self.schemas, schema: {}})

    def without_schema(self, schema: str) -> Database:
        if self.tables(schema) or self.children(schema):
            raise conflict(f"schema {schema} is not empty")
        return Database({path: tables for path, tables in self.schemas.items() if path != schema})

    def with_table(self, ref: Ref, table: Table) -> Database:
        if ref.name in self.tables(ref.schema):
            raise conflict(f"table {ref} exists")
        return self._with_tables(ref.schema, {**self.tables(ref.schema), ref.name: table})

    def with_changed(self, ref: Ref, handle: int, change: Callable[[Table], Table]) -> Database:
        """Change the table if it still has `handle`; otherwise it was replaced, which is a conflict."""
        table = self.table(ref)
        if table.handle != handle:
            raise conflict(f"table {ref} has been replaced")
        return self._with_tables(ref.schema, {**self.tables(ref.schema), ref.name: change(table)})

    def without_table(self, ref: Ref) -> Database:
        self.table(ref)
        rest = {name: table for name, table in self.tables(ref.schema).items() if name != ref.name}
        return self._with_tables(ref.schema, rest)

    def _with_tables(self, schema: str, tables: Mapping[str, Table]) -> Database:
        return Database({**self.schemas, schema: tables})
