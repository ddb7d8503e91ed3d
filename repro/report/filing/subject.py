"""What a report for an upstream is about: one finding, its probes that count there, and their evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from repro.document import ErrorRecord, Finding, Outcome, RunDocument
from repro.report import network
from repro.report.filing import choice, packages
from repro.report.filing.upstream import Upstream
from repro.reproduce.record import Reproduction

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """A finding as one upstream is told of it.

    Args:
        document: the run.
        events: the trace lines of each probe, by its name; a probe may be missing.
        upstream: who is told.
        finding: what is told; None where nothing failed.
        failing: its failing probes, those of the upstream's own packages first.
        reproduction: a program that was checked, of the first of those probes that has one.
    """

    document: RunDocument
    events: Mapping[str, Sequence[Line]]
    upstream: Upstream
    finding: Finding | None
    failing: Sequence[Outcome]
    reproduction: Reproduction | None

    @property
    def main(self) -> Outcome | None:
        """The failing probe that the report shows."""
        return next(iter(self.failing), None)

    @property
    def error(self) -> ErrorRecord | None:
        """Why that probe failed."""
        return None if self.main is None else self.main["error"]

    @property
    def concerns(self) -> bool:
        """Whether it is the upstream's: by the finding's cause, or by the driver that failed."""
        if self.finding is None:
            return False
        chosen = choice.chosen_for(self.document, self.finding).upstream
        own = chosen is not None and chosen.name == self.upstream.name
        return own or any(choice.is_of(each, self.upstream) for each in self.failing)

    @property
    def lacks_package(self) -> bool:
        """Whether none of the upstream's packages failed in this run: other probes show its fault."""
        return not choice.ran(self.failing, self.upstream)

    @property
    def is_node(self) -> bool:
        """Whether it is about packages of npm."""
        if self.main is not None:
            return packages.ecosystem(self.main) == "npm"
        return any(each.startswith("npm:") for each in self.upstream.packages)

    def lines(self, outcome: Outcome) -> Sequence[Line]:
        """The trace of a probe."""
        return self.events.get(outcome["name"], ())

    def version(self, package: str) -> str | None:
        """The version of a package, such as ``pypi:redis``, as the failing probes loaded it."""
        return packages.version(self.document, self.failing, package)

    def seen(self, name: str) -> str | None:
        """A version that a probe saw, such as ``server``: a failing one, else any of its kind."""
        return next(
            (
                told[name]
                for each in (*self.failing, *self.document["probes"])
                if name in (told := each.get("versions", {}))
            ),
            None,
        )

    def told_by_server(self, parameter: str) -> str | None:
        """A parameter of the server as it told it at a login: to a failing probe, else to any."""
        every = (line for each in (*self.failing, *self.document["probes"]) for line in self.lines(each))
        told = (each.get("pg.parameter_value") for each in every if each.get("pg.parameter") == parameter)
        return next(told, None)

    def passing(self) -> list[Outcome]:
        """The probes of the same kind that passed on the same target."""
        return [] if self.main is None else network.passing_alike(self.main, self.document["probes"])


def of(
    document: RunDocument,
    events: Mapping[str, Sequence[Line]],
    target: Upstream,
    reproductions: Sequence[Reproduction],
) -> Subject:
    """What to tell an upstream of a run.

    Args:
        document: the run.
        events: the trace lines of each probe, by its name.
        target: who is told.
        reproductions: of the run; those that did not fail each time are left out.
    """
    failing = choice.failing_for(document, target)
    proved = {each.probe: each for each in reproductions if each.every_time}
    own = (each["name"] for each in failing if choice.is_of(each, target))
    program = next((proved[name] for name in own if name in proved), None)
    return Subject(document, events, target, choice.finding_for(document, target), failing, program)
