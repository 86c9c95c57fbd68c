"""The registry of collections: what rules can look at, by name.

A collection is a function from `Facts` to items, or to `Missing`. It declares its fields, so that a policy
that names another field is refused when it is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from exr_inspector.policy.evidence import Missing
from exr_inspector.policy.model import Item, Selection

Kind = Literal["text", "integer", "number", "flag", "list", "any", "series"]
"""The type of a field. A `series` has a value for each frame of a sequence."""

NO_HEADER = Missing("the header could not be read")
NO_STATS = Missing("pixel statistics were not requested", is_requested=False)


class Field(NamedTuple):
    kind: Kind
    meaning: str


MIN_GROUPED = 4
"""Fewer items are not worth grouping."""

Items = Sequence[Item] | Missing
Groups = Sequence[Sequence[Item]] | Missing


@dataclass
class Facts:
    """The facts of one file: its document and its statistics. Collections are computed once.

    `extra` holds evidence that is in neither, such as a side-car file that was read, by name.
    """

    document: Mapping[str, Any]
    stats: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    _items: dict[str, Items] = field(default_factory=dict, repr=False)
    _groups: dict[Selection, Groups] = field(default_factory=dict, repr=False)

    def items(self, name: str) -> Items:
        """Return the items of a collection, or Missing."""
        if name not in self._items:
            self._items[name] = COLLECTIONS[name].collect(self)
        return self._items[name]

    def groups(self, selection: Selection) -> Groups:
        """Return the items of a collection in groups with equal values of some fields, to judge each once."""
        found = self._groups.get(selection)
        if found is None:
            name, fields = selection
            items = self.items(name)
            if isinstance(items, Missing):
                found = items
            elif fields and len(items) > MIN_GROUPED:
                found = _grouped(items, fields)
            else:
                found = [[each] for each in items]
            self._groups[selection] = found
        return found


def _grouped(items: Sequence[Item], fields: tuple[str, ...]) -> Sequence[Sequence[Item]]:
    found: dict[Any, list[Item]] = {}
    values = itemgetter(*fields)
    try:
        for item in items:
            found.setdefault(values(item), []).append(item)
    except TypeError:  # a list has no hash
        return [[each] for each in items]
    return list(found.values())


Collect = Callable[[Facts], Items]


@dataclass(frozen=True)
class Collection:
    """One collection. `open_fields` are prefixes, such as `attributes.`, that any name may follow."""

    name: str
    meaning: str
    fields: Mapping[str, Field]
    collect: Collect
    open_fields: Mapping[str, Field] = field(default_factory=dict)


COLLECTIONS: dict[str, Collection] = {}
"""All collections that were imported. `exr_inspector.policy.collections` imports them all."""


def collection(
    name: str, fields: Mapping[str, Field], open_fields: Mapping[str, Field] | None = None
) -> Callable[[Collect], Collect]:
    """Register the decorated function as a collection. Its docstring describes the items to users.

    Each of its items has all of `fields`, and `place` and `part_index`. A value is None if the file lacks the
    fact, `Missing` if it is unknown whether it does, and `Bounds` if only bounds are known. For the open
    field `attributes.`, an item has a mapping `attributes`.
    """

    def register(collect: Collect) -> Collect:
        COLLECTIONS[name] = Collection(name, collect.__doc__ or "", fields, collect, open_fields or {})
        return collect

    return register
