"""`exr-inspector deploy`: check a .env file, and render the manifests of a deployment."""

from __future__ import annotations

from pathlib import Path

import click

from exr_inspector.apps.cli.terminal import say
from exr_inspector.apps.deployment.env_file import Plan, read_plan
from exr_inspector.apps.deployment.render import render as render_manifests

_config = click.option(
    "--config",
    metavar="FILE",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The .env file. Nothing in it is expanded or run.",
)


@click.group()
def deploy() -> None:
    """Check deployment settings and render manifests.

    deploy.sh does the deployment.
    """


@deploy.command()
@_config
def check(config: Path) -> None:
    """Report every error in a .env file.

    If there are none, print a summary of the deployment. Secrets are never printed.
    """
    plan = _read(config)
    to = plan.deployment
    for warning in plan.warnings():
        say(f"{config}: warning: {warning}", err=True)
    facts = {
        "function": to.name,
        "image": f"{to.registry_url}/{to.image}",
        "cluster": f"{to.kubernetes_cluster}, namespace {to.namespace}",
        "events": f"{', '.join(to.events)} of {to.prefix}*{', *'.join(to.triggers)} in {to.source_bucket}",
        "topic": f"{to.broker}/{to.topic}",
        "rows": f"{plan.settings.vast_bucket}/{plan.settings.vast_schema}",
        "environment": ", ".join(plan.environment),
        "secret": f"{plan.settings.secret_name}: {', '.join(plan.secrets)}",
    }
    for name, fact in facts.items():
        say(f"{name:12} {fact}")


@deploy.command()
@_config
@click.option(
    "--output",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the manifests, readable only by you. secret.yaml and config.yaml contain secrets.",
)
@click.option(
    "--revision", default=1, help="Revision of the function that the pipeline runs.", show_default=True
)
@click.option("--tag", default="latest", help="Tag of the image that the function runs.", show_default=True)
@click.option("--pixels", is_flag=True, help="Render the second function, which measures pixels.")
@click.option("--no-secrets", is_flag=True, help="Do not write secret.yaml and config.yaml.")
def render(config: Path, output: Path, revision: int, tag: str, pixels: bool, no_secrets: bool) -> None:
    """Write the manifests of a deployment.

    These are function.yaml, trigger-*.yaml, pipeline.yaml, secret.yaml, and config.yaml for a local run.
    """
    plan = _read(config)
    if pixels:
        plan = plan.for_pixels()
    for path in render_manifests(plan, output, revision=revision, tag=tag, secrets=not no_secrets):
        click.echo(path)


def _read(config: Path) -> Plan:
    """Return the plan of a .env file, or print its faults and exit with code 2."""
    plan, faults = read_plan(config)
    for fault in faults:
        say(f"{config}: {fault}", err=True)
    if plan is None:
        click.echo("docs/CONFIGURATION.md explains every setting.", err=True)
        raise click.exceptions.Exit(2)
    return plan
