"""Feeds triggers with conversations, cut into pieces of any size, and holds them to their promises."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from hypothesis import strategies as st

from repro.lab.faults.triggers import Mark, Side, Trigger

Spoken = tuple[Side, bytes]
"""What one side says before the other one answers."""

SIZES = st.lists(st.integers(1, 70), min_size=1, max_size=8)
"""Sizes of pieces, taken in turn."""

JUNK = st.lists(st.tuples(st.sampled_from(["client", "server"]), st.binary(max_size=80)), max_size=12)


def pieces(spoken: Sequence[Spoken], sizes: Sequence[int]) -> Iterator[Spoken]:
    """The same conversation, a few bytes at a time."""
    for side, data in spoken:
        at = 0
        for size in itertools.cycle(sizes):
            if at >= len(data):
                break
            yield side, data[at : at + size]
            at += size


def marks(trigger: Trigger, spoken: Sequence[Spoken], sizes: Sequence[int] = (1 << 20,)) -> list[Mark]:
    """What a trigger finds; never in bytes that it has let go before."""
    found: list[Mark] = []
    fed = decided = 0
    for side, data in pieces(spoken, sizes):
        new = trigger.feed(side, data)
        fed += len(data) if side == trigger.side else 0
        assert all(decided <= mark.at <= fed for mark in new)
        assert decided <= trigger.decided <= fed
        decided = trigger.decided
        found += new
    return found


def kept(trigger: Trigger) -> int:
    """How many bytes a trigger keeps."""
    return sum(len(stream._data) for stream in trigger._streams.values())


def span(at: int, size: int) -> list[Mark]:
    """The marks of a thing."""
    return [Mark("begins", at), Mark("ends", at + size)]
