"""What one cell of a matrix came to: for each probe a state, the same for every kind of report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from repro.diagnose.undiagnosed import identity
from repro.document import FAILING, Outcome
from repro.environments.pins import Cell

State = Literal["pass", "fail", "flaky", "skip"]

ANSWERED = frozenset({"http_status", "ws_handshake", "ws_closed", "protocol_mismatch"})
"""Failures whose port says nothing: somebody listens there."""

FAILURES = " | "
"""Stands between the different failures of a flaky probe."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One probe in one cell.

    Args:
        state: over all its repetitions.
        failure: what makes its failures the same: ``tcp/connect/connection_refused``; empty for a pass.
        failed: how many repetitions failed.
        runs: how many there were.
        reason: what the first failure said, or why it was skipped.
    """

    state: State
    failure: str = ""
    failed: int = 0
    runs: int = 0
    reason: str = ""

    @property
    def key(self) -> str:
        """What a baseline remembers of it."""
        return f"{self.state}: {self.failure}" if self.failure else self.state


@dataclass(frozen=True, slots=True)
class Trial:
    """One cell.

    Args:
        cell: what was asked for.
        versions: what was installed, by package.
        skipped: why it was not tried; None where it was.
        verdicts: by probe.
        position: of the cell in the whole matrix, from 0; the parts of one are joined by it.
    """

    cell: Cell
    versions: Mapping[str, str] = field(default_factory=dict)
    skipped: str | None = None
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    position: int = 0

    @property
    def is_tried(self) -> bool:
        """Whether a probe of it ran."""
        return self.skipped is None and any(each.state != "skip" for each in self.verdicts.values())


def verdict(outcomes: Sequence[Outcome], passing_ports: Collection[str] = ()) -> Verdict:
    """The repetitions of one probe as one.

    Args:
        outcomes: of one probe, at least one.
        passing_ports: those of the lab, which are others the next time: no failure is told by them.
    """
    tried = [each for each in outcomes if each["status"] != "skip"]
    if not tried:
        return Verdict("skip", reason=outcomes[0]["reason"] or "")
    failed = [each for each in tried if each["status"] in FAILING]
    if not failed:
        return Verdict("pass", runs=len(tried))
    failures = list(dict.fromkeys(signature(each, passing_ports) for each in failed))
    alike = len(failed) == len(tried) and len(failures) == 1
    error = failed[0]["error"]
    reason = "" if error is None else error["message"]
    return Verdict("fail" if alike else "flaky", FAILURES.join(failures), len(failed), len(tried), reason)


def signature(outcome: Outcome, passing_ports: Collection[str] = ()) -> str:
    """What makes a failure the same as another one, as text.

    Args:
        outcome: of a probe that failed.
        passing_ports: those of the lab, which are others the next time.
    """
    found = identity(outcome)
    port = None if found.port in passing_ports or found.failure in ANSWERED else found.port
    parts = (found.layer, found.operation, found.failure, found.sqlstate, port)
    return "/".join(part for part in parts if part)
