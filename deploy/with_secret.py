"""Run a command that reads the secret: `python -m deploy.with_secret [--pixels] CONFIG LINK COMMAND...`.

The secret of the .env file CONFIG is rendered into memory. LINK becomes a symbolic link to that memory, which
only COMMAND can open, and only while it runs: no file ever contains the secret, even if a process is killed.
Where the system has no files in memory, an unlinked temporary file takes their place.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from exr_inspector.apps.deployment.env_file import read_plan
from exr_inspector.apps.deployment.render import manifests


def open_in_memory(text: str) -> int:
    """Return a descriptor, open at the start of `text`, that child processes inherit."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("secret.yaml")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.fchmod(descriptor, 0o600)
    os.write(descriptor, text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.set_inheritable(descriptor, True)
    return descriptor


def main() -> None:
    """Replace this process by the command."""
    is_pixels = sys.argv[1] == "--pixels"
    config, link, *command = sys.argv[1 + is_pixels :]
    plan, faults = read_plan(Path(config))
    if plan is None:
        sys.exit("\n".join(faults))
    if is_pixels:
        plan = plan.for_pixels()
    descriptor = open_in_memory(manifests(plan)["secret.yaml"])
    Path(link).unlink(missing_ok=True)
    Path(link).symlink_to(f"/dev/fd/{descriptor}")
    os.execvp(command[0], command)  # noqa: S606 - the command of deploy.sh


if __name__ == "__main__":
    main()
