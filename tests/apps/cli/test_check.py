"""`exr-inspector check`: the line of a sequence, findings by rule, exit codes, formats."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest

from tests.apps.cli.command import on_terminal, run
from tests.checks.shows import faulty_sequence, with_nan
from tests.exrfiles.demo import simple, write_demo
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write
from tests.sources.server import S3Server

LINE = (
    "sh020/beauty.#.exr 1001-1240 · 233 ok · missing 1050-1051, 1240 · incomplete 1100 · empty 1101"
    " · undecodable 1102 · NaN 1113"
    " · odd: 1110 compression dwaa (others zip), 1111 lacks specular, 1112 17x9 (others 16x9)"
)
ROOT = Path(__file__).parents[3]
LONG_AGO = 1_700_000_000


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("show")
    faulty_sequence(folder / "sh020")
    for path in folder.rglob("*.exr"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frames(folder: Path, *numbers: int, content: bytes | None = None) -> None:
    for number in numbers:
        (folder / f"beauty.{number}.exr").write_bytes(simple(4, 4) if content is None else content)


def test_the_planted_faults_are_answered_exactly_in_one_screen(
    faulty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(faulty)
    done = run("check", "sh020", "--frames", "1001-1240", "--pixels", "full")
    lines = done.stdout.splitlines()
    assert lines[0] == LINE
    assert [line.partition(":")[0] for line in lines[1:]] == [
        "error FILE-01 1100",
        "error FILE-03 1101",
        "error PIX-01 1102",
        "error PIX-02 1113",
        "error SEQ-02 1050-1051, 1240",
        "error SEQ-03 1112",
        "error SEQ-04 1111",
        "warning SEQ-05 1110",
        "unknown 27 rules 1100-1102",
        "default",
    ]
    guide = (ROOT / "docs" / "CHECKING.md").read_text()
    assert f"```text\n{done.stdout}```" in guide
    assert done.exit_code == 1
    screen = on_terminal("check", "sh020", "--frames", "1001-1240", columns=80)
    assert len(screen.lines) < 24
    assert max(map(len, screen.lines)) <= 80


def test_a_clean_show_gives_no_finding(folder: Path) -> None:
    write_demo(folder / "show")
    cut = folder / "show/shots/sq010/sh020/beauty.1004.exr"
    cut.write_bytes(cut.with_name("beauty.1003.exr").read_bytes())
    done = run("check", "show", "--pixels", "full", "--format", "json")
    report = json.loads(done.stdout)
    assert [each["findings"] for each in report["sequences"]] == [[]] * 6
    assert report["summary"]["passed"] == report["summary"]["files"] == 11
    assert done.exit_code == 0


def test_rules_without_evidence_are_skipped_and_the_report_says_so(folder: Path) -> None:
    frames(folder, 1001, 1002, content=with_nan())
    done = run("check", ".")
    assert done.exit_code == 0
    assert "Skipped for lack of evidence: PIX-01, PIX-02" in done.stdout
    assert run("check", ".", "--pixels", "full").exit_code == 1


def test_a_young_incomplete_file_is_being_written(folder: Path) -> None:
    frames(folder, 1001, 1003)
    frames(folder, 1002, content=simple(4, 4)[:-5])
    frames(folder, 1004, content=b"")
    done = run("check", ".")
    assert done.stdout.splitlines()[0] == "beauty.#.exr 1001-1004 · 2 ok · writing 1002, 1004"
    assert done.exit_code == 0
    assert run("check", ".", "--settle", "0").exit_code == 1
    for number in (1002, 1004):
        os.utime(f"beauty.{number}.exr", (time.time() - 400,) * 2)
    assert "incomplete 1002 · empty 1004" in run("check", ".").stdout


def test_without_stated_frames_only_gaps_are_missing_and_the_report_says_so(folder: Path) -> None:
    frames(folder, 1001, 1002, 1004)
    done = run("check", ".")
    assert "beauty.#.exr 1001-1004 · 3 ok · missing 1003" in done.stdout
    assert "only gaps inside a sequence are missing" in done.stdout
    assert "· missing 1003, 1005-1006" in run("check", ".", "--frames", "1001-1006").stdout
    assert "· missing 1003, 1005" in run("check", "beauty.[1001-1005].exr").stdout
    assert "· extra 1004" in run("check", ".", "--frames", "1001-1002").stdout


def test_a_sequence_without_files_lacks_all_its_frames(folder: Path) -> None:
    done = run("check", "beauty.[1001-1003].exr")
    assert done.stdout.splitlines()[0] == "beauty.#.exr 1001-1003 · missing 1001-1003"
    assert done.exit_code == 1
    assert run("check", "beauty.#.exr", "--frames", "1001").exit_code == 1
    assert run("check", "beauty.#.exr").exit_code == 2


def test_exit_codes_have_a_precedence(folder: Path) -> None:
    frames(folder, 1001, 1003)
    assert run("check", ".", "--frames", "all").exit_code == 2
    assert run("check", ".", "--policy", "nothing").exit_code == 2
    assert run("check", "beauty.1001.exr", "nothing.exr").exit_code == 3
    assert run("check", "beauty.#.exr", "nothing.exr").exit_code == 1
    accepted = run("check", ".", "--exit-zero")
    assert accepted.exit_code == 0
    assert "missing 1002" in accepted.stdout
    assert run("check", "beauty.1001.exr").exit_code == 0


def test_a_lower_severity_counts_if_it_is_asked_for(folder: Path) -> None:
    frames(folder, 1001, 1002)
    frames(folder, 1003, content=simple(4, 4, compression="zips"))
    assert run("check", ".").exit_code == 0
    assert run("check", ".", "--fail-on", "warning").exit_code == 1
    assert run("check", ".", "--fail-on", "info").exit_code == 1
    assert run("check", "beauty.1003.exr", "--fail-on", "info").exit_code == 0


def test_a_rule_without_a_verdict_counts_if_it_is_asked_for(folder: Path) -> None:
    frames(folder, 1001, content=simple(256, 4096))
    sampled = ["check", ".", "--pixels", "sampled", "--budget", "0"]
    done = run(*sampled)
    assert done.exit_code == 0
    assert "beauty.#.exr 1001 · 1 unknown" in done.stdout
    assert re.search(
        r"unknown .*PIX-02|unknown \d+ rules 1001: cannot be judged in 3 places: \d+ of 256", done.stdout
    )
    assert run(*sampled, "--fail-on", "unknown").exit_code == 1


def test_a_baseline_accepts_known_findings(folder: Path) -> None:
    frames(folder, 1001, 1003)
    done = run("check", ".", "--format", "json")
    assert done.exit_code == 1
    Path("known.json").write_text(done.stdout)
    accepted = run("check", ".", "--baseline", "known.json")
    assert accepted.exit_code == 0
    assert "1 accepted" in accepted.stdout
    frames(folder, 1006)
    assert run("check", ".", "--baseline", "known.json").exit_code == 1
    Path("known.json").write_text("[]")
    assert run("check", ".", "--baseline", "known.json").exit_code == 2


def test_a_policy_file_extends_packs_and_suppresses_by_rule_and_path(folder: Path) -> None:
    frames(folder, 1001, 1002)
    (folder / "base.yaml").write_text(
        "policy: base\nrules:\n  - {id: STU-01, title: Named so, given: file, label: unnamed,"
        " assert: {name: {matches: '^plate'}}}\n"
    )
    (folder / "studio.yaml").write_text("policy: studio\nextends: [base.yaml]\n")
    done = run("check", ".", "--policy", "studio.yaml")
    assert done.stdout.splitlines()[0] == "beauty.#.exr 1001-1002 · unnamed 1001-1002"
    with Path("studio.yaml").open("a") as file:
        file.write("suppressions:\n  - {rule: STU-*, path: '*/beauty.1001.exr', reason: known}\n")
    done = run("check", ".", "--policy", "studio.yaml")
    assert done.stdout.splitlines()[0] == "beauty.#.exr 1001-1002 · 1 ok · unnamed 1002"
    assert "1 suppressed" in done.stdout


def test_channels_with_the_same_message_share_a_line(folder: Path) -> None:
    ramp = np.full((2, 2), np.nan, np.float16)
    names = [f"c{index:02}" for index in range(20)]
    frames(folder, 1001, 1002, content=write(scanline(dict.fromkeys(names, ramp), compression="zip")))
    (line,) = [
        each for each in run("check", ".", "--pixels", "full").stdout.splitlines() if "error" in each[:5]
    ]
    channels = "c00, c01, c02, c03, c04, c05, c06, c07 and 12 more"
    assert line.startswith(f"error PIX-02 1001-1002: channels {channels}: samples that are NaN")


def test_many_files_are_never_listed(folder: Path) -> None:
    for shot in range(20):
        (folder / f"sh{shot:03}").mkdir()
        frames(folder / f"sh{shot:03}", *range(1001, 1004), content=b"junk")
    lines = run("check", ".").stdout.splitlines()
    assert "sh000/beauty.#.exr 1001-1003 · unreadable 1001-1003" in lines
    assert "  and 12 more sequences or files" in lines
    assert len(lines) < 20 + 30
    assert len(run("check", ".", "--quiet").stdout.splitlines()) == len(lines)


def test_quiet_leaves_out_clean_sequences(folder: Path) -> None:
    frames(folder, 1001)
    assert "beauty" not in run("check", ".", "--quiet").stdout


def test_control_characters_of_names_are_escaped(folder: Path) -> None:
    (folder / "red\x1b[31m.1001.exr").write_bytes(b"junk")
    for form in ("text", "junit", "sarif", "github"):
        assert "\x1b" not in run("check", ".", "--format", form).stdout


def test_objects_are_checked_by_prefix_and_by_pattern(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with S3Server() as s3:
        bucket = "renders"
        s3.bucket(bucket)
        good, cut = simple(4, 4), simple(4, 4)[:-9]
        for number, content in {1001: good, 1002: cut, 1004: good}.items():
            s3.put(bucket, f"sh 010/beauty.{number}.exr", content)
        s3.put(bucket, "sh 010/deeper/other.exr", good)
        for name, value in {"S3_ENDPOINT": s3.url, "S3_ACCESS_KEY": "test-access-key"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("S3_SECRET_KEY", "test-secret-key")
        name = f"s3://{bucket}/sh 010/"
        line = f"{name}beauty.#.exr 1001-1004 · 2 ok · missing 1003 · incomplete 1002"
        done = run("check", name, "--settle", "0")
        assert done.stdout.splitlines()[:2] == [line, f"{name}deeper/other.exr · ok"]
        done = run("check", f"{name}beauty.#.exr", "--settle", "0", "--pixels", "full")
        assert done.stdout.splitlines()[0] == line
        assert (
            f"{name}beauty.#.exr 1003-1005 · 1 ok · missing 1003, 1005"
            in run("check", f"{name}beauty.[1003-1005].exr").stdout
        )
        (sent,) = json.loads(run("check", name, "--settle", "0", "--format", "sarif").stdout)["runs"]
        places = [each["locations"][0]["physicalLocation"]["artifactLocation"] for each in sent["results"]]
        assert {"uri": f"s3://{bucket}/sh%20010/beauty.1002.exr"} in places
