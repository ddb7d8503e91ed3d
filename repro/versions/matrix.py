"""Runs the probes in every cell of a matrix, several cells side by side, on one target that is there."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from repro.document import Outcome
from repro.environments.node import NodeUnavailable
from repro.environments.pins import Cell
from repro.environments.python import NotInstallable
from repro.observe import names
from repro.observe.interruption import until_interrupted
from repro.observe.plan import Plan, available_cores
from repro.observe.progress import Silent
from repro.observe.run import Observation, observe_beside
from repro.redaction import Redactor
from repro.versions.cells import prepared
from repro.versions.trial import Trial, Verdict, verdict


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be tried.

    Args:
        cells: in the order of the table.
        plan: of one cell: the probes, the target that is there, the deadline of each cell.
        redactor: knows the target's secrets: a driver may have quoted one.
        repeats: how often each cell is tried.
        passing_ports: those of the lab, which are others the next time.
        show_hosts: foreign hosts and users are told as they are.
    """

    cells: Sequence[Cell]
    plan: Plan
    redactor: Redactor
    repeats: int = 1
    passing_ports: frozenset[str] = frozenset()
    show_hosts: bool = False


@dataclass(slots=True)
class Tried:
    """What came of it.

    Args:
        trials: one for each cell that was reached, in the order of the cells.
        interrupted: whether somebody stopped it before its end.
    """

    trials: list[Trial] = field(default_factory=list)
    interrupted: bool = False


def run(order: Order, tell: Callable[[str], None], done: Callable[[Trial], None]) -> Tried:
    """Try every cell, until the last or until SIGINT or SIGTERM; then no process of any is left.

    Args:
        order: what to try.
        tell: is told what takes time.
        done: is told each cell as it ends.
    """
    return asyncio.run(_Matrix(order, tell, done).to_its_end())


class _Matrix:
    def __init__(self, order: Order, tell: Callable[[str], None], done: Callable[[Trial], None]) -> None:
        self._order = order
        self._tell = tell
        self._done = done
        self._places = asyncio.Semaphore(max(1, available_cores() // order.plan.workers))
        self._stop = threading.Event()
        self._trials: dict[int, Trial] = {}

    async def to_its_end(self) -> Tried:
        try:
            interrupted = await until_interrupted(self._cells())
        finally:
            self._stop.set()  # what still installs in a thread
        return Tried([self._trials[number] for number in sorted(self._trials)], interrupted)

    async def _cells(self) -> None:
        await asyncio.gather(*(self._cell(*each) for each in enumerate(self._order.cells)))

    async def _cell(self, number: int, cell: Cell) -> None:
        async with self._places:
            trial = await self._tried(cell)
        self._trials[number] = trial
        self._done(trial)

    async def _tried(self, cell: Cell) -> Trial:
        try:
            plan, versions = await asyncio.to_thread(prepared, cell, self._order.plan, self._tell, self._stop)
        except (NotInstallable, NodeUnavailable) as error:
            return Trial(cell, skipped=self._order.redactor.text(str(error)))
        seen = [await observe_beside(_own(plan), Silent()) for _ in range(self._order.repeats)]
        return Trial(cell, versions, verdicts=self._verdicts(seen))

    def _verdicts(self, seen: Sequence[Observation]) -> dict[str, Verdict]:
        found: dict[str, list[Outcome]] = {}
        for each in seen:
            redactor = self._redactor(each)
            for outcome in each.outcomes:
                found.setdefault(outcome["name"], []).append(redactor.value(outcome))
        return {name: verdict(outcomes, self._order.passing_ports) for name, outcomes in found.items()}

    def _redactor(self, seen: Observation) -> Redactor:
        """The order's, with the foreign hosts and users that these probes met."""
        if self._order.show_hosts:
            return self._order.redactor
        return self._order.redactor.with_names(names.met_by(seen, self._order.plan.inherited))


def _own(plan: Plan) -> Plan:
    """The plan with a run of its own: schemas and keys are named by it, and cells are tried side by side."""
    started, _, _ = plan.run_id.rpartition("-")
    return dataclasses.replace(plan, run_id=f"{started}-{secrets.token_hex(3)}")
