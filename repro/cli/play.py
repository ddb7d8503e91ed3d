"""Plays a scenario: the fault in place, a run against it, and what had to be found."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from repro.diagnose.investigation import Investigation, investigate
from repro.document import FAILING, Finding, Outcome
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene
from repro.observe.catalog import matching
from repro.observe.plan import Plan
from repro.observe.progress import Progress, Silent


@dataclass(frozen=True, slots=True)
class Played:
    """What a scenario came to.

    Args:
        scenario: which one.
        outcomes: what its probes came to.
        findings: what was found.
        took_s: how long it took, the placing of the fault included.
    """

    scenario: Scenario
    outcomes: list[Outcome]
    findings: list[Finding]
    took_s: float

    def wrong(self) -> list[str]:
        """Whatever is not as the scenario says, a sentence each; none where all is right."""
        return list(judged(self.scenario, self.outcomes, self.findings))


def play(
    scenario: Scenario,
    lab: Lab,
    *,
    run_id: str,
    packages: Mapping[str, str] | None = None,
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
        plan = plan_of(scenario, scene, run_id, packages or {})
        found: Investigation = investigate(plan, progress or Silent(), experiments=experiments)
    return Played(scenario, found.seen.outcomes, found.findings, round(time.monotonic() - began, 2))


def plan_of(scenario: Scenario, scene: Scene, run_id: str, packages: Mapping[str, str]) -> Plan:
    """What is run while the scene stands.

    Args:
        scenario: which one.
        scene: what its stage gave.
        run_id: names the run.
        packages: where the packages of the Node probes are.
    """
    return Plan(
        run_id=run_id,
        kind="env",
        variables=scene.variables,
        entries=matching(scenario.only, node=True),
        deadline_s=scenario.deadline_s,
        commit=scenario.commit,
        inherited={**packages, **scene.environment},
    )


def judged(scenario: Scenario, outcomes: list[Outcome], findings: list[Finding]) -> Iterator[str]:
    """Whatever is not as the scenario says, a sentence each."""
    if not findings:
        if scenario.expects_a_finding:
            yield f"nothing was found, and {scenario.cause} is there"
        return
    first, *others = findings
    if not scenario.expects_a_finding:
        yield f"all is well, and {[each['cause'] for each in findings]} is claimed"
        return
    if first["cause"] != scenario.cause:
        yield f"the first finding is {first['cause']}, and it is {scenario.cause}"
    failing = [each["name"] for each in outcomes if each["status"] in FAILING]
    wanted = list(scenario.explains) or failing
    if sorted(first["probes"]) != sorted(wanted):
        yield f"it explains {first['probes']}, and it is {wanted}"
    if others:
        yield f"beside it are claimed: {[each['cause'] for each in others]}"
    if scenario.cause is not None and first["proof"] != scenario.proof:
        yield f"its proof is {first['proof']}, and should be {scenario.proof}"
