"""Who speaks at an address, asked of real servers."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.document import Outcome
from repro.lab.faults.servers import answering, closing, fatal, hanging_up, serving, silent
from repro.lab.process import Lab
from repro.observe.peers import asked, protocol_of
from tests.diagnose.test_engine import outcome

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def failing_at(port: int, failure: str = "eof", operation: str = "authenticate") -> Outcome:
    return outcome("tcp.raw", failure=failure, operation=operation, address=f"127.0.0.1:{port}")


def greeting(words: bytes) -> Handler:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            writer.write(words)
            await reader.read()

    return greet


@pytest.mark.parametrize(
    ("handler", "protocol", "first"),
    [
        (greeting(b"SSH-2.0-OpenSSH_9.2p1\r\n"), "ssh", True),
        (greeting(b"220 mail.test ESMTP\r\n"), "smtp", True),
        (greeting(b"J\0\0\0\n8.0.36\0"), "mysql", True),
        (greeting(fatal("53300", "sorry, too many clients already")), "postgres", True),
        (greeting(b"ERROR\r\n"), "unknown", True),  # as Memcached has it
        (answering("400 Bad Request", ""), "http", False),
        (hanging_up, "closes", False),
        (silent, "silent", False),
    ],
)
def test_a_server_is_known_by_its_first_words(handler: Handler, protocol: str, *, first: bool) -> None:
    with serving(handler) as port:
        found = asked([failing_at(port)])[f"127.0.0.1:{port}"]
    assert (found.protocol, found.first) == (protocol, first)
    assert f"127.0.0.1:{port}" in found.told()


@pytest.mark.parametrize(
    ("variable", "plain", "protocol"),
    [
        ("DATABASE_URL", False, "postgres"),
        ("UPSTASH_REDIS_URL", True, "redis"),
        ("UPSTASH_REDIS_URL", False, "tls"),
        ("UPSTASH_REDIS_REST_URL", True, "http"),
    ],
)
def test_the_lab_is_known(lab: Lab, variable: str, protocol: str, *, plain: bool) -> None:
    port = urlsplit((lab.plain if plain else lab.environment)[variable]).port
    assert port is not None
    assert asked([failing_at(port)])[f"127.0.0.1:{port}"].protocol == protocol


def test_why_a_redis_turns_away_is_kept() -> None:
    with serving(greeting(b"-ERR max number of clients\x1b[2J reached\r\n")) as port:
        found = asked([failing_at(port, operation="push")])[f"127.0.0.1:{port}"]
    assert (found.protocol, found.error) == ("redis", "ERR max number of clients[2J reached")
    assert found.told().endswith("speaks Redis and says ERR max number of clients[2J reached")


def test_nobody_is_asked_where_the_answer_is_known() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        understood: list[Any] = [
            failing_at(port, "auth_failed"),
            failing_at(port, "sql_error"),
            failing_at(port, "timeout", "insert"),
            outcome("tcp.raw"),
        ]
        assert asked(understood) == {}
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_who_has_left_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert asked([failing_at(port)])[f"127.0.0.1:{port}"].protocol == "refuses"


@given(st.binary(min_size=1, max_size=64))
def test_any_beginning_has_a_name(beginning: bytes) -> None:
    assert isinstance(protocol_of(beginning), str)


def test_an_alert_of_tls_is_no_text() -> None:
    assert protocol_of(struct.pack("!BHHBB", 21, 0x0303, 2, 2, 40)) == "tls"


def test_it_takes_no_longer_than_it_may() -> None:
    with serving(silent) as quiet, serving(greeting(b"SSH-2.0-OpenSSH_9.2p1\r\n")) as quick:
        found = asked([failing_at(quiet), failing_at(quick)], within_s=0.25)

    assert [(each.address, each.protocol) for each in found.values()] == [(f"127.0.0.1:{quick}", "ssh")]
