"""A scenario: a lab with something wrong in it, and the cause that must be found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from repro.lab.process import Lab


@dataclass(frozen=True, slots=True)
class Scene:
    """What the probes are pointed at while the fault is in place.

    Args:
        variables: the target's settings, under their environment names.
        environment: other variables of the probes' environment; None takes one away.
    """

    variables: Mapping[str, str]
    environment: Mapping[str, str | None] = field(default_factory=dict)


Stage = Callable[[Lab], AbstractContextManager[Scene]]
"""Puts the fault in place on a running lab, and takes it away at the end of its block."""


def nothing() -> str | None:
    """A scenario that can be played anywhere."""
    return None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    Args:
        name: what a person calls it; mostly the id of its cause.
        cause: the cause that must be found; None where the answer must be that none is known.
        title: what is wrong, in one line.
        stage: puts the fault in place.
        only: the probes that are run, as globs.
        explains: the probes that its finding must name; empty for all that are run.
        proof: what the experiment must come to.
        commit: let the probes write durably, into schemas of their own.
        lacks: why it cannot be played here, or None.
        deadline_s: of the whole run.
        expects_a_finding: False where all is well, and nothing may be claimed.
    """

    name: str
    cause: str | None
    title: str
    stage: Stage
    only: tuple[str, ...]
    explains: tuple[str, ...] = ()
    proof: str = "untested"
    commit: bool = False
    lacks: Callable[[], str | None] = nothing
    deadline_s: float = 90.0
    expects_a_finding: bool = True

    @property
    def needs_node(self) -> bool:
        """Whether it runs a Node probe."""
        return any(name.startswith(("node.", "specimen.node-")) for name in self.only)
