"""What a run consists of, between its plan and its files: observe, diagnose, render, write."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from repro import __version__, environment_facts
from repro.cli.target import Target
from repro.diagnose.investigation import investigate
from repro.document import (
    PAGE_FILE,
    REPORT_FILE,
    Finding,
    RunDocument,
    assemble,
    excerpts,
    redact_run,
    write_run,
)
from repro.observe import names, statements, target
from repro.observe.interruption import noting
from repro.observe.plan import Plan
from repro.observe.process import overlaid
from repro.observe.progress import Progress
from repro.observe.run import Observation
from repro.probe.secrets import redactor_for
from repro.report import html, markdown
from repro.resources import issue_template
from repro.trace.formats.pcapng import pcapng

SCHEMAS = {"commit": "txrepro_<run>_<probe>", "rollback": "pg_temp"}
"""Where the probes make their tables: a schema of each one's own, or the session's temporary one."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that was written.

    Args:
        document: the run document, as it stands in ``run.json``.
        shown: the same with the names of hosts and users, for whoever ran it; without secrets too.
        interrupted: whether somebody stopped the run before its end.
    """

    document: RunDocument
    shown: RunDocument
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
    show_hosts: bool = False,
) -> Finished:
    """Observe, diagnose and write.

    Args:
        plan: what to run.
        aimed: the target, and where each of its settings came from.
        folder: where the run is written.
        command: the command that repeats the run.
        progress: is told what happens.
        pcap: write ``trace.pcapng`` too.
        show_hosts: foreign hosts and users are written as they are.
        experiments: prove the causes that were found, within the run's deadline.

    Raises:
        LabError: the lab does not start.
        OutputError: the folder cannot be written.
    """
    with noting() as caught:
        found = investigate(plan, progress, experiments=experiments)
        seen = found.seen
        for finding in found.findings:
            finding["fix"] = aimed.with_what_is_overridden(finding["fix"])
        document = _document(plan, aimed, command, seen, found.findings)
        environ = {**overlaid(os.environ, plan.inherited), **seen.environment}
        told = redactor_for(seen.variables, environ, seen.salt)
        hidden = told if show_hosts else told.with_names(names.met_by(seen, plan.inherited))
        packets = partial(_packets, wall_offset_s=seen.started_at.timestamp()) if pcap else None
        written = write_run(folder, document, seen.events, hidden, _reports, packets=packets)
        shown = written if hidden is told else redact_run(document, {}, told)[0]
    return Finished(written, shown, seen.interrupted or caught.happened)


def _reports(document: RunDocument, events: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, str]:
    told = excerpts(events, document)
    return {
        REPORT_FILE: markdown.render(document, told, issue_template()),
        PAGE_FILE: html.render(document, told),
    }


def _packets(events: Mapping[str, Sequence[Mapping[str, Any]]], *, wall_offset_s: float) -> bytes:
    """Every probe's trace as one capture; the lines' times are seconds since the run's start."""
    lines = [line for each in events.values() for line in each]
    return b"".join(pcapng(lines, wall_offset_s=wall_offset_s))


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
        target=target.describe(
            plan.kind,
            seen.variables,
            overlaid(os.environ, plan.inherited),
            aimed.sources.values(),
            aimed.notes,
        ),
        statements=statements.of_the_transaction(SCHEMAS[plan.effect]),
        effect=plan.effect,
        outcomes=seen.outcomes,
        findings=found,
        interrupted=seen.interrupted or seen.cut_short,
    )
