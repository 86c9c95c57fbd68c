"""Fake `vastde` and `docker`: simulate DataEngine in a folder and record every call.

A copy of this file under either name is the command. $FAKE_DATAENGINE names the folder:

calls.jsonl     one line per call: command, arguments, environment, standard input, and the contents and mode
                of the secret file
objects.json    functions, triggers and pipelines, by kind and name
plan.json       {"command and first arguments": {"exit": 1, "say": "...", "times": 1}}: calls that fail, or
                print something else if "exit" is 0
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

HOME = Path(os.environ["FAKE_DATAENGINE"])
COMMAND = Path(sys.argv[0]).name
WORDS = sys.argv[1:]

DOCKER = {
    "version": "1.24",
    "info": "[]",
    "image": "linux/amd64",
    "tag": "",
    "push": "pushed",
}


def main() -> int:
    record()
    planned = plan()
    if planned:
        print(planned["say"], file=sys.stderr if planned["exit"] else sys.stdout)
        return int(planned["exit"])
    print(DOCKER[WORDS[0]] if COMMAND == "docker" else vastde(*WORDS))
    return 0


def record() -> None:
    call: dict[str, Any] = {
        "command": COMMAND,
        "argv": WORDS,
        "environment": dict(os.environ),
        "stdin": "" if sys.stdin.isatty() else sys.stdin.read(),
        "processes": processes(),
    }
    if "--secret-file" in WORDS:
        file = Path(option("--secret-file"))
        call |= {"secret": file.read_text("utf-8"), "secret_mode": file.stat().st_mode & 0o777}
    with (HOME / "calls.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(call) + "\n")


def processes() -> list[str]:
    """Return the command lines of all processes, if the system has /proc."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(each.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # the process has ended
            continue
    return found


def plan() -> dict[str, Any] | None:
    file = HOME / "plan.json"
    planned: dict[str, dict[str, Any]] = json.loads(file.read_text()) if file.exists() else {}
    line = " ".join([COMMAND, *WORDS])
    for begin, what in planned.items():
        if line.startswith(begin) and what.get("times", 1):
            what["times"] = what.get("times", 1) - 1
            file.write_text(json.dumps(planned))
            return what
    return None


def vastde(kind: str = "", verb: str = "", *rest: str) -> str:
    objects = json.loads((HOME / "objects.json").read_text())
    answered = answer(objects, kind, verb, rest)
    (HOME / "objects.json").write_text(json.dumps(objects))
    return answered if isinstance(answered, str) else json.dumps(answered) if "-o" in rest else str(answered)


def answer(objects: dict[str, dict[str, Any]], kind: str, verb: str, rest: tuple[str, ...]) -> Any:
    kept = objects.setdefault(kind, {})
    name = rest[0] if rest and not rest[0].startswith("-") else ""
    match verb:
        case "list":
            return list(kept.values()) if kept else f"No {kind} available"
        case "create" | "update":
            return put(kept, kind, name or new_name())
        case "delete":
            del kept[name]
            return f"{name} deleted"
        case "deploy":
            kept[name]["status"] = "Ready"
            return "Pipeline deployed successfully"
        case "build":
            return "built"
        case "get" if kind in ("functions", "triggers", "pipelines"):
            return kept[name]
    return {"name": name}


def new_name() -> str:
    """Return the value of --name, or of the first line `name: "..."` in the manifest."""
    if "--name" in WORDS:
        return option("--name")
    file = Path(option("--config" if "--config" in WORDS else "--from-file").removeprefix("@"))
    line = next(each for each in file.read_text("utf-8").splitlines() if each.startswith("name: "))
    return str(json.loads(line.removeprefix("name: ")))


def put(kept: dict[str, Any], kind: str, name: str) -> str:
    thing = kept.setdefault(name, {"name": name, "revisions": []} if kind == "functions" else {"name": name})
    if kind == "functions":
        number = len(thing["revisions"]) + 1
        tag = option("--image-tag")
        thing["revisions"].append({"revision_number": number, "image_tag": tag, "is_published": True})
    if kind == "pipelines":
        thing["status"] = "NotDeployed"
        thing["manifest"] = Path(option("--config").removeprefix("@")).read_text("utf-8")
    return f"{kind} {name}: done"


def option(name: str) -> str:
    return WORDS[WORDS.index(name) + 1]


if __name__ == "__main__":
    sys.exit(main())
