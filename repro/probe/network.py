"""The network stages of a probe, read off its events: what was resolved, connected, encrypted, upgraded.

Drivers do these things inside one call, so nobody can time them from outside; the events can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from repro.events import Event
from repro.probe.recorder import Recorder, StageRecord
from repro.stages import OP_OF_STAGE, StageName

STAGES_OF_TRANSPORT: Mapping[str, Sequence[StageName]] = {
    "tcp": ("resolve", "connect", "tls", "authenticate"),
    "http": ("resolve", "connect", "tls", "authenticate"),
    "websocket": ("resolve", "connect", "tls", "upgrade", "authenticate"),
}
"""The network stages that a transport goes through, in order."""


def of_stage(events: Iterable[Event], stage: str) -> list[Event]:
    """The events that belong to a network stage."""
    op = OP_OF_STAGE.get(stage)
    return [event for event in events if event.op == op]


def reached(events: Iterable[Event], stage: str) -> bool:
    """Whether a network stage succeeded at least once."""
    return any(event.failure is None for event in of_stage(events, stage))


def is_open(events: Sequence[Event]) -> bool:
    """Whether a request could be sent: an address was reached, and TLS too where it was begun."""
    return reached(events, "connect") and (not of_stage(events, "tls") or reached(events, "tls"))


def stages(
    events: Sequence[Event], transport: str, since_start: Callable[[float], float]
) -> list[StageRecord]:
    """The stages that the events tell of; a stage without events is not among them.

    Args:
        events: what was seen, in order.
        transport: a key of `STAGES_OF_TRANSPORT`.
        since_start: turns a moment of the monotonic clock into seconds since the run's start.
    """
    found = ((name, of_stage(events, name)) for name in STAGES_OF_TRANSPORT[transport])
    return [_stage(name, seen, since_start) for name, seen in found if seen]


def _stage(name: str, seen: Sequence[Event], since_start: Callable[[float], float]) -> StageRecord:
    succeeded = any(event.failure is None for event in seen)
    return {
        "name": name,
        "status": "pass" if succeeded else "fail",
        "t0": since_start(min(event.t0 for event in seen)),
        "t": since_start(max(event.t for event in seen)),
        "failure": None if succeeded else seen[-1].failure,
        "detail": _detail(name, seen),
    }


def _detail(name: str, seen: Sequence[Event]) -> dict[str, object]:
    last = seen[-1]
    if name == "resolve":
        return {"host": last.fields.get("dns.name"), "answers": last.fields.get("dns.answers", [])}
    if name == "connect":
        attempts = [{"address": str(event.peer), "failure": event.failure} for event in seen if event.peer]
        return {"attempts": attempts}
    return dict(last.fields)


def note_opened(recorder: Recorder, transport: str) -> None:
    """Record the network stages of a connection that is open now.

    What is open has authenticated: after the last network event, and before now.
    """
    seen = stages(recorder.events, transport, recorder.since_start)
    for stage in seen:
        recorder.put(stage)
    now = recorder.now()
    t0 = max((stage["t"] for stage in seen), default=now)
    recorder.put(
        {"name": "authenticate", "status": "pass", "t0": t0, "t": now, "failure": None, "detail": {}}
    )


def last_address(events: Sequence[Event]) -> str | None:
    """The address dialled last, as ``127.0.0.1:443``; where an attempt succeeded, the last good one."""
    attempts = [event for event in events if event.op == "connect" and event.peer is not None]
    good = [event for event in attempts if event.failure is None]
    chosen = (good or attempts)[-1:]
    return str(chosen[0].peer) if chosen else None


def last_errno(events: Sequence[Event]) -> str | None:
    """The errno of the attempt dialled last, where it failed."""
    attempts = [event for event in events if event.op == "connect"]
    return attempts[-1].errno if attempts else None
