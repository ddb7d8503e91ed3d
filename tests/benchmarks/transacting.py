"""Runs a production transaction for each line on standard input, and says how long it took, in nanoseconds.

``python -m tests.benchmarks.transacting DRIVER SCHEMA WATCHED``: the target is the environment's. WATCHED is
``yes`` where the hooks of a probe are to look on.
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
from repro.persistence import Job, OrchestrationRequest, Settings, connect, connect_async


def main(name: str, schema: str, watched: str) -> None:
    """Answer each line until there is none."""
    events: list[Event] = []
    uninstall = hooks.install(events.append) if watched == "yes" else lambda: None
    kind, _, driver = name.rpartition(":")
    settings = Settings.from_environment(os.environ)
    if kind == "uvloop":
        import uvloop  # noqa: PLC0415 - only here

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    else:
        runner = asyncio.Runner()
    store: Any = (connect_async if kind else connect)(settings, driver, schema=schema)
    done: Callable[[Any], Any] = runner.run if kind else lambda result: result
    for line in sys.stdin:
        if line == "messages\n":
            uninstall()
            sys.stdout.write(f"{len([event for event in events if 'sender' in event.fields])}\n")
        else:
            request = OrchestrationRequest(f"key-{uuid.uuid4()}", [Job("render", {"n": n}) for n in range(3)])
            begun = time.perf_counter_ns()
            done(store.create_jobs(request))
            sys.stdout.write(f"{time.perf_counter_ns() - begun}\n")
        sys.stdout.flush()
    done(store.close())


if __name__ == "__main__":
    main(*sys.argv[1:])
