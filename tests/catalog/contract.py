"""What every store promises, as tests.

A subclass gives the database in a fixture named `backend`, and one without tables in `empty`.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from exr_inspector import errors, inspect
from exr_inspector.catalog.cells import MAX_CELL_BYTES
from exr_inspector.catalog.columns import TABLES
from exr_inspector.catalog.rows import rows_of
from exr_inspector.catalog.store import Outcome, Removal
from exr_inspector.errors import InspectorError
from exr_inspector.location import path_location
from exr_inspector.vectors.embedding import EMBEDDING_VERSION
from tests.catalog.backends import rows, tables
from tests.catalog.rows import NOON, delivered, expected, with_cells, with_findings, with_statistics
from tests.exrfiles.demo import layered_beauty

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.catalog.backends import Backend, Row

HOUR = dt.timedelta(hours=1)

# What marks a newer version, and what an older one.
ORDERS: list[tuple[dict, dict]] = [
    ({"sequencer": "0A10"}, {"sequencer": "0a0f"}),
    ({"sequencer": "B"}, {"sequencer": "0B"}),
    ({"mtime": NOON}, {"mtime": NOON - HOUR, "etag": "x"}),
    ({"sequencer": "2", "mtime": NOON - HOUR}, {"sequencer": "1", "mtime": NOON, "etag": "x"}),
]

# Two versions that neither precedes: of one sequencer, of one second, or without any order.
EQUAL: list[dict] = [{"sequencer": "0A"}, {"mtime": NOON, "etag": "x"}, {}]

REALS = (math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308)
WHOLES = (-(2**63), 2**63 - 1, -1, 0, 2**53 + 1, 1)
TEXTS = (
    "", "\0", "a\0b", "naïve 層 🎬", "\u202ereversed", "'; DROP TABLE files; --", '"', "\\", "%_*?", "NULL",
    "line\r\nline", "\ufeff", "\ud7ff\ue000\uffff", "x" * MAX_CELL_BYTES, "層" * (MAX_CELL_BYTES // 3),
)  # fmt: skip

LONG = "層" * MAX_CELL_BYTES


def audit(backend: Backend, name: str) -> Row:
    (row,) = [row for row in rows(backend, "files") if row["file_path"] == f"/show/{name}.exr"]
    return row


class StoreContract:
    # --- one file ---------------------------------------------------------------------------------------

    def test_a_new_file_is_inserted_into_all_tables(self, backend: Backend) -> None:
        file = delivered("a", version=2)
        assert backend.store().upsert([file]) == [Outcome(file.file_id, "inserted")]
        assert tables(backend) == expected(file)
        row = audit(backend, "a")
        assert row["first_seen"] == row["last_inspected"]
        assert row["inspection_count"] == 1
        assert row["write_id"]

    def test_the_rows_of_a_real_file_come_back_as_they_are(self, backend: Backend, tmp_path: Path) -> None:
        path = tmp_path / "beauty.1001.exr"
        path.write_bytes(layered_beauty())
        file = rows_of(inspect(path))
        backend.store().upsert([file])
        assert tables(backend) == expected(file)

    def test_an_unchanged_file_only_counts_up_its_audit_columns(self, backend: Backend) -> None:
        store, file = backend.store(), delivered("a")
        store.upsert([file])
        before = audit(backend, "a")
        assert store.upsert([file]) == [Outcome(file.file_id, "unchanged")]
        after = audit(backend, "a")
        assert tables(backend) == expected(file)
        assert after["inspection_count"] == 2
        assert after["first_seen"] == before["first_seen"]
        assert after["last_inspected"] > before["last_inspected"]
        assert after["write_id"] != before["write_id"]

    def test_a_changed_file_replaces_its_rows_in_all_tables(self, backend: Backend) -> None:
        store, other = backend.store(), delivered("b")
        store.upsert([delivered("a", version=3), other])
        first_seen = audit(backend, "a")["first_seen"]
        changed = delivered("a", version=1)
        assert store.upsert([changed]) == [Outcome(changed.file_id, "replaced")]
        assert tables(backend) == expected(changed, other)
        assert audit(backend, "a")["first_seen"] == first_seen
        assert audit(backend, "a")["inspection_count"] == 2

    def test_a_file_without_parts_keeps_its_row_and_loses_the_others(self, backend: Backend) -> None:
        store, broken = backend.store(), delivered("a", version=0)
        store.upsert([delivered("a", version=2)])
        store.upsert([broken])
        counts = {table: count for table in TABLES if (count := len(rows(backend, table)))}
        assert counts == {"files": 1, "facets": 1}
        store.upsert([delivered("a", version=2)])
        assert tables(backend) == expected(delivered("a", version=2))

    # --- findings ---------------------------------------------------------------------------------------

    def test_findings_are_stored_and_a_clean_file_is_recorded(self, backend: Backend) -> None:
        store, clean = backend.store(), with_findings(delivered("a"))
        failing = with_findings(delivered("b"), "not complete", "odd")
        store.upsert([clean, failing])
        assert tables(backend) == expected(clean, failing)
        assert {each.action for each in store.upsert([clean, failing])} == {"unchanged"}
        assert tables(backend) == expected(clean, failing)

    def test_findings_of_another_policy_replace_the_stored_ones(self, backend: Backend) -> None:
        store, other = backend.store(), with_findings(delivered("b"), "odd")
        store.upsert([with_findings(delivered("a"), "one", "two"), other])
        mended = with_findings(delivered("a"), "three")
        assert [each.action for each in store.upsert([mended])] == ["replaced"]
        assert tables(backend) == expected(mended, other)

    def test_findings_stay_with_the_facts_they_are_about_and_go_with_them(self, backend: Backend) -> None:
        store, other = backend.store(), with_findings(delivered("b"), "odd")
        store.upsert([with_findings(delivered("a"), "one"), other])
        store.upsert([delivered("a")])
        assert tables(backend) == expected(with_findings(delivered("a"), "one"), other)
        store.upsert([delivered("a", version=2)])
        assert tables(backend) == expected(delivered("a", version=2), other)
        store.upsert([], [Removal(other.file_id)])
        assert tables(backend) == expected(delivered("a", version=2))

    # --- facets -----------------------------------------------------------------------------------------

    def test_statistics_are_stored_and_known_by_their_inputs(self, backend: Backend) -> None:
        store, file = backend.store(), with_statistics(delivered("a", etag="v1"))
        store.upsert([file, delivered("b")])
        assert tables(backend) == expected(file, delivered("b"))
        ids = [file.file_id, delivered("b").file_id, "0" * 32]
        assert store.computed(ids, "pixels") == {file.file_id: file.facets["pixels"]["input_hash"]}
        assert set(store.computed(ids, "header")) == set(ids[:2])
        assert store.computed([], "pixels") == {}

    def test_a_delivery_without_statistics_leaves_those_of_unchanged_pixels(self, backend: Backend) -> None:
        store, file = backend.store(), with_statistics(delivered("a", etag="v1"))
        store.upsert([file])
        assert store.upsert([delivered("a", etag="v1")]) == [Outcome(file.file_id, "unchanged")]
        assert store.upsert([file]) == [Outcome(file.file_id, "unchanged")]
        assert tables(backend) == expected(file)
        header = delivered("a", version=3, etag="v1")
        assert store.upsert([header]) == [Outcome(file.file_id, "replaced")]
        assert tables(backend) == expected(with_statistics(header))

    def test_statistics_of_another_request_replace_the_stored_ones(self, backend: Backend) -> None:
        store, file, other = backend.store(), delivered("a", etag="v1"), with_statistics(delivered("b"))
        store.upsert([with_statistics(file, number=3), other])
        asked = with_statistics(file, "full", 2)
        assert store.upsert([asked]) == [Outcome(file.file_id, "replaced")]
        assert tables(backend) == expected(asked, other)

    def test_statistics_of_an_older_version_go_with_it(self, backend: Backend) -> None:
        store, other = backend.store(), with_statistics(delivered("b", etag="v1"))
        store.upsert([with_statistics(delivered("a", etag="v1")), other])
        rendered_again = delivered("a", version=2, etag="v2")
        store.upsert([rendered_again])
        assert tables(backend) == expected(rendered_again, other)
        store.upsert([with_statistics(rendered_again)])
        store.upsert([], [Removal(rendered_again.file_id)])
        assert tables(backend) == expected(other)

    # --- tables that are lost ---------------------------------------------------------------------------

    @pytest.mark.parametrize("table", TABLES)
    def test_a_table_that_was_dropped_is_filled_again_by_unchanged_files(
        self, backend: Backend, table: str
    ) -> None:
        """The next store notices it."""
        files = [with_statistics(delivered("a", etag="v1"), number=2), delivered("b", etag="v1")]
        backend.store().upsert(files)
        backend.drop_table(table)
        store = backend.store()
        store.ensure_tables()
        store.upsert(files)
        assert tables(backend) == expected(*files)
        assert [each.action for each in store.upsert(files)] == ["unchanged", "unchanged"]

    @pytest.mark.parametrize("version", [1, 2])
    def test_statistics_of_which_nothing_is_known_do_not_stay(self, backend: Backend, version: int) -> None:
        """Without `facets` nothing says which version of the object they belong to."""
        backend.store().upsert([with_statistics(delivered("a", etag="v1"), number=2)])
        backend.drop_table("facets")
        store, header = backend.store(), delivered("a", version, etag=f"v{version}")
        store.ensure_tables()
        store.upsert([header])
        assert tables(backend) == expected(header)
        store.upsert([with_statistics(header)])
        assert tables(backend) == expected(with_statistics(header))

    # --- order ------------------------------------------------------------------------------------------

    def test_what_is_older_never_overwrites_what_is_newer(self, backend: Backend) -> None:
        store = backend.store()
        newer = [delivered(f"a{index}", version=2, **order) for index, (order, _) in enumerate(ORDERS)]
        older = [delivered(f"a{index}", version=1, **order) for index, (_, order) in enumerate(ORDERS)]
        store.upsert(newer)
        before = rows(backend, "files")
        assert store.upsert(older) == [Outcome(each.file_id, "outdated") for each in older]
        assert tables(backend) == expected(*newer)
        assert rows(backend, "files") == before

    def test_an_older_time_of_a_local_file_is_a_change_like_any_other(self, backend: Backend) -> None:
        store, restored = backend.store(), delivered("a", version=1, mtime=NOON - HOUR)
        store.upsert([delivered("a", version=2, mtime=NOON)])
        assert store.upsert([restored]) == [Outcome(restored.file_id, "replaced")]

    def test_the_later_sequencer_stays_with_an_unchanged_file(self, backend: Backend) -> None:
        store = backend.store()
        for sequencer in ("01", "03", "02", None):
            store.upsert([delivered("a", sequencer=sequencer)])
        assert audit(backend, "a")["sequencer"] == "03"
        assert audit(backend, "a")["inspection_count"] == 4

    # --- batches ----------------------------------------------------------------------------------------

    def test_a_batch_does_to_each_file_what_is_right_for_it(self, backend: Backend) -> None:
        store = backend.store()
        store.upsert([delivered("same"), delivered("changed"), delivered("late", version=2, sequencer="2")])
        batch = [
            delivered("late", version=1, sequencer="1"),
            delivered("new"),
            delivered("changed", version=2),
            delivered("same"),
        ]
        actions = ["outdated", "inserted", "replaced", "unchanged"]
        outcomes = [
            Outcome(file.file_id, action) for file, action in zip(batch, actions, strict=True)  # type: ignore[arg-type]
        ]  # fmt: skip
        assert store.upsert(batch) == outcomes
        assert tables(backend) == expected(*batch[1:], delivered("late", version=2, sequencer="2"))

    def test_of_a_file_twice_in_a_batch_the_last_counts(self, backend: Backend) -> None:
        last = delivered("a", version=2)
        assert backend.store().upsert([delivered("a"), last]) == [Outcome(last.file_id, "inserted")]
        assert tables(backend) == expected(last)

    def test_of_a_file_twice_in_a_batch_the_older_does_not_count(self, backend: Backend) -> None:
        newer = delivered("a", version=2, sequencer="2")
        backend.store().upsert([newer, delivered("a", sequencer="1")])
        assert tables(backend) == expected(newer)
        assert audit(backend, "a")["sequencer"] == "2"

    def test_nothing_to_do_is_nothing_done(self, backend: Backend) -> None:
        store = backend.store()
        assert (store.upsert([]), store.upsert([], []), store.lookup([])) == ([], [], {})

    # --- removing and looking up ------------------------------------------------------------------------

    def test_a_removed_file_has_no_row_in_any_table(self, backend: Backend) -> None:
        store, other = backend.store(), delivered("b")
        store.upsert([delivered("a", version=2), other])
        removals = [Removal(delivered("a").file_id), Removal(path_location("/show/never-seen.exr").file_id)]
        assert [each.action for each in store.upsert([], [*removals, *removals])] == ["deleted", "absent"]
        assert tables(backend) == expected(other)
        assert [each.action for each in store.upsert([], removals)] == ["absent", "absent"]

    def test_a_removal_that_is_older_than_the_file_is_outdated(self, backend: Backend) -> None:
        store, file = backend.store(), delivered("a", sequencer="2", mtime=NOON)
        store.upsert([file])
        late = [Removal(file.file_id, sequencer="1"), Removal(file.file_id, time=NOON - HOUR)]
        assert store.upsert([], late) == [Outcome(file.file_id, "outdated")]
        assert tables(backend) == expected(file)
        assert store.upsert([], [Removal(file.file_id, sequencer="3")]) == [Outcome(file.file_id, "deleted")]

    @pytest.mark.parametrize("order", EQUAL)
    def test_a_removal_as_old_as_the_file_deletes_it(self, backend: Backend, order: Row) -> None:
        store, file = backend.store(), delivered("a", **order)
        store.upsert([file])
        removal = Removal(file.file_id, order.get("sequencer"), order.get("mtime"))
        assert store.upsert([], [removal]) == [Outcome(file.file_id, "deleted")]

    @pytest.mark.parametrize("order", EQUAL)
    def test_of_equally_old_versions_the_later_delivery_wins(self, backend: Backend, order: Row) -> None:
        store = backend.store()
        versions = [delivered("a", version=version, **order) for version in (2, 1, 3)]
        store.upsert(versions[:1])
        assert store.upsert(versions[1:2]) == [Outcome(versions[0].file_id, "replaced")]
        assert tables(backend) == expected(versions[1])
        store.upsert([versions[0], versions[2]])
        assert tables(backend) == expected(versions[2])

    def test_what_is_known_to_be_current_is_never_outdated(self, backend: Backend) -> None:
        store, newer = backend.store(), delivered("a", version=2, sequencer="2")
        current = replace(delivered("a", sequencer="1"), is_current=True)
        store.upsert([newer])
        assert store.upsert([current]) == [Outcome(newer.file_id, "replaced")]
        assert tables(backend) == expected(current)
        assert store.upsert([], [Removal(newer.file_id, sequencer="1", is_current=True)]) == [
            Outcome(newer.file_id, "deleted")
        ]

    @pytest.mark.parametrize("version", [1, 2])
    def test_a_file_that_is_removed_and_delivered_at_once_is_there_as_if_it_were_new(
        self, backend: Backend, version: int
    ) -> None:
        store, known, other = backend.store(), delivered("a"), delivered("b")
        store.upsert([known, other])
        file = delivered("a", version=version)
        assert store.upsert([file], [Removal(file.file_id)]) == [Outcome(file.file_id, "inserted")]
        assert tables(backend) == expected(file, other)
        assert audit(backend, "a")["inspection_count"] == 1

    def test_a_removal_spares_a_row_that_was_written_since(self, backend: Backend) -> None:
        """A listing found the file gone; meanwhile it came back, and an event stored it."""
        store, file = backend.store(), delivered("a")
        store.upsert([file])
        seen = audit(backend, "a")["write_id"]
        store.upsert([file])
        removal = Removal(file.file_id, unless_since=seen)
        assert store.upsert([], [removal]) == [Outcome(file.file_id, "outdated")]
        assert tables(backend) == expected(file)
        removal = Removal(file.file_id, unless_since=audit(backend, "a")["write_id"])
        assert store.upsert([], [removal]) == [Outcome(file.file_id, "deleted")]
        assert tables(backend) == expected()

    # --- scans ------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("table", ["files", "channels", "facets"])
    def test_a_scan_yields_the_rows_below_a_name_or_all(self, backend: Backend, table: str) -> None:
        store = backend.store()
        names = ("a/1", "a/2", "ab", "a0", "A/1", "a/\U0001f3ac")
        files = [delivered(name, version=2) for name in names]
        store.upsert(
            [with_cells(each, "files", file_path_normalized=each.file["file_path"]) for each in files]
        )

        def paths(under: str) -> set[str]:
            found = store.scan(table, ["file_path", "file_id"], lambda reader: reader.read_all(), under)
            assert found.column_names == ["file_path", "file_id"]
            assert found.num_rows == len(files[0].rows[table]) * len(set(found["file_path"].to_pylist()))
            return set(found["file_path"].to_pylist())

        assert paths("") == {f"/show/{name}.exr" for name in names}
        assert paths("/show/a/") == {f"/show/{name}.exr" for name in ("a/1", "a/2", "a/\U0001f3ac")}
        assert paths("/other/") == set()

    def test_how_a_file_was_found_is_stored_also_if_no_fact_changes(self, backend: Backend) -> None:
        store = backend.store()
        for inode in (1, -2):
            store.upsert([with_cells(delivered("a"), "files", inode=inode, writing=inode == 1, ctime=NOON)])
        row = audit(backend, "a")
        assert (row["inode"], row["writing"], row["ctime"], row["device"]) == (-2, False, NOON, None)

    def test_a_lookup_tells_of_the_stored_files_alone(self, backend: Backend) -> None:
        store = backend.store()
        file = delivered("a", sequencer="5", etag="tag", mtime=NOON)
        store.upsert([file])
        found = store.lookup([file.file_id, path_location("/show/never-seen.exr").file_id])
        assert list(found) == [file.file_id]
        stored = found[file.file_id]
        assert stored.facts_hash == file.file["facts_hash"]
        assert (stored.sequencer, stored.etag, stored.mtime) == ("5", "tag", NOON)
        assert stored.inspection_count == 1

    def test_a_closed_store_leaves_its_rows_to_the_next(self, backend: Backend) -> None:
        store = backend.store()
        store.upsert([delivered("a")])
        store.close()
        store.close()
        assert list(backend.store().lookup([delivered("a").file_id])) == [delivered("a").file_id]

    # --- failures and races -----------------------------------------------------------------------------

    def test_a_failure_at_any_step_leaves_the_tables_as_they_were(self, backend: Backend) -> None:
        store = backend.store()
        held = [delivered("same"), delivered("changed"), delivered("gone")]
        store.upsert(held)
        batch = [delivered("same"), delivered("changed", version=2), delivered("new")]
        for step in itertools.count(1):
            with backend.failing(step) as failure:
                error = _error_of(lambda: store.upsert(batch))
            if not failure.reached:
                break
            assert error
            assert error.retry
            assert tables(backend) == expected(*held)
        assert step > 8
        assert tables(backend) == expected(*batch, delivered("gone"))

    def test_a_failing_removal_leaves_the_tables_as_they_were(self, backend: Backend) -> None:
        store, file = backend.store(), delivered("a", version=2)
        store.upsert([file])
        for step in itertools.count(1):
            with backend.failing(step) as failure:
                error = _error_of(lambda: store.upsert([], [Removal(file.file_id)]))
            if not failure.reached:
                break
            assert error
            assert error.retry
            assert tables(backend) == expected(file)
        assert step > 5
        assert tables(backend) == expected()

    def test_threads_that_deliver_the_same_new_file_leave_one_set_of_rows(self, backend: Backend) -> None:
        store, file = backend.store(), delivered("a", version=2)
        with ThreadPoolExecutor(6) as pool:
            outcomes = list(pool.map(store.upsert, [[file]] * 6))
        actions = sorted(outcome.action for (outcome,) in outcomes)
        assert actions == ["inserted"] + ["unchanged"] * 5
        assert tables(backend) == expected(file)
        assert audit(backend, "a")["inspection_count"] == 6

    def test_threads_that_deliver_versions_leave_the_newest(self, backend: Backend) -> None:
        store = backend.store()
        versions = [delivered("a", version=number, sequencer=f"{number:04x}") for number in (3, 1, 4, 2)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda file: store.upsert([file]), versions))
        assert tables(backend) == expected(versions[2])

    # --- values -----------------------------------------------------------------------------------------

    def test_any_number_survives(self, backend: Backend) -> None:
        files = [
            with_cells(
                with_cells(delivered(f"a{index}"), "parts", pixel_aspect_ratio=real, part_index=whole),
                "attributes", value_float=real, value_int=whole,
            )
            for index, (real, whole) in enumerate(zip(REALS, WHOLES, strict=True))
        ]  # fmt: skip
        backend.store().upsert(files)
        assert tables(backend) == expected(*files)
        assert {repr(row["pixel_aspect_ratio"]) for row in rows(backend, "parts")} == set(map(repr, REALS))

    def test_any_text_survives(self, backend: Backend) -> None:
        files = []
        for index, text in enumerate(TEXTS):
            file = with_cells(delivered(f"a{index}"), "files", openimageio_message=text, sequence_key=text)
            cells = {"attr_name": text[:1000], "value_json": text, "value_text": text}
            files.append(with_cells(file, "attributes", **cells))
        backend.store().upsert(files)
        assert tables(backend) == expected(*files)
        assert {row["openimageio_message"] for row in rows(backend, "files")} == set(TEXTS)

    def test_a_document_with_a_text_too_long_for_any_cell_in_every_column_is_stored(
        self, backend: Backend, tmp_path: Path
    ) -> None:
        path = tmp_path / "beauty.1001.exr"
        path.write_bytes(layered_beauty())
        document: dict[str, Any] = {**inspect(path)}
        _lengthen("files", document["file"])
        document["file"]["path"] = f"/{LONG}"
        for part in document["parts"]:
            _lengthen("parts", part)
            part["attributes"] = [{"name": LONG, "type": LONG, "value": LONG}]
        for channel in document["channels"]:
            _lengthen("channels", channel)
        document["errors"] = [{"code": "BAD_ATTRIBUTE", "message": LONG, "where": LONG}]
        document["file"]["openimageio"].update(message=LONG, differences=[LONG])
        file = rows_of(document)
        backend.store().upsert([file])
        assert tables(backend) == expected(file)
        whole = {
            name
            for table in TABLES
            for row in rows(backend, table)
            for name, value in row.items()
            if isinstance(value, str) and not value.startswith('{"elided"')
        }
        assert whole == {
            "file_id", "facts_hash", "write_id", "inspector_version", "facet", "input_hash", "status",
        }  # fmt: skip

    def test_absent_values_stay_absent(self, backend: Backend) -> None:
        names = [name for name in TABLES["files"].names if name not in ("file_id", "file_path")]
        file = with_cells(delivered("a"), "files", **dict.fromkeys(names))
        backend.store().upsert([file])
        assert tables(backend) == expected(file)

    def test_many_of_the_largest_cells_go_in_together(self, backend: Backend) -> None:
        wide = "x" * MAX_CELL_BYTES
        files = [delivered(f"wide-{index}") for index in range(60)]
        files = [with_cells(file, "attributes", value_json=wide, value_text=wide) for file in files]
        backend.store().upsert(files)
        assert tables(backend) == expected(*files)

    # --- tables of others -------------------------------------------------------------------------------

    def test_tables_are_made_once_however_often_that_is_asked(self, backend: Backend) -> None:
        backend.store().ensure_tables()
        backend.store().upsert([delivered("a")])
        backend.store().ensure_tables()
        assert tables(backend) == expected(delivered("a"))

    def test_a_table_of_an_older_version_gains_the_missing_columns(self, empty: Backend) -> None:
        old, new = delivered("a"), delivered("b")
        for table, schema in TABLES.items():
            names = [name for name in reversed(schema.names) if name not in LATER]
            columns = pa.schema([schema.field(name) for name in names])
            rows = [{name: row.get(name) for name in names} for row in old.rows.get(table, ())]
            empty.make_table(table, columns, rows)
        store = empty.store()
        assert [outcome.action for outcome in store.upsert([old, new])] == ["replaced", "inserted"]
        assert tables(empty) == expected(old, new)
        assert audit(empty, "a")["inspection_count"] == 1

    def test_a_file_whose_other_tables_were_created_later_is_filled_in(self, empty: Backend) -> None:
        """Tables of 1.0 are `files`, parts, channels and attributes; here only `files` is there."""
        file = delivered("a", version=2)
        empty.make_table("files", TABLES["files"], [{**file.file, "inspection_count": 3}])
        store = empty.store()
        assert store.upsert([file]) == [Outcome(file.file_id, "replaced")]
        assert tables(empty) == expected(file)
        assert audit(empty, "a")["inspection_count"] == 4
        assert store.upsert([file]) == [Outcome(file.file_id, "unchanged")]

    @pytest.mark.parametrize(
        ("table", "column", "kind"),
        [("files", "size_bytes", pa.string()), ("attributes", "value_float", pa.int64())],
    )
    def test_a_table_that_does_not_fit_is_refused_by_the_column_s_name(
        self, empty: Backend, table: str, column: str, kind: pa.DataType
    ) -> None:
        schema = TABLES[table]
        empty.make_table(table, schema.set(schema.get_field_index(column), pa.field(column, kind)), [])
        with pytest.raises(InspectorError, match=rf"{table}\.{column}") as refusal:
            empty.store().ensure_tables()
        assert refusal.value.fault is errors.TABLE_MISMATCH

    def test_a_table_of_someone_else_s_keeps_its_rows(self, empty: Backend) -> None:
        """Other databases have a table called parts, too."""
        theirs = pa.schema([pa.field("part_index", pa.int64()), pa.field("supplier", pa.string())])
        empty.make_table("parts", theirs, [{"part_index": 1, "supplier": "x"}])
        with pytest.raises(InspectorError, match="table parts has no column file_id") as refusal:
            empty.store().ensure_tables()
        assert refusal.value.fault is errors.TABLE_MISMATCH
        assert empty.table("parts")["supplier"].to_pylist() == ["x"]

    def test_a_column_of_someone_else_s_is_left_alone(self, empty: Backend) -> None:
        for table, schema in TABLES.items():
            empty.make_table(table, schema.insert(0, pa.field("studio_note", pa.string())), [])
        store = empty.store()
        store.upsert([delivered("a")])
        store.upsert([delivered("a", version=2)])
        assert [row["studio_note"] for row in rows(empty, "files")] == [None]

    # --- vectors ----------------------------------------------------------------------------------------

    def test_a_stored_vector_is_given_unless_another_release_made_it(self, backend: Backend) -> None:
        store = backend.store()
        file = with_cells(delivered("a"), "files", embedding_version=EMBEDDING_VERSION)
        store.upsert([file, with_cells(delivered("b"), "files", embedding_version=EMBEDDING_VERSION - 1)])
        assert store.vector(file.file_id, "channels") == pytest.approx(file.file["channel_fingerprint"])
        assert store.vector(delivered("b").file_id, "channels") is None
        assert store.vector(delivered("c").file_id, "channels") is None


# Columns that an older version does not have: of each type, and of each kind of use.
LATER = {
    "facts_hash", "sequencer", "inspection_count", "first_seen", "last_inspected", "write_id", "frame_number",
    "channel_fingerprint", "complete", "tile_width", "p_linear", "value_float",
}  # fmt: skip


def _lengthen(table: str, facts: dict[str, Any]) -> None:
    for field in TABLES[table]:
        if field.type == pa.string() and field.name in facts:
            facts[field.name] = LONG


def _error_of(act: Callable[[], object]) -> InspectorError | None:
    try:
        act()
    except InspectorError as error:
        return error
    return None
