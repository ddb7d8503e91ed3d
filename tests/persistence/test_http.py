"""The HTTP client of this package: an answer has a limit as a whole, however it is dripped."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

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


@pytest.fixture
def dripping_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A proxy that every https:// goes through, with a server behind it that drips; set when it was left."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    left, over = threading.Event(), threading.Event()

    def serve() -> None:
        with suppress(OSError):
            stream, _ = listener.accept()
            stream.recv(65536)
            stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with context.wrap_socket(stream, server_side=True) as tls:
                tls.recv(65536)
                tls.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n")
                with suppress(OSError):
                    while not over.wait(0.02):
                        tls.sendall(b"x")
                left.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        thread = threading.Thread(target=serve)
        thread.start()
        yield left
        over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("way", [post, post_async])
def test_an_answer_that_drips_through_a_proxy_is_ended(
    way: Callable[[str], httpx.Response], dripping_proxy: threading.Event
) -> None:
    with pytest.raises(TimeoutError, match=r"no answer within 0.4 s; the connection was ended"):
        way("https://localhost:1/")
    assert dripping_proxy.wait(20)


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
