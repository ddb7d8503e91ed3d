"""Runs the probes of a plan side by side, on the lab or on a target of the user's.

The probes' processes are started while the lab starts, so that their drivers load meanwhile; each is asked
when the target is known. Whatever ends the run, every process of it is ended first.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from repro.document import Outcome
from repro.lab.errors import LabError
from repro.lab.messages import ServerInfo
from repro.lab.process import Lab
from repro.observe.catalog import Entry
from repro.observe.collect import Collected, as_stage
from repro.observe.interruption import until_interrupted
from repro.observe.plan import ASKING_ALLOWANCE_S, WRITING_ALLOWANCE_S, Plan, reason_to_skip
from repro.observe.process import SETTINGS, Listener, ProbeProcess
from repro.observe.progress import Progress
from repro.probe.request import Request

LAB_READY_S = 30.0
"""Seconds the lab may take to start, unless the run's deadline is shorter."""

STOPPING = {
    "lab": "stopping: the probes and the lab are ended",
    "env": "stopping: the probes are ended, and what they made is removed; Ctrl-C again leaves it there",
}
"""What is done after an interruption, by the kind of the target."""

TOO_LATE = "the run's deadline of {:g} s passed before its turn"


@dataclass(slots=True)
class Observation:
    """What a run saw.

    Args:
        started_at: the wall clock at the run's start.
        origin: the monotonic clock at the same moment, in seconds.
        outcomes: one for each probe of the plan, in its order.
        events: each probe's trace lines, by its name.
        variables: the target's settings, the lab's included.
        environment: what the lab added to the probes' environment.
        salt: makes a secret's token the same in everything that the run writes.
        servers: the lab's servers.
        interrupted: whether somebody stopped the run before its end.
        cut_short: whether the deadline left no time for a probe.
        duration_s: how long it took.
    """

    started_at: datetime
    origin: float
    outcomes: list[Outcome] = field(default_factory=list)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    salt: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    servers: list[ServerInfo] = field(default_factory=list)
    interrupted: bool = False
    cut_short: bool = False
    duration_s: float = 0.0


def observe(plan: Plan, progress: Progress) -> Observation:
    """Run a plan to its end, its deadline, or an interruption (SIGINT, SIGTERM).

    Raises:
        LabError: the lab does not start.
        KeyboardInterrupt: interrupted three times; its arguments are what may be left, a sentence each.
    """
    collected: dict[str, Collected] = {}
    try:
        return asyncio.run(_observe(plan, progress, collected))
    except KeyboardInterrupt as error:
        left = (
            [note for each in collected.values() for note in each.left_behind()] if plan.kind == "env" else ()
        )
        raise KeyboardInterrupt(*left) from error


async def _observe(plan: Plan, progress: Progress, collected: dict[str, Collected]) -> Observation:
    return await _Run(plan, progress, collected).to_its_end()


async def observe_beside(plan: Plan, progress: Progress) -> Observation:
    """Run a plan on a target that is there, beside others in one event loop; signals are the caller's.

    Cancelled, it ends every process of the plan first.
    """
    return await _Run(plan, progress, {}, alone=False).to_its_end()


class _Run:
    def __init__(
        self, plan: Plan, progress: Progress, collected: dict[str, Collected], *, alone: bool = True
    ) -> None:
        self._plan = plan
        self._alone = alone
        self._progress = progress
        self._seen = Observation(started_at=datetime.now(UTC), origin=time.monotonic())
        self._places = asyncio.Semaphore(plan.workers)
        self._target: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        self._outcomes: dict[str, Outcome] = {}
        self._collected = collected

    async def to_its_end(self) -> Observation:
        self._progress.planned([entry.name for entry in self._plan.entries], self._plan.share_s)
        lab = self._launched_lab()
        try:
            if self._alone:
                self._seen.interrupted = await until_interrupted(
                    self._probes(lab), lambda: self._progress.stopping(STOPPING[self._plan.kind])
                )
            else:
                await self._probes(lab)
            self._check_lab(lab)
        finally:
            if lab is not None:
                await asyncio.to_thread(lab.stop)
        return self._everything_seen()

    def _check_lab(self, lab: Lab | None) -> None:
        """A lab that broke has tested nothing: what its probes say is no finding of any driver's."""
        ended = lab.ended() if lab is not None and not self._seen.interrupted else []
        if ended:
            raise LabError(f"{', '.join(ended)} ended while the probes ran, so nothing can be said of them")

    def _launched_lab(self) -> Lab | None:
        if self._plan.kind == "env":
            return None
        self._progress.lab("starting")
        return Lab.launch(postgres_bindir=self._plan.postgres_bindir, redis_server=self._plan.redis_server)

    async def _probes(self, lab: Lab | None) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                for entry in self._plan.entries:
                    tasks.create_task(self._probe(entry))
                self._target.set_result(await self._request(lab))
        except* LabError as group:
            failed: LabError | None = _first(group, LabError)
        else:
            failed = None
        if failed is not None:
            raise failed

    async def _request(self, lab: Lab | None) -> Request:
        """The request that every probe of the run is sent, once the target is there."""
        if lab is None:
            offered: Mapping[str, str] = self._plan.variables
        else:
            await asyncio.to_thread(lab.wait_ready, min(LAB_READY_S, max(self._left_s(), 0.1)))
            self._progress.lab(f"ready in {time.monotonic() - self._seen.origin:.1f} s")
            self._seen.servers = list(lab.servers)
            offered = {**self._plan.variables, **lab.environment}
        self._seen.variables = {name: value for name, value in offered.items() if name in SETTINGS}
        self._seen.environment = {name: value for name, value in offered.items() if name not in SETTINGS}
        return Request(
            run_id=self._plan.run_id,
            variables=self._seen.variables,
            environment=self._seen.environment,
            commit=self._plan.effect == "commit",
            origin=self._seen.origin,
            salt=self._seen.salt,
        )

    async def _probe(self, entry: Entry) -> None:
        reason = reason_to_skip(entry, self._plan.variables) if self._plan.kind == "env" else None
        if reason is not None:
            self._finish(Collected(entry).skipped(reason))
            return
        async with self._places:
            await self._run(entry)

    async def _run(self, entry: Entry) -> None:
        """Run a probe; once more where the kernel's view was lost, which may have disturbed it."""
        outcome, disturbed = await self._tried(entry, kernel=True)
        if disturbed:
            outcome, _ = await self._tried(entry, kernel=False)
        self._seen.cut_short |= outcome["status"] == "skip" and self._left_s() <= 0
        self._finish(outcome)

    async def _tried(self, entry: Entry, *, kernel: bool) -> tuple[Outcome, bool]:
        process = ProbeProcess(
            entry,
            self._plan.run_id,
            self._listener(entry),
            kernel=kernel,
            tap=self._plan.tap,
            inherited=self._plan.inherited,
            interpreter=self._plan.interpreter,
            removes=self._plan.kind == "env",
        )
        self._collected[entry.name] = process.collected
        try:
            await process.start()
            request = await asyncio.shield(self._target)
            left = self._left_s()
            if left <= 0:
                outcome = process.collected.skipped(TOO_LATE.format(self._plan.deadline_s))
            else:
                self._progress.started(entry.name)
                outcome = await process.ask(request, min(self._plan.share_s, left), left)
        finally:
            await process.end()
        return outcome, process.lost_the_view and kernel

    def _left_s(self) -> float:
        """Seconds until the probes must be done, so that the findings are written within the deadline."""
        allowance = min(
            ASKING_ALLOWANCE_S + WRITING_ALLOWANCE_S + self._plan.removing_s, self._plan.deadline_s / 4
        )
        return self._plan.deadline_s - allowance - (time.monotonic() - self._seen.origin)

    def _listener(self, entry: Entry) -> Listener:
        def listen(kind: str, body: dict[str, Any]) -> None:
            self._progress.line(entry.name, kind, body)
            if kind == "stage":
                self._progress.stage(entry.name, as_stage(body))

        return listen

    def _finish(self, outcome: Outcome) -> None:
        self._outcomes[outcome["name"]] = outcome
        self._progress.finished(outcome)

    def _everything_seen(self) -> Observation:
        seen = self._seen
        for entry in self._plan.entries:
            if entry.name not in self._outcomes:
                collected = self._collected.get(entry.name, Collected(entry))
                self._finish(collected.interrupted("the run was interrupted"))
        seen.outcomes = [self._outcomes[entry.name] for entry in self._plan.entries]
        seen.events = {
            name: collected.events for name, collected in self._collected.items() if collected.hello
        }
        seen.duration_s = round(time.monotonic() - seen.origin, 3)
        return seen


def _first(group: BaseExceptionGroup[Any], kind: type[LabError]) -> LabError | None:
    """The first exception of a kind in a group, however deep."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            found = _first(error, kind)
            if found is not None:
                return found
        elif isinstance(error, kind):
            return error
    return None
