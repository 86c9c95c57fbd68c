from __future__ import annotations

import pytest

from exr_inspector.errors import InspectorError
from exr_inspector.policy.load import load_policy

GOOD = """\
policy: studio
rules:
  - id: COMP-01
    title: Lossless
    given: parts
    assert:
      compression: {one_of: [none, zip]}
"""


def refusal(text: str) -> str:
    with pytest.raises(InspectorError, match="BAD_POLICY") as caught:
        load_policy(text.encode(), "studio.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("parts", "partz", "rules[0].given: there is no collection 'partz'"),
        (
            "compression:",
            "compression_:",
            "has no field 'compression_'; did you mean compression? (studio.yaml:7)",
        ),
        ("one_of", "one_off", "no operator 'one_off'; did you mean one_of? (studio.yaml:7)"),
        ("    title", "    name", "rules[0].title: the field is required (studio.yaml:3)"),
        ("[none, zip]", "zip", "one_of must be a list of texts, numbers or flags (studio.yaml:7)"),
        (
            "one_of: [none, zip]",
            "at_least: 3",
            "at_least is for integer and number and any; compression is text",
        ),
        ("[none, zip]", "*none", "aliases and anchors are not allowed (studio.yaml:7)"),
        ("[none, zip]", "[none, zip", "not valid YAML"),
        ("policy: studio", "policy: &a studio", "aliases and anchors are not allowed (studio.yaml:1)"),
    ],
)
def test_a_policy_that_is_not_valid_is_refused_with_file_line_and_field(
    before: str, after: str, said: str
) -> None:
    assert said in refusal(GOOD.replace(before, after))
