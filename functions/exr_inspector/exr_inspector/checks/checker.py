"""A check: sequences are judged by the policies and the configuration of their show."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from exr_inspector.checks.inputs import load_policies, look_at_files
from exr_inspector.checks.judge import Judge, Keep, Look, drop
from exr_inspector.checks.report import Report, SequenceReport
from exr_inspector.location import Location
from exr_inspector.pipeline import Target, request_for
from exr_inspector.pixels.stats import Mode
from exr_inspector.sequences import Group, group, parse_frames
from exr_inspector.settings import MIB, Settings
from exr_inspector.show import Show
from exr_inspector.shows import Shows

Pixels = Literal["none", "sampled", "full"]


@dataclass(frozen=True)
class Options:
    """The options of a check. The show configuration decides options that are None."""

    policies: tuple[str, ...] = ("default",)
    """Names of packs and of files. Those of the configuration come after them."""
    frames: tuple[int, ...] | None = None
    """The frames that every sequence must have."""
    pixels: Pixels | None = None
    budget: int | None = None
    """Bytes of a file that a sample may read."""
    settle_seconds: float | None = None
    accepted: frozenset[str] = frozenset()
    """Fingerprints of known findings, which do not count."""
    fail_on: tuple[str, ...] = ("error",)


def check(
    paths: Iterable[Target],
    policies: Sequence[str] = ("default",),
    frames: str | Iterable[int] | None = None,
    pixels: Pixels = "none",
    settings: Settings | None = None,
) -> Report:
    """Check files and their sequences against policies, as `exr-inspector check` does.

    `policies` are names of packs or paths of policy files. `frames` are the expected frames of every
    sequence, as `1001-1240` or as numbers. Raises InspectorError: BAD_POLICY, BAD_SETTING for an invalid show
    configuration, BAD_EVENT for an invalid path, NOT_INSTALLED. Raises ValueError if `frames` is not a valid
    range.

    >>> report = check(["beauty.1001.exr", "beauty.1002.exr"], frames="1001-1003")
    >>> report.exit_code, [(each["rule_id"], each["message"]) for each in report.findings]
    (1, [('SEQ-02', 'missing 1003')])
    """
    settings = settings or Settings()
    shows = Shows(settings.show_config)
    stated = parse_frames(frames) if isinstance(frames, str) else None if frames is None else tuple(frames)
    checker = Checker(Options(tuple(policies), stated, pixels), settings, shows)
    files = {
        each.canonical: each for each in (next(iter(request_for(path, settings).locations)) for path in paths)
    }
    for each in group(files.values(), lambda location: location.path, [shows]):
        checker.check(each)
    return checker.report


@dataclass
class Checker:
    """Checks sequences one after the other, and adds the findings to `report`."""

    options: Options
    settings: Settings
    shows: Shows
    look: Look | None = None
    """Finds the evidence. By default, files are read."""
    keep: Keep = drop
    track: Callable[[Look], Look] | None = None
    """Wraps `look`, to show progress."""

    def __post_init__(self) -> None:
        self._judges: dict[str, Judge] = {}
        self.report = Report(
            load_policies(self.options.policies, self.settings), fail_on=self.options.fail_on
        )

    def check(self, group: Group[Location], frames: Sequence[int] | None = None) -> SequenceReport:
        """Judge a sequence, or a file whose name has no frame; `frames` are those that its pattern names."""
        path = group.items[0].path if group.items else group.key
        show = self.shows.of(path)
        fields = show.describe(path).fields if show else {}
        expected = self.options.frames or frames or (show.expected(fields) if show else None)
        is_sequence = bool(group.frames) or not group.items
        found = self._judge(show).sequence(group, expected if is_sequence else None)
        found.fields = dict(fields)
        self.report.sequences.append(found)
        return found

    def _judge(self, show: Show | None) -> Judge:
        """Return the judge of a show. Options of the command come before its configuration."""
        key = show.path if show else ""
        if key not in self._judges:
            options = self.options
            pixels, budget, settle = options.pixels or "none", options.budget, options.settle_seconds
            policies = load_policies(options.policies, self.settings)
            if show:
                policies += load_policies(show.source.policies, self.settings, os.path.dirname(show.path))  # noqa: PTH120
                pixels = options.pixels or show.source.pixels.mode
                budget = show.source.pixels.budget_mib * MIB if budget is None else budget
                settle = show.source.settle_seconds if settle is None else settle
            policies = list({each.hash: each for each in policies}.values())
            self.report.policies = list(
                {each.hash: each for each in (*self.report.policies, *policies)}.values()
            )
            if self.look is None:
                self.report.pixels = max(self.report.pixels, pixels, key=("none", "sampled", "full").index)
                mode: Mode | None = None if pixels == "none" else pixels
                look = look_at_files(self.settings, mode, budget, policies)
            else:
                self.report.pixels, look = "stored", self.look
            self._judges[key] = Judge(
                policies,
                self.track(look) if self.track else look,
                self.settings.settle_seconds if settle is None else settle,
                options.accepted,
                self.keep,
            )
        return self._judges[key]
