"""A queue probe: the production push of job ids over one transport, and whether each arrived once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from repro.persistence import queue
from repro.persistence.endpoints import Endpoint
from repro.persistence.model import Job, OrchestrationRequest
from repro.probe import network
from repro.probe.conversation import Conversation, Open, Run
from repro.probe.outcome import CheckFailed
from repro.probe.recorder import Recorder
from repro.probe.request import Request


@dataclass(frozen=True, slots=True)
class PushProbe:
    """What a script says of its transport to the queue.

    Args:
        name: the probe's name, such as ``push.redis-tcp``.
        transport: ``tcp`` or ``http``.
        package: the distribution whose version is the driver's version.
        uses: the module of `repro.persistence.transports` to load before the request arrives.
        predict: the endpoints that the transport will dial for this target, known without any packet.
        connect: opens the transport; called with the module and the request; may be a coroutine function.
        versions: further versions worth reporting, by name.
        notes: what the reader should know of the open transport.
        asynchronous: whether the transport is awaited.
    """

    name: str
    transport: str
    package: str | None
    uses: str
    predict: Callable[[Request], Sequence[Endpoint]]
    connect: Callable[[ModuleType, Request], Any]
    versions: Callable[[], dict[str, str]] = dict
    notes: Callable[[Any], list[str]] = lambda _transport: []
    asynchronous: bool = False

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages this probe goes through, in order of time."""
        return (*network.STAGES_OF_TRANSPORT[self.transport], "push", "read_back", "cleanup")


@dataclass(slots=True)
class PushTrial:
    """One run of a queue probe; afterwards it holds what was found."""

    probe: PushProbe
    request: Request
    recorder: Recorder
    atomicity: dict[str, Any] = field(
        default_factory=lambda: {"status": "not_applicable", "backends": [], "xids": [], "detail": {}}
    )
    versions: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The run's own queue; it is removed at the end, on any target."""
        return f"txrepro:{self.request.run_id}:{self.probe.name}"

    @property
    def job_ids(self) -> tuple[str, ...]:
        """The ids that are pushed."""
        jobs = tuple(Job(kind="generate", payload={"position": index}) for index in range(self.request.jobs))
        return OrchestrationRequest(idempotency_key=self.key, jobs=jobs).job_ids

    def converse(self) -> Conversation:
        """The whole probe, from opening the transport to the judgement of the effect."""
        transport = yield Open()
        self.notes = self.probe.notes(transport)
        if self.probe.transport == "tcp":
            network.note_opened(self.recorder, self.probe.transport)
        self.recorder.begin("push")
        pushed = yield Run(queue.push(self.key, self.job_ids))
        self.recorder.end("push", detail={"pushed": pushed})
        yield from self._read_back()

    def _read_back(self) -> Conversation:
        self.recorder.begin("read_back")
        found = yield Run(queue.read_back(self.key))
        if sorted(found) != sorted(self.job_ids):
            surplus = len(found) - len(set(found))
            failure = "duplicate_effect" if surplus > 0 else "not_atomic"
            raise CheckFailed(failure, f"{len(self.job_ids)} ids were pushed, {len(found)} are in the queue")
        self.recorder.end("read_back", detail={"ids": len(found)})

    def clean_up(self) -> Conversation:
        """Remove the run's own queue; safe to run after any failure."""
        if "push" not in self.recorder.stages:
            return
        self.recorder.begin("cleanup")
        yield Run(queue.remove(self.key, self.job_ids))
        self.recorder.end("cleanup")
