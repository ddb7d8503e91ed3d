"""Makes an ordered input smaller while it stays interesting: without I/O, each input asked once.

The method is ddmin (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002), with
two additions: kinds of parts are reduced one after the other, and a whole kind is left out first.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

Input = tuple[T, ...]


class NotInteresting(ValueError):  # noqa: N818 - it says what is wrong
    """The whole input does not do what every smaller one is to do."""


class Reduction(Generic[T]):
    """One reduction, from the whole input to one of which no part can be left out.

    Whatever ends it early, `best` is the smallest input that is known to be interesting.

    Args:
        whole: the parts in their order.
        is_interesting: tries an input; it may raise to end the reduction.
    """

    def __init__(self, whole: Sequence[T], is_interesting: Callable[[Input[T]], bool]) -> None:
        self.best: Input[T] = tuple(whole)
        self._whole = tuple(whole)
        self._try = is_interesting
        self._known: dict[Input[T], bool] = {}

    @property
    def trials(self) -> int:
        """How many inputs were tried."""
        return len(self._known)

    def check(self) -> None:
        """Try the whole input first.

        Raises:
            NotInteresting: if it does not do what is looked for; nothing can be said of smaller ones then.
        """
        if not self._asked(self._whole):
            raise NotInteresting("the whole input does not do it")

    def offer(self, smaller: Sequence[T]) -> bool:
        """Take an input that is smaller by other means than leaving parts out, if it is interesting."""
        chosen = tuple(smaller)
        if chosen != self.best and self._asked(chosen):
            self.best = chosen
            return True
        return False

    def run(self, kinds: Sequence[Callable[[T], bool]]) -> None:
        """Leave parts out, a kind at a time in the order of the kinds, until none can be left out any more.

        Args:
            kinds: each says whether a part is of it.
        """
        before: Input[T] | None = None
        while before != self.best:
            before = self.best
            for is_of_it in kinds:
                self._reduce(is_of_it)

    def _reduce(self, is_of_it: Callable[[T], bool]) -> None:
        """Ddmin over the parts of one kind; all others stay."""
        if not any(map(is_of_it, self.best)):
            return
        if self.offer([part for part in self.best if not is_of_it(part)]):
            return
        pieces = 2
        while (parts := [part for part in self.best if is_of_it(part)]) and len(parts) > 1:
            pieces = min(pieces, len(parts))
            if self._shrunk(parts, pieces, is_of_it):
                pieces = max(pieces - 1, 2)
            elif pieces == len(parts):
                return
            else:
                pieces = min(2 * pieces, len(parts))

    def _shrunk(self, parts: Sequence[T], pieces: int, is_of_it: Callable[[T], bool]) -> bool:
        """Whether one of the pieces alone will do, or all but one."""
        divided = list(_divided(parts, pieces))
        complements = [[part for part in parts if part not in piece] for piece in divided]
        for kept in [*divided, *(complements if pieces > 2 else ())]:
            if self.offer([part for part in self.best if not is_of_it(part) or part in kept]):
                return True
        return False

    def _asked(self, tried: Input[T]) -> bool:
        if tried not in self._known:
            self._known[tried] = self._try(tried)
        return self._known[tried]


def _divided(parts: Sequence[T], pieces: int) -> Iterator[Sequence[T]]:
    start = 0
    for number in range(1, pieces + 1):
        end = len(parts) * number // pieces
        yield parts[start:end]
        start = end
