"""`python -m exr_inspector` and the command `exr-inspector`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or name the extra that it needs."""
    try:
        from exr_inspector.apps.cli import commands  # noqa: PLC0415 - its libraries are an extra
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith("exr_inspector"):
            missing = f"{missing} is left out of the deployed function. The command line"
        sys.stderr.write(f"exr-inspector: {missing} is not installed: pip install 'exr-inspector[cli]'\n")
        sys.exit(2)
    commands(prog_name="exr-inspector")


if __name__ == "__main__":
    main()
