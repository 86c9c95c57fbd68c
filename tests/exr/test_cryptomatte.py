"""Cryptomatte in headers, against version 1.2.0 of its specification."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exr_inspector.exr import cryptomatte
from exr_inspector.exr.cryptomatte import (
    Cryptomatte,
    Found,
    Manifest,
    clamped,
    describe,
    find_cryptomattes,
    manifest_path,
    parse_manifest,
    verify,
)
from exr_inspector.exr.header import Header
from exr_inspector.exr.part_summary import channel_facts, part_facts
from tests.exr.headers import compressed, multipart, parsed, plain
from tests.exrfiles.attributes import Attribute, Channel, attribute
from tests.exrfiles.cryptomatte import metadata, murmur3_32, object_id
from tests.exrfiles.writer import Header as Written

NAMES = ("/char/dragon", "/set/hill")


def _channels(*layers: str, components: str = "RGBA", type_: str = "float") -> Attribute:
    named = sorted(f"{layer}.{each}" for layer in layers for each in components)
    return attribute("channels", "chlist", [Channel(name, type_) for name in named])


def _layers(name: str, count: int = 3) -> list[str]:
    return [f"{name}{number:02}" for number in range(count)]


def _found(written: Written) -> Found:
    header = parsed(written)
    texts = [
        {each.name: each.value for each in part.attributes if each.type_name == "string"}
        for part in header.parts
    ]
    return find_cryptomattes(_parts(header), texts, channel_facts(header))


def _parts(header: Header) -> list[Any]:
    return [part_facts(header, index) for index in range(len(header.parts))]


def _only(written: Written) -> Cryptomatte:
    (only,) = _found(written).cryptomattes
    return only


def _described(written: Written) -> dict[str, Any]:
    only = _only(written)
    manifest = parse_manifest(only.manifest) if only.manifest else None
    return describe(only, _parts(parsed(written)), manifest)


def test_the_attributes_and_the_layers_of_a_part_are_one_cryptomatte() -> None:
    found = _only(plain(*metadata("crypto_object", NAMES), _channels(*_layers("crypto_object"))))
    assert (found.name, found.hash, found.conversion) == (
        "crypto_object",
        "MurmurHash3_32",
        "uint32_to_float32",
    )
    assert found.ranks == [
        (0, f"crypto_object{rank // 2:02}.{'RB'[rank % 2]}", f"crypto_object{rank // 2:02}.{'GA'[rank % 2]}")
        for rank in range(6)
    ]
    assert found.missing_channels == []
    assert not found.has_preview


@pytest.mark.parametrize("components", [("r", "g", "b", "a"), ("red", "green", "blue", "alpha")])
def test_components_have_short_or_long_names_in_any_case(components: Sequence[str]) -> None:
    channels = attribute(
        "channels", "chlist", [Channel(f"id00.{each}", "float") for each in sorted(components)]
    )
    ranks = _only(plain(*metadata("id", NAMES), channels)).ranks
    red, green, blue, alpha = (f"id00.{each}" for each in components)
    assert ranks == [(0, red, green), (0, blue, alpha)]


def test_a_name_may_have_a_dot_as_blender_writes_it() -> None:
    found = _only(
        plain(*metadata("View.CryptoObject", NAMES), _channels("View.CryptoObject00", components="rgba"))
    )
    assert len(found.ranks) == 2


def test_layers_may_be_parts_of_their_own() -> None:
    rgba = attribute("channels", "chlist", [Channel(each, "float") for each in "ABGR"])
    parts = [[*metadata("crypto", NAMES), _channels("beauty")]]
    parts += [[attribute("name", "string", name), rgba] for name in _layers("crypto")]
    found = _only(multipart(*parts))
    assert found.part_index == 0
    assert [rank.part_index for rank in found.ranks] == [1, 1, 2, 2, 3, 3]


def test_attributes_that_parts_repeat_are_one_cryptomatte() -> None:
    repeated = metadata("crypto", NAMES)
    found = _only(multipart([*repeated, _channels("beauty")], [*repeated, _channels(*_layers("crypto"))]))
    assert (found.part_index, len(found.ranks)) == (0, 6)


def test_views_have_their_own_cryptomattes() -> None:
    eyes = [
        [attribute("view", "string", eye), *metadata("crypto", [eye]), _channels("crypto00")]
        for eye in ("left", "right")
    ]
    found = _found(multipart(*eyes)).cryptomattes
    assert [(each.view, each.ranks[0].part_index) for each in found] == [("left", 0), ("right", 1)]


def test_gaps_are_missing_channels() -> None:
    layers = [f"id00.{each}" for each in "ABGR"] + [f"id02.{each}" for each in "BGR"]
    channels = attribute("channels", "chlist", [Channel(name, "float") for name in layers])
    found = _only(plain(*metadata("id", NAMES), channels))
    assert found.missing_channels == ["id01.r", "id01.g", "id01.b", "id01.a", "id02.a"]
    assert len(found.ranks) == 3


def test_a_cryptomatte_without_layers_lacks_the_first() -> None:
    found = _only(plain(*metadata("id", NAMES)))
    assert found.missing_channels == ["id00.r", "id00.g", "id00.b", "id00.a"]


def test_the_layer_of_preview_colors_is_found() -> None:
    assert _only(plain(*metadata("id", NAMES), _channels("id", "id00"))).has_preview


def test_a_name_may_end_in_digits() -> None:
    found = _found(plain(*metadata("crypto01", NAMES), _channels("crypto01", "crypto0100", "crypto0101")))
    assert [(each.has_preview, len(each.layers)) for each in found.cryptomattes] == [(True, 2)]
    assert found.unclaimed == []


def test_layers_that_look_like_a_cryptomatte_but_have_no_attributes_are_unclaimed() -> None:
    found = _found(plain(_channels("crypto_material00", "crypto_material01", "beauty00")))
    assert found == ([], ["crypto_material"])


def test_a_key_without_a_name_claims_no_layer() -> None:
    only, unclaimed = _found(
        plain(attribute("cryptomatte/abc/hash", "string", "MurmurHash3_32"), _channels("cryptoA00"))
    )
    assert [(each.key, each.name, each.layers) for each in only] == [("abc", None, ())]
    assert unclaimed == ["cryptoA"]


def test_an_attribute_of_another_type_does_not_count() -> None:
    assert _found(plain(attribute("cryptomatte/abc/name", "int", 1))).cryptomattes == []


@pytest.mark.parametrize(
    ("compression", "type_", "components", "damaged", "discouraged"),
    [
        ("zip", "float", "RGBA", 0, 0),
        ("pxr24", "float", "RGBA", 4, 0),
        ("b44", "float", "RGBA", 0, 4),
        ("b44a", "half", "RGBA", 4, 0),
        ("dwaa", "float", "RGBA", 3, 1),
        ("dwab", "float", "rgba", 0, 4),
        ("lj2k", "float", "rgba", 3, 1),
    ],
)
def test_loss_depends_on_codec_type_and_name(
    compression: str, type_: str, components: str, damaged: int, discouraged: int
) -> None:
    channels = _channels("id00", components=components, type_=type_)
    facts = _described(plain(*metadata("id", NAMES), channels, compressed(compression)))
    assert (len(facts["damaged_channels"]), len(facts["discouraged_channels"])) == (damaged, discouraged)
    assert facts["types"] == [type_]


# --- manifests --------------------------------------------------------------------------------------


def test_the_manifest_gives_names_and_ids() -> None:
    found = _only(plain(*metadata("id", NAMES)))
    assert found.manifest is not None
    assert parse_manifest(found.manifest) == ([(name, object_id(name)) for name in NAMES], [], None)


def test_names_are_hashed_as_utf_8() -> None:
    # The two examples of the specification.
    assert verify([("torus", 0xF19C73FD), ("равнина", 0x9623511E)]) == ([], [], [])


def _with_exponent(exponent: int) -> str:
    """Return a name whose hash has this exponent."""
    return next(
        name for name in map(str, range(10**6)) if (murmur3_32(name.encode()) >> 23) & 0xFF == exponent
    )


@pytest.mark.parametrize("exponent", [0, 255])
def test_ids_that_are_no_normal_floats_must_be_clamped(exponent: int) -> None:
    name = _with_exponent(exponent)
    hashed = murmur3_32(name.encode())
    assert verify([(name, clamped(hashed))]) == ([], [], [])
    assert verify([(name, hashed)]) == ([], [name], [])


def test_wrong_ids_and_collisions_are_named() -> None:
    right = object_id("a")
    assert verify([("a", right), ("b", right)]) == (["b"], [], ["b"])
    assert verify([("a", right), ("a", right)]) == ([], [], [])


@given(st.dictionaries(st.text(), st.integers(0, 2**32 - 1)), st.booleans(), st.integers(0, 2) | st.none())
def test_any_flat_object_is_read(objects: Mapping[str, int], ascii_: bool, indent: int | None) -> None:
    text = json.dumps(
        {name: f"{id_:08x}" for name, id_ in objects.items()}, ensure_ascii=ascii_, indent=indent
    )
    assert parse_manifest(text) == (list(objects.items()), [], None)
    assert (
        parse_manifest(text.encode("utf-8", "surrogatepass") if not ascii_ else text.encode()).error is None
    )


def test_ids_have_eight_digits() -> None:
    found = parse_manifest('{"a":"1","b":"0000000g","c":"0x00ff00","d":"٠١٢٣٤٥٦٧","e":"000000FF"}')
    assert found == ([("e", 255)], ["a", "b", "c", "d"], None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"a":1}',
        '{"a":{"b":"00000001"}}',
        '{"a":["00000001"]}',
        '{"a":"00000001"',
        '{"a":"00000001"} {}',
        '{"a" "00000001"}',
        '{"a":"\\x"}',
        '{"a":"\n"}',
        '\\"{"a":"00000001"}',
        b'{"\xff":"00000001"}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_flat_object_of_texts_is_an_error(text: str | bytes) -> None:
    found = parse_manifest(text)
    assert found.objects == []
    assert str(found.error).startswith("the manifest is not valid: ")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10**6,
        '{"a":' * 10**5,
        '"' * (10**6 + 1),
        '\\"' * 10**6,
        "\\" * 10**6,
        '{"a":"' + "\\" * (10**6 + 1),
        "{" + ":" * 10**6 + "}",
        "{" + '"":"",' * 10**6 + '"":""}',
    ],
    ids=range(8),
)
def test_hostile_text_is_an_error(text: str) -> None:
    assert parse_manifest(text).error


def test_nested_text_is_refused_before_it_is_decoded() -> None:
    text = '{"a":[' + "[]," * 10**5 + "[]]}"
    tracemalloc.start()
    assert parse_manifest(text).error
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(text)  # decoded, it takes twenty times its size


def test_a_manifest_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cryptomatte, "MAX_OBJECTS", 2)
    assert parse_manifest('{"a":"00000001","b":"00000002"}').error is None
    assert "it has 3 objects; 2 are read" in str(parse_manifest('{"a":"1","b":"2","c":"3"}').error)
    monkeypatch.setattr(cryptomatte, "MAX_MANIFEST_BYTES", 10)
    assert "it has 11 characters; 10 are read" in str(parse_manifest("{" + " " * 9 + "}").error)


def test_the_facts_have_few_names_and_all_counts() -> None:
    wrong = {f"name{number}": "00000001" for number in range(25)}
    text = attribute("cryptomatte/abc/manifest", "string", json.dumps({**wrong, "x": "1"}))
    facts = _described(plain(attribute("cryptomatte/abc/name", "string", "id"), text))
    counts = {kind: facts[f"{kind}_count"] for kind in ("bad_ids", "mismatched", "unclamped", "collisions")}
    assert counts == {"bad_ids": 1, "mismatched": 25, "unclamped": 0, "collisions": 24}
    assert facts["mismatched"] == [f"name{number}" for number in range(10)]
    assert (facts["object_count"], facts["manifest_error"]) == (25, None)
    json.dumps(facts, allow_nan=False)


def test_facts_without_a_manifest_say_so() -> None:
    facts = _described(plain(attribute("cryptomatte/abc/name", "string", "id")))
    assert (facts["object_count"], facts["mismatched_count"]) == (None, 0)


@pytest.mark.parametrize(
    "path", ["m.json", "manifests/m.1001.json", "..a/b.json", ".hidden/m.json", "ä ö.json"]
)
def test_the_path_of_a_sidecar_is_below_the_folder_of_the_file(path: str) -> None:
    assert manifest_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *("", "m.txt", "./m.json", "../m.json", "a/../m.json", "a/../../m.json", "a//m.json", "/etc/m.json"),
        *(
            "a\\m.json",
            "..\\m.json",
            "C:/m.json",
            "file:m.json",
            "s3://bucket/m.json",
            "a/\0/m.json",
            ".json/",
        ),
    ],
)
def test_any_other_path_of_a_sidecar_is_refused(path: str) -> None:
    assert manifest_path(path) is None


def test_an_empty_manifest_has_no_objects() -> None:
    assert parse_manifest("{}") == Manifest([], [])


def _objects(names: Iterable[str]) -> list[tuple[str, int]]:
    return [(name, object_id(name)) for name in names]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_every_id_is_what_an_independent_hash_gives(names: list[str]) -> None:
    assert verify(_objects(names))[:2] == ([], [])


def test_a_manifest_may_have_a_quarter_of_a_million_objects() -> None:
    """Less would refuse frames of crowds; more takes memory that a small function does not have."""
    assert (cryptomatte.MAX_OBJECTS, cryptomatte.MAX_MANIFEST_BYTES) == (2**18, 2**25)
