"""Document -> validation: judge the files whose requests or settings ask for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from exr_inspector.errors import InspectorError
from exr_inspector.measurer import KNOWN, Measurer
from exr_inspector.policy_files import PolicyFiles
from exr_inspector.reader import Inspection, Judged

if TYPE_CHECKING:
    from exr_inspector.policy.model import Policy

DEFAULT = "default"

NOTHING = {
    "policies": [],
    "summary": dict.fromkeys(("error", "warning", "info", "unknown", "skipped"), 0),
    "findings": [],
}
STORED = {"status": "unchanged", "reason": f"{KNOWN}; exr-inspector check --db judges them"}


@dataclass(frozen=True)
class Judge:
    """Judges the files of one event or batch, whose pixels the measurer has read."""

    measurer: Measurer
    files: PolicyFiles

    def judge(self, measured: Sequence[Inspection]) -> list[Inspection]:
        """Return the inspections, those that ask for it with their validation.

        A policy that is not valid is an error of the document's validation. Raises InspectorError for a fault
        that a retry can cure.
        """
        names = [self._names(each) for each in measured]
        hidden = self.measurer.stored(
            [each for each, asked in zip(measured, names, strict=True) if asked and not each.pixels]
        )
        store = self.measurer.store
        known = store.computed(list(hidden), "policy") if store and hidden else {}
        return [
            self._judged(each, asked, hidden, known) if asked else each
            for each, asked in zip(measured, names, strict=True)
        ]

    def _judged(
        self,
        inspection: Inspection,
        names: Sequence[str],
        hidden: Mapping[str, str],
        known: Mapping[str, str | None],
    ) -> Inspection:
        """Judge one file.

        `hidden` identifies statistics that the store has and that are not at hand: rules that need them are
        unknown, and stored findings that were judged by them, which `known` identifies, stay.
        """
        document = inspection.document
        file_id = inspection.location.file_id if inspection.location else ""
        policies, errors = self._load(names)
        extra: dict[str, Any] = {}
        validation: Mapping[str, Any] = NOTHING
        if policies:
            from exr_inspector.extra_evidence import identity  # noqa: PLC0415 - only if policies are used
            from exr_inspector.policy.evaluate import evaluate  # noqa: PLC0415

            extra = self._extra(inspection, policies)
            validation = evaluate(policies, document, STORED if file_id in hidden else None, extra)
        for finding in validation["findings"]:
            kind = {name: finding[name] for name in ("severity", "verdict")}
            self.measurer.reader.telemetry.record("exr_inspector.findings", 1, **kind)
        if errors:
            validation = {**validation, "status": "error", "errors": errors}
        pixels = inspection.pixels.hash if inspection.pixels else hidden.get(file_id)
        inputs: list[Any] = [[[each.id, each.hash] for each in policies], pixels, errors]
        if extra:
            inputs.append(identity(extra))
        judged = Judged(validation, inputs, known.get(file_id))
        return replace(inspection, document={**document, "validation": validation}, judged=judged)

    def _names(self, inspection: Inspection) -> list[str]:
        """Return the policies of a file: those of the settings, and its event's or the pack `default`."""
        config = inspection.request.config
        if inspection.document["file"]["status"] is None:
            return []
        names = list(self.measurer.reader.settings.policies)
        if config.validate and (config.policy_path or not names):
            names.append(config.policy_path or DEFAULT)
        return list(dict.fromkeys(names))

    def _extra(self, inspection: Inspection, policies: Sequence[Policy]) -> dict[str, Any]:
        """Read what rules look at besides the document and the statistics, such as a side-car manifest."""
        collections = {rule.given for policy in policies for rule in policy.rules}
        if inspection.location is None or inspection.stat is None:
            return {}
        from exr_inspector.extra_evidence import ExtraReader  # noqa: PLC0415 - only if policies are used

        reader = self.measurer.reader
        is_full = inspection.document["stats"].get("mode") == "full"
        extras = ExtraReader(reader.open_source, reader.settings.limits, collections, with_pixels=is_full)
        try:
            return extras.read(inspection.document, inspection.location)
        except InspectorError as error:
            if error.retry and not self.measurer.keep_faults:
                raise
            return {}

    def _load(self, names: Sequence[str]) -> tuple[list[Policy], list[dict[str, str]]]:
        policies, errors = [], []
        reader = self.measurer.reader
        for name in names:
            try:
                policies.append(self.files.load(name, reader.open_source))
            except InspectorError as error:
                if error.retry and not self.measurer.keep_faults:
                    raise
                reader.telemetry.logger.error("Policy: %s", error)  # noqa: TRY400 - it is part of the answer
                errors.append(error.entry())
        reader.count_faults(errors)
        return policies, errors
