"""`exr-inspector completion`: let the shell complete commands, options, questions and files."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a completion script for a shell.

    It completes commands, options, questions and files.

    \b
    bash: exr-inspector completion bash > ~/.local/share/bash-completion/completions/exr-inspector
    zsh:  exr-inspector completion zsh > ~/.zfunc/_exr-inspector   (a folder of fpath)
    fish: exr-inspector completion fish > ~/.config/fish/completions/exr-inspector.fish
    """  # noqa: D301 - the character makes click keep the lines
    group, completed = ctx.find_root().command, get_completion_class(shell)
    assert completed is not None
    click.echo(completed(group, {}, "exr-inspector", "_EXR_INSPECTOR_COMPLETE").source())
