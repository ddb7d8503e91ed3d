"""Who is timed: the probes asked for, what they are held against, and that once more as a control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from repro.observe.catalog import CATALOG, DATABASE, Entry
from repro.observe.plan import reason_to_skip

Work = Literal["transaction", "push"]

BASELINES: Mapping[Work, str] = {"transaction": "tcp.raw", "push": "push.redis-tcp"}
"""What the others are held against: no driver at all, and the transport without a gateway."""

AGAIN = "again"
"""The end of a control's name, and of its run's."""


@dataclass(frozen=True, slots=True)
class Member:
    """One process that is timed.

    Args:
        entry: its probe.
        control: it is the baseline a second time: its ratio to the first is what nothing makes.
    """

    entry: Entry
    control: bool = False

    @property
    def work(self) -> Work:
        """What it does."""
        return work_of(self.entry)

    @property
    def is_baseline(self) -> bool:
        """Whether the others of its work are held against it."""
        return self.entry.name == BASELINES[self.work] and not self.control

    @property
    def name(self) -> str:
        """The probe's name; a control's is told apart."""
        return f"{self.entry.name} {AGAIN}" if self.control else self.entry.name


def work_of(entry: Entry) -> Work:
    """Whether a probe writes to the database or pushes to the queue."""
    return "transaction" if set(entry.needs) & set(DATABASE) else "push"


def members(entries: Sequence[Entry], variables: Mapping[str, str]) -> list[Member]:
    """Who takes part.

    Args:
        entries: the probes that were asked for.
        variables: the target's settings.
    """
    works = {work_of(entry) for entry in entries if reason_to_skip(entry, variables) is None}
    needed = [
        entry
        for entry in CATALOG
        if entry.name in BASELINES.values()
        and work_of(entry) in works
        and reason_to_skip(entry, variables) is None
    ]
    asked = [*(entry for entry in needed if entry not in entries), *entries]
    return [*map(Member, asked), *(Member(entry, control=True) for entry in needed)]
