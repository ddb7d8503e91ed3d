"""Times the drivers, one at a time, until every round is done, the deadline comes, or somebody stops it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from repro.bench.lineup import AGAIN, Member
from repro.bench.schedule import rounds
from repro.document import Outcome
from repro.observe.collect import Collected
from repro.observe.interruption import until_interrupted
from repro.observe.plan import available_cores, reason_to_skip
from repro.observe.turns import NO_TURNS, TurnTaker
from repro.probe.request import Request
from repro.probe.turns import Task

LONGEST_TURN_S = 30.0
"""A driver whose answer takes longer is given up."""

FIRST_S = 30.0
"""Seconds for loading a driver and showing that it works."""

OVERTIME_S = 1.0
"""Seconds after the last turn's time in which it may still be answered."""

TOO_LATE = "the deadline came during its turn"

ENDING_S = 3.0
"""Of the deadline set aside for cleaning up and writing."""

CONNECTING_UNTIL, WARM_AT = 0.4, 0.5
"""The parts of the deadline after which the next phase begins, however few rounds there were."""

Phase = Literal["starting", "connecting", "warming up", "measuring"]
Ended = Literal["whole", "deadline", "interrupted"]
Progress = Callable[[Phase, int, int, float], None]
"""Is told the phase, the round or the driver that is done, of how many, and the seconds that are left."""

NOT_BEGUN = "the bench ended before it was begun"


@dataclass(frozen=True, slots=True)
class Design:
    """What is measured, how often, and in which order.

    Args:
        members: who takes part.
        request: what each is asked; its variables are the target's.
        began: the command's start, in seconds of the monotonic clock.
        deadline_s: seconds from then for everything.
        transactions: rounds of the transaction, or the push, on a warm connection.
        connects: rounds of connecting anew.
        warm_up: rounds that are not counted; psycopg prepares a statement when it comes for the sixth time.
        seed: of the orders.
    """

    members: Sequence[Member]
    request: Request
    began: float
    deadline_s: float
    transactions: int
    connects: int
    warm_up: int
    seed: int

    @property
    def left_s(self) -> float:
        """Seconds until the last turn must be over."""
        return self.deadline_s - min(ENDING_S, self.deadline_s / 4) - (time.monotonic() - self.began)


@dataclass(slots=True)
class Timed:
    """What was seen of one member.

    Args:
        member: which one.
        connects: seconds of each round of connecting, by its number.
        transactions: seconds of each round of the work, by its number.
        outcome: what it came to in the end.
        failed_at: what it was doing when it failed; None where it did not.
    """

    member: Member
    outcome: Outcome
    connects: dict[int, float] = field(default_factory=dict)
    transactions: dict[int, float] = field(default_factory=dict)
    failed_at: Literal["first", "connect", "transact"] | None = None


@dataclass(slots=True)
class Measured:
    """What was seen of all.

    Args:
        timed: of each member, in their order.
        ended: how it ended.
        connects: whole rounds of connecting.
        transactions: whole rounds of the work.
        seconds: how long it took, from the command's start.
    """

    timed: list[Timed]
    ended: Ended = "whole"
    connects: int = 0
    transactions: int = 0
    seconds: float = 0.0


def measure(design: Design, progress: Progress) -> Measured:
    """Carry a design out.

    Args:
        design: what to do.
        progress: is told how far it is.

    Raises:
        KeyboardInterrupt: interrupted a second time.
    """
    return asyncio.run(_measured(design, progress))


async def _measured(design: Design, progress: Progress) -> Measured:
    return await _Measuring(design, progress).to_its_end()


class _Measuring:
    def __init__(self, design: Design, progress: Progress) -> None:
        self._design = design
        self._progress = progress
        self._seen = Measured(
            [Timed(each, Collected(each.entry).skipped(NOT_BEGUN)) for each in design.members]
        )
        self._takers: list[tuple[Timed, TurnTaker]] = []

    async def to_its_end(self) -> Measured:
        seen = self._seen
        try:
            if await until_interrupted(self._work()):
                seen.ended = "interrupted"
        finally:
            await asyncio.gather(*(self._end(timed, taker) for timed, taker in self._takers))
        seen.seconds = time.monotonic() - self._design.began
        return seen

    async def _work(self) -> None:
        design = self._design
        ready = await self._begun()
        if not ready:
            return
        await self._phase("connecting", ready, design.connects, CONNECTING_UNTIL)
        await self._phase("warming up", ready, design.warm_up, WARM_AT)
        await self._phase("measuring", ready, design.transactions, 1.0)
        if self._seen.transactions < design.transactions or self._seen.connects < design.connects:
            self._seen.ended = "deadline"

    async def _begun(self) -> list[tuple[Timed, TurnTaker]]:
        """Start every driver and let it show that it works, as many at once as there are processors."""
        places = asyncio.Semaphore(available_cores())
        done = 0

        async def begin(timed: Timed) -> tuple[Timed, TurnTaker] | None:
            nonlocal done
            async with places:
                ready = await self._begin(timed)
            done += 1
            self._tell("starting", done, len(self._seen.timed))
            return ready

        self._tell("starting", 0, len(self._seen.timed))
        begun = await asyncio.gather(*map(begin, self._seen.timed))
        return [each for each in begun if each is not None]

    async def _begin(self, timed: Timed) -> tuple[Timed, TurnTaker] | None:
        design, entry = self._design, timed.member.entry
        unset = reason_to_skip(entry, design.request.variables)
        reason = unset or (None if entry.takes_turns else NO_TURNS)
        left_s = design.left_s
        if reason is None and left_s <= 0:
            reason = f"the deadline of {design.deadline_s:g} s passed before its turn"
        if reason is not None:
            timed.outcome = Collected(entry).skipped(reason)
            return None
        taker = TurnTaker(entry, _request(design.request, timed.member), deadline_s=left_s + ENDING_S)
        self._takers.append((timed, taker))
        if await taker.begin(min(FIRST_S, left_s)):
            return timed, taker
        timed.failed_at = "first"
        return None

    async def _phase(
        self, phase: Phase, ready: Sequence[tuple[Timed, TurnTaker]], count: int, until: float
    ) -> None:
        """Rounds of one kind; as many of them as are done when its part of the deadline has passed."""
        design = self._design
        reserve_s = (1 - until) * design.deadline_s
        order = rounds(range(len(ready)), count, design.seed)
        for number, places in enumerate(order):
            if number and design.left_s < reserve_s:
                return
            for place in places:
                if design.left_s <= 0:
                    return
                await self._turn(phase, number, *ready[place])
            if phase == "connecting":
                self._seen.connects = number + 1
            elif phase == "measuring":
                self._seen.transactions = number + 1
            self._tell(phase, number + 1, count)

    async def _turn(self, phase: Phase, number: int, timed: Timed, taker: TurnTaker) -> None:
        if taker.outcome is not None:
            return
        do: Task = "connect" if phase == "connecting" else "transact"
        left_s = self._design.left_s
        took_s = await taker.turn(do, min(LONGEST_TURN_S, left_s + OVERTIME_S))
        if took_s is None and left_s + OVERTIME_S < LONGEST_TURN_S:
            taker.cut_short(TOO_LATE)
        if took_s is None:
            timed.failed_at = do
        elif phase == "connecting":
            timed.connects[number] = took_s
        elif phase == "measuring":
            timed.transactions[number] = took_s

    async def _end(self, timed: Timed, taker: TurnTaker) -> None:
        timed.outcome = await taker.end(ENDING_S)

    def _tell(self, phase: Phase, done: int, of: int) -> None:
        self._progress(phase, done, of, max(self._design.left_s, 0.0))


def _request(request: Request, member: Member) -> Request:
    """What a member is asked; a control writes under another run's name, beside its twin."""
    run_id = f"{request.run_id}-{AGAIN}" if member.control else request.run_id
    return replace(request, run_id=run_id, turns=True)
