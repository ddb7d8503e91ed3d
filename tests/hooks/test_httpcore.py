from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import closing

import httpcore
import httpx
import pytest
import uvloop

from repro.events import Event
from repro.hooks.httpcore import path_of
from repro.persistence.http import HttpClient
from tests.persistence.dripping import Dripping

Seen = Callable[[str], list[Event]]
Serve = Callable[..., int]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answering(answer: bytes, times: int = 1) -> Callable[[socket.socket], None]:
    def handle(connection: socket.socket) -> None:
        for _ in range(times):
            connection.recv(65536)
            connection.sendall(answer)

    return handle


def get(url: str, **options: float) -> None:
    with httpx.Client(trust_env=False, **options) as client:  # type: ignore[arg-type]
        client.get(url)


async def get_async(url: str, **options: float) -> None:
    async with httpx.AsyncClient(trust_env=False, **options) as client:  # type: ignore[arg-type]
        await client.get(url)


WAYS: dict[str, Callable[..., None]] = {
    "sync": get,
    "asyncio": lambda url, **options: asyncio.run(get_async(url, **options)),
    "uvloop": lambda url, **options: uvloop.run(get_async(url, **options)),
}
every_way = pytest.mark.parametrize("fetch", WAYS.values(), ids=WAYS)


@every_way
def test_a_request_and_its_response_are_told_without_the_query(
    fetch: Callable[..., None], serve: Serve, seen: Seen, events: list[Event]
) -> None:
    port = serve(answering(OK))
    fetch(f"http://user:secret@127.0.0.1:{port}/sql/run?token=secret#secret")
    (connect,) = seen("connect")
    (request,) = seen("http.request")
    (response,) = seen("http.response")
    assert request.fields == {"host": "127.0.0.1", "http.method": "GET", "http.path": "/sql/run"}
    assert response.fields == {**request.fields, "http.status": 200}
    assert connect.conn == request.conn == response.conn
    assert request.t0 <= request.t <= response.t
    assert response.t0 == request.t0
    assert response.failure is None
    assert "secret" not in repr(events)


@every_way
def test_a_status_of_failure_is_a_failure(fetch: Callable[..., None], serve: Serve, seen: Seen) -> None:
    fetch(f"http://127.0.0.1:{serve(answering(b'HTTP/1.1 401 No' + OK[15:]))}/")
    (response,) = seen("http.response")
    assert (response.failure, response.fields["http.status"]) == ("http_status", 401)


@every_way
@pytest.mark.parametrize(("answer", "failure"), [(b"", "eof"), (b"SSH-2.0-x\r\n\r\n", "protocol_mismatch")])
def test_no_answer_and_another_protocol_are_told_apart(
    fetch: Callable[..., None], answer: bytes, failure: str, serve: Serve, seen: Seen
) -> None:
    port = serve(answering(answer))
    with pytest.raises(httpx.RemoteProtocolError):
        fetch(f"http://127.0.0.1:{port}/")
    (response,) = seen("http.response")
    assert response.failure == failure
    assert "http.status" not in response.fields


@every_way
def test_silence_is_a_timeout(fetch: Callable[..., None], serve: Serve, seen: Seen) -> None:
    port = serve(lambda connection: [connection.recv(65536), connection.recv(65536)])
    with pytest.raises(httpx.ReadTimeout):
        fetch(f"http://127.0.0.1:{port}/", timeout=0.05)
    (response,) = seen("http.response")
    assert response.failure == "timeout"


def test_a_timeout_around_the_client_is_a_timeout_too(serve: Serve, seen: Seen) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as limit:

            def run_out_of_time(connection: socket.socket) -> None:
                connection.recv(65536)
                loop.call_soon_threadsafe(limit.reschedule, loop.time())
                connection.recv(65536)

            await get_async(f"http://127.0.0.1:{serve(run_out_of_time)}/")

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    (response,) = seen("http.response")
    assert response.failure == "timeout"


def test_requests_on_one_connection_bear_its_number(serve: Serve, seen: Seen) -> None:
    url = f"http://127.0.0.1:{serve(answering(OK, times=2))}/"
    with httpcore.ConnectionPool() as pool:
        pool.request("OPTIONS", url)  # without a body, which might come in a segment of its own
        pool.request("GET", url)
    (connect,) = seen("connect")
    assert [event.conn for event in seen("http.response")] == [connect.conn] * 2
    assert [event.fields["http.method"] for event in seen("http.request")] == ["OPTIONS", "GET"]


@pytest.mark.usefixtures("events")
def test_a_trace_of_the_program_is_still_called(serve: Serve) -> None:
    steps: list[str] = []
    extensions = {"trace": lambda name, info: steps.append(name)}
    httpcore.request("GET", f"http://127.0.0.1:{serve(answering(OK))}/", extensions=extensions)
    assert "http11.receive_response_headers.complete" in steps
    assert list(extensions) == ["trace"]
    assert len(steps) == len(set(steps))


@pytest.mark.usefixtures("events")
def test_an_awaited_trace_of_the_program_is_still_awaited(serve: Serve) -> None:
    steps: list[str] = []
    port = serve(answering(OK))

    async def trace(name: str, info: object) -> None:
        steps.append(name)

    async def main() -> None:
        async with httpcore.AsyncConnectionPool() as pool:
            await pool.request("GET", f"http://127.0.0.1:{port}/", extensions={"trace": trace})

    asyncio.run(main())
    assert "http11.receive_response_headers.complete" in steps


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/a/b?c=d", "/a/b"),
        ("/?u=http://x/y", "/"),
        ("http://u:p@h:1/a?b", "/a"),
        ("h.test:443", "h.test:443"),
        ("*", "*"),
    ],
)
def test_a_path_has_neither_query_nor_authority(target: str, path: str) -> None:
    assert path_of(target) == path


def test_a_client_with_a_trace_of_its_own_is_followed_and_keeps_its_limit(
    seen: Seen, events: list[Event]
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with (
        closing(Dripping(head, b"x")) as server,
        closing(HttpClient(connect_s=0.1, answer_s=0.3, headers={})) as client,
    ):
        with pytest.raises(TimeoutError, match="no answer within"):
            client.post(f"http://127.0.0.1:{server.port}/sql", b"{}")
        assert server.left.wait(20)
    (connect,) = seen("connect")
    (request,) = seen("http.request")
    (response,) = seen("http.response")
    assert connect.conn == request.conn == response.conn
    assert response.fields["http.status"] == 200
