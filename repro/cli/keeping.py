"""A lab that is kept running until somebody ends it, or it ends itself."""

from __future__ import annotations

import argparse
import json
import queue
import signal
import time
from collections.abc import Mapping
from types import FrameType

from repro.cli import dotenv, errors, output, session, wording
from repro.cli.errors import plain
from repro.lab.errors import LabError
from repro.lab.process import Lab

READY_S = 60.0
"""Seconds to wait for the lab; it takes about one."""


def up(arguments: argparse.Namespace) -> int:
    """Start a lab, print its environment, and keep it.

    Raises:
        UsageError: a server named for it is not there.
        CannotTest: it does not start, or ends by itself.
        KeyboardInterrupt: interrupted before it was ready.
    """
    session.check_lab_servers(arguments)
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()
    hear(signals, signal.SIGCHLD)
    started = time.monotonic()
    try:
        with Lab.launch(
            postgres_bindir=arguments.postgres_bindir, redis_server=arguments.redis_server
        ) as lab:
            errors.tell("lab     starting")
            lab.wait_ready(READY_S)
            hear(signals, signal.SIGINT, signal.SIGTERM)
            _introduce(lab, time.monotonic() - started)
            output.write(as_json(lab.environment) if arguments.json else as_lines(lab.environment))
            _wait(signals)
            signal.signal(
                signal.SIGINT, signal.default_int_handler
            )  # a second Ctrl-C need not wait for the servers
    except LabError as error:
        raise errors.CannotTest(f"the lab: {error}") from error
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    errors.tell("lab     stopped")
    return errors.OK


def as_lines(environment: Mapping[str, str]) -> str:
    """The environment as lines that an ``--env-file`` and a shell read."""
    return "".join(f"{dotenv.assignment(name, value)}\n" for name, value in environment.items())


def as_json(environment: Mapping[str, str]) -> str:
    """The environment as one JSON object."""
    return json.dumps(dict(environment), indent=2) + "\n"


def hear(signals: queue.SimpleQueue[int], *numbers: signal.Signals) -> None:
    """Put these signals into the queue from now on.

    Args:
        signals: gets their numbers.
        numbers: which.
    """

    def hear(number: int, _frame: FrameType | None) -> None:
        signals.put(number)  # reentrant by its documentation, so that a handler may call it

    for number in numbers:
        signal.signal(number, hear)


def _introduce(lab: Lab, took_s: float) -> None:
    servers = ", ".join(f"{plain(each['name'])} {plain(each['version'])}" for each in lab.servers)
    errors.tell(f"lab     ready in {wording.duration(took_s * 1000)}: {servers}; Ctrl-C stops it")


def _wait(signals: queue.SimpleQueue[int]) -> None:
    """Return when it is to end.

    Raises:
        CannotTest: the lab ended by itself. It is the only child of this process.
    """
    if signals.get() == signal.SIGCHLD:
        raise errors.CannotTest("the lab ended by itself; the servers are gone")
