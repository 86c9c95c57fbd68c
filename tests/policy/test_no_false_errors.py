"""The policy `default` finds no error in what a reader must accept."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkstemp

from hypothesis import given, settings

from exr_inspector import Settings, inspect
from exr_inspector.policy.evaluate import evaluate
from exr_inspector.policy.load import load_pack
from tests.exrfiles.strategies import valid_headers
from tests.exrfiles.writer import Header


@settings(max_examples=60)
@given(valid_headers())
def test_no_valid_header_is_an_error(header: Header) -> None:
    handle, name = mkstemp(suffix=".exr")
    os.write(handle, header.data)
    os.close(handle)
    document = inspect(name, Settings(openimageio=False))
    Path(name).unlink()
    failed = {
        each["rule_id"]: each["message"]
        for each in evaluate([load_pack("default")], document)["findings"]
        if each["verdict"] == "fail" and each["severity"] == "error"
    }
    assert failed.keys() <= {"FILE-01"}, failed  # there are no pixels behind the header
