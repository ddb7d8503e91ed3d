"""The database and the queue, written one after the other, by the order of what a program did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import URL, outcome

QUEUE = {**URL, "UPSTASH_REDIS_URL": "redis://default:p@localhost:6379"}


def line(op: str, t: float, port: int = 5432, **fields: Any) -> dict[str, Any]:
    peer = {"address": "127.0.0.1", "port": port}
    return {"seq": int(t * 10), "op": op, "t": t, "conn": port, "peer": peer, "failure": None, **fields}


def committed(t: float) -> dict[str, Any]:
    return line("pg.msg", t, 5432, **{"pg.name": "CommandComplete", "pg.tag": "COMMIT", "sender": "server"})


def push(t: float) -> dict[str, Any]:
    return line("redis.cmd", t, 6379, **{"redis.cmd": "RPUSH"})


def reply(t: float, error: str | None = None) -> dict[str, Any]:
    return line("redis.reply", t, 6379, **{"redis.error": error})


def refused(t: float, port: int = 6379) -> dict[str, Any]:
    return {**line("connect", t, port), "failure": "connection_refused", "errno": "ECONNREFUSED"}


ROLLED_BACK = outcome("tcp.app", failure="sql_error", operation="commit", sqlstate="22012")
NOT_PUSHED = outcome("tcp.app", failure="connection_refused", operation="commit")


@pytest.mark.parametrize(
    ("failing", "lines", "cause"),
    [
        (ROLLED_BACK, [push(1), reply(2)], "ob-push-before-commit"),
        (ROLLED_BACK, [push(1), reply(2, "READONLY")], None),
        (ROLLED_BACK, [push(1)], None),
        (ROLLED_BACK, [push(1), reply(2), committed(3)], None),
        (ROLLED_BACK, [], None),
        (NOT_PUSHED, [committed(1), refused(2)], "ob-commit-then-push-lost"),
        (NOT_PUSHED, [committed(1), push(2)], "ob-commit-then-push-lost"),
        (NOT_PUSHED, [refused(1), committed(2)], None),
        (NOT_PUSHED, [committed(1), refused(2, 5433)], None),
        (NOT_PUSHED, [committed(1), push(2), reply(3), refused(4)], None),
        (NOT_PUSHED, [refused(2)], None),
    ],
)
def test_the_order_tells(failing: Outcome, lines: Sequence[dict[str, Any]], cause: str | None) -> None:
    (finding,) = engine.findings(View([failing], {"tcp.app": lines}, QUEUE))
    assert finding["cause"] == cause
