"""An investigation from its plan to its findings: observe, ask who answered, find causes, prove them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from repro.diagnose import engine, proof
from repro.diagnose.cause import Change
from repro.diagnose.view import View
from repro.document import Finding, Outcome
from repro.lab.errors import LabError
from repro.observe import peers
from repro.observe.catalog import every
from repro.observe.interruption import interruptible
from repro.observe.plan import WRITING_ALLOWANCE_S, Plan
from repro.observe.process import SETTINGS
from repro.observe.progress import Progress, Silent
from repro.observe.run import Observation, observe

SHORTEST_S = 10.0
"""An experiment is begun only where so many seconds are left."""

LONGEST_S = 40.0
"""Seconds for one repetition of a probe in an experiment."""

LEAST_TO_ASK_S = 0.5
"""Seconds for asking who answered, whatever is left: on this machine or near it that is enough."""

MOST_ROUNDS = 4
"""How often the findings are looked for again, without what was refuted meanwhile."""


@dataclass(frozen=True, slots=True)
class Investigation:
    """What was seen, and what was found.

    Args:
        seen: the observation.
        findings: the best supported first.
    """

    seen: Observation
    findings: list[Finding]


def investigate(plan: Plan, progress: Progress, *, experiments: bool) -> Investigation:
    """Observe, and find the causes of what failed.

    Args:
        plan: what to run.
        progress: is told what happens.
        experiments: prove the causes that were found, within the run's deadline.

    An interruption (SIGINT, SIGTERM) ends it, at whatever it was; what was seen up to then is returned.

    Raises:
        LabError: the lab does not start.
        KeyboardInterrupt: interrupted a second time.
    """
    seen = observe(plan, progress)
    view = View(seen.outcomes, seen.events, seen.variables, _environment_of_the_probes(plan, seen))
    found: list[Finding] | None = None
    if not seen.interrupted:
        try:
            with interruptible():
                view = replace(view, peers=peers.asked(seen.outcomes, _left_to_ask_s(plan, seen)))
                found = _proved(plan, seen, view, progress) if experiments else None
        except KeyboardInterrupt:
            seen.interrupted = True
    seen.duration_s = round(time.monotonic() - seen.origin, 3)
    return Investigation(seen, engine.findings(view) if found is None else found)


def _left_to_ask_s(plan: Plan, seen: Observation) -> float:
    """What the deadline leaves for asking who answered, and a moment at least."""
    left_s = plan.deadline_s - WRITING_ALLOWANCE_S - (time.monotonic() - seen.origin)
    return min(peers.LONGEST_S, max(LEAST_TO_ASK_S, left_s))


def _environment_of_the_probes(plan: Plan, seen: Observation) -> dict[str, str]:
    overlaid: dict[str, str | None] = {**os.environ, **plan.inherited, **seen.environment}
    return {name: value for name, value in overlaid.items() if value is not None and name not in SETTINGS}


def _proved(plan: Plan, seen: Observation, view: View, progress: Progress) -> list[Finding]:
    """The findings with their experiments; without a cause that one refuted they are looked for again."""
    again = _Repetition(plan, seen)
    refuted: dict[str, str] = {}
    tried: dict[tuple[str | None, ...], Finding] = {}
    for _ in range(MOST_ROUNDS):
        found = engine.findings(view, refuted)
        for finding in found:
            key = (finding["cause"], *finding["probes"])
            if key not in tried:
                tried[key] = _with_proof(finding, view, again, progress)
            finding["proof"], finding["experiment"] = tried[key]["proof"], tried[key]["experiment"]
        new = {str(each["cause"]): _came_to(each) for each in found if each["proof"] == "refuted"}
        if not new:
            return sorted(found, key=_support)
        refuted.update(new)
    return engine.findings(view, refuted)


def _with_proof(finding: Finding, view: View, repeat: proof.Repeat, progress: Progress) -> Finding:
    if finding["cause"] is not None:
        progress.proving(finding["cause"])
    return proof.proved(finding, view, repeat)


def _support(finding: Finding) -> tuple[bool, int]:
    """What is confirmed comes first; else the order of the engine, which is kept."""
    return finding["cause"] is None, 0 if finding["proof"] == "confirmed" else 1


def _came_to(finding: Finding) -> str:
    experiment = finding["experiment"]
    assert experiment is not None  # noqa: S101 - it was refuted by one
    changed = experiment["changed"]
    return f"with {experiment['change']} it failed alike, {changed['failed']} of {changed['runs']} times"


@dataclass(frozen=True, slots=True)
class _Repetition:
    """Runs one probe of a run once more."""

    plan: Plan
    seen: Observation

    def __call__(self, name: str, change: Change | None) -> Outcome | None:
        """Its outcome; None where the deadline leaves no time, or the lab has no place for the change."""
        left_s = self.plan.deadline_s - (time.monotonic() - self.seen.origin) - WRITING_ALLOWANCE_S
        if left_s < SHORTEST_S or (self.plan.kind == "lab" and change is not None and change.needs_a_target):
            return None
        in_the_lab = change is not None and change.in_the_lab
        plan = replace(
            self.plan,
            kind="lab" if in_the_lab else self.plan.kind,
            entries=[entry for entry in every() if entry.name == name],
            variables={} if in_the_lab else self._variables(change),
            inherited=self._inherited(change),
            deadline_s=min(left_s, LONGEST_S),
        )
        try:
            with _gateway(change) as found:
                again = observe(replace(plan, variables={**plan.variables, **found}), Silent())
        except LabError:
            return None
        if again.interrupted:
            raise KeyboardInterrupt
        return again.outcomes[0]

    def _variables(self, change: Change | None) -> Mapping[str, str]:
        if self.plan.kind == "lab":
            return self.plan.variables
        known: dict[str, str | None] = {**self.seen.variables, **self.seen.environment}
        if change is not None:
            known.update(change.variables)
            known.update({name: value for name, value in change.environment.items() if name in known})
        return {name: value for name, value in known.items() if value is not None}

    def _inherited(self, change: Change | None) -> Mapping[str, str | None]:
        return {**self.plan.inherited, **({} if change is None else change.environment)}


@contextlib.contextmanager
def _gateway(change: Change | None) -> Iterator[Mapping[str, str]]:
    """The variables that point to the gateway of a change, as long as it stands; none where it has none."""
    if change is None or change.gateway_before is None:
        yield {}
        return
    from repro.lab.gateway_before import gateway_before  # noqa: PLC0415 - loads certificates and a server

    with gateway_before(*change.gateway_before) as found:
        yield found
