"""Where two traces part: their events aligned by what they mean, connection by connection.

A pool may give a transaction to another connection than it did last time, and answers of connections that
are used at once come in any order. So an event makes a parting only where one of the traces has it, after the
event that precedes it on its connection, more often than the other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice, zip_longest

from repro.report.difference.meaning import Key, Meaning
from repro.report.difference.model import Line, Parting, Stretch
from repro.report.difference.words import said
from repro.trace.formats import fields

BEFORE = 3
"""Common events that are shown before a parting."""

AFTER = 5
"""Events of each run that are shown after it."""

MOST_TO_ALIGN = 4_000
"""Events of a connection, after what both begin with; of a longer one only the first difference is sought."""

LOOKUPS = "lookups"

_FIRST = {"dns": 0, "connect": 1}

_FRAMES = frozenset({"binary", "text", "continuation"})

_LOGIN = re.compile(
    "SSL|GSS|Startup|Authentication|SASL|Password|Negotiate|BackendKeyData|ErrorResponse|Terminate"
)
"""The messages of Postgres that do not depend on what is done after the login, by how their names begin."""

Pair = tuple[Key, Key]
"""An event after the one that precedes it; where events of several connections mingle, the event alone."""


@dataclass(frozen=True, slots=True)
class _Lane:
    """The events of one connection, or of those that belong to none.

    Args:
        name: in words.
        lines: its lines, in order.
        keys: what each means.
        ordered: one event follows from the other.
    """

    name: str
    lines: Sequence[Line]
    keys: Sequence[Key]
    ordered: bool

    @property
    def pairs(self) -> list[Pair]:
        """What is counted of each event."""
        before: Iterable[Key] = ((), *self.keys) if self.ordered else ((),) * len(self.keys)
        return list(zip(before, self.keys, strict=False))


@dataclass(frozen=True, slots=True)
class _Place:
    """A difference: in which lanes, and from which event on."""

    a: _Lane
    b: _Lane
    at_a: int
    at_b: int

    @property
    def moment(self) -> float:
        """When it was, in seconds since the first event of its trace."""
        return min(_moment(lane.lines[at]) for lane, at in self._begins())

    @property
    def mild(self) -> bool:
        """Whether it is only that a name was looked up, and found, which the other run did not need."""
        return self.a.name == LOOKUPS and not any(
            fields.failure(lane.lines[at]) for lane, at in self._begins()
        )

    def is_at_a_cut(self, a: bool, b: bool) -> bool:  # noqa: FBT001 - a pair, as the traces are
        """Whether one of the traces has no more events there because only its begin is known."""
        return (a and self.at_a >= len(self.a.lines)) or (b and self.at_b >= len(self.b.lines))

    def _begins(self) -> Iterator[tuple[_Lane, int]]:
        yield from (
            (lane, at) for lane, at in ((self.a, self.at_a), (self.b, self.at_b)) if at < len(lane.lines)
        )


def find(
    a: Sequence[Line],
    b: Sequence[Line],
    meanings: tuple[Meaning, Meaning],
    *,
    alike: bool,
    cut: tuple[bool, bool] = (False, False),
) -> Parting | None:
    """The first parting of two traces; None where they mean the same.

    Args:
        a: the first trace, its head included.
        b: the second one.
        meanings: of the first run and of the second one.
        alike: the runs did the same. Where one wrote durably and the other did not, their statements and the
            number of their connections differ for that reason, and are not compared.
        cut: of the first trace and of the second one only the begin is given: that nothing more comes on a
            connection is then no difference.
    """
    seen = _sources(a) & _sources(b)
    lanes_a, lanes_b = (
        _lanes([line for line in _since_begin(lines) if alike or _is_step(line)], meaning, seen)
        for lines, meaning in zip((a, b), meanings, strict=True)
    )
    only_a, only_b = _surplus(lanes_a, lanes_b, alike=alike), _surplus(lanes_b, lanes_a, alike=alike)
    if not only_a and not only_b:
        return None
    matched = _matched(lanes_a, lanes_b)
    found = [place for one, other in matched for place in _places(one, other, only_a, only_b)]
    places = [place for place in found if not place.is_at_a_cut(*cut)]
    first = min(places, key=lambda each: (each.mild, each.moment), default=None)
    return None if first is None else _parting(first, len(places) - 1, _lookups(lanes_a))


def _surplus(some: Iterable[_Lane], others: Iterable[_Lane], *, alike: bool) -> set[Pair]:
    """What some lanes have more often than the others; or, of runs that are not alike, they alone have."""
    counted, against = (Counter(pair for lane in lanes for pair in lane.pairs) for lanes in (some, others))
    return {pair for pair, count in counted.items() if against[pair] < (count if alike else 1)}


def _sources(lines: Sequence[Line]) -> set[str]:
    """Who was looking. What only one run could see is no difference of what happened."""
    head = next((line for line in lines if fields.operation(line) == "visibility"), None)
    return set(fields.texts(head, "sources")) if head is not None else {fields.source(line) for line in lines}


def _since_begin(lines: Sequence[Line]) -> list[Line]:
    """The events, with times since the first of them: a probe may begin late in its run."""
    events = [line for line in lines if fields.operation(line) != "visibility"]
    zero = min((fields.seconds(line, "t0") for line in events), default=0.0)
    return [{**line, **{name: fields.seconds(line, name) - zero for name in ("t0", "t")}} for line in events]


def _lanes(lines: Sequence[Line], meaning: Meaning, seen: set[str]) -> list[_Lane]:
    grouped: dict[object, list[Line]] = {}
    decoded = any(fields.operation(line) == "pg.msg" and fields.connection(line) for line in lines)
    for line in sorted(lines, key=_order):
        if _counts(line, seen, decoded=decoded):
            grouped.setdefault(fields.connection(line) or _kind(line), []).append(line)
    names: Counter[str] = Counter()
    lanes = []
    for key, members in grouped.items():
        ordered = isinstance(key, tuple)
        names["connection"] += ordered
        name = f"connection {names['connection']}" if ordered else str(key)
        lanes.append(_Lane(name, members, [meaning.of_event(line) for line in members], ordered))
    return lanes


def _order(line: Line) -> tuple[int, float, int]:
    """As they ended, attempts before all: one may be told to have ended after what was sent on it at once."""
    rank = _FIRST.get(fields.operation(line), len(_FIRST))
    return rank, _moment(line), fields.whole(line, "seq") or 0


def _moment(line: Line) -> float:
    return fields.seconds(line, "t0" if fields.operation(line) == "connect" else "t")


def _is_step(line: Line) -> bool:
    """Whether a line does not depend on which statements are run."""
    op = fields.operation(line)
    if op == "pg.msg":
        return _LOGIN.match(fields.text(line, "pg.name") or "") is not None
    return op != "note"


def _counts(line: Line, seen: set[str], *, decoded: bool) -> bool:
    """Whether a line takes part: all but what repeats others, and what only one of the runs could see."""
    op = fields.operation(line)
    if op == "ws.frame" and fields.text(line, "ws.opcode") in _FRAMES:
        return False  # how many frames carry what is said is a matter of timing
    if op == "close":
        return fields.failure(line) is not None  # the program may end before it is told of this
    if op == "pg.msg" and fields.text(line, "pg.name") == "ParameterStatus":
        return False  # a server tells its settings in any order; `facts` compares them
    if op == "pg.msg" and decoded and fields.connection(line) is None:
        return False  # libpq's own view of what travels inside another connection
    if line.get("claimed") is False:
        return "kernel" in seen
    return fields.source(line) in seen or fields.source(line) == "kernel"


def _kind(line: Line) -> str:
    if fields.operation(line) == "pg.msg":
        return "messages as libpq tells them"
    return LOOKUPS if fields.operation(line).startswith("dns") else "events of no connection"


def _matched(lanes_a: Sequence[_Lane], lanes_b: Sequence[_Lane]) -> list[tuple[_Lane, _Lane]]:
    """Each lane with its like: first those that are equal, then the others in the order of their begin."""
    twins: Counter[_Alike] = Counter(map(_alike, lanes_a)) & Counter(map(_alike, lanes_b))
    rest_a, rest_b = (list(_without(lanes, Counter(twins))) for lanes in (lanes_a, lanes_b))
    pairs = []
    for name in dict.fromkeys(lane.name for lane in (*rest_a, *rest_b) if not lane.ordered):
        mingled = [[each for each in rest if each.name == name] for rest in (rest_a, rest_b)]
        pairs += _together(*mingled)
    return pairs + _together(*([each for each in rest if each.ordered] for rest in (rest_a, rest_b)))


_Alike = tuple[bool, tuple[Key, ...]]


def _alike(lane: _Lane) -> _Alike:
    return lane.ordered, tuple(lane.keys)


def _without(lanes: Iterable[_Lane], twins: Counter[_Alike]) -> Iterator[_Lane]:
    """The lanes without those that have a twin, so many of each kind."""
    for lane in lanes:
        twins[_alike(lane)] -= 1
        if twins[_alike(lane)] < 0:
            yield lane


def _together(some: Sequence[_Lane], others: Sequence[_Lane]) -> list[tuple[_Lane, _Lane]]:
    return [
        (one or _Lane(other.name, (), (), other.ordered), other or _Lane(one.name, (), (), one.ordered))
        for one, other in zip_longest(some, others)
    ]


def _places(a: _Lane, b: _Lane, only_a: set[Pair], only_b: set[Pair]) -> list[_Place]:
    """Where two lanes differ by more than the order of what other lanes have too."""
    begin = next((at for at, (x, y) in enumerate(zip(a.keys, b.keys, strict=False)) if x != y), None)
    begin = min(len(a.keys), len(b.keys)) if begin is None else begin
    rest_a, rest_b = a.keys[begin:], b.keys[begin:]
    if max(len(rest_a), len(rest_b)) > MOST_TO_ALIGN:
        return [_Place(a, b, begin, begin)]
    pairs_a, pairs_b = a.pairs, b.pairs
    found = []
    for tag, from_a, to_a, from_b, to_b in SequenceMatcher(
        None, rest_a, rest_b, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            continue
        alone = any(pair in only_a for pair in islice(pairs_a, begin + from_a, begin + to_a + 1))
        alone |= any(pair in only_b for pair in islice(pairs_b, begin + from_b, begin + to_b + 1))
        if alone:
            found.append(_Place(a, b, begin + from_a, begin + from_b))
    return found


def _lookups(lanes: Iterable[_Lane]) -> list[Line]:
    return [line for lane in lanes if lane.name == LOOKUPS for line in lane.lines]


def _parting(place: _Place, further: int, lookups: Iterable[Line]) -> Parting:
    lane = place.a if place.a.lines else place.b
    before = lane.lines[max(0, place.at_a - BEFORE) : place.at_a]
    if lane.ordered and len(before) < BEFORE:
        before = [*[line for line in lookups if _moment(line) <= place.moment][-1:], *before]
    return Parting(
        where=lane.name,
        before=[said(line) for line in before],
        a=_stretch(place.a, place.at_a),
        b=_stretch(place.b, place.at_b),
        further=further,
    )


def _stretch(lane: _Lane, at: int) -> Stretch:
    shown = lane.lines[at : at + AFTER]
    return Stretch(fields.whole(shown[0], "seq") if shown else None, [said(line) for line in shown])
