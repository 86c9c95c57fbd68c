"""The procedures of the runbooks run as written against test servers, with other addresses and keys."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from exr_inspector.catalog.connect import open_store
from exr_inspector.location import object_location
from exr_inspector.settings import Settings
from tests.deploy.conftest import ROOT, SETTINGS, write_env
from tests.exrfiles.demo import simple
from tests.sources.server import KEYS, S3Server
from tests.vast_server.server import VastServer

PACKAGE = ROOT / "functions" / "exr_inspector"
FENCE = re.compile(r"^( *)```sh\n(.*?)^\1```", re.DOTALL | re.MULTILINE)

# Both fake commands check the options that the runbook must pass.
KCAT = """
import os, sys
assert sys.argv[1:] == "-C -o beginning -e -J -b broker.example.com:9092 -t dead-letters".split(), sys.argv
sys.stdout.write(open(os.environ["DEAD_LETTERS"]).read())
"""
AWS = """
import boto3, os, sys
option = lambda name: sys.argv[sys.argv.index(name) + 1]
assert sys.argv[1:3] == ["s3api", "list-objects-v2"], sys.argv
assert option("--query") == "Contents[].[Key]" and option("--output") == "text", sys.argv
s3 = boto3.client("s3", endpoint_url=option("--endpoint-url"), region_name="us-east-1")
print(*(each["Key"] for each in s3.list_objects_v2(Bucket=option("--bucket"))["Contents"]), sep="\\n")
"""


def _script(document: str, heading: str = "") -> str:
    """Return the shell commands of a section, or of the whole document."""
    text = (ROOT / "docs" / document).read_text("utf-8")
    if heading:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return "".join(dedent(block) for _, block in FENCE.findall(text))


@dataclass
class Desk:
    """A folder of an operator, a bucket `shots` with three objects, and a database."""

    folder: Path
    s3: S3Server
    database: VastServer

    @property
    def settings(self) -> dict[str, str]:
        host, port = self.s3.backend
        return {
            "S3_ENDPOINT": f"http://{host}:{port}",
            "S3_ACCESS_KEY": KEYS["s3_access_key"],
            "S3_SECRET_KEY": KEYS["s3_secret_key"],
            "VAST_DB_ENDPOINT": self.database.endpoint,
            "VAST_DB_ACCESS_KEY": self.database.access_key,
            "VAST_DB_SECRET_KEY": self.database.secret_key,
            "VAST_DB_BUCKET": self.database.bucket,
        }

    def add_command(self, name: str, source: str) -> None:
        (self.folder / "bin").mkdir(exist_ok=True)
        (self.folder / "bin" / name).write_text(f"#!{sys.executable}\n{source}")
        (self.folder / "bin" / name).chmod(0o755)

    def run(self, script: str, replace: Mapping[str, str], **more: str) -> subprocess.CompletedProcess[str]:
        for before, after in replace.items():
            assert before in script
            script = script.replace(before, after)
        path = os.pathsep.join(
            [str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        )
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=os.environ | {"PATH": path, "PYTHONPATH": f"{PACKAGE}", **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def stored(self, *keys: str) -> list[str]:
        """Return which of the keys of the bucket have rows."""
        store = open_store(Settings.from_mapping(self.settings))
        assert store
        try:
            identities = {object_location(f"{self.s3.mark}shots", key).file_id: key for key in keys}
            return sorted(identities[each] for each in store.lookup(list(identities)))
        finally:
            store.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with S3Server() as s3, VastServer() as database:
        s3.bucket("shots")
        for name in ("a.exr", "b b.exr", "C.EXR"):
            s3.put("shots", name, simple(8, 8))
        s3.put("shots", "notes.txt", b"text")
        yield Desk(tmp_path, s3, database)


def _record(number: int, bucket: str, key: str, *, binary: bool) -> dict[str, Any]:
    """Return a Kafka record as `kcat -J` prints it, in one of the two modes of CloudEvents."""
    data = {
        "Records": [
            {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}
        ]
    }
    attributes = {
        "specversion": "1.0",
        "id": f"{number:08x}",
        "type": "vastdata.com:Element.ElementCreated",
        "source": "vastdata.com:exr-landing.6f1d2c3b-1111-4222-8333-444455556666",
        "subject": "render-broker.main",
    }
    if binary:
        pairs = {
            **{f"ce_{name}": text for name, text in attributes.items()},
            "content-type": "application/json",
        }
        headers, payload = [text for pair in pairs.items() for text in pair], json.dumps(data)
    else:
        headers = ["content-type", "application/cloudevents+json"]
        payload = json.dumps({**attributes, "data": data})
    return {"topic": "dead-letters", "partition": 0, "offset": number, "headers": headers, "payload": payload}


def test_the_dead_letter_procedure_replays_both_modes_and_keeps_what_fails(desk: Desk) -> None:
    shots = f"{desk.s3.mark}shots"
    records = [
        _record(1, shots, "a.exr", binary=True),
        _record(2, "no-such-bucket", "a.exr", binary=True),
        _record(3, shots, "b b.exr", binary=False),
    ]
    lines = [f"{json.dumps(each)}\n" for each in records]
    (desk.folder / "topic").write_text("".join(lines))
    desk.add_command("kcat", KCAT)
    write_env(desk.folder / ".env", {**SETTINGS, **desk.settings, "DEPLOY_SOURCE_BUCKET": shots})
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = f"{free.getsockname()[1]}"

    script = _script("PROD_RUNBOOK.md", "Dead letters")
    done = desk.run(script, {"18080": port}, DEAD_LETTERS=str(desk.folder / "topic"))

    assert done.returncode == 0, done.stderr
    assert "3 events: 2 acknowledged, 1 failed" in done.stderr, (desk.folder / "dead.log").read_text()
    assert (desk.folder / "dead-failed.jsonl").read_text() == lines[1]
    assert desk.stored("a.exr", "b b.exr", "C.EXR") == ["a.exr", "b b.exr"]
    assert not (desk.folder / "build" / "dead").exists()


@pytest.mark.slow
def test_a_bucket_is_inspected_again_by_the_commands_of_the_runbook(desk: Desk) -> None:
    desk.add_command("aws", AWS)
    replaced = {
        "http://vip.example.com": desk.settings["S3_ENDPOINT"],
        "BUCKET=shots": f"BUCKET={desk.s3.mark}shots",
        "exr-tables": desk.database.bucket,
        "YOUR-ACCESS-KEY": KEYS["s3_access_key"],
        "YOUR-SECRET-KEY": KEYS["s3_secret_key"],
    }
    database = {name: text for name, text in desk.settings.items() if name.startswith("VAST_DB_")}
    done = desk.run(_script("PROD_RUNBOOK.md", "Inspecting a bucket again"), replaced, **database)
    assert done.returncode == 0, done.stderr
    documents = (desk.folder / "documents.jsonl").read_text().splitlines()
    assert {json.loads(line)["file"]["status"] for line in documents} == {"ok"}
    assert desk.stored("a.exr", "b b.exr", "C.EXR", "notes.txt") == ["C.EXR", "a.exr", "b b.exr"]


@pytest.mark.slow
def test_the_quick_start_leads_to_rows_in_the_database(desk: Desk, demo: Path) -> None:
    (desk.folder / ".venv").symlink_to(sys.prefix)
    replaced = {
        "make install": "true",
        "http://YOUR-VIP": desk.database.endpoint,
        "YOUR-BUCKET": desk.database.bucket,
        "YOUR-ACCESS-KEY": desk.database.access_key,
        "YOUR-SECRET-KEY": desk.database.secret_key,
        "/path/to/renders": str(demo / "shots"),
    }
    done = desk.run(f"set -e\n{_script('QUICK_START_VAST.md')}", replaced)
    # The last command reports the incomplete frame of the demo.
    assert done.returncode == 1, done.stderr
    documents = [json.loads(line) for line in (desk.folder / "documents.jsonl").read_text().splitlines()]
    assert {each["persistence"]["inserted"] for each in documents} == {True}
