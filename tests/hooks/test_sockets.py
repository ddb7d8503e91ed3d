from __future__ import annotations

import asyncio
import errno
import gc
import socket
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from repro.events import Event, Peer
from repro.hooks import install

Seen = Callable[[str], list[Event]]


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that never answers: the queue of its listener is full, and Linux drops what comes then."""
    fillers = [socket.socket() for _ in range(3)]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield port
        for filler in fillers:
            filler.close()


def test_a_blocking_connect_that_succeeds_tells_who_answered(serve: Callable[..., int], seen: Seen) -> None:
    port = serve(lambda connection: None)
    with socket.socket() as client:
        client.connect(("0.0.0.0", port))
    (event,) = seen("connect")
    assert event.peer == Peer("127.0.0.1", port)
    assert (event.failure, event.errno) == (None, None)
    assert event.fields == {"via": "socket", "net.family": "inet"}


def test_each_connection_has_a_number_of_its_own(serve: Callable[..., int], seen: Seen) -> None:
    port = serve(lambda connection: None, "::1")
    for _ in range(3):
        socket.create_connection(("::1", port)).close()
    assert len({event.conn for event in seen("connect")}) == 3
    assert {event.fields["net.family"] for event in seen("connect")} == {"inet6"}


def test_connect_ex_is_judged_by_what_it_returns(
    closed_port: int, serve: Callable[..., int], seen: Seen
) -> None:
    with socket.socket() as one, socket.socket() as other:
        assert one.connect_ex(("127.0.0.1", closed_port)) == errno.ECONNREFUSED
        assert other.connect_ex(("127.0.0.1", serve(lambda connection: None))) == 0
    assert [event.errno for event in seen("connect")] == ["ECONNREFUSED", None]


@pytest.mark.parametrize("ex", [False, True])
def test_a_verdict_that_comes_later_belongs_to_its_attempt(closed_port: int, seen: Seen, ex: bool) -> None:
    loop_port = closed_port

    async def main() -> None:
        with socket.socket(socket.AF_INET6) as client:
            client.setblocking(False)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.get_running_loop().sock_connect(client, ("::1", loop_port))

    asyncio.run(main())
    (event,) = seen("connect")
    assert (event.peer, event.errno) == (Peer("::1", loop_port), "ECONNREFUSED")


def test_a_socket_that_is_polled_is_one_attempt(black_hole: int, seen: Seen) -> None:
    with socket.socket() as client:
        client.setblocking(False)
        assert client.connect_ex(("127.0.0.1", black_hole)) == errno.EINPROGRESS
        assert client.connect_ex(("127.0.0.1", black_hole)) == errno.EALREADY
        assert seen("connect") == []
    assert len(seen("connect")) == 1


def test_the_timeout_of_a_socket_is_a_timeout(black_hole: int, seen: Seen) -> None:
    with socket.socket() as client, socket.socket() as other:
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.connect(("127.0.0.1", black_hole))
        other.settimeout(0.05)
        assert other.connect_ex(("127.0.0.1", black_hole)) == errno.EAGAIN
    assert [(event.failure, event.errno) for event in seen("connect")] == [("timeout", None)] * 2


def test_closed_while_pending_is_abandoned(black_hole: int, seen: Seen) -> None:
    with socket.socket() as client:
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", black_hole))
    (event,) = seen("connect")
    assert event.failure == "unknown_failure: abandoned"
    assert event.peer == Peer("127.0.0.1", black_hole)


def test_what_is_pending_at_the_end_is_told_at_the_end(black_hole: int) -> None:
    told: list[Event] = []
    uninstall = install(told.append)
    with socket.socket() as client:
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", black_hole))
        with pytest.raises(TypeError):
            client.connect("no pair")
        uninstall()
    assert [event.failure for event in told] == ["unknown_failure: abandoned"]


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_garbage_while_pending_is_abandoned_and_told_with_the_next_event(
    black_hole: int, closed_port: int, seen: Seen
) -> None:
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", black_hole))
    del client
    gc.collect()
    assert seen("connect") == []
    with socket.socket() as other:
        other.connect_ex(("127.0.0.1", closed_port))
    assert [event.failure for event in seen("connect")] == [
        "unknown_failure: abandoned",
        "connection_refused",
    ]


async def dial(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def under_asyncio_timeout(port: int) -> None:
    async with asyncio.timeout(0.05):
        await dial(port)


async def under_wait_for(port: int) -> None:
    await asyncio.wait_for(dial(port), 0.05)


async def under_a_timeout_of_the_parent(port: int) -> None:
    async with asyncio.timeout(0.05), asyncio.TaskGroup() as group:
        group.create_task(dial(port))


async def under_anyio(port: int) -> None:
    with anyio.fail_after(0.05):
        await anyio.connect_tcp("127.0.0.1", port)


WAYS_TO_WAIT = [under_asyncio_timeout, under_wait_for, under_a_timeout_of_the_parent, under_anyio]


@pytest.mark.parametrize("wait", WAYS_TO_WAIT)
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_an_attempt_that_a_timeout_cancels_is_a_timeout(
    wait: Callable[[int], Coroutine[Any, Any, None]], loop: str, black_hole: int, seen: Seen
) -> None:
    run = asyncio.run if loop == "asyncio" else pytest.importorskip("uvloop").run
    with pytest.raises(TimeoutError):
        run(wait(black_hole))
    (event,) = seen("connect")
    assert (event.failure, event.errno) == ("timeout", None)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_an_attempt_that_is_cancelled_before_its_timeout_is_abandoned(
    loop: str, black_hole: int, seen: Seen
) -> None:
    async def main() -> None:
        started = asyncio.get_running_loop().create_future()

        async def waiting() -> None:
            async with asyncio.timeout(60):
                asyncio.get_running_loop().call_later(0.02, started.set_result, None)
                await dial(black_hole)

        task = asyncio.create_task(waiting())
        await started
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    (asyncio.run if loop == "asyncio" else pytest.importorskip("uvloop").run)(main())
    assert [event.failure for event in seen("connect")] == ["unknown_failure: abandoned"]


def test_the_loser_of_a_race_between_addresses_is_abandoned(
    black_hole: int, serve: Callable[..., int], monkeypatch: pytest.MonkeyPatch, seen: Seen
) -> None:
    port = serve(lambda connection: None)
    addresses = [("127.0.0.1", black_hole), ("127.0.0.1", port)]
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", a) for a in addresses],
    )

    async def main() -> None:
        async with asyncio.timeout(60):
            _, writer = await asyncio.open_connection("two.test", 1, happy_eyeballs_delay=0.02)
            writer.close()

    asyncio.run(main())
    assert {(event.peer, event.failure) for event in seen("connect")} == {
        (Peer("127.0.0.1", black_hole), "unknown_failure: abandoned"),
        (Peer("127.0.0.1", port), None),
    }


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_unix_socket_is_a_path_without_a_port(unix_path: Path, loop: str, seen: Seen) -> None:
    async def main() -> None:
        server = await asyncio.start_unix_server(lambda _, writer: writer.close(), unix_path)
        async with server:
            _, writer = await asyncio.open_unix_connection(unix_path)
            writer.close()
            await writer.wait_closed()

    (asyncio.run if loop == "asyncio" else pytest.importorskip("uvloop").run)(main())
    (event,) = seen("connect")
    assert event.peer == Peer(str(unix_path))
    assert event.fields["net.family"] == "unix"
    assert event.failure is None


def test_a_missing_unix_socket_says_so(unix_path: Path, seen: Seen) -> None:
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(FileNotFoundError):
        client.connect(str(unix_path))
    (event,) = seen("connect")
    assert (event.errno, event.failure) == ("ENOENT", "unknown_failure: ENOENT")


def test_an_ignored_peer_gives_no_event(closed_port: int, unix_path: Path) -> None:
    told: list[Event] = []
    uninstall = install(told.append, ignore=lambda peer: peer.port is None)
    with socket.socket(socket.AF_UNIX) as inner, socket.socket() as outer:
        assert inner.connect_ex(str(unix_path)) == errno.ENOENT
        outer.connect_ex(("127.0.0.1", closed_port))
    uninstall()
    assert [event.peer for event in told] == [Peer("127.0.0.1", closed_port)]


def test_an_ignore_that_fails_ignores_nothing_and_harms_nobody(closed_port: int) -> None:
    told: list[Event] = []
    uninstall = install(told.append, ignore=lambda peer: 1 / 0 > 1)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", closed_port)) == errno.ECONNREFUSED
    uninstall()
    assert [event.op for event in told] == ["connect", "note"]


def test_datagrams_and_bad_arguments_are_no_attempts(events: list[Event]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", 9))
    with socket.socket() as client:
        with pytest.raises(TypeError):
            client.connect("no pair")
        with pytest.raises(OverflowError):
            client.connect(("127.0.0.1", 1 << 20))
    assert events == []


def test_a_name_that_connect_looks_up_itself_fails_as_a_lookup(seen: Seen) -> None:
    with socket.socket() as client, pytest.raises(socket.gaierror):
        client.connect(("no name with blanks.invalid", 1))
    assert seen("connect") == []
    (event,) = seen("dns")
    assert event.failure in {"dns_nxdomain", "dns_failure"}


def test_so_error_as_bytes_is_read_too(closed_port: int, seen: Seen) -> None:
    with socket.socket() as client:
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", closed_port))
        if not seen("connect"):
            client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR, 4)
    assert [event.errno for event in seen("connect")] == ["ECONNREFUSED"]
