"""What a probe has seen so far: stages and events, each told to the channel at once.

A probe may be killed at its deadline, so nothing waits for the end: whoever reads the lines knows every
stage that began and every event up to the last moment.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, TypedDict

from repro.events import Event
from repro.probe.channel import Channel
from repro.stages import OP_OF_STAGE

_OPS_OF_STAGES = frozenset(OP_OF_STAGE.values())


class StageRecord(TypedDict):
    """One stage of a probe; times in seconds since the run's start."""

    name: str
    status: str
    t0: float
    t: float
    failure: str | None
    detail: dict[str, Any]


class Recorder:
    """Collects one probe's stages and events.

    Args:
        channel: where each is told at once.
        origin: the run's start, in seconds of the monotonic clock.
    """

    def __init__(self, channel: Channel, origin: float) -> None:
        self._channel = channel
        self._origin = origin
        self._lock = threading.RLock()
        self._told = 0
        self.events: list[Event] = []
        """Those of the network's stages; the messages, which may be very many, are told and not kept."""
        self.stages: dict[str, StageRecord] = {}

    def clean(self, text: str) -> str:
        """A text without the secrets that the channel conceals."""
        return self._channel.clean(text)

    def now(self) -> float:
        """Seconds since the run's start."""
        return round(time.monotonic() - self._origin, 6)

    def since_start(self, moment: float) -> float:
        """A moment of the monotonic clock in seconds since the run's start."""
        return round(moment - self._origin, 6)

    def event(self, event: Event) -> None:
        """Take an event from a source (it is the sources' `Emit`)."""
        with self._lock:
            self._told += 1
            if event.op in _OPS_OF_STAGES:
                self.events.append(event)
            line = event.as_json(seq=self._told, pid=os.getpid(), origin=self._origin)
            self._channel.send("event", line)

    def note(self, text: str) -> None:
        """Tell the reader of the trace something that no source can know."""
        now = time.monotonic()
        self.event(Event("note", now, now, src="probe", fields={"text": text}))

    def makes(self, what: str) -> None:
        """Tell what will be left behind if the probe is ended from here on, and how to remove it by hand.

        Whoever ended it can have it removed by the same probe: `Request.remove`.
        """
        self._channel.send("makes", {"what": what, "removable": True})

    def begin(self, name: str) -> None:
        """A stage begins, unless it is running already."""
        with self._lock:
            known = self.stages.get(name)
            if known is not None and known["status"] == "running":
                return
            now = self.now()
            self._record(
                {"name": name, "status": "running", "t0": now, "t": now, "failure": None, "detail": {}}
            )

    def end(
        self,
        name: str,
        status: str = "pass",
        *,
        failure: str | None = None,
        detail: dict[str, Any] | None = None,
        t: float | None = None,
    ) -> None:
        """A stage ends, now or at ``t`` (seconds since the run's start); one never begun took no time."""
        with self._lock:
            self.begin(name)
            stage = self.stages[name]
            self._record(
                {
                    **stage,
                    "status": status,
                    "t": self.now() if t is None else t,
                    "failure": failure,
                    "detail": {**stage["detail"], **(detail or {})},
                }
            )

    def put(self, stage: StageRecord) -> None:
        """Record a stage that is known as a whole, such as one read off the events."""
        with self._lock:
            self._record(stage)

    def _record(self, stage: StageRecord) -> None:
        self.stages[stage["name"]] = stage
        self._channel.send("stage", dict(stage))

    def passed(self, name: str) -> bool:
        """Whether a stage ended well."""
        return name in self.stages and self.stages[name]["status"] == "pass"

    def running(self) -> str | None:
        """The stage that began last and has not ended."""
        for stage in reversed(self.stages.values()):
            if stage["status"] == "running":
                return stage["name"]
        return None
