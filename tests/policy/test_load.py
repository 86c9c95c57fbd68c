from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector.document.build import Reading, make_document
from exr_inspector.errors import InspectorError
from exr_inspector.location import Location
from exr_inspector.policy.evaluate import evaluate
from exr_inspector.policy.load import load_pack, load_policy
from exr_inspector.policy.model import Policy

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


# --- extends, overrides, suppressions -------------------------------------------------------------------

DOCUMENT = make_document(Reading(Location("/show/test/a.exr", "/show/test/a.exr")))


def loaded(**files: str) -> Policy:
    """The policy of `main`; the others can be extended by their names."""

    def read(name: str, by: str) -> tuple[bytes, str]:
        return files[name.removesuffix(".yaml")].encode(), name

    return load_policy(files["main"].encode(), "main.yaml", read)


def rule(name: str, severity: str = "error") -> str:
    lines = f"- id: {name}\n  title: One\n  severity: {severity}\n  given: parts\n  assert: {{width: 1}}\n"
    return "".join(f"  {line}\n" for line in lines.splitlines())


BASE = f"policy: base\nrules:\n{rule('A-1')}{rule('A-2')}{rule('B-1')}"


def test_rules_are_taken_over_changed_and_left_out() -> None:
    policy = loaded(
        base=BASE,
        main="policy: main\nextends: [base.yaml]\n"
        "overrides:\n  A-1: {severity: warning, assert: {width: 2}}\n  B-*: {severity: 'off'}\n"
        f"rules:\n{rule('C-1', 'info')}",
    )
    assert [(each.id, each.severity, each.origin) for each in policy.rules] == [
        ("A-1", "warning", "base"),
        ("A-2", "error", "base"),
        ("C-1", "info", "main"),
    ]
    assert policy.rules[0].source["assert"] == {"width": 2}


@pytest.mark.parametrize(
    ("main", "said"),
    [
        (f"extends: [base.yaml]\nrules:\n{rule('A-1')}", "A-1 exists already; change it in `overrides`"),
        ("extends: [base.yaml]\noverrides:\n  Z-1: {severity: info}", "no inherited rule has this id"),
        ("extends: [base.yaml]\noverrides:\n  A-1: {given: file}", "there is no such field"),
        ("extends: [base.yaml]\noverrides:\n  A-1:\n    assert: {depth: 1}", "overrides.A-1.assert.depth"),
        ("extends: [main.yaml]", "main.yaml extends itself"),
        ("extends: [no-such-pack]", "there is no policy 'no-such-pack'"),
        (f"rules:\n{rule('A-1')}{rule('A-1')}", "A-1 exists already"),
        ("suppressions:\n  - {rule: A-1}", "suppressions[0].reason: the field is required"),
        ("rules: [{id: a b}]", "rules[0].id"),
        ("rules: 3", "rules: input should be a valid list"),
    ],
)
def test_a_policy_that_does_not_fit_together_is_refused_where_it_is_wrong(main: str, said: str) -> None:
    with pytest.raises(InspectorError, match="BAD_POLICY") as caught:
        loaded(base=BASE, main=f"policy: main\n{main}")
    assert said in str(caught.value)
    assert caught.value.where.startswith(("main.yaml:", "no-such-pack"))


def test_policies_extend_each_other_to_a_limit() -> None:
    files = {f"p{index}": f"policy: p\nextends: [p{index + 1}.yaml]" for index in range(12)}
    with pytest.raises(InspectorError, match="is extended more than 8 deep"):
        loaded(main="policy: main\nextends: [p0.yaml]", **files)


def test_a_policy_extends_so_many_files_and_no_more() -> None:
    files = {f"p{index}": f"policy: p\nextends: [{f'p{index + 1}.yaml, ' * 3}]" for index in range(6)}
    with pytest.raises(InspectorError, match="extends more than 32 files"):
        loaded(main="policy: main\nextends: [p0.yaml]", p6="policy: p", **files)


def test_the_hash_is_that_of_the_rules_and_not_of_their_text() -> None:
    policy = loaded(main=BASE)
    assert loaded(main=f"# a comment\n{BASE.replace('{width: 1}', '{ width: 1 }')}").hash == policy.hash
    assert loaded(main=BASE.replace("width: 1", "width: 2")).hash != policy.hash
    assert loaded(main=BASE.replace("title: One", "title: Two")).hash != policy.hash


def test_findings_are_suppressed_by_rule_and_path() -> None:
    suppressed = "suppressions:\n  - {rule: 'A-*', path: '*/test/*', reason: known}\n"
    (applied,) = evaluate([loaded(main=BASE + suppressed)], DOCUMENT)["policies"]
    assert applied["suppressed"] == ["A-1", "A-2"]
    elsewhere = suppressed.replace("*/test/*", "*/final/*")
    (applied,) = evaluate([loaded(main=BASE + elsewhere)], DOCUMENT)["policies"]
    assert applied["suppressed"] == []


def test_a_rule_of_two_policies_is_judged_once() -> None:
    first, second = loaded(main=BASE), loaded(main=BASE.replace("policy: base", "policy: other"))
    validation = evaluate([first, second], DOCUMENT)
    assert [each["rules"] for each in validation["policies"]] == [3, 0]
    assert len(validation["findings"]) == 3


def test_the_default_pack_is_judged_as_a_policy_that_extends_it_changed_it() -> None:
    changes = "overrides:\n  FILE-02: {severity: info}\n  EXR-*: {severity: 'off'}\n"
    studio = loaded(main=f"policy: main\nextends: [default]\n{changes}")
    validation = evaluate([load_pack("default"), studio], DOCUMENT)
    assert [each["id"] for each in validation["policies"]] == ["main"]
    assert not any(each["rule_id"].startswith("EXR") for each in validation["findings"])
    both = evaluate([load_pack("default"), load_pack("openexr")], DOCUMENT)
    assert [each["id"] for each in both["policies"]] == ["default", "openexr"]


# --- hostile files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "(studio.yaml:1)"),
        (b"[1, 2]", "a mapping of fields is required"),
        (b"policy: a\n---\npolicy: b", "a second document begins here; only one is allowed (studio.yaml:3)"),
        (b"policy: a\npolicy: b", "the key 'policy' occurs twice (studio.yaml:2)"),
        (b"policy: !!python/object/apply:os.system [ls]", "the tag"),
        (b"policy: a\n? [1, 2]\n: 3", "a key must be a text (studio.yaml:2)"),
        (b"policy: \xff", "the text is not UTF-8 (studio.yaml:1)"),
        (b"policy: a\0", "U+0000"),
        (b"policy: a\n" + b"x" * (256 * 1024), "the file has 262154 bytes; at most 262144 are allowed"),
        (b"policy: " + b"[" * 10_000, "nested more than 20 deep"),
        (b"policy: a\nextends: [" + b"a," * 30_000 + b"]", "more than 20000 values (studio.yaml:2)"),
        (b"policy: a\n\tx: 1", "not valid YAML"),
        (b"policy: 'a", "not valid YAML"),
        (b"policy: A-B", "policy: string should match pattern"),
        (b"policy: 12", "policy: input should be a valid string (studio.yaml:1)"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_hostile_file_is_refused_at_once(raw: bytes, said: str) -> None:
    with pytest.raises(InspectorError, match="BAD_POLICY") as caught:
        load_policy(raw, "studio.yaml")
    assert said in str(caught.value)


@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_a_policy_or_a_coded_error(raw: bytes) -> None:
    with suppress(InspectorError):
        load_policy(raw, "studio.yaml")


@pytest.mark.parametrize("text", ["no", "off", "yes", "2026-01-31", "1_000", "0x10", "1e999x", "12:30"])
def test_words_that_older_yaml_takes_for_something_else_are_texts(text: str) -> None:
    policy = loaded(main=f"policy: a\nrules:\n{rule('A-1').replace('{width: 1}', f'{{name: {text}}}')}")
    assert policy.rules[0].source["assert"] == {"name": text}


def test_a_file_with_more_rules_than_the_limit_is_refused() -> None:
    rules = "".join(
        f"  - {{id: R-{index}, title: t, given: file, assert: {{complete: true}}}}\n" for index in range(501)
    )
    with pytest.raises(InspectorError, match="rules: list should have at most 500 items"):
        loaded(main=f"policy: a\nrules:\n{rules}")
