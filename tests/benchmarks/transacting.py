"""Runs a production transaction or a push for each line on standard input; says how many nanoseconds it took.

``python -m tests.benchmarks.transacting DRIVER WHERE WATCHED``: the target is the environment's. DRIVER runs
a transaction in the schema WHERE; ``push:TRANSPORT`` pushes into the queue WHERE. WATCHED is ``yes`` where
the hooks of a probe are to look on.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

from repro import hooks
from repro.events import Event
from repro.persistence import Job, OrchestrationRequest, Settings, connect, connect_async, queue
from repro.persistence.transports import redis_tcp, upstash_rest

Step = Callable[[], object]


def main(name: str, where: str, watched: str) -> None:
    """Answer each line until there is none."""
    events: list[Event] = []
    uninstall = hooks.install(events.append) if watched == "yes" else lambda: None
    settings = Settings.from_environment(os.environ)
    step, close = (
        pushes(name, settings, where) if name.startswith("push:") else transactions(name, settings, where)
    )
    for line in sys.stdin:
        if line == "messages\n":
            uninstall()
            sys.stdout.write(f"{len([event for event in events if 'sender' in event.fields])}\n")
        else:
            begun = time.perf_counter_ns()
            step()
            sys.stdout.write(f"{time.perf_counter_ns() - begun}\n")
        sys.stdout.flush()
    close()


def transactions(name: str, settings: Settings, schema: str) -> tuple[Step, Step]:
    """What runs a transaction, and what ends the store."""
    kind, _, driver = name.rpartition(":")
    if not kind:
        store = connect(settings, driver, schema=schema)
        return lambda: store.create_jobs(request()), store.close
    runner = asyncio.Runner(loop_factory=_loop if kind == "uvloop" else None)
    waited = connect_async(settings, driver, schema=schema)
    return lambda: runner.run(waited.create_jobs(request())), lambda: runner.run(waited.close())


def pushes(name: str, settings: Settings, key: str) -> tuple[Step, Step]:
    """What pushes three jobs, and what closes the connection."""
    transport: Any
    if name == "push:redis_tcp":
        transport = redis_tcp.connect(str(settings.redis_url))
    else:
        transport = upstash_rest.connect(str(settings.rest_url), str(settings.rest_token))
    return lambda: transport.run(queue.push(key, [str(uuid.uuid4()) for _ in range(3)])), transport.close


def request() -> OrchestrationRequest:
    """One that was never made before."""
    return OrchestrationRequest(f"key-{uuid.uuid4()}", [Job("render", {"n": n}) for n in range(3)])


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - only here

    return uvloop.new_event_loop()


if __name__ == "__main__":
    main(*sys.argv[1:])
