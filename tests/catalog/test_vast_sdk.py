"""The adapter of the SDK refuses an SDK that it was not written for, before anything is sent."""

from __future__ import annotations

import functools
import importlib
import sys

import pytest
import vastdb
from vastdb._internal import VastdbApi

from exr_inspector import errors
from exr_inspector.catalog.vast import sdk
from exr_inspector.errors import InspectorError


def import_again() -> InspectorError:
    """Return the error of an import. The adapter's own classes stay: the check precedes them."""
    with pytest.raises(InspectorError) as refusal:
        importlib.reload(sdk)
    return refusal.value


def test_an_sdk_of_another_version_is_refused_with_the_version_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vastdb, "version", lambda: "2.2.0")
    refusal = import_again()
    assert refusal.fault is errors.NOT_INSTALLED
    assert "vastdb 2.2.0 is installed" in refusal.message
    assert f"pip install '{sdk.REQUIREMENT}'" in refusal.message


@pytest.mark.parametrize("part", ["_single_request", "with_endpoints", "rollback_transaction"])
def test_an_sdk_that_lacks_a_private_part_is_refused_by_the_part_s_name(
    monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.delattr(VastdbApi, part)
    refusal = import_again()
    assert refusal.fault is errors.NOT_INSTALLED
    assert part in refusal.message


def test_an_sdk_that_lacks_a_private_attribute_is_refused_by_the_attribute_s_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = VastdbApi.__init__

    @functools.wraps(original)
    def changed(self: VastdbApi, *arguments: object, **options: object) -> None:
        original(self, *arguments, **options)
        del self._ssl_verify

    monkeypatch.setattr(VastdbApi, "__init__", changed)
    refusal = import_again()
    assert refusal.fault is errors.NOT_INSTALLED
    assert "VastdbApi._ssl_verify" in refusal.message


def test_an_sdk_that_is_absent_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vastdb._internal", None)
    refusal = import_again()
    assert refusal.fault is errors.NOT_INSTALLED
    assert "pip install 'exr-inspector[vast]'" in refusal.message


def test_a_constructor_that_lost_a_parameter_is_refused_by_the_parameter_s_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def changed(self: object, access_key: str, secret_key: str) -> None:
        """A constructor of another release."""

    monkeypatch.setattr(VastdbApi, "__init__", changed)
    assert "VastdbApi(backoff_config)" in import_again().message
