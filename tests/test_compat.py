"""Code that imports the names of the original design, or the paths of release 1.0, keeps working."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from exr_inspector import compat
from tests.exrfiles.demo import simple
from tests.exrfiles.readers import open_oiio

# The functions that the README of the original design (0.9) lists, and where the README of 1.0 placed them.
PLACES = {
    "parse_config": "events.request",
    "extract_file_path": "events.parse",
    "inspect_exr": "pipeline",
    "spec_to_part": "reading.oiio_view",
    "spec_to_channels": "reading.oiio_view",
    "attributes_from_spec": "reading.oiio_view",
    "serialize_value": "reading.oiio_view",
    "persist_to_vast_database": "storage.persist",
}


@pytest.mark.parametrize("name", PLACES)
def test_a_name_of_the_original_design_is_in_compat_with_and_without_underscore(name: str) -> None:
    assert callable(getattr(compat, name))
    assert getattr(compat, f"_{name}") is getattr(compat, name)
    assert {name, f"_{name}"} <= set(compat.__all__)


@pytest.mark.parametrize(("name", "module"), PLACES.items())
def test_a_path_of_release_1_0_leads_to_the_same_function(name: str, module: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        home = importlib.import_module(f"exr_inspector.{module}")
    assert getattr(home, name) is getattr(compat, name)


@pytest.mark.parametrize("module", ["reading.oiio_view", "storage.persist"])
def test_a_path_of_release_1_0_says_what_to_use_instead(module: str) -> None:
    command = [sys.executable, "-W", "error::DeprecationWarning", "-c", f"import exr_inspector.{module}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    message = f"exr_inspector.{module} is deprecated: use exr_inspector.compat"
    assert done.stderr.splitlines()[-1] == f"DeprecationWarning: {message}"


def test_the_functions_work_as_the_original_design_describes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAST_DB_ENDPOINT", raising=False)
    path = tmp_path / "beauty.1001.exr"
    path.write_bytes(simple(8, 4))
    assert compat._extract_file_path({"data": {"path": str(path)}}) == str(path)
    config, errors = compat._parse_config({"stats": True})
    assert (type(config), config.stats, errors) == (compat.InspectorConfig, True, ())
    document = compat._inspect_exr(path)
    spec = open_oiio(path).spec()
    stated = dict(document["parts"][0])
    assert {**stated, **compat._spec_to_part(spec, 0)} == stated
    names = [each["name"] for each in compat._spec_to_channels(spec, 0)]
    assert sorted(names) == sorted(each["name"] for each in document["channels"])
    assert compat._attributes_from_spec(spec) == document["attributes"]
    assert compat._serialize_value((1, 0.5, b"\0")) == [1, 0.5, {"base64": "AA=="}]
    assert compat._persist_to_vast_database(document)["status"] == "skipped"
