"""The lab's own process: reads its settings, runs the servers, and ends with its parent.

The parent holds the other end of standard input. However the parent ends, the kernel closes that end, and the
lab stops; SIGTERM and SIGINT do the same.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from repro.lab.errors import LabError
from repro.lab.guard import Guard
from repro.lab.messages import Failed, LabConfig, Ready, as_line
from repro.lab.services import Services, require_packages

_STDIN = 0
_STDOUT = 1


def main() -> int:
    """Run a lab until standard input ends; the exit status."""
    try:
        config = LabConfig.from_line(sys.stdin.buffer.readline())
    except (ValueError, TypeError):
        sys.stderr.write("repro.lab: standard input must begin with one line of JSON, such as {}\n")
        return 2
    return asyncio.run(_guarded(config))


async def _guarded(config: LabConfig) -> int:
    stop = _stop_event()
    try:
        require_packages()
        guard = Guard.start()
    except LabError as error:
        _announce(Failed(error=str(error)))
        return 1
    try:
        return await _run(config, guard, stop)
    finally:
        guard.dismiss()


async def _run(config: LabConfig, guard: Guard, stop: asyncio.Event) -> int:
    try:
        services = Services(config, guard)
        try:
            ready = await _unless(stop, services)
            if ready is not None:
                _announce(ready)
                await stop.wait()
        finally:
            await services.stop()
    except LabError as error:
        _announce(Failed(error=str(error)))
        return 1
    return 0


async def _unless(stop: asyncio.Event, services: Services) -> Ready | None:
    """Start the services; None when the lab was told to stop first."""
    starting = asyncio.create_task(services.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return starting.result() if starting.done() else None
    finally:
        for task in (starting, stopping):
            task.cancel()
        await asyncio.gather(starting, stopping, return_exceptions=True)


def _stop_event() -> asyncio.Event:
    """Set when standard input ends, or by a signal."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def on_input() -> None:
        if not os.read(_STDIN, 4096):
            loop.remove_reader(_STDIN)
            stop.set()

    loop.add_reader(_STDIN, on_input)
    return stop


def _announce(message: Ready | Failed) -> None:
    line = as_line(message)
    try:
        while line:
            line = line[os.write(_STDOUT, line) :]
    except BrokenPipeError:  # the parent is gone: the end of standard input is on its way
        return
