"""What a run consists of, between its plan and its files: observe, diagnose, render, write."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from repro import __version__, environment_facts
from repro.cli import signals
from repro.cli.target import Target
from repro.diagnose import engine, proof
from repro.diagnose.view import View
from repro.document import Finding, Outcome, RunDocument, assemble, redact_run, write_run
from repro.lab.errors import LabError
from repro.observe import statements, target
from repro.observe.catalog import matching
from repro.observe.plan import WRITING_ALLOWANCE_S, Plan
from repro.observe.progress import Progress, Silent
from repro.observe.run import Observation, observe
from repro.probe.secrets import redactor_for
from repro.report import markdown
from repro.resources import issue_template
from repro.trace.formats.pcapng import pcapng

SHORTEST_S = 10.0
"""An experiment is begun only where so many seconds are left."""

LONGEST_S = 40.0
"""Seconds for one repetition of a probe in an experiment."""

SCHEMAS = {"commit": "txrepro_<run>_<probe>", "rollback": "pg_temp"}
"""Where the probes make their tables: a schema of each one's own, or the session's temporary one."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that was written.

    Args:
        document: the run document, as it stands in ``run.json``.
        interrupted: whether somebody stopped the run before its end.
    """

    document: RunDocument
    interrupted: bool


def carry_out(
    plan: Plan,
    aimed: Target,
    folder: Path,
    command: str,
    progress: Progress,
    *,
    pcap: bool,
    experiments: bool,
) -> Finished:
    """Observe, diagnose and write.

    Args:
        plan: what to run.
        aimed: the target, and where each of its settings came from.
        folder: where the run is written.
        command: the command that repeats the run.
        progress: is told what happens.
        pcap: write ``trace.pcapng`` too.
        experiments: prove the causes that were found, within the run's deadline.

    Raises:
        LabError: the lab does not start.
        OutputError: the folder cannot be written.
    """
    seen = observe(plan, progress)
    found = _proved(plan, seen) if experiments and not seen.interrupted else _found(seen)
    with signals.held() as caught:
        written = _write(folder, _document(plan, aimed, command, seen, found), seen, pcap=pcap)
    return Finished(written, seen.interrupted or caught.happened)


def _write(folder: Path, document: RunDocument, seen: Observation, *, pcap: bool) -> RunDocument:
    environ = {**os.environ, **seen.environment}
    redactor = redactor_for(seen.variables, environ, seen.salt)
    redacted, events = redact_run(document, seen.events, redactor)
    report = markdown.render(redacted, events, issue_template())
    packets = partial(_packets, wall_offset_s=seen.started_at.timestamp()) if pcap else None
    return write_run(folder, document, seen.events, redactor, report, packets=packets)


def _packets(events: Mapping[str, Sequence[Mapping[str, Any]]], *, wall_offset_s: float) -> bytes:
    """Every probe's trace as one capture; the lines' times are seconds since the run's start."""
    lines = [line for each in events.values() for line in each]
    return b"".join(pcapng(lines, wall_offset_s=wall_offset_s))


def _found(seen: Observation) -> list[Finding]:
    return engine.findings(View(seen.outcomes, seen.events, seen.variables))


def _proved(plan: Plan, seen: Observation) -> list[Finding]:
    """The findings, each with its experiment where there is a safe one and time for it."""
    view = View(seen.outcomes, seen.events, seen.variables)
    return [proof.proved(finding, view, partial(_again, plan, seen)) for finding in engine.findings(view)]


def _again(
    plan: Plan, seen: Observation, probes: Sequence[str], variables: Mapping[str, str]
) -> Sequence[Outcome] | None:
    """Run probes once more, with some settings changed; None where the deadline leaves no time."""
    left_s = plan.deadline_s - (time.monotonic() - seen.origin) - WRITING_ALLOWANCE_S
    if left_s < SHORTEST_S:
        return None
    entries = [entry for entry in matching((), node=True) if entry.name in probes]
    known = plan.variables if plan.kind == "lab" else {**seen.variables, **variables}
    try:
        again = observe(
            replace(plan, entries=entries, variables=known, deadline_s=min(left_s, LONGEST_S)), Silent()
        )
    except LabError:
        return None
    if again.interrupted:
        raise KeyboardInterrupt
    return again.outcomes


def _document(
    plan: Plan, aimed: Target, command: str, seen: Observation, found: list[Finding]
) -> RunDocument:
    environment = environment_facts.collect(os.environ)
    if seen.servers:
        environment["servers"] = {each["name"]: each["version"] for each in seen.servers}
    environment["command"] = command
    return assemble(
        run_id=plan.run_id,
        started_at=seen.started_at,
        duration_s=seen.duration_s,
        tool_version=__version__,
        environment=environment,
        target=target.describe(plan.kind, seen.variables, os.environ, aimed.sources.values(), aimed.notes),
        statements=statements.of_the_transaction(SCHEMAS[plan.effect]),
        effect=plan.effect,
        outcomes=seen.outcomes,
        findings=found,
        interrupted=seen.interrupted or seen.cut_short,
    )
