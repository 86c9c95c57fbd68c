"""`python -m deploy.mask FILE`: standard input to standard output, the secrets of a .env file as ***.

All that deploy.sh and its commands print goes through this, line by line, so that it can be watched.
"""

from __future__ import annotations

import json
import re
import sys
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from shlex import quote
from urllib.parse import quote as percent_encoded

from exr_inspector.apps.deployment.env_file import SECRETS, read_values
from exr_inspector.errors import InspectorError


def pattern_of(secrets: Iterable[str]) -> re.Pattern[str]:
    """Matches the secrets as they are, and as JSON, URLs, shells and Kubernetes secrets hold them."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _forms(secret: str) -> Iterable[str]:
    return (
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        percent_encoded(secret, safe=""),
        quote(secret),
        b64encode(secret.encode()).decode(),
    )


def _secrets(file: Path) -> list[str]:
    try:
        values, _ = read_values(file)
    except InspectorError:
        return []  # A file that cannot be read gives its secrets to no command either.
    return [values[name] for name in SECRETS & values.keys()]


def main() -> None:
    """Bytes that are no text pass as they are."""
    hidden = pattern_of(_secrets(Path(sys.argv[1])))
    sys.stdin.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    sys.stdout.reconfigure(errors="surrogateescape", line_buffering=True)  # type: ignore[union-attr]
    for line in sys.stdin:
        sys.stdout.write(hidden.sub("***", line))


if __name__ == "__main__":
    main()
