"""Validation in the function: which policies judge a file, where they come from, and the rows they leave."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exr_inspector import policy_files
from exr_inspector.errors import InspectorError
from exr_inspector.policy.load import load_pack
from exr_inspector.policy_files import PolicyFiles
from tests.exrfiles.attributes import attribute
from tests.exrfiles.demo import simple, truncated
from tests.exrfiles.parts import scanline
from tests.exrfiles.writer import write
from tests.service.function import BUCKET, Function, created, plain
from tests.sources.faults import every, status
from tests.sources.server import S3Server

STUDIO = """\
policy: studio
extends: [base.yaml]
rules:
  - id: ST-01
    title: The compression is piz
    severity: warning
    given: parts
    assert: {compression: piz}
"""
BASE = """\
policy: base
rules:
  - id: ST-02
    title: The owner is stated
    given: parts
    assert:
      attributes.owner: {exists: true}
"""


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    path = tmp_path / "beauty.1001.exr"
    path.write_bytes(simple(64, 64))
    return path


@pytest.fixture
def studio(tmp_path: Path) -> Path:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "studio.yaml").write_text(STUDIO)
    (folder / "base.yaml").write_text(BASE)
    return folder / "studio.yaml"


def rules(document: Any) -> list[str]:
    return sorted(each["rule_id"] for each in document["validation"]["findings"])


# --- which policies -------------------------------------------------------------------------------------


def test_without_a_request_or_a_setting_nothing_is_judged(bare: Function, shot: Path) -> None:
    assert bare.handle(plain(shot))["validation"] == {}


@pytest.mark.parametrize("value", [True, 1, "1", "true", "YES", "y", "On"])
def test_validate_alone_judges_by_the_default_pack(bare: Function, shot: Path, value: Any) -> None:
    validation = bare.handle(plain(shot, validate=value))["validation"]
    assert (validation["status"], validation["findings"]) == ("pass", [])
    (policy,) = validation["policies"]
    assert (policy["id"], policy["hash"]) == ("default", load_pack("default").hash)
    assert policy["skipped"] == ["PIX-01", "PIX-02", "PIX-03", "PIX-04"]


def test_the_setting_judges_every_file_and_an_event_adds_its_policy(
    bare: Function, shot: Path, studio: Path
) -> None:
    bare.set(EXR_INSPECTOR_POLICIES="openexr, comp-friendly")
    named = [each["id"] for each in bare.handle(plain(shot))["validation"]["policies"]]
    assert named == ["openexr", "comp-friendly"]
    document = bare.handle(plain(shot, validate=True, policy_path=str(studio)))
    assert [each["id"] for each in document["validation"]["policies"]] == [
        "openexr",
        "comp-friendly",
        "studio",
    ]
    assert rules(document) == ["ST-01", "ST-02"]
    assert document["validation"]["status"] == "fail"
    assert document["validation"]["summary"] == {
        **dict.fromkeys(("error", "warning"), 1),
        **dict.fromkeys(("info", "unknown", "skipped"), 0),
    }


def test_a_file_that_was_cut_fails_and_one_that_is_gone_has_no_findings_left(
    function: Function, shot: Path
) -> None:
    shot.write_bytes(truncated(shot.read_bytes()))
    assert rules(function.handle(plain(shot, validate=True))) == ["FILE-01"]
    assert [row["rule_id"] for row in function.rows("findings", "rule_id")] == ["FILE-01"]


# --- rows -----------------------------------------------------------------------------------------------


def facet(function: Function) -> dict[str, Any]:
    (row,) = (row for row in function.rows("facets", "facet") if row["facet"] == "policy")
    return row


def test_findings_are_rows_of_a_facet_that_is_recorded_for_a_clean_file_too(
    function: Function, shot: Path, studio: Path
) -> None:
    function.handle(plain(shot, validate=True))
    assert function.rows("findings", "rule_id") == []
    assert facet(function)["status"] == "pass"
    assert list(json.loads(facet(function)["request"])["policies"]) == ["default"]
    document = function.handle(plain(shot, validate=True, policy_path=str(studio)))
    found = function.rows("findings", "rule_id")
    assert [row["rule_id"] for row in found] == ["ST-01", "ST-02"]
    for row, each in zip(
        found, sorted(document["validation"]["findings"], key=lambda it: it["rule_id"]), strict=True
    ):
        assert json.loads(row.pop("observed_json")) == each.pop("observed")
        assert json.loads(row.pop("expected_json")) == each.pop("expected")
        assert row.items() >= each.items()
    assert facet(function)["status"] == "fail"
    function.handle(plain(shot, validate=True))
    assert function.rows("findings", "rule_id") == []


def test_the_same_policy_writes_nothing_again_and_another_file_version_drops_its_findings(
    function: Function, shot: Path, studio: Path
) -> None:
    event = plain(shot, validate=True, policy_path=str(studio))
    function.handle(event)
    first = facet(function)["computed_at"]
    function.handle(event)
    function.handle(plain(shot))
    assert facet(function)["computed_at"] == first
    shot.write_bytes(simple(32, 32))
    function.handle(plain(shot))
    assert function.rows("findings", "rule_id") == []
    assert [row["facet"] for row in function.rows("facets", "facet")] == ["header"]


def test_findings_in_pixels_stay_while_later_events_do_not_read_the_pixels(
    function: Function, tmp_path: Path, studio: Path
) -> None:
    """Whatever the order of the events: the statistics are stored, and so are the findings by them."""
    shot = tmp_path / "nan.1001.exr"
    shot.write_bytes(write(scanline({"R": np.full((8, 8), np.nan, np.float16)})))
    judged, measured = plain(shot, validate=True), plain(shot, validate=True, stats="full")
    assert rules(function.handle(judged)) == []
    assert rules(function.handle(measured)) == ["PIX-02"]
    again = function.handle(judged)
    assert rules(again) == ["PIX-01", "PIX-02", "PIX-03", "PIX-04"]
    assert {each["verdict"] for each in again["validation"]["findings"]} == {"unknown"}
    function.handle(measured)
    function.handle(plain(shot))
    (row,) = function.rows("findings", "rule_id")
    assert (row["rule_id"], row["verdict"], row["severity"]) == ("PIX-02", "fail", "error")
    function.handle(plain(shot, validate=True, policy_path=str(studio)))
    assert [row["rule_id"] for row in function.rows("findings", "rule_id")] == ["ST-01", "ST-02"]


# --- where policies come from ---------------------------------------------------------------------------


def test_a_policy_beside_the_function_may_be_named_whatever_the_local_roots(
    bare: Function, shot: Path, studio: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_files.PolicyFiles.__init__, "__defaults__", (studio.parent,))
    bare.set(EXR_INSPECTOR_LOCAL_ROOTS=shot.parent / "shots")
    (shot.parent / "shots").mkdir()
    shot = shot.rename(shot.parent / "shots" / shot.name)
    assert rules(bare.handle(plain(shot, validate=True, policy_path="studio.yaml"))) == ["ST-01", "ST-02"]
    outside = bare.handle(plain(shot, validate=True, policy_path="../beauty.yaml"))["validation"]
    assert outside["status"] == "error"
    assert outside["errors"][0]["code"] == "BAD_POLICY"
    assert "PATH_NOT_ALLOWED" in outside["errors"][0]["message"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no-such-pack", "there is no policy 'no-such-pack'"),
        ("/absent/studio.yaml", "FILE_NOT_FOUND"),
        ("https://example.com/studio.yaml", "FILE_NOT_FOUND"),
        ("s3://", "BAD_EVENT"),
    ],
)
def test_a_policy_that_cannot_be_read_is_an_error_of_the_validation_alone(
    function: Function, shot: Path, name: str, said: str
) -> None:
    document = function.handle(plain(shot, validate=True, policy_path=name))
    assert (document["file"]["status"], document["errors"]) == ("ok", [])
    assert document["validation"]["status"] == "error"
    (error,) = document["validation"]["errors"]
    assert error["code"] == "BAD_POLICY"
    assert said in error["message"]
    assert facet(function)["status"] == "error"
    assert any(said in line for line in function.log)


def test_without_the_extra_the_validation_says_what_to_install(
    bare: Function, shot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [each for each in sys.modules if each.startswith("exr_inspector.policy.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "re2", None)
    validation = bare.handle(plain(shot, validate=True))["validation"]
    assert validation["status"] == "error"
    assert validation["errors"][0]["code"] == "NOT_INSTALLED"
    assert "exr-inspector[policy]" in validation["errors"][0]["message"]


def test_a_side_car_manifest_is_read_for_the_rules_that_compare_it(bare: Function, shot: Path) -> None:
    key = "cryptomatte/8ab3c7d"
    attributes = [
        attribute(f"{key}/{name}", "string", text)
        for name, text in (
            ("name", "crypto"),
            ("hash", "MurmurHash3_32"),
            ("conversion", "uint32_to_float32"),
            ("manif_file", "manifest.json"),
        )
    ]
    planes = {f"crypto00.{each}": np.zeros((4, 4), np.float32) for each in "rgba"}
    shot.write_bytes(write(scanline(planes, attributes)))
    event = plain(shot, validate=True, policy_path="cryptomatte")
    absent = bare.handle(event)["validation"]
    (shot.parent / "manifest.json").write_text("{}")
    present = bare.handle(event)["validation"]
    assert {each["rule_id"] for each in absent["findings"]} > {
        each["rule_id"] for each in present["findings"]
    }


def test_a_wrong_line_of_a_policy_is_named(bare: Function, shot: Path, studio: Path) -> None:
    studio.write_text(STUDIO.replace("compression", "compress"))
    (error,) = bare.handle(plain(shot, validate=True, policy_path=str(studio)))["validation"]["errors"]
    assert error["message"].startswith("rules[0].assert.compress: parts has no field 'compress'")
    assert error["where"] == f"{studio}:8"


@pytest.fixture
def remote(bare: Function, s3: S3Server) -> str:
    bare.read_from(s3)
    s3.put(BUCKET, "policies/studio.yaml", STUDIO.encode())
    s3.put(BUCKET, "policies/base.yaml", BASE.encode())
    s3.put(BUCKET, "beauty.1001.exr", simple(64, 64))
    return f"s3://{BUCKET}/policies/studio.yaml"


def test_a_policy_in_s3_is_read_once_and_again_if_its_etag_changes(
    bare: Function, s3: S3Server, remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = created("beauty.1001.exr")

    def judged() -> list[str]:
        s3.forget()
        return rules(bare.handle(event))

    bare.set(EXR_INSPECTOR_POLICIES=remote)
    assert judged() == ["ST-01", "ST-02"]
    assert judged() == ["ST-01", "ST-02"]
    assert [request.target for request in s3.seen] == [f"/{BUCKET}/beauty.1001.exr"]
    monkeypatch.setattr(policy_files, "CHECK_SECONDS", 0.0)
    assert judged() == ["ST-01", "ST-02"]
    assert sum(request.method == "GET" for request in s3.seen) == 1
    s3.put(BUCKET, "policies/base.yaml", BASE.replace("owner", "channels").encode())
    assert judged() == ["ST-01"]


def test_a_store_that_does_not_answer_is_a_reason_to_retry(
    bare: Function, s3: S3Server, remote: str, shot: Path
) -> None:
    s3.plan = every(1, [status(503)])
    with pytest.raises(InspectorError, match="STORAGE_UNAVAILABLE"):
        bare.handle(plain(shot, validate=True, policy_path=remote))


def test_only_so_many_policies_are_held(tmp_path: Path) -> None:
    files = PolicyFiles(tmp_path)
    for index in range(policy_files.MAX_HELD + 5):
        (tmp_path / f"p{index}.yaml").write_text(f"policy: p{index}\n")
        assert files.load(f"p{index}.yaml", lambda _: pytest.fail("beside the function")).id == f"p{index}"
    assert len(files._held) <= policy_files.MAX_HELD
