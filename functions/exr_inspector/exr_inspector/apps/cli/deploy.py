"""`exr-inspector deploy`: a .env file checked, and the manifests of a deployment made from it."""

from __future__ import annotations

from pathlib import Path

import click

from exr_inspector.apps.deployment.env_file import Plan, read_plan
from exr_inspector.apps.deployment.render import render as render_manifests

# In a clone of the repository; a package that was installed alone has no templates.
TEMPLATES = Path(__file__).resolve().parents[5] / "deploy" / "templates"

_config = click.option(
    "--config",
    metavar="FILE",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The .env file; nothing in it is expanded or run.",
)


@click.group()
def deploy() -> None:
    """Check the settings of a deployment and make its manifests; deploy.sh does the rest."""


@deploy.command()
@_config
def check(config: Path) -> None:
    """Say everything that is wrong with a .env file, or what it asks for; no secret is ever shown."""
    plan = _plan(config)
    to = plan.deployment
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
        click.echo(f"{name:12} {fact}")


@deploy.command()
@_config
@click.option(
    "--output",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the manifests go, for their owner alone; secret.yaml and config.yaml hold secrets.",
)
@click.option(
    "--revision", default=1, help="Revision of the function that the pipeline runs.", show_default=True
)
@click.option("--tag", default="latest", help="Tag of the image that the function runs.", show_default=True)
def render(config: Path, output: Path, revision: int, tag: str) -> None:
    """Write function.yaml, trigger-*.yaml, pipeline.yaml, secret.yaml, and config.yaml for a local run."""
    for path in render_manifests(_plan(config), TEMPLATES, output, revision=revision, tag=tag):
        click.echo(path)


def _plan(config: Path) -> Plan:
    plan, faults = read_plan(config)
    for fault in faults:
        click.echo(f"{config}: {fault}", err=True)
    if plan is None:
        click.echo("docs/CONFIGURATION.md explains every setting.", err=True)
        raise click.exceptions.Exit(2)
    return plan
