"""Neon's WebSocket: the tunnel, its errors, and what is left of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request
from websockets.sync.server import ServerConnection, serve

from repro.lab.process import Lab
from repro.persistence.drivers import Driver, neon_websocket
from repro.persistence.settings import Settings
from repro.persistence.steps import Execute
from repro.persistence.transaction import single


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert not list(tmp_path.glob("tunnel-*"))
    assert [each.name for each in threading.enumerate() if each.name == "websocket-tunnel"] == []


def test_a_refused_websocket_is_the_driver_s_error(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"127.0.0.1:{listener.getsockname()[1]}/v2"
    with pytest.raises(ConnectionRefusedError):
        neon_websocket.connect(settings.require_database(), endpoint=proxy)


def test_an_authority_that_is_not_trusted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(ssl.SSLCertVerificationError):
        neon_websocket.connect(settings.require_database(), endpoint=settings.neon_ws_proxy)


def test_a_server_that_does_not_upgrade(settings: Settings) -> None:
    proxy = str(settings.rest_url).replace("https://", "")
    with pytest.raises(InvalidStatus):
        neon_websocket.connect(settings.require_database(), endpoint=f"{proxy}/v2")


def test_what_cannot_hold_inside_the_tunnel_is_removed_and_said(
    settings: Settings, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOSTADDR", "192.0.2.1")
    monkeypatch.setenv("PGCHANNELBINDING", "require")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    url = f"{settings.require_database()}?sslmode=require&channel_binding=require&application_name=mine"
    with closing(neon_websocket.connect(url, endpoint=lab.plain["NEON_WS_PROXY"])) as driver:
        assert driver.removed == ("channel_binding", "sslmode")
        assert driver.run(single(Execute("SELECT current_setting('application_name')")))[0] == ("mine",)


def test_a_wrong_password_is_psycopg_s_error(settings: Settings) -> None:
    url = settings.require_database().replace("@", "x@")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        neon_websocket.connect(url, endpoint=settings.neon_ws_proxy)


def hang_up(websocket: ServerConnection) -> None:
    websocket.recv()
    websocket.close(1011, "the database is asleep")


def test_the_end_of_the_websocket_is_the_cause_of_psycopg_s_error() -> None:
    with serve(hang_up, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            proxy = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/v2"
            with pytest.raises(psycopg.OperationalError) as caught:
                neon_websocket.connect("postgresql://u:p@localhost/db", endpoint=proxy)
        finally:
            server.shutdown()
            thread.join()
    assert isinstance(caught.value.__cause__, ConnectionClosed)
    assert "the database is asleep" in str(caught.value.__cause__)


def test_an_end_between_statements_is_the_cause_too(settings: Settings) -> None:
    with closing(
        neon_websocket.connect(settings.require_database(), endpoint=settings.neon_ws_proxy)
    ) as driver:
        driver.run(single(Execute("SELECT 1")))
        with pytest.raises(psycopg.OperationalError) as caught:
            driver.run(single(Execute("SELECT pg_terminate_backend(pg_backend_pid())")))
    assert caught.value.sqlstate == "57P01"


def test_closing_twice_is_safe(settings: Settings) -> None:
    driver = neon_websocket.connect(settings.require_database(), endpoint=settings.neon_ws_proxy)
    driver.close()
    driver.close()


def terminate(pid: object) -> Execute:
    return Execute("SELECT pg_terminate_backend($1::int)::text", (str(pid),))


def test_a_websocket_that_has_ended_is_known_before_it_is_used(settings: Settings, observer: Driver) -> None:
    with closing(
        neon_websocket.connect(settings.require_database(), endpoint=settings.neon_ws_proxy)
    ) as driver:
        ((pid,),) = driver.run(single(Execute("SELECT pg_backend_pid()")))
        assert driver.usable
        observer.run(single(terminate(pid)))
        driver._tunnel._threads[0].join(20)
        assert not driver.usable


def test_closing_twice_is_safe_when_awaited(settings: Settings) -> None:
    async def scenario() -> None:
        driver = await neon_websocket.connect_async(
            settings.require_database(), endpoint=settings.neon_ws_proxy
        )
        assert (await driver.run(single(Execute("SELECT 1"))))[0] == (1,)
        await driver.close()
        await driver.close()
        assert not driver.usable

    asyncio.run(scenario())


def test_what_the_url_holds_is_removed_and_said_when_awaited(settings: Settings, lab: Lab) -> None:
    async def scenario() -> tuple[str, ...]:
        url = f"{settings.require_database()}?sslmode=require&channel_binding=require"
        driver = await neon_websocket.connect_async(url, endpoint=lab.plain["NEON_WS_PROXY"])
        await driver.close()
        return driver.removed

    assert asyncio.run(scenario()) == ("channel_binding", "sslmode")


def test_a_wrong_password_is_psycopg_s_error_when_awaited(settings: Settings) -> None:
    url = settings.require_database().replace("@", "x@")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        asyncio.run(neon_websocket.connect_async(url, endpoint=settings.neon_ws_proxy))


def test_a_refused_websocket_is_the_driver_s_error_when_awaited(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = f"127.0.0.1:{listener.getsockname()[1]}/v2"
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(neon_websocket.connect_async(settings.require_database(), endpoint=proxy))


class Slow:
    """A WebSocket server that upgrades when it is let, and never answers; it notes what it saw."""

    def __init__(self) -> None:
        self.asked, self.upgrade = threading.Event(), threading.Event()
        self.entered, self.ended = threading.Event(), threading.Event()

    def _hold(self, _connection: ServerConnection, _request: Request) -> None:
        self.asked.set()
        self.upgrade.wait(20)

    def _handle(self, websocket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            websocket.recv()  # the startup message
            self.entered.set()
            websocket.recv()
        self.ended.set()

    @contextmanager
    def serving(self) -> Iterator[str]:
        with serve(self._handle, "127.0.0.1", 0, process_request=self._hold) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/v2"
            finally:
                self.upgrade.set()
                server.shutdown()
                thread.join()


async def cancelled_when(event: threading.Event, endpoint: str) -> None:
    """Connect, and be cancelled once the server has seen something."""
    url = "postgresql://u:p@localhost/db"
    connecting = asyncio.create_task(neon_websocket.connect_async(url, endpoint=endpoint))
    assert await asyncio.to_thread(event.wait, 20)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting


def test_a_dial_that_is_cancelled_leaves_nothing_open() -> None:
    slow = Slow()

    async def scenario(endpoint: str) -> None:
        await cancelled_when(slow.asked, endpoint)
        slow.upgrade.set()
        assert await asyncio.to_thread(slow.ended.wait, 20)

    with slow.serving() as endpoint:
        asyncio.run(scenario(endpoint))


def test_a_dial_that_outlives_its_loop_leaves_nothing_open() -> None:
    slow = Slow()
    with slow.serving() as endpoint:
        asyncio.run(cancelled_when(slow.asked, endpoint))
        slow.upgrade.set()
        assert slow.ended.wait(20)


def test_a_login_that_is_cancelled_leaves_nothing_open() -> None:
    slow = Slow()
    slow.upgrade.set()
    with slow.serving() as endpoint:
        asyncio.run(cancelled_when(slow.entered, endpoint))
        assert slow.ended.wait(20)


def test_the_loop_goes_on_while_a_cancelled_dial_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed_in: list[threading.Thread] = []
    closed = threading.Event()
    close = neon_websocket.Tunnel.close

    def noted(tunnel: neon_websocket.Tunnel) -> None:
        closed_in.append(threading.current_thread())
        close(tunnel)
        closed.set()

    monkeypatch.setattr(neon_websocket.Tunnel, "close", noted)
    slow = Slow()

    async def scenario(endpoint: str) -> None:
        await cancelled_when(slow.asked, endpoint)
        slow.upgrade.set()
        assert await asyncio.to_thread(closed.wait, 20)

    with slow.serving() as endpoint:
        asyncio.run(scenario(endpoint))
    assert closed_in
    assert threading.current_thread() not in closed_in
