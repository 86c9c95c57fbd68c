"""The configuration of a show: what paths mean, which frames are expected, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from exr_inspector import Settings
from exr_inspector.apps.cli.run import Run
from exr_inspector.catalog.duckdb.store import DuckDBStore
from exr_inspector.errors import BAD_SETTING, InspectorError
from exr_inspector.location import path_location
from exr_inspector.policy.yaml_text import MAX_BYTES, MAX_VALUES
from exr_inspector.response import make_runtime
from exr_inspector.show import MAX_TABLE_BYTES, load_show
from exr_inspector.shows import Shows
from tests.apps.cli.command import run
from tests.exrfiles.demo import simple

CONFIG = """\
show: hill
patterns:
  - "shots/{sequence}/{shot}/{shot}_{pass}_{version}.{frame}.exr"
  - "plates/**/{shot}_img{frame}.exr"
fields:
  shot: "sh[0-9]{3}"
frames:
  - {shot: sh010, frames: 1001-1003}
  - {shot: sh010, pass: depth, frames: 1001-1002}
frame_table: shots.csv
"""
TABLE = "\ufeffShot,First,Last,note\r\nsh020,1001,1010,hello\nsh030,1001,1001,\n"
FRAME = "shots/sq01/sh010/sh010_beauty_v003.1001.exr"
FIELDS = {"show": "hill", "sequence": "sq01", "shot": "sh010", "pass": "beauty", "version": "v003"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "exr-inspector.yaml").write_text(CONFIG)
    (tmp_path / "shots.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(simple(4, 4))
    return path


def test_a_path_is_described_by_the_nearest_configuration(root: Path) -> None:
    shows = Shows()
    described = shows.describe(str(root / FRAME))
    assert dict(described.fields) == FIELDS
    assert described.span
    assert str(root / FRAME)[slice(*described.span)] == "1001"
    assert dict(shows.describe(str(root / "other.1001.exr")).fields) == {"show": "hill"}
    assert dict(shows.describe(str(root.parent / "other.1001.exr")).fields) == {}
    assert dict(shows.describe("s3://bucket/other.1001.exr").fields) == {}


def test_a_field_that_is_named_twice_must_agree(root: Path) -> None:
    path = str(root / "shots/sq01/sh010/sh020_beauty_v003.1001.exr")
    assert dict(Shows().describe(path).fields) == {"show": "hill"}


def test_a_nearer_configuration_comes_first(root: Path) -> None:
    (root / "shots" / "exr-inspector.yaml").parent.mkdir()
    (root / "shots" / "exr-inspector.yaml").write_text('patterns: ["{sequence}/**"]\n')
    assert dict(Shows().describe(str(root / FRAME)).fields) == {"sequence": "sq01"}


def test_a_root_may_be_a_bucket(root: Path) -> None:
    text = CONFIG.replace("show: hill", "show: hill\nroot: s3://renders/hill")
    (root / "hill.yaml").write_text(text)
    shows = Shows(str(root / "hill.yaml"))
    assert dict(shows.describe(f"s3://renders/hill/{FRAME}").fields) == FIELDS
    assert dict(shows.describe(f"s3://renders/hills/{FRAME}").fields) == {}


def test_the_frames_with_the_most_fields_count(root: Path) -> None:
    show = load_show("exr-inspector.yaml")
    assert show.expected({"shot": "sh010", "pass": "beauty"}) == (1001, 1002, 1003)
    assert show.expected({"shot": "sh010", "pass": "depth"}) == (1001, 1002)
    assert show.expected({"shot": "sh020"}) == tuple(range(1001, 1011))
    assert show.expected({"shot": "sh030"}) == (1001,)
    assert show.expected({"shot": "sh040"}) is None
    assert show.expected({}) is None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("show:", "shows:", "shows: there is no such field (exr-inspector.yaml:1)"),
        ("{pass}", "{layer}", "patterns[0]: there is no field {layer}; known are show"),
        ("sh[0-9]{3}", "sh[0-9", "fields.shot: not a valid pattern: missing ]"),
        ("1001-1003", "1001-", "frames[0]: '1001-' is not a frame range"),
        ("shots.csv", "none.csv", "frame_table: cannot read none.csv"),
        ("show: hill", "show: &a hill", "aliases and anchors are not allowed (exr-inspector.yaml:1)"),
        ("show: hill", "show: hill\nwebhook: file:///etc/passwd", "webhook: "),
        ("show: hill", f"show: hill #{'x' * MAX_BYTES}", "at most 262144 are allowed"),
        ("show: hill", f"show: {'[' * 21}{']' * 21}", "nested more than 20 deep"),
        ("show: hill", f"show: [{'0, ' * MAX_VALUES}]", "more than 20000 values"),
        ("{pass}", "x" * 500, "patterns[0]: "),
    ],
)
def test_a_configuration_that_is_not_valid_is_refused_with_file_line_and_field(
    root: Path, before: str, after: str, said: str
) -> None:
    (root / "exr-inspector.yaml").write_text(CONFIG.replace(before, after))
    with pytest.raises(InspectorError) as refused:
        load_show("exr-inspector.yaml")
    assert refused.value.fault is BAD_SETTING
    assert said in str(refused.value)
    assert run("check", ".").exit_code == 2


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"shot,first,last\nsh010,1001,x\n", "shots.csv:2: '1001-x' is not a frame range"),
        (b"shot,first,last\nsh010,,\n", "shots.csv:2 has no frames"),
        (b"first,last\n1001,1002\n", "shots.csv:2 has no frames, or none of show"),
        (b"shot\xff", "is not a CSV file in UTF-8"),
        (b"x" * (MAX_TABLE_BYTES + 1), "has more than 16 MiB"),
    ],
)
def test_a_table_that_is_not_valid_is_refused(root: Path, table: bytes, said: str) -> None:
    (root / "shots.csv").write_bytes(table)
    with pytest.raises(InspectorError) as refused:
        load_show("exr-inspector.yaml")
    assert said in str(refused.value)


def test_a_pattern_matches_in_linear_time(root: Path) -> None:
    (root / "exr-inspector.yaml").write_text(
        'patterns: ["{shot}{pass}*{version}*x"]\nfields: {shot: "(a+)+"}\n'
    )
    assert Shows().describe(str(root / ("a" * 10_000))).fields == {}


def test_check_takes_frames_policies_and_the_settling_time_from_the_configuration(root: Path) -> None:
    for number in (1001, 1003):
        write(root / f"shots/sq01/sh010/sh010_beauty_v003.{number}.exr")
    done = run("check", "shots")
    assert "sh010_beauty_v003.#.exr 1001-1003 · 2 ok · missing 1002" in done.stdout
    assert "No frames are stated" not in done.stdout
    assert run("check", "shots", "--frames", "1001-1003x2").exit_code == 0
    with (root / "exr-inspector.yaml").open("a") as file:
        file.write("policies: [studio.yaml]\nsettle_seconds: 0\n")
    (root / "studio.yaml").write_text(
        "policy: studio\nrules:\n  - {id: STU-01, title: Wide, given: parts, assert: {width: 5}}\n"
    )
    cut = root / "shots/sq01/sh010/sh010_beauty_v003.1002.exr"
    cut.write_bytes(simple(4, 4)[:-9])
    assert "STU-01 1001-1003 · incomplete 1002" in run("check", "shots").stdout


def test_a_pattern_finds_frames_that_names_alone_do_not_show(root: Path) -> None:
    for number in (1, 2, 4):
        write(root / f"plates/a/sh050_img{number:04}.exr")
    assert run("check", "plates").stdout.startswith("plates/a/sh050_img#.exr 1-4 · 3 ok · missing 3")


def test_the_columns_of_stored_files_hold_the_fields_and_follow_the_configuration(root: Path) -> None:
    path = write(root / FRAME)

    def stored() -> dict[str, str | None]:
        runtime = make_runtime(Settings(db_file="rows.duckdb"))
        inspected = Run([path_location(str(path))], runtime, lists_faults=False)
        with inspected.session():
            list(inspected.documents())
        store = DuckDBStore("rows.duckdb", read_only=True)
        sql = "SELECT show_name, sequence, shot, pass, version FROM files"
        (row,) = store.query(sql).to_pylist()
        store.close()
        found: dict[str, str | None] = row
        return found

    expected = {"show_name": "hill", "sequence": "sq01", "shot": "sh010", "pass": "beauty", "version": "v003"}
    assert stored() == expected


def test_a_given_configuration_that_is_not_valid_stops_the_start(root: Path) -> None:
    (root / "hill.yaml").write_text("shows: hill\n")
    with pytest.raises(InspectorError, match="there is no such field"):
        make_runtime(Settings(show_config="hill.yaml"))
