from __future__ import annotations

import os
from pathlib import Path

import pytest

from exr_inspector.apps.devserver.config import RunConfig, environment, read_config
from exr_inspector.errors import InspectorError


def _file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(text)
    return file


def test_every_value_is_text_as_on_the_cluster(tmp_path: Path) -> None:
    text = """
    envs: {S3_ENDPOINT: "http://127.0.0.1:9000", TRIES: 3, VERIFY: yes, EMPTY:}
    secrets: {exr-secret: {access_key: x, port: 0x10}}
    """
    config = read_config(_file(tmp_path, text))
    assert config.envs == {
        "S3_ENDPOINT": "http://127.0.0.1:9000",
        "TRIES": "3",
        "VERIFY": "true",
        "EMPTY": "",
    }
    assert config.secrets == {"exr-secret": {"access_key": "x", "port": "16"}}


@pytest.mark.parametrize("text", ["", "envs:\n", "secrets:\n", "{}"])
def test_sections_may_be_missing_or_empty(tmp_path: Path, text: str) -> None:
    assert read_config(_file(tmp_path, text)) == RunConfig()


@pytest.mark.parametrize(
    "text", ["a: [", "- 1", "envs: [1]", "secrets: {mine: TOPSECRET}", "secrets: {mine: {key: [TOPSECRET]}}"]
)
def test_another_shape_is_a_bad_setting_without_values(tmp_path: Path, text: str) -> None:
    with pytest.raises(InspectorError, match="BAD_SETTING") as refusal:
        read_config(_file(tmp_path, text))
    assert "TOPSECRET" not in str(refusal.value)


def test_a_missing_file_is_a_bad_setting(tmp_path: Path) -> None:
    with pytest.raises(InspectorError, match="BAD_SETTING"):
        read_config(tmp_path / "absent.yaml")


def test_the_environment_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RENDER_FARM", "east")
    monkeypatch.delenv("RENDER_LANE", raising=False)
    with environment({"RENDER_FARM": "west", "RENDER_LANE": "1"}):
        assert (os.environ["RENDER_FARM"], os.environ["RENDER_LANE"]) == ("west", "1")
    assert os.environ["RENDER_FARM"] == "east"
    assert "RENDER_LANE" not in os.environ
