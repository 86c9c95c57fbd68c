"""Replace the secrets of a .env file by *** in standard input: `python -m deploy.mask FILE`.

Everything that deploy.sh and its commands print passes through this filter, line by line.
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


def secrets_pattern(secrets: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for the secrets in plain text, JSON, URLs, shell commands and Kubernetes secrets."""
    forms = {
        form
        for secret in secrets
        if secret
        for form in (
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            percent_encoded(secret, safe=""),
            quote(secret),
            b64encode(secret.encode()).decode(),
        )
    }
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def main() -> None:
    """Filter standard input. Bytes that are not text pass unchanged."""
    try:
        values, _ = read_values(Path(sys.argv[1]))
    except InspectorError:
        values = {}  # If the file cannot be read, no command knows its secrets either.
    pattern = secrets_pattern(values[name] for name in SECRETS & values.keys())
    sys.stdin.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    sys.stdout.reconfigure(errors="surrogateescape", line_buffering=True)  # type: ignore[union-attr]
    for line in sys.stdin:
        sys.stdout.write(pattern.sub("***", line))


if __name__ == "__main__":
    main()
