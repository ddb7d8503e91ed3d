"""Plays a scenario: the fault in place, a run against it, and what had to be found."""

from __future__ import annotations

import time
from dataclasses import dataclass

from repro.diagnose.investigation import investigate
from repro.document import FAILING, Finding
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario
from repro.observe.catalog import matching
from repro.observe.plan import Plan
from repro.observe.progress import Progress, Silent
from repro.observe.run import Observation


@dataclass(frozen=True, slots=True)
class Played:
    """What a scenario came to.

    Args:
        scenario: which one.
        seen: what its probes came to.
        findings: what was found.
        took_s: how long it took, the placing of the fault included.
    """

    scenario: Scenario
    seen: Observation
    findings: list[Finding]
    took_s: float

    def wrong(self) -> list[str]:
        """Whatever is not as the scenario says, a sentence each; none where all is right."""
        return list(_wrong(self))


def play(
    scenario: Scenario,
    lab: Lab,
    *,
    run_id: str,
    packages: dict[str, str] | None = None,
    progress: Progress | None = None,
    experiments: bool = True,
) -> Played:
    """Put the fault in place, run the probes, find the causes, prove them.

    Args:
        scenario: which one.
        lab: a running one.
        run_id: names the run.
        packages: where the packages of the Node probes are.
        progress: is told what happens.
        experiments: prove what was found.
    """
    began = time.monotonic()
    with scenario.stage(lab) as scene:
        plan = Plan(
            run_id=run_id,
            kind="env",
            variables=scene.variables,
            entries=matching(scenario.only, node=True),
            deadline_s=scenario.deadline_s,
            commit=scenario.commit,
            inherited={**(packages or {}), **scene.environment},
        )
        found = investigate(plan, progress or Silent(), experiments=experiments)
    return Played(scenario, found.seen, found.findings, round(time.monotonic() - began, 2))


def _wrong(played: Played) -> list[str]:
    scenario, findings = played.scenario, played.findings
    if not findings:
        return [f"nothing was found, and {scenario.cause} is there"]
    first, *others = findings
    wrong = []
    if first["cause"] != scenario.cause:
        wrong.append(f"the first finding is {first['cause']}, and it is {scenario.cause}")
    failing = [each["name"] for each in played.seen.outcomes if each["status"] in FAILING]
    wanted = list(scenario.explains) or failing
    if sorted(first["probes"]) != sorted(wanted):
        wrong.append(f"it explains {first['probes']}, and it is {wanted}")
    if others:
        wrong.append(f"beside it are claimed: {[each['cause'] for each in others]}")
    if scenario.cause is not None and first["proof"] != scenario.proof:
        wrong.append(f"its proof is {first['proof']}, and should be {scenario.proof}")
    return wrong
