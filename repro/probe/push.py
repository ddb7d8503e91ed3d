"""A queue probe: the production push of job ids over one transport, and whether each arrived once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from repro.persistence import queue
from repro.persistence.model import Job, OrchestrationRequest
from repro.persistence.settings import Settings
from repro.probe import network
from repro.probe.conversation import Conversation, Open, Run
from repro.probe.outcome import CheckFailed
from repro.probe.recorder import Recorder
from repro.probe.request import Request
from repro.probe.trial import Probe, RepeatableTrial, atomicity
from repro.stages import StageName


@dataclass(frozen=True, slots=True)
class PushProbe(Probe):
    """A probe whose effect is job ids in the queue; its arguments are those of `Probe`."""

    writing: ClassVar[StageName] = "push"

    @property
    def stages(self) -> tuple[StageName, ...]:
        """The network's stages of its transport, then those of the push."""
        return (*network.STAGES_OF_TRANSPORT[self.transport], "push", "read_back", "cleanup")

    def not_configured(self, settings: Settings) -> str | None:
        """It needs the queue's URL for its transport."""
        if self.transport == "http":
            return None if settings.rest_url else "UPSTASH_REDIS_REST_URL is not set"
        return None if settings.redis_url else "UPSTASH_REDIS_URL is not set"

    def trial(self, request: Request, recorder: Recorder) -> PushTrial:
        """One run of it."""
        return PushTrial(request, recorder, atomicity("not_applicable"), probe=self)


@dataclass(slots=True, kw_only=True)
class PushTrial(RepeatableTrial):
    """One run of a queue probe; its arguments are those of `Trial`.

    Args:
        probe: which one.
        pushed: whether something may be in the queue.
    """

    probe: PushProbe
    pushed: bool = False

    @property
    def key(self) -> str:
        """The run's own queue; it is removed at the end, on any target."""
        return f"txrepro:{self.request.run_id}:{self.probe.name}"

    @property
    def job_ids(self) -> tuple[str, ...]:
        """The ids that are pushed."""
        return self._ids(self.key)

    @property
    def at(self) -> StageName:
        """The push is one step."""
        return "push"

    def _ids(self, key: str) -> tuple[str, ...]:
        jobs = tuple(Job(kind="generate", payload={"position": index}) for index in range(self.request.jobs))
        return OrchestrationRequest(idempotency_key=key, jobs=jobs).job_ids

    @property
    def leavings(self) -> str | None:
        """The run's own queue, once a push has been asked for."""
        return f"the queue {self.key} and its marks" if self.pushed else None

    def converse(self) -> Conversation:
        """The whole probe, from opening the transport to the judgement of the effect."""
        yield from self.first()

    def first(self) -> Conversation:
        """Open the transport, push once, and look whether each id is there."""
        transport = yield Open()
        self.notes = self.probe.notes(transport)
        if self.probe.transport == "tcp":
            network.note_opened(self.recorder, self.probe.transport)
        self.recorder.begin("push")
        self.pushed = True
        self.tell_leavings()
        pushed = yield Run(queue.push(self.key, self.job_ids))
        if self.probe.transport == "http":
            self.recorder.end("authenticate", detail={"sent_with": "push"})
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

    def greeting(self) -> queue.Conversation[Any]:
        """Read the run's own queue, which is empty or short."""
        return queue.read_back(self.key)

    def again(self, number: int) -> queue.Conversation[Any]:
        """The production push, of ids of its own."""
        return queue.push(self.key, self._ids(f"{self.key}:{number}"))

    def undo(self, number: int) -> Conversation:
        """Remove what was pushed, and its marks, so that whatever ends the process leaves little behind."""
        yield Run(queue.remove(self.key, self._ids(f"{self.key}:{number}")))

    def take_over(self) -> Conversation:
        """The queue of an earlier process is this one's to remove."""
        yield Open()
        self.pushed = True

    def clean_up(self) -> Conversation:
        """Remove the run's own queue; safe to run after any failure."""
        if not self.pushed:
            return
        self.recorder.begin("cleanup")
        yield Run(queue.remove(self.key, self.job_ids))
        self.recorder.end("cleanup")
