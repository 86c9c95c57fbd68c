"""`exr-inspector rules` and `explain`: the rules of the policies."""

from __future__ import annotations

import click

from exr_inspector.apps.cli.table import print_table
from exr_inspector.apps.cli.terminal import json_text, say
from exr_inspector.errors import BAD_POLICY, InspectorError
from exr_inspector.policy.model import Policy, Rule

_POLICY = click.option(
    "--policy",
    "names",
    multiple=True,
    metavar="NAME|FILE",
    help="A pack or a policy file; default: all packs.",
)


def _policies(names: tuple[str, ...]) -> list[Policy]:
    from exr_inspector.checks.inputs import load_policies  # noqa: PLC0415 - so that --help is quick
    from exr_inspector.policy.load import pack_names  # noqa: PLC0415

    return load_policies(names or pack_names())


@click.command()
@_POLICY
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: one object per rule.")
def rules(names: tuple[str, ...], as_json: bool) -> None:
    """List the rules of policies.

    A rule that several policies inherit is listed once, under the policy that defines it.
    """
    found = _by_id(_policies(names))
    if as_json:
        for each in found.values():
            click.echo(json_text({"policy": each.origin, **each.source}))
    else:
        columns = ("rule", "severity", "policy", "title")
        print_table(columns, [(each.id, each.severity, each.origin, each.title) for each in found.values()])


@click.command()
@click.argument("rule_id", metavar="RULE")
@_POLICY
def explain(rule_id: str, names: tuple[str, ...]) -> None:
    """Show what a rule requires, why, and how to fix a failure.

    Also print the condition, as in a policy, and the sources.
    """
    from exr_inspector.policy.yaml_text import write_yaml  # noqa: PLC0415 - an extra

    found = {name.lower(): rule for name, rule in _by_id(_policies(names)).items()}
    rule = found.get(rule_id.lower())
    if rule is None:
        raise InspectorError(BAD_POLICY, f"there is no rule {rule_id!r}; `exr-inspector rules` lists all")
    say(f"{rule.id}: {rule.title}", bold=True)
    click.echo(f"{rule.severity}, given {rule.given}, from the policy {rule.origin}\n")
    for text in (rule.why, rule.fix and f"What to do: {rule.fix}"):
        if text:
            say(" ".join(text.split()))
    condition = {key: rule.source[key] for key in ("when", "assert") if rule.source.get(key)}
    for line in write_yaml(condition).splitlines():
        say(line)
    if rule.docs:
        click.echo("Sources:")
        for source in rule.docs:
            say(f"  {source}")


def _by_id(policies: list[Policy]) -> dict[str, Rule]:
    """Return the rules by id; of the forms of one rule, that of the policy that states it."""
    found: dict[str, Rule] = {}
    for policy in policies:
        for rule in policy.rules:
            if rule.id not in found or policy.id == rule.origin:
                found[rule.id] = rule
    return found
