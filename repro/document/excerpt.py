"""What a report needs of a trace: a trace may have a million lines, and a report shows some hundred.

It is taken in one pass, line by line, so that no more of a trace than this is ever in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final

from repro.document.shape import RunDocument

Line = Mapping[str, Any]
_Placed = tuple[int, Line]
"""A line, with its place in the whole trace from 0."""

STEPS: Final = frozenset({"dns", "connect", "tls.handshake", "http.upgrade", "ws.close", "close", "note"})
"""Operations of which a trace has few, and which say most."""

MOST_LINES = 30_000
"""Lines of all traces of a run together."""

LEAST_LINES = 300
"""Lines of one trace, however many probes there are."""

_MOST_ADDRESSES = 1_000


class Excerpt(Sequence[Line]):
    """Lines of a trace, in order.

    Args:
        placed: the lines, each with its place in the whole trace.
        whole: how many lines the whole trace has.
    """

    def __init__(self, placed: Sequence[_Placed], whole: int) -> None:
        self._lines = [line for _, line in placed]
        self.places: Sequence[int] = [place for place, _ in placed]
        self.whole = whole

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    def __getitem__(self, index: Any) -> Any:
        return self._lines[index]


def missing(lines: Sequence[Line]) -> int:
    """How many lines of the whole trace are not among these."""
    return lines.whole - len(lines) if isinstance(lines, Excerpt) else 0


def places(lines: Sequence[Line]) -> Sequence[int]:
    """The place of each line in the whole trace, from 0."""
    return lines.places if isinstance(lines, Excerpt) else range(len(lines))


def excerpts(traces: Mapping[str, Iterable[Line]], document: RunDocument) -> dict[str, Sequence[Line]]:
    """What a report needs of each trace, by its probe's name.

    Args:
        traces: the lines of each probe's trace, by its name; each is read once.
        document: the run, whose findings say which lines are evidence.
    """
    most = max(LEAST_LINES, MOST_LINES // max(1, len(traces)))
    evidence = [each for finding in document["findings"] for each in finding["evidence"]]
    return {
        name: excerpt(lines, {each["seq"] for each in evidence if each["probe"] == name}, most)
        for name, lines in traces.items()
    }


def excerpt(lines: Iterable[Line], cited: Collection[int | None], most: int) -> Sequence[Line]:
    """A trace; the whole of a short one.

    Of a longer one its begin and its end, the evidence, the first and the last of what failed and of what
    says most, the last attempt for each address, and some lines from everywhere.

    Args:
        lines: the trace, its head included or not.
        cited: the ``seq`` of each line that is evidence.
        most: about how many lines; evidence and addresses come on top.
    """
    begin_and_end = _Ends(most // 4, most // 4)
    failed = _Ends(most // 12, most // 6)
    steps = _Ends(most // 12, most // 6)
    everywhere = _Even(most // 4)
    evidence: list[_Placed] = []
    attempts: dict[str, _Placed] = {}
    count = 0
    for place, line in enumerate(lines):
        count += 1
        placed = (place, line)
        begin_and_end.add(placed)
        everywhere.add(placed)
        if line.get("failure") is not None:
            failed.add(placed)
        if line.get("op") in STEPS:
            steps.add(placed)
        if line.get("op") == "connect":
            address = str(line.get("peer"))
            if address in attempts or len(attempts) < _MOST_ADDRESSES:
                attempts[address] = placed
        if line.get("seq") in cited:
            evidence.append(placed)
    kept = dict(chain(begin_and_end, failed, steps, everywhere, evidence, attempts.values()))
    return Excerpt(sorted(kept.items(), key=lambda each: each[0]), count)


class _Ends:
    """The first and the last of what is added.

    Args:
        first: how many of the first.
        last: how many of the last.
    """

    def __init__(self, first: int, last: int) -> None:
        self._most = first
        self._first: list[_Placed] = []
        self._last: deque[_Placed] = deque(maxlen=last)

    def add(self, placed: _Placed) -> None:
        (self._first if len(self._first) < self._most else self._last).append(placed)

    def __iter__(self) -> Iterator[_Placed]:
        return chain(self._first, self._last)


class _Even:
    """Some of what is added, from everywhere: each n-th, with n doubled whenever there are too many.

    Args:
        most: how many at most; at least 2.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._apart = 1
        self._kept: list[_Placed] = []

    def add(self, placed: _Placed) -> None:
        if placed[0] % self._apart:
            return
        if len(self._kept) >= self._most:
            self._kept = self._kept[::2]
            self._apart *= 2
            self.add(placed)
        else:
            self._kept.append(placed)

    def __iter__(self) -> Iterator[_Placed]:
        return iter(self._kept)
