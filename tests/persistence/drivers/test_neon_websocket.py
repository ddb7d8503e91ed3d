"""Neon's WebSocket: the tunnel, its errors, and what is left of it."""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.server import ServerConnection, serve

from repro.lab.process import Lab
from repro.persistence.drivers import neon_websocket
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
