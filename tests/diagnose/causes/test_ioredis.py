"""ioredis after a lost connection: it sends a push again, or forgets who waits for its answer."""

from __future__ import annotations

from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import outcome

Line = dict[str, Any]


def pushing(failure: str, name: str = "node.app", driver: str = "ioredis") -> Outcome:
    failing = outcome(name, port=6379, protocol="redis", failure=failure, operation="push")
    failing["driver"] = {"name": driver, "version": "6.0.0"}
    return failing


def found(failing: Outcome, *lines: Line) -> str | None:
    numbered = [{**line, "seq": seq} for seq, line in enumerate(lines)]
    (finding,) = engine.findings(View([failing], {failing["name"]: numbered}, {}))
    return finding["cause"]


def connected(conn: int, pid: int = 1, failure: str | None = None) -> Line:
    peer = {"address": "127.0.0.1", "port": 6379}
    return {"op": "connect", "conn": conn, "pid": pid, "peer": peer, "failure": failure}


def sent(conn: int, name: str = "RPUSH", pid: int = 1) -> Line:
    command = {"redis.cmd": name, "redis.argc": 5, "len": 90}
    return {"op": "redis.cmd", "conn": conn, "pid": pid, "failure": None, **command}


def answered(conn: int, pid: int = 1) -> Line:
    return {"op": "redis.reply", "conn": conn, "pid": pid, "failure": None, "redis.reply_type": "integer"}


FIRST = (connected(1), sent(1, "INFO"), answered(1), sent(1))
REPLACED = (connected(2), sent(2, "INFO"), answered(2))
CLEANED_UP = (connected(1, pid=2), sent(1, "DEL", pid=2), answered(1, pid=2))


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ((*FIRST, *REPLACED), "redis-ioredis-never-settles"),
        ((*FIRST, *REPLACED, *CLEANED_UP), "redis-ioredis-never-settles"),
        # sent again and not answered yet; answered late; no other connection in this process; none that works
        ((*FIRST, *REPLACED, sent(2)), None),
        ((*FIRST, connected(2), answered(1)), None),
        ((*FIRST, *CLEANED_UP), None),
        ((*FIRST, connected(2, failure="connection_refused"), answered(3)), None),
        # the other connection was there before, beside it
        ((connected(2), *FIRST, sent(2, "INFO"), answered(2)), None),
        ((connected(1), sent(1, "INFO"), answered(1)), None),
    ],
)
def test_a_command_that_was_forgotten(lines: tuple[Line, ...], cause: str | None) -> None:
    assert found(pushing("timeout", "node.ioredis"), *lines) == cause


def test_another_client_is_not_said_to_forget() -> None:
    assert found(pushing("timeout", "push.redis-tcp", "redis"), *FIRST, *REPLACED) is None


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ((*FIRST, *REPLACED, sent(2), answered(2)), "redis-ioredis-resend"),
        ((connected(1), sent(1), sent(1), answered(1)), None),
        ((*FIRST, *REPLACED), None),
    ],
)
def test_a_command_that_was_sent_again(lines: tuple[Line, ...], cause: str | None) -> None:
    assert found(pushing("duplicate_effect"), *lines) == cause


@pytest.mark.parametrize(
    ("cause", "specimen"),
    [
        ("redis-ioredis-resend", "specimen.node-ioredis-resends"),
        ("redis-ioredis-never-settles", "specimen.node-ioredis-forgets"),
    ],
)
def test_it_is_compared_with_jobs_that_have_marks(cause: str, specimen: str) -> None:
    view = View([], {}, {})
    change = BY_ID[cause].change(view, pushing("timeout", specimen))
    assert change is not None
    assert change.probe == "specimen.node-ioredis-marked"
    assert change.command == "repro run --node --only specimen.node-ioredis-marked"
    assert BY_ID[cause].change(view, pushing("timeout")) is None
