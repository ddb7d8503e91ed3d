from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given

from repro.lab.faults.triggers import HttpExchange, HttpRequest, Mark
from tests.lab.faults.triggers.feeding import SIZES, Spoken, kept, marks, span

GET = b"GET /sql HTTP/1.1\r\nHost: a\r\n\r\n"
POST = (
    b"POST /sql HTTP/1.1\r\nX: "
    + b"x" * 300
    + b"\r\ncontent-LENGTH:  31\r\n\r\n"
    + b"POST /sql HTTP/1.1\r\n\r\n"
    + b"x" * 9
)
CHUNKED = (
    b"POST /sql HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n"
    b"B;name=value\r\nPOST /sql\r\n\r\n2\r\n\r\n\r\n0\r\nTrailer: 1\r\n\r\n"
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
BODY = b"HTTP/1.1 "
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("request_", [POST, CHUNKED], ids=["length", "chunked"])
@given(sizes=SIZES)
def test_a_request_is_found_however_it_is_cut(request_: bytes, sizes: Sequence[int]) -> None:
    said: list[Spoken] = [
        ("client", GET),
        ("server", ANSWER + BODY),
        ("client", b"\r\n" + request_),
        ("server", ANSWER + BODY),
        ("client", request_),
    ]
    first = len(GET) + 2
    assert marks(HttpRequest("POST /sql"), said, sizes) == [
        *span(first, len(request_)),
        *span(first + len(request_), len(request_)),
    ]


@pytest.mark.parametrize("request_", [POST, CHUNKED], ids=["length", "chunked"])
@given(sizes=SIZES)
def test_the_head_of_an_answer_is_found_however_it_is_cut(request_: bytes, sizes: Sequence[int]) -> None:
    said: list[Spoken] = [
        ("client", GET),
        ("server", ANSWER + BODY),
        ("client", request_[:100]),
        ("server", CONTINUE),
        ("client", request_[100:]),
        ("server", CONTINUE + ANSWER + BODY),
        ("client", GET),
        ("server", ANSWER + BODY),
        ("client", request_),
        ("server", ANSWER + BODY),
    ]
    first = len(ANSWER + BODY + CONTINUE + CONTINUE)
    assert marks(HttpExchange("POST /sql"), said, sizes) == [
        *span(first, len(ANSWER)),
        *span(first + 2 * len(ANSWER + BODY), len(ANSWER)),
    ]


def test_an_upgrade_is_the_end_of_http() -> None:
    upgrade = b"GET /v2 HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
    accepted = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
    said: list[Spoken] = [("client", upgrade), ("server", accepted + b"frames"), ("client", upgrade)]
    assert marks(HttpRequest("GET /v2"), said) == span(0, len(upgrade))
    assert marks(HttpExchange("GET /v2"), said) == span(0, len(accepted))


def test_an_answer_that_comes_before_the_request_is_whole_is_its_answer() -> None:
    said: list[Spoken] = [("client", POST[:-20]), ("server", b"HTTP/1.1 413 Too Large\r\n\r\n")]
    assert marks(HttpExchange("POST "), said) == span(0, 26)


def test_a_request_that_is_shorter_than_what_is_looked_for_is_not_held() -> None:
    trigger = HttpRequest("GET /sql HTTP/1.1 and some more of it that never comes")
    assert marks(trigger, [("client", GET)]) == []
    assert trigger.decided == len(GET)


@pytest.mark.parametrize(
    "fields", [b"Content-Length: many", b"Transfer-Encoding: chunked\r\n\r\nmany"], ids=["length", "chunk"]
)
def test_behind_what_is_no_request_nothing_is_found(fields: bytes) -> None:
    said: list[Spoken] = [("client", b"PUT / HTTP/1.1\r\n" + fields + b"\r\n\r\n" + POST)]
    assert marks(HttpRequest("POST"), said) == []


def test_what_is_no_answer_is_not_found() -> None:
    said: list[Spoken] = [("client", POST), ("server", b"SSH-2.0-OpenSSH\r\n"), ("server", ANSWER)]
    assert marks(HttpExchange("POST"), said) == []


def test_heads_and_bodies_cost_no_memory() -> None:
    trigger = HttpRequest("POST /sql")
    assert trigger.feed("client", b"POST /sql?") == [Mark("begins", 0)]
    for data in (b"x" * 99_990, b"\r\nContent-Length: 100000\r\nX: ", b"x" * 100_000, b"\r\n\r\n"):
        trigger.feed("client", data)
        assert kept(trigger) == 0
    head = trigger.decided
    trigger.feed("client", b"x" * 99_999)
    assert kept(trigger) == 0
    assert trigger.feed("client", b"x") == [Mark("ends", head + 100_000)]
