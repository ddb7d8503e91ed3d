"""What a cause is: its words and its logic, together in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from repro.diagnose.view import View
from repro.document import Layer, Outcome


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different in the repetition of a probe.

    Args:
        words: what, in a few words.
        probe: the probe that is run in the place of the failing one; the same where a setting is changed.
        command: how anybody can repeat it; it holds no secret.
        variables: settings of the target that are different, under their environment names.
        environment: other variables of the probe's environment that are different; None takes one away.
        in_the_lab: the lab's servers stand in the place of the target's.
        gateway_before: host and port of a Postgres on this machine, before which Neon's gateway is put.
    """

    words: str
    probe: str
    command: str
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str | None] = field(default_factory=dict)
    in_the_lab: bool = False
    gateway_before: tuple[str, int] | None = None

    @property
    def needs_a_target(self) -> bool:
        """Whether it makes no sense in the lab, which has its own settings and servers."""
        return self.in_the_lab or bool(self.variables) or self.gateway_before is not None


@dataclass(frozen=True, slots=True)
class Cause:
    """A known root cause.

    Args:
        id: its name, such as ``sl-localhost-443``; the first part is its family.
        layer: where it sits.
        title: one line for a tired reader.
        summary: what goes wrong, and how one knows.
        symptoms: what each driver says of it.
        apart: the ids of look-alikes, with how to tell it from each.
        fix: what to do, the best first.
        links: where others met it.
        suspects: the failing probes that it explains; none where the evidence is not there.
        ops: the events that are its evidence.
        change: an experiment for the first of those probes, or None where no safe one exists.
    """

    id: str
    layer: Layer
    title: str
    summary: str
    suspects: Callable[[View], Sequence[Outcome]]
    fix: tuple[str, ...]
    symptoms: Mapping[str, str] = field(default_factory=dict)
    apart: Mapping[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    ops: tuple[str, ...] = ("connect",)
    change: Callable[[View, Outcome], Change | None] = lambda _view, _outcome: None
