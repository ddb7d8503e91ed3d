"""What will run: which probes, with what share of the deadline, on what target."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from repro.observe import removal
from repro.observe.catalog import CATALOG, Entry

DEFAULT_DEADLINE_S = 120.0

LONGEST_SHARE_S = 30.0
"""No probe needs longer: the production timeouts are shorter (see `repro.persistence.settings.Timeouts`)."""

LAB_ALLOWANCE_S = 10.0
"""Of the deadline set aside for the lab's start, which takes about a second."""

WRITING_ALLOWANCE_S = 1.0
"""Of the deadline set aside for the report."""

ASKING_ALLOWANCE_S = 1.5
"""Of the deadline set aside for asking who speaks where probes were not understood; silence takes longest."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One invocation of the observer.

    Args:
        run_id: names the run.
        kind: ``lab`` for the local servers, ``env`` for the target that the variables name.
        variables: the target's settings, under their environment names; for the lab it fills them.
        entries: the probes to run, in order.
        deadline_s: seconds for the whole run.
        commit: write durably into a schema of the run's own, and drop it; always so in the lab.
        postgres_bindir: a system Postgres for the lab, or None for the embedded one.
        redis_server: a system Redis or Valkey for the lab, or None for the embedded one.
        tap: lead connections through a tap, where the kernel's view allows it.
        inherited: variables that the probes' processes get besides those of this one; None takes one away.
        interpreter: the Python of the probes; None for this one's.
    """

    run_id: str
    kind: Literal["lab", "env"]
    variables: Mapping[str, str] = field(default_factory=dict)
    entries: Sequence[Entry] = CATALOG
    deadline_s: float = DEFAULT_DEADLINE_S
    commit: bool = False
    postgres_bindir: Path | None = None
    redis_server: Path | None = None
    tap: bool = False
    inherited: Mapping[str, str | None] = field(default_factory=dict)
    interpreter: Path | None = None

    @property
    def effect(self) -> Literal["commit", "rollback"]:
        """Whether anything durable is written, if only for a moment."""
        return "commit" if self.commit or self.kind == "lab" else "rollback"

    @property
    def removing_s(self) -> float:
        """Seconds of the deadline set aside for removing what a probe made that was ended."""
        return removal.LONGEST_S if self.commit and self.kind == "env" else 0.0

    @property
    def running(self) -> Sequence[Entry]:
        """The probes that are not skipped for lack of a setting."""
        if self.kind == "lab":
            return self.entries
        return [entry for entry in self.entries if reason_to_skip(entry, self.variables) is None]

    @property
    def workers(self) -> int:
        """How many probes run side by side."""
        return max(1, min(len(self.running), available_cores()))

    @property
    def share_s(self) -> float:
        """Each probe's share of the deadline, in seconds."""
        waves = math.ceil(len(self.running) / self.workers) or 1
        allowance = WRITING_ALLOWANCE_S + self.removing_s + (LAB_ALLOWANCE_S if self.kind == "lab" else 0.0)
        left = max(self.deadline_s - min(allowance, self.deadline_s / 4), 0.1)
        return min(LONGEST_SHARE_S, left / waves)


def available_cores() -> int:
    """The processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def reason_to_skip(entry: Entry, variables: Mapping[str, str]) -> str | None:
    """Why a probe cannot run on a target, or None."""
    if any(variables.get(name) for name in entry.needs):
        return None
    return " and ".join(entry.needs) + (" are" if len(entry.needs) > 1 else " is") + " not set"
