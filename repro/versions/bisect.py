"""Finds the version with which something changed: between two ends that differ, in as few trials as can be.

A trial may also say nothing (*unknown*): the version cannot be installed, something else fails, or the
control does. Then its neighbours are asked, on both sides, so that what remains is the smallest range known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Answer = Literal["old", "new", "unknown"]
"""Whether a version is like the older end, like the newer end, or neither is known."""


class EndIsWrong(ValueError):  # noqa: N818 - it says what is wrong
    """An end of the range is not what it was said to be; the message is one line."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to.

    Args:
        last_old: the newest one that is known to be like the older end, by its number.
        first_new: the oldest one that is known to be like the newer end.
        unknown: those between them, which said nothing.
        trials: how many were tried, the ends included.
    """

    last_old: int
    first_new: int
    unknown: tuple[int, ...]
    trials: int

    @property
    def is_exact(self) -> bool:
        """Whether no doubt is left."""
        return not self.unknown


def search(count: int, ask: Callable[[int], Answer]) -> Found:
    """Search among versions in their order, the first of which is old and the last of which is new.

    Args:
        count: how many there are, at least two.
        ask: tries one, by its number; each is asked once.

    Raises:
        EndIsWrong: an end is not what it should be.
    """
    answers: dict[int, Answer] = {}

    def asked(number: int) -> Answer:
        if number not in answers:
            answers[number] = ask(number)
        return answers[number]

    for end, expected in ((0, "old"), (count - 1, "new")):
        if asked(end) != expected:
            raise EndIsWrong("the older end" if end == 0 else "the newer end")
    old, new = 0, count - 1
    while new - old > 1:
        known = next((each for each in _outwards(old, new) if asked(each) != "unknown"), None)
        if known is None:
            break
        old, new = (known, new) if answers[known] == "old" else (old, known)
    return Found(old, new, tuple(range(old + 1, new)), len(answers))


def _outwards(low: int, high: int) -> Iterator[int]:
    """The numbers strictly between two others, from the middle outwards."""
    middle = (low + high) // 2
    for distance in range(high - low):
        for number in dict.fromkeys((middle - distance, middle + distance)):
            if low < number < high:
                yield number
