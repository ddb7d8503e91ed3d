from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from repro.lab.certificates import TlsFiles
from repro.lab.errors import LabError
from repro.lab.guard import Guard
from repro.lab.listeners import Port, localhost_addresses
from repro.lab.process import Lab
from repro.lab.valkey import Valkey, _ask_persistently, _version_of, find_valkey


def ask(url: str, **options: object) -> object:
    client = redis.Redis.from_url(url, **options)
    try:
        return client.ping()
    finally:
        client.close()


def test_it_answers_over_verified_tls_and_without(lab: Lab) -> None:
    assert ask(lab.environment["UPSTASH_REDIS_URL"], ssl_ca_certs=lab.environment["SSL_CERT_FILE"]) is True
    assert ask(lab.plain["UPSTASH_REDIS_URL"]) is True


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_is_refused(lab: Lab, password: str) -> None:
    parts = urlsplit(lab.environment["UPSTASH_REDIS_URL"])
    url = f"rediss://default:{password}@localhost:{parts.port}"
    with pytest.raises(redis.AuthenticationError):
        ask(url, ssl_ca_certs=lab.environment["SSL_CERT_FILE"])


def test_a_client_that_does_not_trust_the_lab_is_told_by_itself(lab: Lab, tls_files: TlsFiles) -> None:
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        ask(lab.environment["UPSTASH_REDIS_URL"], ssl_ca_certs=str(tls_files.ca))


def test_every_address_of_localhost_answers(lab: Lab) -> None:
    context = ssl.create_default_context(cafile=lab.environment["SSL_CERT_FILE"])
    for address in localhost_addresses():
        for name in ("UPSTASH_REDIS_URL", "UPSTASH_REDIS_REST_URL", "NEON_FETCH_ENDPOINT"):
            port = urlsplit(lab.environment[name]).port
            with (
                socket.create_connection((address, port or 0), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as tls,
            ):
                assert tls.version() == "TLSv1.3"


def with_valkey(
    guard: Guard,
    folder: Path,
    test: Callable[[Valkey], Awaitable[None]],
    program: Path | None = None,
    *,
    durable: bool = False,
) -> None:
    async def run() -> None:
        server = Valkey(
            find_valkey(program),
            folder=folder / "valkey",
            addresses=("127.0.0.1",),
            guard=guard,
            durable=durable,
        )
        server.begin()
        try:
            await test(server)
        finally:
            await server.stop()

    asyncio.run(asyncio.wait_for(run(), 60))


def test_it_is_refused_once_the_server_was_killed(guard: Guard, tmp_path: Path, tls_files: TlsFiles) -> None:
    async def test(server: Valkey) -> None:
        await server.ready(tls_files)
        socket.create_connection(("127.0.0.1", server.tls_port), timeout=5).close()
        os.kill(server.pid, signal.SIGKILL)
        await server.front.closed.wait()
        for port in (server.tls_port, server.endpoint[1]):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5)

    with_valkey(guard, tmp_path, test)


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
@pytest.mark.parametrize("durable", [True, False], ids=["durable", "not-durable"])
def test_a_restart_keeps_what_a_durable_one_has_answered(
    guard: Guard, tmp_path: Path, tls_files: TlsFiles, *, kill: bool, durable: bool
) -> None:
    async def test(server: Valkey) -> None:
        await server.ready(tls_files)
        before = server.endpoint
        with closing(redis.Redis.from_url(server.plain_url)) as client:
            client.set("key", "value")
        await server.restart(kill=kill)
        assert server.endpoint == before
        assert server.front.opened.is_set()
        with closing(redis.Redis.from_url(server.plain_url)) as client:
            assert client.get("key") == (b"value" if durable else None)

    with_valkey(guard, tmp_path, test, durable=durable)


def test_a_server_that_still_loads_its_data_is_waited_for() -> None:
    """It says ``-LOADING`` to all but a few commands then, and INFO is one of these."""
    answers = [b"-LOADING Valkey is loading the dataset in memory\r\n", b"+PONG\r\n"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"INFO")
        writer.write(b"+OK\r\n" + answers.pop(0) + b"$20\r\nvalkey_version:9.1.2\r\n")
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1") as server:
            address = server.sockets[0].getsockname()
            assert await _ask_persistently(address, "secret") == ("valkey", "9.1.2")

    asyncio.run(asyncio.wait_for(run(), 20))
    assert answers == []


def test_its_settings_are_for_the_owner_alone(guard: Guard, tmp_path: Path, tls_files: TlsFiles) -> None:
    async def test(server: Valkey) -> None:
        settings = tmp_path / "valkey" / "valkey.conf"
        assert server.password in settings.read_text()
        assert settings.stat().st_mode & 0o777 == 0o600
        await server.ready(tls_files)
        assert server.name == "valkey"

    with_valkey(guard, tmp_path, test)


def test_a_port_that_is_taken_meanwhile_is_given_up_for_another(
    guard: Guard, tmp_path: Path, tls_files: TlsFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers: list[socket.socket] = []
    reserve = Port.reserve

    def taken_at_first(addresses: tuple[str, ...]) -> Port:
        port = reserve(addresses)
        if not strangers:
            strangers.extend(port.listen())
        return port

    monkeypatch.setattr("repro.lab.valkey.Port.reserve", taken_at_first)

    async def test(server: Valkey) -> None:
        await server.ready(tls_files)
        assert server.endpoint[1] != strangers[0].getsockname()[1]

    try:
        with_valkey(guard, tmp_path, test)
    finally:
        for stranger in strangers:
            stranger.close()


def test_a_program_that_dies_is_told_with_its_log(guard: Guard, tmp_path: Path, tls_files: TlsFiles) -> None:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\necho 'no memory'\nexit 1\n")
    program.chmod(0o755)

    async def test(server: Valkey) -> None:
        with pytest.raises(LabError, match="Valkey ended at its start: no memory"):
            await server.ready(tls_files)

    with_valkey(guard, tmp_path, test, program)


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="--redis-server: there is no program"):
        find_valkey(tmp_path / "redis-server")


def test_nothing_installed_is_one_line_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(LabError, match=r"pip install 'txrepro\[all\]'.*--redis-server"):
        find_valkey()


def test_a_redis_is_told_from_a_valkey() -> None:
    assert _version_of("redis_version:7.2.4\r\nvalkey_version:9.1.2\r\n") == ("valkey", "9.1.2")
    assert _version_of("# Server\r\nredis_version:7.0.15\r\n") == ("redis", "7.0.15")
