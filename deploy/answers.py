"""Answer a question from vastde's JSON: `vastde ... -o json | python -m deploy.answers QUESTION ...`.

Exit codes: 0 yes, with details on standard output if there are any; 1 no; 2 the JSON has an unknown format.
The formats are those observed with vastde 5.5; its reference does not document them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any


class UnclearError(Exception):
    """The output of vastde has an unknown format."""


def exists(answer: Any, name: str) -> bool:
    """Return whether a list contains an object with that name."""
    return any(each.get("name") == name for each in _objects(answer))


def revision(answer: Any, *, tag: str = "", number: int = 0) -> int | None:
    """Return the number of the newest published revision that has the image tag and the number, if given."""
    found = [
        each["revision_number"]
        for each in _objects(answer)
        if "revision_number" in each
        and each.get("is_published")
        and tag in ("", each.get("image_tag"))
        and number in (0, each["revision_number"])
    ]
    return max(found, default=None)


def status(answer: Any) -> str:
    """Return a pipeline's `status`, such as Ready. Raises UnclearError if it has none."""
    found = [each["status"] for each in _objects(answer) if isinstance(each.get("status"), str)]
    if not found:
        raise UnclearError("it has no status")
    return str(found[0])


def read(text: str) -> Any:
    """Parse vastde's output; return an empty list for a message such as "No functions available"."""
    if not text.strip() or text.startswith("No "):
        return []
    try:
        return json.loads(text)
    except ValueError:
        raise UnclearError("it is not JSON") from None


def _objects(answer: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping in nested lists, each before those that it contains."""
    if isinstance(answer, list):
        for each in answer:
            yield from _objects(each)
    elif isinstance(answer, dict):
        yield answer
        for value in answer.values():
            if isinstance(value, list):
                yield from _objects(value)


def main() -> None:
    """Read vastde's output from standard input, and answer the question in the arguments."""
    parser = argparse.ArgumentParser(prog="deploy.answers", description=__doc__)
    questions = parser.add_subparsers(dest="question", required=True)
    questions.add_parser("exists").add_argument("name")
    questions.add_parser("status").add_argument("wanted")
    of_revision = questions.add_parser("revision")
    of_revision.add_argument("--tag", default="")
    of_revision.add_argument("--number", type=int, default=0)
    given = parser.parse_args()
    details: object = None
    try:
        answer = read(sys.stdin.read())
        if given.question == "exists":
            yes = exists(answer, given.name)
        elif given.question == "revision":
            details = revision(answer, tag=given.tag, number=given.number)
            yes = details is not None
        else:
            details = status(answer)
            yes = details == given.wanted
    except UnclearError as error:
        sys.stderr.write(f"the output of vastde has an unknown format: {error}\n")
        sys.exit(2)
    if details is not None:
        sys.stdout.write(f"{details}\n")
    sys.exit(0 if yes else 1)


if __name__ == "__main__":
    main()
