"""In which order the drivers take their turns: each round has each of them once, shuffled.

So whatever changes while it is measured (a neighbour's work, a warming processor, a filling table) hits all
of them alike, and none is always the one that comes after a slow one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def rounds(members: Sequence[T], count: int, seed: int) -> Iterator[list[T]]:
    """The orders of so many rounds; the same seed gives the same orders.

    Args:
        members: who takes a turn in each.
        count: how many rounds.
        seed: as it is stated in the document.
    """
    generator = random.Random(seed)  # noqa: S311 - it must be repeatable, not secret
    for _ in range(count):
        order = list(members)
        generator.shuffle(order)
        yield order
