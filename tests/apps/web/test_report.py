"""Reports: one HTML file that needs nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from exr_inspector.apps.web import report
from tests.apps.cli.command import run, unprivileged
from tests.apps.web.show import BEAUTY, SCRIPT
from tests.exrfiles.demo import demo_files, simple

_LINK = re.compile(r'\b(?:src|href|srcset|action|data)="([^"]*)"')


@pytest.fixture(scope="module")
def written(snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of everything."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    done = run("report", "--db", snapshot, "-o", path)
    assert done.exit_code == 0, done.output
    return path


def test_a_report_refers_to_nothing_outside_itself(written: Path) -> None:
    text = written.read_text()
    links = _LINK.findall(text)
    assert {each.split(",")[0] for each in links if not each.startswith("#")} == {"data:image/webp;base64"}
    anchors = set(re.findall(r'\bid="([^"]*)"', text))
    assert {each[1:] for each in links if each.startswith("#")} <= anchors
    assert "<script" not in text
    assert "url(" not in text
    assert "default-src 'none'" in text


def test_a_report_has_the_broken_sequences_first_with_findings_frames_and_statistics(
    browser: Browser, written: Path
) -> None:
    with browser.new_context(offline=True, java_script_enabled=False) as context:
        page = context.new_page()
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(written.as_uri())
        expect(page.locator("#list + table tbody tr").last).to_contain_text("✓ ok")
        link = page.locator("#list + table").get_by_role("link", name="beauty.####.exr").first
        section = page.locator(link.get_attribute("href") or "")
        expect(section).to_contain_text("missing 1006")
        expect(section.get_by_role("row", name="PIX-02").first).to_contain_text("1007")
        expect(section.locator("figure").filter(has_text="FILE-01")).to_contain_text("1004")
        expect(section.get_by_role("img", name="8 frames")).to_be_visible()
        expect(section.locator("svg.line").first).to_be_visible()
        assert page.evaluate("[...document.images].every(each => each.naturalWidth > 0)")
    assert all(url.startswith(("data:", "file:")) for url in requested)
    assert complaints == []


def test_statistics_of_a_report_name_parts_and_leave_out_cryptomattes(written: Path) -> None:
    sections = {each.split("####")[0].split()[-1]: each for each in written.read_text().split("<section")[1:]}
    assert "depth.right" in sections["stereo."]
    assert ">crypto_object00.R<" not in sections["layers."]
    assert "<th>Mean over frames</th>" not in sections["stereo."]


@pytest.mark.parametrize("medium", ["screen", "print"])
def test_a_report_is_accessible_and_fits(browser: Browser, written: Path, medium: str) -> None:
    # Axe is a script, which the report itself forbids.
    with browser.new_context(bypass_csp=True) as context:
        page = context.new_page()
        page.emulate_media(media="print" if medium == "print" else "screen")
        page.goto(written.as_uri())
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        for width in (1280, 800):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_text_stays_text(written: Path) -> None:
    text = written.read_text()
    assert SCRIPT not in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text


def test_a_report_of_files_inspects_them_with_pixels_and_policy(
    show: Path, snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXR_INSPECTOR_SETTLE_SECONDS", "0")
    name = show / BEAUTY
    reports = []
    for index, options in enumerate(([], ["--db", snapshot])):
        path = tmp_path / f"{index}.html"
        done = run("report", name, *options, "--title", "sh010", "-o", path)
        assert done.exit_code == 0, done.output
        text = re.sub(r"<time.*?</time>|20\d\d-\d\d-\d\d", "", path.read_text())
        reports.append(text)
    assert reports[0] == reports[1]
    assert "<title>Report of sh010</title>" in reports[0]
    assert "PIX-02" in reports[0]
    assert "v002" not in reports[0]


def test_a_report_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.1001.exr", "a.1002.exr", "b/c.exr"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(simple(4, 4))
    Path("a.1002.exr").chmod(0)
    Path("b").chmod(0)
    done = unprivileged("report", ".", "absent.exr", "-o", "report.html")
    assert done.returncode == 1
    lines = done.stderr.decode().replace(f"{tmp_path}/", "").splitlines()
    assert lines[:-1] == [
        "Not read: a.1002.exr: STORAGE_DENIED: Permission denied",
        "Not read: b: STORAGE_DENIED: Permission denied",
        "Not read: absent.exr: FILE_NOT_FOUND: No such file or directory",
    ]
    assert "a.####.exr" in Path("report.html").read_text()


def test_a_folder_a_sequence_and_a_file_are_reported_of_a_database(
    show: Path, snapshot: Path, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    for name, count in (
        ("tide", 2),
        ("dune/sq010/sh010", 2),
        (BEAUTY, 1),
        (BEAUTY.replace("#", "%04d"), 1),
        (BEAUTY.replace("#", "1003"), 1),
        ("dune/assets/hill_albedo.exr", 1),
        ("/", 11),
    ):
        done = run("report", show / name, "--db", snapshot, "-o", path)
        assert done.exit_code == 0, (name, done.output)
        assert len(re.findall(r'<section class="panel"', path.read_text())) == count, name


def test_what_is_not_stored_is_a_clear_fault_and_keeps_the_old_report(snapshot: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("before")
    for options in (["/no/where", "--db", snapshot], [tmp_path / "nowhere"], []):
        done = run("report", *options, "-o", path)
        assert done.exit_code == 2
        assert path.read_text() == "before"
    assert "nothing of that name is stored" in run("report", "/no", "--db", snapshot, "-o", path).stderr


def test_what_does_not_fit_is_left_out_and_counted(
    snapshot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MAX_PICTURE_BYTES", 10_000)
    monkeypatch.setattr(report, "MAX_SECTIONS", 3)
    monkeypatch.setattr(report, "MAX_CHANNELS", 5)
    path = tmp_path / "report.html"
    assert run("report", "--db", snapshot, "-o", path).exit_code == 0
    text = path.read_text()
    assert 0 < len("".join(re.findall('src="([^"]*)"', text))) < 14_000
    assert text.count('<section class="panel"') == 3
    assert "The other sequences have no section in this report" in text
    assert "and 3 more channels" in text


def test_the_report_of_the_demo_show_is_small(tmp_path: Path) -> None:
    for name, data in demo_files():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    path = tmp_path / "report.html"
    assert run("report", tmp_path, "-o", path).exit_code == 0
    assert path.stat().st_size < 2_000_000
