"""Document -> validation: judge the files whose requests or settings ask for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exr_inspector.document.serialize import to_json
from exr_inspector.errors import InspectorError
from exr_inspector.events.request import Config
from exr_inspector.policy_files import PolicyFiles
from exr_inspector.reader import Inspection, Judged, Reader

if TYPE_CHECKING:
    from exr_inspector.policy.model import Policy

DEFAULT = "default"


@dataclass(frozen=True)
class Judge:
    """Judges files by the policies of one instance."""

    reader: Reader
    files: PolicyFiles
    keep_faults: bool = False
    """Whether a fault that a retry can cure is part of the document instead of raised."""

    def judge(self, inspections: Sequence[Inspection]) -> list[Inspection]:
        """Return the inspections, those that are to be validated with it.

        A policy that is not valid is an error of the document's validation. Raises InspectorError for a fault
        that a retry can cure.
        """
        return [self._judged(each) for each in inspections]

    def _judged(self, inspection: Inspection) -> Inspection:
        document = inspection.document
        names = self._names(inspection.request.config)
        if not names or document["file"]["status"] is None:
            return inspection
        policies: list[Policy] = []
        errors = []
        for name in names:
            try:
                policies.append(self.files.load(name, self.reader.open_source))
            except InspectorError as error:
                if error.retry and not self.keep_faults:
                    raise
                self.reader.telemetry.logger.error("Policy: %s", error)  # noqa: TRY400 - it is part of the answer
                errors.append(error.entry())
        from exr_inspector.policy.evaluate import evaluate  # noqa: PLC0415 - only if policies are used

        validation = evaluate(policies, document)
        if errors:
            validation = {**validation, "status": "error", "errors": errors}
        judged = Judged(validation, to_json({"policies": names}), [[each.id, each.hash] for each in policies])
        return replace(inspection, document={**document, "validation": validation}, judged=judged)

    def _names(self, config: Config) -> list[str]:
        """Return the policies of a request: those of the settings, and its own or the pack `default`."""
        names = list(self.reader.settings.policies)
        if config.validate and (config.policy_path or not names):
            names.append(config.policy_path or DEFAULT)
        return list(dict.fromkeys(names))
