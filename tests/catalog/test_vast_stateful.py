"""Random deliveries, removals, faults and restarts, compared with a simple model."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from exr_inspector.catalog.store import Removal
from tests.catalog.backends import Vast, rows, tables, vast
from tests.catalog.rows import delivered, expected
from tests.slow import slow
from tests.vast_server.faults import Fault

if TYPE_CHECKING:
    from exr_inspector.catalog.facets import FileRows

_examples = itertools.count(1)


class Delivery(NamedTuple):
    name: str
    version: int
    sequencer: str | None

    def is_older_than(self, other: Delivery) -> bool:
        return bool(self.sequencer and other.sequencer and self.sequencer < other.sequencer)


@dataclass(frozen=True)
class Held:
    """What the model has of a file."""

    delivery: Delivery
    inspections: int

    def after(self, incoming: Delivery) -> Held | None:
        """Return the same file after a delivery; None if the delivery is outdated."""
        if incoming.version != self.delivery.version and incoming.is_older_than(self.delivery):
            return None
        sequencers = [each for each in (incoming.sequencer, self.delivery.sequencer) if each]
        latest = incoming._replace(sequencer=max(sequencers, default=None))
        return Held(latest, self.inspections)


sequencers = st.sampled_from([None, "1", "2", "3"])
names = st.sampled_from("abcd")
deliveries = st.builds(Delivery, names, st.integers(0, 2), sequencers)
faults = st.sampled_from(
    [
        Fault(status=500),
        Fault(status=503),
        Fault(status=404),
        Fault(status=409),
        Fault(reset=True),
        Fault(cut=True),
    ]
)


class Machine(RuleBasedStateMachine):
    def __init__(self, database: Vast) -> None:
        super().__init__()
        self.database = database
        self.store = database.store()
        self.start = f"example{next(_examples)}-"
        self.model: dict[str, Held] = {}

    def file(self, delivery: Delivery) -> FileRows:
        return delivered(self.start + delivery.name, delivery.version, sequencer=delivery.sequencer)

    @rule(batch=st.lists(deliveries, min_size=1, max_size=4))
    def deliver(self, batch: list[Delivery]) -> None:
        accepted: dict[str, Held] = {}
        for each in batch:
            before = accepted.get(each.name) or self.model.get(each.name)
            after = before.after(each) if before else Held(each, 0)
            if after:
                accepted[each.name] = after
        for name, held in accepted.items():
            self.model[name] = Held(held.delivery, held.inspections + 1)
        self.store.upsert([self.file(each) for each in batch])

    @rule(name=names, sequencer=sequencers)
    def remove(self, name: str, sequencer: str | None) -> None:
        removal = Delivery(name, 0, sequencer)
        held = self.model.get(name)
        goes = held is not None and not removal.is_older_than(held.delivery)
        if goes:
            del self.model[name]
        (outcome,) = self.store.upsert([], [Removal(self.file(removal).file_id, sequencer)])
        assert outcome.action == ("deleted" if goes else "outdated" if held else "absent")

    @rule(step=st.integers(1, 14), fault=faults, after=st.booleans())
    def break_something(self, step: int, fault: Fault, after: bool) -> None:
        # The transaction of a lost beginning stays open. A bucket that is not found is a wrong setting, which
        # no retry cures.
        spared = ("begin", "bucket") if fault.status == 404 else ("begin",)
        self.database.server.faults.clear()
        self.database.server.faults.at(step, replace(fault, after=after), on=lambda kind: kind not in spared)

    @rule()
    def restart(self) -> None:
        self.database.server.faults.clear()
        self.store = self.database.store()

    @invariant()
    def the_tables_are_those_of_the_model(self) -> None:
        assert tables(self.database, self.start) == expected(
            *(self.file(held.delivery) for held in self.model.values())
        )
        counts = {
            row["file_path"]: (row["inspection_count"], row["sequencer"])
            for row in rows(self.database, "files")
            if row["file_path"].startswith(f"/show/{self.start}")
        }
        assert counts == {
            self.file(held.delivery).file["file_path"]: (held.inspections, held.delivery.sequencer)
            for held in self.model.values()
        }

    @invariant()
    def no_transaction_is_open(self) -> None:
        assert self.database.server.open_transactions == []

    def teardown(self) -> None:
        self.database.server.faults.clear()


@pytest.mark.parametrize("conflict", ["write", *slow("commit", "lenient")])
def test_the_tables_are_those_of_a_simple_model_whatever_happens(conflict: str) -> None:
    with vast(conflict=conflict, tables=True) as database:
        database.store().ensure_tables()
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            lambda: Machine(database),
            settings=settings(
                max_examples=12,
                stateful_step_count=12,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
