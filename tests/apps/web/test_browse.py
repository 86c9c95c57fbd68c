"""The command `browse`, as a process."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from exr_inspector.location import path_location
from tests.apps.cli.command import COMMAND, environment, run
from tests.apps.web.show import render
from tests.catalog.backends import vast


@contextmanager
def browsing(*options: object, **variables: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run `browse` inside the block; yield the process and the lines that it has printed, one a token."""
    command = [*COMMAND, "browse", *map(str, options)]
    lines = 1 + command.count("--share")
    with subprocess.Popen(
        command, env=environment(**variables), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout
        try:
            yield running, [running.stdout.readline().rstrip("\n") for _ in range(lines)]
        finally:
            running.kill()


def status(url: str, path: str = "/") -> int:
    """Return the status of a page for a browser that a URL lets in."""
    return fetch(url, path)[0]


def fetch(url: str, path: str = "/") -> tuple[int, str]:
    """Return the status and the text of a page for a browser that a URL lets in."""
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=60)) as connection:
        connection.request("GET", f"{parts.path}?{parts.query}")
        entered = connection.getresponse()
        entered.read()
        cookie = (entered.getheader("set-cookie") or "").partition(";")[0]
        connection.request("GET", path, headers={"cookie": cookie})
        response = connection.getresponse()
        return response.status, response.read().decode()


def test_pages_of_a_store_say_that_they_show_a_copy(show: Path, snapshot: Path, tmp_path: Path) -> None:
    for database, is_copy in ((show.parent / "show.duckdb", True), (snapshot, False)):
        with browsing("--db", database, XDG_CACHE_HOME=str(tmp_path)) as (_, (line,)):
            assert ("to update" in fetch(line.rsplit(": ", 1)[1])[1]) == is_copy


def test_it_prints_a_url_for_each_token_and_ends_at_ctrl_c(show: Path, snapshot: Path) -> None:
    with browsing("--db", snapshot, "--share", show / "dune", "--share", f"{show}/tide/") as (running, lines):
        names, urls = zip(*(line.rsplit(": ", 1) for line in lines), strict=True)
        assert names == ("all files", str(show / "dune"), f"{show}/tide/")
        assert len({re.sub(".*token=", "", url) for url in urls}) == 3
        assert [status(url) for url in urls] == [200, 200, 200]
        assert status(urls[0].replace("token=", "token=x")) == 401
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)
    assert (running.returncode, errors) == (0, "")


def test_the_root_folder_and_a_whole_bucket_can_be_shared(snapshot: Path) -> None:
    with browsing("--db", snapshot, "--share", "/", "--share", "s3://renders/") as (_, lines):
        root, bucket = (line.rsplit(": ", 1)[1] for line in lines[1:])
        page = f"/file?id={path_location(str(snapshot.parent / 'shows/dune/assets/hill_albedo.exr')).file_id}"
        assert (status(root, page), status(bucket, page)) == (200, 404)


def test_a_store_is_shown_by_a_copy_in_the_cache(show: Path, snapshot: Path, tmp_path: Path) -> None:
    store = show.parent / "show.duckdb"
    with browsing("--db", store, XDG_CACHE_HOME=str(tmp_path)) as (_, lines):
        assert status(lines[0].rsplit(": ", 1)[1], "/sequences") == 200
    assert len(list((tmp_path / "exr-inspector").iterdir())) == 1


def test_vast_database_is_shown_by_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "show").mkdir()
    (tmp_path / "show" / "a.1001.exr").write_bytes(render(1001))
    with vast(tables=True) as database:
        settings = database.settings()
        names = ("endpoint", "access_key", "secret_key", "bucket", "journal")
        variables = {f"VAST_DB_{name.upper()}": getattr(settings, f"vast_{name}") for name in names}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert run("index", tmp_path / "show").exit_code == 0
        with browsing(XDG_CACHE_HOME=str(tmp_path / "cache"), **variables) as (_, lines):
            page = f"/file?id={path_location(str(tmp_path / 'show' / 'a.1001.exr')).file_id}"
            assert status(lines[0].rsplit(": ", 1)[1], page) == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::1"])
def test_the_url_of_another_address_is_one_that_a_browser_can_open(snapshot: Path, host: str) -> None:
    with browsing("--db", snapshot, "--host", host) as (_, lines):
        url = lines[0].rsplit(": ", 1)[1]
        assert "0.0.0.0" not in url
        assert status(url) == 200


def test_the_token_is_no_argument_of_the_browser(snapshot: Path, tmp_path: Path) -> None:
    script = tmp_path / "browser"
    script.write_text(f"""#!/bin/sh
path=$(printf %s "$1" | sed s,^file://,,)
{{ echo "$1"; stat -c %a "$(dirname "$path")"; cat "$path"; }} > {tmp_path}/seen.part
mv {tmp_path}/seen.part {tmp_path}/seen
""")
    script.chmod(0o755)
    with browsing("--db", snapshot, "--open", BROWSER=str(script)) as (running, lines):
        for _ in range(600):
            if (tmp_path / "seen").exists():
                break
            time.sleep(0.1)
        argument, mode, page = (tmp_path / "seen").read_text().split("\n", 2)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    url = lines[0].rsplit(": ", 1)[1]
    assert url in page
    assert url.partition("token=")[2] not in argument
    assert mode == "700"
    assert not Path(argument.removeprefix("file://")).exists()


def test_wrong_usage_is_one_line(tmp_path: Path, snapshot: Path) -> None:
    other = tmp_path / "other.duckdb"
    other.write_bytes(b"no database")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for options, message in (
            (["--db", str(tmp_path / "nothing.duckdb")], "does not exist"),
            (["--db", str(other)], "NOT_A_DATABASE"),
            (["--db", str(snapshot), "--port", port], "Address already in use"),
            (["--db", str(snapshot), "--host", "no.such.host.invalid"], "no.such.host.invalid"),
            (["--db", str(snapshot), "--share", ""], "BAD_EVENT"),
            ([], "name a database with --db"),
        ):
            done = run("browse", *options)
            assert done.exit_code == 2
            assert message in done.stderr
