"""The database and the queue, written one after the other."""

from __future__ import annotations

from repro.lab.faults import Cut, Fault, RespReply
from repro.lab.scenarios.redis_tcp import queue_behind
from repro.lab.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="ob-fallback-duplicate",
        cause="ob-fallback-duplicate",
        title="the answer to a push over Redis TCP is lost, and the application pushes again over REST",
        stage=queue_behind(Fault(lambda: RespReply("RPUSH", "EVAL"), Cut(), times=None)),
        only=("specimen.fallback-push",),
        proof="confirmed",
    ),
)
