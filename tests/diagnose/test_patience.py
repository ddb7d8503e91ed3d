"""How long the drivers wait by themselves, beside what gave up; and that it is what the installed ones do."""

from __future__ import annotations

import inspect
from typing import Any

import asyncpg
import httpx
import psycopg.conninfo
import redis
import websockets.asyncio.client

from repro.diagnose import engine
from repro.diagnose.patience import PATIENCE, beside
from repro.diagnose.view import View
from repro.observe.catalog import NAMES, NODE_NAMES
from tests.diagnose.test_engine import outcome


def test_drivers_that_wait_alike_are_told_of_once() -> None:
    found = beside(
        outcome(name, failure="timeout", operation="connect")
        for name in ("tcp.raw", "tcp.psycopg", "tcp.psycopg-async", "tcp.asyncpg")
    )

    assert [(each["probe"], each["text"].partition(";")[0]) for each in found] == [
        ("tcp.psycopg", "by itself psycopg waits 130 s for each address for a connection"),
        ("tcp.asyncpg", "by itself asyncpg waits 60 s for a connection"),
    ]


def test_an_answer_has_a_patience_of_its_own() -> None:
    (found,) = beside([outcome("tcp.asyncpg", failure="timeout", operation="commit")])

    assert (
        found["text"]
        == "by itself asyncpg waits for ever for an answer; its setting: timeout and command_timeout"
    )


def test_what_failed_in_another_way_waited_for_nothing() -> None:
    assert beside([outcome("tcp.asyncpg", failure="eof", operation="commit")]) == []


def test_it_stands_in_the_finding() -> None:
    view = View([outcome("http.neon", failure="timeout", operation="connect", transport="http")], {})

    (finding,) = engine.findings(view)

    assert "by itself httpx waits 5 s" in " ".join(each["text"] for each in finding["evidence"])


def test_the_probes_that_it_names_are_there() -> None:
    assert set(PATIENCE) <= {*NAMES, *NODE_NAMES}


def test_the_installed_drivers_wait_so_long() -> None:
    assert f"{psycopg.conninfo.timeout_from_conninfo({})} s" in PATIENCE["tcp.psycopg"].connection
    connecting = inspect.signature(asyncpg.connect).parameters
    assert f"{connecting['timeout'].default} s" == PATIENCE["tcp.asyncpg"].connection
    assert connecting["command_timeout"].default is None
    with httpx.Client() as client:
        assert client.timeout == httpx.Timeout(5.0)
    opening = inspect.signature(websockets.asyncio.client.connect.__init__).parameters
    assert f"{opening['open_timeout'].default} s" == PATIENCE["ws.neon"].connection
    assert opening["ping_interval"].default + opening["ping_timeout"].default == 40
    of_redis: Any = redis.Redis().connection_pool.make_connection()
    assert (of_redis.socket_connect_timeout, of_redis.socket_timeout) == (5, 5)
    assert of_redis.retry._retries == 10
