"""What a run tells whoever watches it: a terminal's table, or nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from repro.document import Outcome, Stage


class Progress(Protocol):
    """Is told, in order, what a run does. All calls come from one thread."""

    def lab(self, text: str) -> None:
        """The lab's state in a few words, such as ``starting`` or ``ready in 0.9 s``."""

    def planned(self, probes: Sequence[str], share_s: float) -> None:
        """The probes that will run, in the report's order, and each one's share of the deadline (seconds)."""

    def started(self, probe: str) -> None:
        """A probe's transaction begins."""

    def line(self, probe: str, kind: str, body: Mapping[str, Any]) -> None:
        """A probe said a line of the protocol; see ``docs/probe-protocol.md``."""

    def stage(self, probe: str, stage: Stage) -> None:
        """A stage began (status ``running``) or ended; its line came just before."""

    def finished(self, outcome: Outcome) -> None:
        """A probe came to its outcome."""

    def proving(self, cause: str) -> None:
        """The experiment of a cause begins."""

    def stopping(self, text: str) -> None:
        """Somebody interrupted the run; what is done until it ends, in a sentence."""


class Silent:
    """Watches nothing: for pipes and tests."""

    def lab(self, text: str) -> None:
        """Say nothing."""

    def planned(self, probes: Sequence[str], share_s: float) -> None:
        """Say nothing."""

    def started(self, probe: str) -> None:
        """Say nothing."""

    def line(self, probe: str, kind: str, body: Mapping[str, Any]) -> None:
        """Say nothing."""

    def stage(self, probe: str, stage: Stage) -> None:
        """Say nothing."""

    def finished(self, outcome: Outcome) -> None:
        """Say nothing."""

    def proving(self, cause: str) -> None:
        """Say nothing."""

    def stopping(self, text: str) -> None:
        """Say nothing."""
