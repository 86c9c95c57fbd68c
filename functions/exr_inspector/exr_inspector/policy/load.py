"""Policy files: YAML text to a policy whose rules are compiled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from exr_inspector.document.serialize import to_json
from exr_inspector.errors import BAD_POLICY, InspectorError
from exr_inspector.policy import collections as _collections  # noqa: F401 - registers them
from exr_inspector.policy.compile import Path, compile_condition, compile_message
from exr_inspector.policy.facts import COLLECTIONS, Collection
from exr_inspector.policy.model import Condition, Policy, Rule, Selection, Suppression
from exr_inspector.policy.operators import OperandError, compile_glob
from exr_inspector.policy.schema import FormError, PolicySource, validate
from exr_inspector.policy.sequence_rules import compile_sequence_assert
from exr_inspector.policy.yaml_text import Parsed, YamlError, parse_yaml

LANGUAGE = 1
"""Version of the rule language: part of each policy's hash."""
MAX_RULES = 1000
"""Rules of a policy, with those that it extends."""
MAX_EXTENDS = 8
"""Policies that extend each other."""
MAX_FILES = 32
"""Files that a policy extends, directly or not."""

_PACKS = "exr_inspector.policy.packs"

ReadFile = Callable[[str, str], tuple[bytes, str]]
"""Return the bytes of a policy file and its path, by its name and the path of the file that names it."""


def pack_names() -> list[str]:
    """Return the names of the policies that ship with exr-inspector."""
    files = resources.files(_PACKS).iterdir()
    return sorted(each.name.removesuffix(".yaml") for each in files if each.name.endswith(".yaml"))


@cache
def load_pack(name: str) -> Policy:
    """Return a policy that ships with exr-inspector. Raises InspectorError(BAD_POLICY) if there is none."""
    return load_policy(*_read_pack(name), _refuse_files)


def _read_pack(name: str) -> tuple[bytes, str]:
    if name not in pack_names():
        raise InspectorError(
            BAD_POLICY, f"there is no policy {name!r}; known are {', '.join(pack_names())}", name
        )
    return (resources.files(_PACKS) / f"{name}.yaml").read_bytes(), f"{name}.yaml"


def _refuse_files(name: str, path: str) -> tuple[bytes, str]:
    raise InspectorError(BAD_POLICY, f"policy files are not read here: {name}", path)


def load_policy(raw: bytes, path: str, read_file: ReadFile = _refuse_files) -> Policy:
    """Return the policy in a file. `read_file` reads the files that it extends.

    Raises InspectorError(BAD_POLICY), which names file, line and field.
    """
    file = _parse(raw, path)
    bases: list[str] = []
    drafts = _drafts(file, read_file, (path,), bases)
    if len(drafts) > MAX_RULES:
        raise file.error((), f"the policy has {len(drafts)} rules; at most {MAX_RULES} are allowed")
    rules = tuple(_compile(each) for each in drafts.values())
    suppressions = tuple(
        Suppression(_suppresses(each.rule, each.path), each.reason) for each in file.source.suppressions
    )
    accepted = [each.model_dump() for each in file.source.suppressions]
    content = [LANGUAGE, file.source.policy, [[each.id, each.source] for each in rules], accepted]
    return Policy(
        id=file.source.policy,
        hash=hashlib.sha256(to_json(content).encode()).hexdigest(),
        title=file.source.title,
        description=file.source.description,
        rules=rules,
        suppressions=suppressions,
        bases=frozenset(bases),
    )


def is_pack(name: str) -> bool:
    """Return whether a name is that of a pack by its form; otherwise it names a file."""
    return not name.endswith((".yaml", ".yml")) and "/" not in name and "\\" not in name


@dataclass(frozen=True)
class _File:
    path: str
    parsed: Parsed
    source: PolicySource

    def error(self, at: Path, message: str) -> InspectorError:
        """Return a BAD_POLICY that names file, line and field."""
        return _error(self.path, self.parsed, at, message)


@dataclass(frozen=True)
class _Draft:
    """A rule before it is compiled: its values, and the place of each in its file."""

    values: Mapping[str, Any]
    places: Mapping[str, tuple[_File, Path]]
    origin: str


def _error(path: str, parsed: Parsed, at: Path, message: str) -> InspectorError:
    field = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in at).lstrip(".")
    where = f"{path}:{parsed.line(at)}"
    return InspectorError(BAD_POLICY, f"{field}: {message}" if field else message, where)


def _parse(raw: bytes, path: str) -> _File:
    try:
        parsed = parse_yaml(raw)
    except YamlError as error:
        raise InspectorError(BAD_POLICY, error.message, f"{path}:{error.line}") from None
    try:
        return _File(path, parsed, validate(parsed.value, PolicySource))
    except FormError as error:
        raise _error(path, parsed, error.path, error.message) from None


def _drafts(file: _File, read_file: ReadFile, chain: tuple[str, ...], bases: list[str]) -> dict[str, _Draft]:
    """Return the rules of a file by id, with those of the files that it extends and its overrides.

    `chain` has the paths that lead here; the ids of all files that are read are added to `bases`.
    """
    found: dict[str, _Draft] = {}
    for index, name in enumerate(file.source.extends):
        raw, path = _read_pack(name) if is_pack(name) else read_file(name, file.path)
        if path in chain or len(chain) == MAX_EXTENDS:
            problem = "extends itself" if path in chain else f"is extended more than {MAX_EXTENDS} deep"
            raise file.error(("extends", index), f"{name} {problem}")
        if len(bases) == MAX_FILES:
            raise file.error(("extends", index), f"the policy extends more than {MAX_FILES} files")
        base = _parse(raw, path)
        bases.append(base.source.policy)
        found.update(_drafts(base, read_file, (*chain, path), bases))
    _override(file, found)
    for index, values in enumerate(file.parsed.value.get("rules") or []):
        at: Path = ("rules", index)
        if values["id"] in found:
            raise file.error((*at, "id"), f"the rule {values['id']} exists already; change it in `overrides`")
        defaults = {"severity": "error"}
        places = {"": (file, at), **{key: (file, (*at, key)) for key in values}}
        found[values["id"]] = _Draft({**defaults, **values}, places, file.source.policy)
    return found


def _override(file: _File, found: dict[str, _Draft]) -> None:
    for key, changes in (file.parsed.value.get("overrides") or {}).items():
        at: Path = ("overrides", key)
        try:
            matches = compile_glob(key)
        except OperandError as error:
            raise file.error(at, str(error)) from None
        names = [name for name in found if matches(name)]
        if not names:
            raise file.error(at, "no inherited rule has this id")
        for name in names:
            if changes.get("severity") == "off":
                del found[name]
                continue
            draft = found[name]
            places = {**draft.places, **{field: (file, (*at, field)) for field in changes}}
            found[name] = _Draft({**draft.values, **changes}, places, draft.origin)


def _compile(draft: _Draft) -> Rule:
    values = draft.values
    given = values["given"]
    try:
        collection = _collection(given)
        when, asserted = values.get("when"), values["assert"]
        compiled_when = compile_condition(when, collection, ("when",)) if when else None
        if given == "sequence":
            asserts, series = compile_sequence_assert(asserted, collection, ("assert",))
        else:
            asserts, series = compile_condition(asserted, collection, ("assert",)), ()
        return Rule(
            id=values["id"],
            severity=values["severity"],
            given=given,
            title=values["title"],
            label=values.get("label", ""),
            why=values.get("why", ""),
            fix=values.get("fix", ""),
            docs=tuple(values.get("docs", ())),
            message=compile_message(
                values.get("message") or _default_message(given, asserted), collection, ("message",)
            ),
            when=compiled_when,
            asserts=asserts,
            series=series,
            selection=_selection(collection, compiled_when, asserts),
            source=values,
            origin=draft.origin,
            key=hashlib.sha256(to_json(values).encode()).hexdigest(),
        )
    except FormError as error:
        name, *rest = error.path
        file, at = draft.places.get(str(name), draft.places[""])
        raise file.error((*at, *rest), error.message) from None


def _collection(name: str) -> Collection:
    if name not in COLLECTIONS:
        known = ", ".join(sorted(COLLECTIONS))
        raise FormError(("given",), f"there is no collection {name!r}; known are {known}")
    return COLLECTIONS[name]


def _selection(collection: Collection, *conditions: Condition | None) -> Selection:
    leaves = [leaf for each in conditions if each for leaf in each.leaves]
    names = dict.fromkeys(name for leaf in leaves for name in leaf.fields)
    is_plain = all(name in collection.fields for name in names)
    return collection.name, tuple(names) if is_plain else ()


def _default_message(given: str, asserted: Mapping[str, Any]) -> str:
    if given == "sequence":
        return "{difference}"
    (name, *others) = asserted
    subject = "" if others or name in ("all", "any", "not") else f"{name.replace('_', ' ')} "
    return subject + "is {observed}; expected {expected}"


def _suppresses(rule: str, path: str) -> Callable[[str, str], bool]:
    try:
        matches_rule, matches_path = compile_glob(rule), compile_glob(path)
    except OperandError as error:
        raise InspectorError(BAD_POLICY, f"suppressions: {error}") from None
    return lambda found_rule, found_path: matches_rule(found_rule) and matches_path(found_path)
