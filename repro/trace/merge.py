"""One event for each fact: what the kernel saw and what a hook saw of the same attempt become one.

The kernel knows when and with what result, the hook knows for whom: the name behind the address, the library,
the connection that later events belong to. What only one of them saw is said to be so.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from repro.events import Peer

_EXCHANGE = frozenset({"http.request", "http.response"})

Line: TypeAlias = Mapping[str, Any]
"""A trace line, as `Event.as_json` makes it."""

SLACK_S = 0.25
"""How far the two views of one attempt may lie apart where the machine is busy: hooks go through queues."""

_UNSEEN = ("failed, and the program did not ask why", "given up before there was a result")


def merged(
    hook_lines: Iterable[Line], kernel_lines: Iterable[Line], *, whole: bool = True
) -> list[dict[str, Any]]:
    """All lines in the order in which they ended, numbered anew.

    Args:
        hook_lines: what the process said of itself.
        kernel_lines: what the kernel said; without any, a hook's attempt is left as it is.
        whole: neither lacks what was not kept; else nothing is said to have been seen by one of them only.
    """
    hooks = [dict(line) for line in hook_lines]
    kernel = sorted((dict(line) for line in kernel_lines), key=_began)
    unclaimed = _Unclaimed(line for line in kernel if line["op"] == "connect")
    watched = whole and bool(unclaimed.attempts)
    numbers = _Numbers(hooks)
    attempts = [(line, dict(line)) for line in sorted(filter(_is_attempt, hooks), key=_tightest_first)]
    for line, told in attempts:
        claim = unclaimed.closest(told)
        if claim is not None:
            _join(line, claim)
            numbers.same(claim, line)
        elif watched:
            line["confirmed"] = False
    for line, told in attempts:
        for again in unclaimed.fitting(told) if told.get("via") == "libpq" else ():
            _join_again(line, again)
            numbers.same(again, line)
    hooks = _with_one_line_for_each_exchange([numbers.with_the_real_peer(line) for line in hooks])
    others = [numbers.of_the_hooks(line) for line in kernel if line["op"] != "connect"]
    alone = [numbers.of_the_hooks(line) for line in unclaimed.attempts]
    if whole:
        alone = [{**line, "claimed": False} for line in alone]
    return _numbered([*hooks, *_not_decoded_twice(others, hooks), *alone])


class _Unclaimed:
    """The kernel's attempts that are no hook's yet, in the order of their begin. What is given is taken out.

    A driver may dial without end: only those near a hook's are looked at, from the nearest on.
    """

    def __init__(self, attempts: Iterable[dict[str, Any]]) -> None:
        self.attempts = list(attempts)

    def closest(self, line: Line) -> dict[str, Any] | None:
        """The attempt that began nearest to a hook's, of those that may be it; of two the earlier one."""
        first, end = self._within(line)
        after = bisect_left(self.attempts, line["t0"], first, end, key=_began)
        before = after - 1
        while before >= first or after < end:
            is_before = after >= end or (
                before >= first
                and line["t0"] - _began(self.attempts[before]) <= _began(self.attempts[after]) - line["t0"]
            )
            place = before if is_before else after
            if _is_of(line, self.attempts[place]):
                return self.attempts.pop(place)
            before, after = (before - 1, after) if is_before else (before, after + 1)
        return None

    def fitting(self, line: Line) -> list[dict[str, Any]]:
        """All attempts that may be a hook's."""
        first, end = self._within(line)
        near = self.attempts[first:end]
        self.attempts[first:end] = [each for each in near if not _is_of(line, each)]
        return [each for each in near if _is_of(line, each)]

    def _within(self, line: Line) -> tuple[int, int]:
        """The places of those that began while a hook's attempt lasted."""
        first = bisect_left(self.attempts, line["t0"] - SLACK_S, key=_began)
        return first, bisect_right(self.attempts, line["t"] + SLACK_S, lo=first, key=_began)


class _Numbers:
    """Which connection of the hooks is which of the kernel's, and who is behind a tap."""

    def __init__(self, hooks: Iterable[Line]) -> None:
        self._first_free = max((line["conn"] or 0 for line in hooks), default=0)
        self._same: dict[int, int | None] = {}
        self._behind: dict[str, Line] = {}

    def same(self, claim: Line, line: Line) -> None:
        """The kernel's attempt is the hook's."""
        self._same[claim["conn"]] = line["conn"]
        if "tap" in claim:
            self._behind[claim["tap"]] = claim["peer"]

    def of_the_hooks(self, line: Line) -> dict[str, Any]:
        """A line of the kernel or of a tap; a connection that no hook knows gets a number of its own."""
        conn = line["conn"]
        return {**line, "conn": None if conn is None else self._same.get(conn, self._first_free + conn)}

    def with_the_real_peer(self, line: dict[str, Any]) -> dict[str, Any]:
        """A line of a hook, which takes the tap for the server."""
        real = self._behind.get(_text(line["peer"])) if self._behind else None
        return line if real is None else {**line, "peer": real}


def _not_decoded_twice(lines: list[dict[str, Any]], hooks: Iterable[Line]) -> list[dict[str, Any]]:
    """Without the tap's messages of a connection whose messages the process told itself."""
    owned = {(line["pid"], line["conn"]) for line in hooks if "sender" in line}
    return [line for line in lines if "sender" not in line or (line["pid"], line["conn"]) not in owned]


def _with_one_line_for_each_exchange(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Requests and answers that a library's hook told of, and the decoder of the bytes too."""
    told: dict[tuple[int, str, int], deque[dict[str, Any]]] = {}
    for line in lines:
        if line["op"] in _EXCHANGE and "sender" not in line:
            told.setdefault((line["pid"], line["op"], line["conn"]), deque()).append(line)
    kept = []
    for line in lines:
        twins = told.get((line["pid"], line["op"], line["conn"])) if "sender" in line else None
        if twins:
            twin = twins.popleft()
            twin.update({name: value for name, value in line.items() if name not in twin})
        else:
            kept.append(line)
    return kept


def _is_attempt(line: Line) -> bool:
    peer = line["peer"]
    return line["op"] == "connect" and peer is not None and peer["port"] is not None


def _tightest_first(line: Line) -> float:
    """Attempts of libpq last until the login is over and may cover others': the short ones choose first."""
    return float(line["t"] - line["t0"])


def _began(line: Line) -> float:
    return float(line["t0"])


def _is_of(line: Line, attempt: Line) -> bool:
    """Whether one of the kernel's attempts has the process and the far end of a hook's."""
    same_peer = _same_peer(line["peer"], attempt["peer"]) or _text(line["peer"]) == attempt.get("tap")
    return line["pid"] in {None, attempt["pid"]} and same_peer


def _same_peer(one: Line, other: Line) -> bool:
    if one["port"] != other["port"]:
        return False
    addresses = {_plain(one["address"]), _plain(other["address"])}
    return len(addresses) == 1 or not addresses.isdisjoint({"0.0.0.0", "::"})  # noqa: S104 - it is dialled


def _text(peer: Line | None) -> str:
    return "" if peer is None else str(Peer(peer["address"], peer["port"]))


def _plain(address: str) -> str:
    return address.partition("%")[0].removeprefix("::ffff:")


def _join(line: dict[str, Any], claim: Line) -> None:
    """Make a hook's line the one that holds both views; the kernel's word goes first."""
    line["seen_by"] = ["kernel", line["src"]]
    line.update(src="kernel", t0=claim["t0"])
    _take_result(line, claim)


def _join_again(line: dict[str, Any], claim: Line) -> None:
    """An address may be dialled twice in one attempt of libpq: with TLS, and without."""
    line["connects"] = line.get("connects", 1) + 1
    _take_result(line, claim)


def _take_result(line: dict[str, Any], claim: Line) -> None:
    if not str(claim["failure"]).endswith(_UNSEEN) and claim.get("connect.result") is None:
        line.update(t=claim["t"], failure=claim["failure"], errno=claim["errno"])
    line["t"] = max(line["t"], line["t0"])
    if "observer" in claim:
        line["observer"] = claim["observer"]


def _numbered(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    lines.sort(key=lambda line: (line["t"], line["seq"]))
    return [{**line, "seq": number} for number, line in enumerate(lines, 1)]
