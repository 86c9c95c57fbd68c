"""The write plan, executed by a store in memory and compared with a model that fits on a page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from exr_inspector.catalog.facets import FACETS, Facet, FileRows, Row, facet_row
from exr_inspector.catalog.plan import AUDIT_COLUMNS, Outcome, Removal
from tests.catalog.model import START, ModelStore

if TYPE_CHECKING:
    from collections.abc import Sequence


# The facets of the next releases: the pixels depend on the object, the policy on the facts.
PIXELS = Facet("pixels", 1, ("pixels", "channel_stats"), "object")
POLICY = Facet("policy", 1, ("findings",), "facts")
ALL = {**FACETS, "pixels": PIXELS, "policy": POLICY}
STAMPS = (*AUDIT_COLUMNS, "computed_at")


class Delivery(NamedTuple):
    """One delivery of a file. `etag` is the object's version; `facts` differ if a reader's release does."""

    name: str = "a"
    etag: str = "v1"
    facts: int = 1
    sequencer: str | None = None
    seconds: int | None = None
    is_current: bool = False
    statistics: str | None = None
    """What was asked of the pixels; None if nothing was."""
    policy: str | None = None

    @property
    def facts_hash(self) -> str:
        return f"{self.etag} {self.facts} {self.seconds}"

    @property
    def mtime(self) -> dt.datetime | None:
        return None if self.seconds is None else START + dt.timedelta(seconds=self.seconds)

    @property
    def rows(self) -> FileRows:
        key = {"file_id": self.name, "file_path": f"s3://show/{self.name}"}
        facts = {**key, "facts_hash": self.facts_hash}
        order = {"etag": self.etag, "sequencer": self.sequencer, "mtime": self.mtime, "size_bytes": 1}
        file = {**facts, **order}
        rows = {table: [{**facts, "index": index} for index in range(self.facts)] for table in HEADER_ROWS}
        header = facet_row(FACETS["header"], file, self.facts_hash)
        made = FileRows(self.name, {"files": [file], **rows, "facets": [header]}, self.is_current)
        if self.statistics:
            source: Row = {**key, "from": f"{self.etag} {self.statistics}"}
            rows = {"pixels": [source], "channel_stats": [source, source]}
            made = made.with_facet(PIXELS, rows, str(source), request=self.statistics)
        if self.policy:
            rows = {"findings": [{**key, "policy": f"{self.facts_hash} {self.policy}"}]}
            made = made.with_facet(POLICY, rows, str(rows))
        return made


HEADER_ROWS = ("parts", "channels", "attributes")


@dataclass(frozen=True)
class Held:
    """What the model holds of a file: the delivery of its header, and those of its other facets."""

    header: Delivery
    sequencer: str | None
    statistics: Delivery | None = None
    policy: Delivery | None = None
    inspections: int = 1
    damaged: bool = False

    @property
    def delivery(self) -> Delivery:
        """One delivery that contains all of it."""
        statistics = self.statistics.statistics if self.statistics else None
        policy = self.policy.policy if self.policy else None
        return self.header._replace(statistics=statistics, policy=policy, sequencer=self.sequencer)


def is_older(sequencer: str | None, seconds: int | None, held: Held) -> bool:
    if sequencer and held.sequencer:
        return sequencer < held.sequencer
    return None not in (seconds, held.header.seconds) and (seconds or 0) < (held.header.seconds or 0)


def after(held: Held | None, files: Sequence[Delivery]) -> Held | None:
    """What is held of a file after deliveries of it in one batch."""
    header, sequencer = held, held.sequencer if held else None
    accepted = []
    if held and held.statistics:
        accepted.append(held.statistics._replace(policy=None))
    if held and held.policy:
        accepted.append(held.policy._replace(statistics=None))
    for each in files:
        differs = header is not None and each.facts_hash != header.header.facts_hash
        if header and differs and not each.is_current and is_older(each.sequencer, each.seconds, header):
            continue
        sequencer = max(filter(None, (each.sequencer, sequencer)), default=None)
        header = Held(each, sequencer, inspections=held.inspections + 1 if held else 1)
        accepted.append(each)
    if header is None or header is held:
        return held
    now = header.header
    statistics = [each for each in accepted if each.statistics and each.etag == now.etag]
    policies = [each for each in accepted if each.policy and each.facts_hash == now.facts_hash]
    return replace(
        header,
        statistics=statistics[-1] if statistics else None,
        policy=policies[-1] if policies else None,
    )


names = st.sampled_from("ab")
sequencers = st.sampled_from([None, "1", "2", "3"])
moments = st.sampled_from([None, 1, 2])
deliveries = st.builds(
    Delivery, names, st.sampled_from(["v1", "v2"]), st.integers(0, 2), sequencers, moments, st.booleans(),
    st.sampled_from([None, "fast", "full"]), st.sampled_from([None, "strict", "lax"]),
)  # fmt: skip
removals = st.builds(
    lambda name, sequencer, seconds, is_current: Removal(
        name, sequencer, None if seconds is None else START + dt.timedelta(seconds=seconds), is_current
    ),
    names, sequencers, moments, st.booleans(),
)  # fmt: skip
batches = st.tuples(st.lists(deliveries, max_size=4), st.lists(removals, max_size=2))


class Machine(RuleBasedStateMachine):
    """Deliveries, removals and damage in any order; the tables are always those of the model."""

    def __init__(self) -> None:
        super().__init__()
        self.store = ModelStore(ALL)
        self.model: dict[str, Held] = {}

    @rule(batch=batches)
    def write(self, batch: tuple[list[Delivery], list[Removal]]) -> None:
        files, gone = batch
        before, model = {each: self.store.rows(each) for each in "ab"}, dict(self.model)
        for each in gone:
            held = model.get(each.file_id)
            seconds = None if each.time is None else int((each.time - START).total_seconds())
            if held and (each.is_current or not is_older(each.sequencer, seconds, held)):
                del model[each.file_id]
        removed = {each.file_id for each in gone if each.file_id in self.model and each.file_id not in model}
        first = dict(model)
        for name in dict.fromkeys(file.name for file in files):
            now = after(model.get(name), [file for file in files if file.name == name])
            assert now
            model[name] = now
        made = self.store.plan([each.rows for each in files], gone)
        self.store.execute(made)
        self.check_outcomes(made.outcomes, files, gone, removed, first, model)
        self.check_untouched(before, first, model)
        self.model = model

    def check_outcomes(
        self,
        outcomes: Sequence[Outcome],
        files: Sequence[Delivery],
        gone: Sequence[Removal],
        removed: set[str],
        before: dict[str, Held],
        model: dict[str, Held],
    ) -> None:
        names = list(dict.fromkeys([*(each.name for each in files), *(each.file_id for each in gone)]))
        assert [each.file_id for each in outcomes] == names
        delivered = {each.name for each in files}
        for name, action in outcomes:
            if name not in delivered:
                wanted = "deleted" if name in removed else "outdated" if name in before else "absent"
            elif name not in before:
                wanted = "inserted"
            elif model[name] is before[name]:
                wanted = "outdated"
            else:
                held, now = before[name].delivery, model[name].delivery
                same = replaced(held) == replaced(now) and not before[name].damaged
                wanted = "unchanged" if same else "replaced"
            assert action == wanted

    def check_untouched(self, before: dict[str, Any], first: dict[str, Held], model: dict[str, Held]) -> None:
        """What is known already is not written again: only audit columns change."""
        for name in set(first) & set(model):
            if replaced(first[name].delivery) == replaced(model[name].delivery) and not first[name].damaged:
                now = self.store.rows(name, without=AUDIT_COLUMNS)
                assert now == {
                    table: [{k: v for k, v in row.items() if k not in AUDIT_COLUMNS} for row in rows]
                    for table, rows in before[name].items()
                }

    @rule(table=st.sampled_from([*HEADER_ROWS, "facets", "files"]), name=names)
    def damage(self, table: str, name: str) -> None:
        """A table was created later, or has surplus rows of another writer."""
        if name not in self.model:
            return
        rows = self.store.tables[table]
        if table == "files":
            rows.extend([dict(row) for row in rows if row["file_id"] == name])
        else:
            kept = [row for row in rows if row["file_id"] != name or row.get("facet", "header") != "header"]
            if len(kept) == len(rows):
                return
            self.store.tables[table] = kept
        self.model[name] = replace(self.model[name], damaged=True)

    @invariant()
    def the_tables_are_those_of_the_model(self) -> None:
        fresh = ModelStore(ALL)
        fresh.upsert([each.delivery.rows for each in self.model.values()])
        for name in "ab":
            if name in self.model and self.model[name].damaged:
                continue
            assert self.store.rows(name, without=STAMPS) == fresh.rows(name, without=STAMPS)
            for row in self.store.rows(name).get("files", ()):
                assert row["inspection_count"] == self.model[name].inspections
                assert row["sequencer"] == self.model[name].sequencer


def replaced(delivery: Delivery) -> Delivery:
    """A delivery without what does not decide whether rows are written."""
    return delivery._replace(sequencer=None, is_current=False)


def test_the_tables_are_those_of_a_simple_model_whatever_is_delivered() -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Machine, settings=settings(max_examples=100, stateful_step_count=10)
    )


@given(st.lists(deliveries, min_size=1, max_size=5))
def test_a_batch_leaves_what_its_deliveries_leave_one_by_one(files: list[Delivery]) -> None:
    together, single = ModelStore(ALL), ModelStore(ALL)
    together.upsert([each.rows for each in files])
    for each in files:
        single.upsert([each.rows])
    stamps = [name for name in STAMPS if name != "sequencer"]
    for name in "ab":
        batch, one_by_one = together.rows(name, without=stamps), single.rows(name, without=stamps)
        for table in ("files", *HEADER_ROWS):
            assert batch.get(table) == one_by_one.get(table)
        # A batch may keep a facet that a version in between, which is not stored now, would have dropped.
        assert all(row in batch["facets"] for row in one_by_one.get("facets", ()))


@given(batches)
def test_the_same_batch_again_writes_only_audit_columns(
    batch: tuple[list[Delivery], list[Removal]],
) -> None:
    store = ModelStore(ALL)
    files = [each.rows for each in batch[0]]
    store.upsert(files, batch[1])
    current = {each.file_id: replace(each, is_current=True) for each in files}
    store.upsert(list(current.values()))
    made = store.plan(list(current.values()))
    assert {each.action for each in made.outcomes} <= {"unchanged"}
    assert (made.deleted, made.dropped, made.inserted) == ({}, [], {})
    assert made.marked == made.file_ids or sorted(made.marked) == made.file_ids


def test_a_header_event_keeps_the_statistics_of_unchanged_pixels() -> None:
    store = ModelStore(ALL)
    store.upsert([Delivery(statistics="full").rows])
    made = store.plan([Delivery(facts=2).rows])
    assert "pixels" not in made.deleted
    assert ("a", "pixels") not in made.dropped
    store.execute(made)
    assert len(store.tables["channel_stats"]) == 2


def test_a_new_version_of_the_object_drops_the_facets_of_the_old_one() -> None:
    store = ModelStore(ALL)
    store.upsert([Delivery(statistics="full", policy="strict").rows])
    store.upsert([Delivery(etag="v2").rows])
    assert set(store.rows("a")) == {"files", "parts", "channels", "attributes", "facets"}
    assert [row["facet"] for row in store.tables["facets"]] == ["header"]


def test_a_plan_names_the_files_that_it_writes() -> None:
    store = ModelStore()
    store.upsert([Delivery(name).rows for name in ("same", "changed", "gone", "late")])
    batch = [Delivery(name).rows for name in ("new", "same")] + [Delivery("changed", facts=2).rows]
    made = store.plan(batch, [Removal("gone"), Removal("never stored")])
    assert made.removed == ["gone"]
    assert made.file_ids == ["changed", "gone", "new", "same"]
    assert sorted(made.marked) == ["changed", "new", "same"]


def test_a_plan_changes_nothing_that_it_was_given() -> None:
    store, file = ModelStore(ALL), Delivery(statistics="full").rows
    before = repr(file)
    store.upsert([file, Delivery(facts=2).rows])
    assert repr(file) == before


@pytest.mark.parametrize("version", [None, "of an older release"])
def test_a_file_of_a_release_without_facets_is_filled_in(version: str | None) -> None:
    store = ModelStore()
    store.upsert([Delivery().rows])
    del store.tables["facets"]
    for row in store.tables["files"]:
        row["facts_hash"] = version or row["facts_hash"]
        row["inspection_count"] = 7
    assert store.upsert([Delivery().rows]) == [Outcome("a", "replaced")]
    assert [len(store.tables[table]) for table in ("files", "parts", "facets")] == [1, 1, 1]
    assert store.tables["files"][0]["inspection_count"] == 8


def test_rows_without_a_row_in_files_are_replaced() -> None:
    store = ModelStore()
    store.upsert([Delivery().rows])
    del store.tables["files"]
    assert store.upsert([Delivery().rows]) == [Outcome("a", "inserted")]
    assert [len(rows) for rows in store.tables.values() if rows] == [1, 1, 1, 1, 1]
