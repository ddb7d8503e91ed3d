"""The HTTP client of this package: an answer has a limit as a whole, however it is dripped."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any

import httpx
import pytest

from repro.persistence.http import AsyncHttpClient, HttpClient, json_of, text_of
from tests.persistence.dripping import Dripping

LIMITS: dict[str, Any] = {"connect_s": 0.1, "answer_s": 0.3, "headers": {"X-Kind": "test"}}

HEAD = b"HTTP/1.1 200 OK\r\n"


def post(url: str) -> httpx.Response:
    with closing(HttpClient(**LIMITS)) as client:
        return client.post(url, b"{}")


def post_async(url: str) -> httpx.Response:
    async def scenario() -> httpx.Response:
        client = AsyncHttpClient(**LIMITS)
        try:
            return await client.post(url, b"{}")
        finally:
            await client.close()

    return asyncio.run(scenario())


@pytest.mark.parametrize("way", [post, post_async])
@pytest.mark.parametrize(
    ("beginning", "drip"),
    [(HEAD, b"X-Drip: drop\r\n"), (HEAD + b"Content-Length: 1000000\r\n\r\n", b"x")],
    ids=["headers", "body"],
)
def test_an_answer_that_drips_is_ended(way: Any, beginning: bytes, drip: bytes) -> None:
    with closing(Dripping(beginning, drip)) as server:
        with pytest.raises(TimeoutError, match=r"no answer within 0.4 s; the connection was ended") as caught:
            way(f"http://127.0.0.1:{server.port}/")
        assert caught.value.__cause__ is not None
        assert server.left.wait(20)


def test_it_can_be_used_after_an_answer_that_was_overdue() -> None:
    with (
        closing(HttpClient(**LIMITS)) as client,
        closing(Dripping(HEAD, b"X")) as slow,
        closing(Dripping(HEAD + b"Content-Length: 2\r\n\r\nok", b"")) as quick,
    ):
        with pytest.raises(TimeoutError):
            client.post(f"http://127.0.0.1:{slow.port}/", b"")
        assert client.usable
        assert client.post(f"http://127.0.0.1:{quick.port}/", b"").text == "ok"
    assert not client.usable


def test_what_is_no_json_is_nothing() -> None:
    assert json_of(httpx.Response(200, json={"a": 1})) == {"a": 1}
    assert json_of(httpx.Response(200, text="<html>")) is None
    assert json_of(httpx.Response(200, text="[" * 100_000)) is None


def test_a_text_is_shortened_to_one_line() -> None:
    assert text_of(httpx.Response(200, text="a \n b" + "c" * 1000)) == "a b" + "c" * 297
