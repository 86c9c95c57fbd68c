"""Put the function's handlers into the wheel, so that `exr-inspector serve` works without a clone.

Everything else is in pyproject.toml.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithHandlers(build_py):
    """Copy functions/exr_inspector/*.py to exr_inspector/function, which is no package."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "exr_inspector", "function")
        self.mkpath(str(target))
        for path in sorted(Path("functions", "exr_inspector").glob("*.py")):
            self.copy_file(str(path), str(target / path.name))


setup(cmdclass={"build_py": BuildWithHandlers})
