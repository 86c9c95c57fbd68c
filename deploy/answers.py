"""`vastde ... -o json | python -m deploy.answers QUESTION ...`: what vastde's answer says. For deploy.sh.

Exit codes: 0 yes (and the answer, if there is one to print), 1 no, 2 the answer cannot be understood. The
forms are those that were seen of vastde 5.5; the command's reference does not state them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any


class UnclearError(Exception):
    """vastde printed something that is not of a known form."""


def exists(answer: Any, name: str) -> bool:
    """Whether a list holds an object of that name."""
    return any(each.get("name") == name for each in _objects(answer))


def revision(answer: Any, *, tag: str = "", number: int = 0) -> int | None:
    """The number of the newest published revision, of one with that image tag or that number if given."""
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
    """What a pipeline's `status` says, such as Ready."""
    found = [each["status"] for each in _objects(answer) if isinstance(each.get("status"), str)]
    if not found:
        raise UnclearError("no status is in it")
    return str(found[0])


def read(text: str) -> Any:
    """The JSON in vastde's output; an empty list where it says in words that there is nothing."""
    if not text.strip() or text.startswith("No "):
        return []
    try:
        return json.loads(text)
    except ValueError:
        raise UnclearError("it is not JSON") from None


def _objects(answer: Any) -> Iterator[dict[str, Any]]:
    """The mapping itself and those in its lists, or those of a list: an object stands before its parts."""
    if isinstance(answer, list):
        for each in answer:
            yield from _objects(each)
    elif isinstance(answer, dict):
        yield answer
        for value in answer.values():
            if isinstance(value, list):
                yield from _objects(value)


def _answered(given: argparse.Namespace, answer: Any) -> tuple[bool, object]:
    if given.question == "exists":
        return exists(answer, given.name), ""
    if given.question == "revision":
        found = revision(answer, tag=given.tag, number=given.number)
        return found is not None, found
    found_status = status(answer)
    return found_status == given.wanted, found_status


def main() -> None:
    """Read vastde's answer from standard input."""
    parser = argparse.ArgumentParser(prog="deploy.answers", description=__doc__)
    questions = parser.add_subparsers(dest="question", required=True)
    questions.add_parser("exists").add_argument("name")
    questions.add_parser("status").add_argument("wanted")
    of_revision = questions.add_parser("revision")
    of_revision.add_argument("--tag", default="")
    of_revision.add_argument("--number", type=int, default=0)
    given = parser.parse_args()
    try:
        yes, said = _answered(given, read(sys.stdin.read()))
    except UnclearError as error:
        sys.stderr.write(f"vastde's answer cannot be understood: {error}\n")
        sys.exit(2)
    if said not in ("", None):
        sys.stdout.write(f"{said}\n")
    sys.exit(0 if yes else 1)


if __name__ == "__main__":
    main()
