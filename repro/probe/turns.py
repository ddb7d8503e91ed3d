"""A probe in turns: after its request the runner says when to connect and when to run the transaction again.

So drivers can be timed in an order of the runner's, each in a process of its own, and a change of the pace of
the machine hits all of them alike. What is timed is done as an application does it: the hooks are gone by
then, and nothing observes the statements.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Literal

from repro.probe import network
from repro.probe.channel import Channel
from repro.probe.conversation import Action, Await, Close, Conversation, Open, Run
from repro.probe.request import RequestError
from repro.probe.trial import RepeatableTrial

Task = Literal["connect", "transact"]

FIRST = 0
"""The number of the turn that nobody asks for: the first time, watched, which shows that the driver works."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing to do and to time.

    Args:
        number: the runner's own, from 1; part of what the turn writes.
        do: ``connect``: leave what is open, and come to the first answer of the server on a connection of its
            own. ``transact``: run the transaction, or the push, on what is open.
    """

    number: int
    do: Task

    def as_json(self) -> str:
        """The turn as the line that `parse` reads."""
        return json.dumps({"turn": self.number, "do": self.do})


def parse(line: str) -> Turn:
    """Read the line of a turn.

    Raises:
        RequestError: it is none.
    """
    try:
        body = json.loads(line)
        number, do = int(body["turn"]), body["do"]
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError("standard input holds a line that is no turn") from error
    if number <= FIRST or do not in ("connect", "transact"):
        raise RequestError("standard input holds a turn of no known kind")
    return Turn(number, do)


def from_standard_input() -> Turn | None:
    """The next turn; None where there is none any more.

    Raises:
        RequestError: a line is no turn.
    """
    line = sys.stdin.readline()
    return parse(line) if line.strip() else None


def taken(
    trial: RepeatableTrial,
    channel: Channel,
    unwatch: Callable[[], None],
    listen: Callable[[], Turn | None] = from_standard_input,
) -> Conversation:
    """The first time, watched; then every turn, each answered with a line ``turn`` and what it took.

    Args:
        trial: what is repeated.
        channel: is told each turn.
        unwatch: takes the hooks away once the first time has passed.
        listen: waits for the next turn; None ends it.
    """
    yield from trial.first()
    trial.has_written = True
    yield Close()
    unwatch()
    trial.recorder.events.clear()
    channel.send("turn", {"number": FIRST, "do": "first", "took_s": None})
    is_open = False
    while (turn := (yield Await(listen))) is not None:
        if turn.do == "connect":
            took_s = yield from _connect(trial, is_open=is_open)
            is_open = True
        else:
            took_s = yield from _transact(trial, turn.number)
        channel.send("turn", {"number": turn.number, "do": turn.do, "took_s": took_s})
    if not is_open:
        yield Open()


def _connect(trial: RepeatableTrial, *, is_open: bool) -> Generator[Action, Any, float]:
    """Seconds from nothing to the first answer, so that drivers that dial late are not the faster for it."""
    if is_open:
        yield Close()
    for name in network.STAGES_OF_TRANSPORT[trial.probe.transport]:
        trial.recorder.stages.pop(name, None)  # what fails now fails while it connects
    began = time.perf_counter()
    yield Open()
    yield Run(trial.greeting())
    return time.perf_counter() - began


def _transact(trial: RepeatableTrial, number: int) -> Generator[Action, Any, float]:
    """Seconds of the transaction, or of the push, on a connection that is warm."""
    work = trial.again(number)
    try:
        began = time.perf_counter()
        yield Run(work)
        took_s = time.perf_counter() - began
    except Exception:
        trial.recorder.begin(trial.at)
        raise
    yield from trial.undo(number)
    return took_s
