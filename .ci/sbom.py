"""`python .ci/sbom.py FILE`: write the software bill of materials of the function's image (CycloneDX)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from exr_inspector.version import VERSION

ROOT = Path(__file__).resolve().parents[1]
LOCK = "functions/exr_inspector/requirements.txt"


def main(file: Path) -> None:
    """Write what the function's lock pins, with the hashes, as parts of this release."""
    command = [str(Path(sys.executable).with_name("cyclonedx-py")), "requirements", LOCK]
    options = ["--pyproject", "pyproject.toml", "--mc-type", "application", "--output-reproducible"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    bill = json.loads(done.stdout)
    for component in bill["components"]:
        component.pop("description")  # the line of the lock; its hashes have their own field
    root = bill["metadata"]["component"]
    root["version"] = VERSION
    # The lock has all packages that the packages of the lock need, so each belongs to the image itself.
    parts = [each["bom-ref"] for each in bill["components"]]
    bill["dependencies"] = [{"ref": root["bom-ref"], "dependsOn": parts}, *({"ref": each} for each in parts)]
    file.write_text(json.dumps(bill, indent=1) + "\n", "utf-8")
    sys.stdout.write(f"{file}: {len(parts)} packages\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
