"""A probe's process that is asked for one turn after the other; see `repro.probe.turns`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from repro.document import FAILING, Outcome
from repro.observe.catalog import Entry
from repro.observe.process import ProbeProcess
from repro.probe.request import Request
from repro.probe.turns import FIRST, Task, Turn

NO_TURNS = "it runs once and leaves: it cannot be asked to repeat itself (docs/probe-protocol.md, Turns)"


class TurnTaker:
    """One probe, whose turns are timed by itself. Nothing looks on: neither hooks nor the kernel's view.

    Args:
        entry: which probe.
        request: what it is asked; its ``turns`` is set.
        inherited: variables that its process gets besides those of this one; None takes one away.
        deadline_s: seconds for everything that it does.
    """

    def __init__(
        self,
        entry: Entry,
        request: Request,
        *,
        deadline_s: float,
        inherited: Mapping[str, str | None] | None = None,
    ) -> None:
        self.outcome: Outcome | None = None
        self._request = request
        self._deadline_s = deadline_s
        self._process = ProbeProcess(entry, request.run_id, self._listen, kernel=False, inherited=inherited)
        self._number = FIRST
        self._answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._asking: asyncio.Task[Outcome] | None = None

    async def begin(self, within_s: float) -> bool:
        """Start the process and let its driver show that it works.

        Args:
            within_s: seconds for that.

        Returns:
            Whether it can be asked for turns; else there is an `outcome`.
        """
        await self._process.start()
        self._asking = asyncio.create_task(
            self._process.ask(self._request, self._deadline_s, self._deadline_s)
        )
        if await self._answered(within_s) is not None:
            return True
        if self.outcome is not None and self.outcome["status"] not in (*FAILING, "skip"):
            self.outcome = self._process.collected.skipped(NO_TURNS)
        return False

    async def turn(self, do: Task, within_s: float) -> float | None:
        """Ask for one turn.

        Args:
            do: what is timed.
            within_s: seconds until it is given up.

        Returns:
            What it took, in seconds; None where it failed, or had before. Then there is an `outcome`.
        """
        if self.outcome is not None:
            return None
        self._number += 1
        self._answer = asyncio.get_running_loop().create_future()
        await self._process.say(Turn(self._number, do))
        return await self._answered(within_s)

    def cut_short(self, why: str) -> None:
        """That it did not answer in time was not its fault: nothing is claimed of it.

        Args:
            why: it had too little time.
        """
        if self.outcome is not None and self.outcome["status"] == "timeout":
            self.outcome = self._process.collected.interrupted(why)

    async def end(self, within_s: float) -> Outcome:
        """Let it clean up and say its outcome, and end its process. Safe to repeat.

        Args:
            within_s: seconds until it is ended without that.
        """
        if self._asking is not None and self.outcome is None:
            self._process.hang_up()
            await asyncio.wait({self._asking}, timeout=within_s)
            await self._settle(within_s)
        await self._process.end()
        return self.outcome or self._process.collected.interrupted("it was not asked")

    async def _answered(self, within_s: float) -> float | None:
        assert self._asking is not None, "begin() comes first"  # noqa: S101
        either: set[asyncio.Future[Any]] = {self._answer, self._asking}
        await asyncio.wait(either, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if self._answer.done():
            return self._answer.result()
        await self._settle(within_s)
        return None

    async def _settle(self, within_s: float) -> None:
        """Come to an outcome: what it said, or that it said nothing in time."""
        assert self._asking is not None  # noqa: S101 - both callers have it
        if self._asking.done():
            self.outcome = self._asking.result()
            return
        self._asking.cancel()
        await asyncio.wait({self._asking})
        self.outcome = await self._process.give_up(f"no answer within {within_s:.1f} s", self._request)

    def _listen(self, kind: str, body: dict[str, Any]) -> None:
        if kind != "turn" or body.get("number") != self._number or self._answer.done():
            return
        took_s = 0.0 if self._number == FIRST else body.get("took_s")
        if isinstance(took_s, float) and took_s >= 0:  # anything else is no answer
            self._answer.set_result(took_s)
