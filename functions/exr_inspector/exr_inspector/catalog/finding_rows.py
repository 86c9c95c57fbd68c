"""The rows of the policy facet: what policies found in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exr_inspector.catalog.cells import elide
from exr_inspector.catalog.facets import FACETS, FileRows, Row, input_hash
from exr_inspector.document.serialize import to_json

_SAME = (
    *("policy_id", "policy_hash", "rule_id", "severity", "verdict", "part_index"),
    *("place", "message", "fix", "fingerprint"),
)


def with_findings(
    file: FileRows,
    validation: Mapping[str, Any],
    inputs: Sequence[Any],
    known: str | None = None,
) -> FileRows:
    """Return the delivery of a file with its findings, which the facts and `inputs` identify.

    The facet is recorded even if nothing was found; its status is that of the validation. If the store has
    the findings of these inputs, which `known` identifies, they are left as they are.
    """
    identity = input_hash(FACETS["policy"], file.file["facts_hash"], inputs)
    if identity == known:
        return file
    key = {"file_id": file.file_id, "file_path": file.file["file_path"]}
    rows = [{**key, **_row(each)} for each in validation["findings"]]
    for row in rows:
        elide(row)
    tables = {"findings": rows}
    request = policy_request({each["id"]: each["hash"] for each in validation["policies"]})
    return file.with_facet(FACETS["policy"], tables, identity, request=request, status=validation["status"])


def policy_request(hashes: Mapping[str, str]) -> str:
    """Return what the policies of these ids and hashes judge by, as JSON."""
    return to_json({"policies": hashes})


def _row(finding: Mapping[str, Any]) -> Row:
    return {
        **{name: finding[name] for name in _SAME},
        "observed_json": to_json(finding["observed"]),
        "expected_json": to_json(finding["expected"]),
    }
