from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from repro.lab import postgres as postgres_module
from repro.lab.account import unprivileged_account
from repro.lab.certificates import TlsFiles, issue
from repro.lab.errors import LabError
from repro.lab.folders import LabFolder, data_parent
from repro.lab.guard import Guard
from repro.lab.listeners import Port, localhost_addresses
from repro.lab.postgres import Postgres
from repro.lab.postgres_binaries import PostgresBinaries, find_postgres, for_account
from repro.lab.process import Lab
from repro.lab.tls_front import TlsFront


def secure(lab: Lab) -> str:
    environment = lab.environment
    return f"{environment['DATABASE_URL']}?sslmode=verify-full&sslrootcert={environment['SSL_CERT_FILE']}"


def test_it_answers_over_verified_tls_with_channel_binding(lab: Lab) -> None:
    with psycopg.connect(secure(lab) + "&channel_binding=require") as connection:
        row = connection.execute(
            "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"
        ).fetchone()
    assert row == (True, "TLSv1.3")


def test_it_answers_without_tls(lab: Lab) -> None:
    with psycopg.connect(lab.environment["DATABASE_URL"] + "?sslmode=disable") as connection:
        assert connection.execute("select ssl from pg_stat_ssl where pid = pg_backend_pid()").fetchone() == (
            False,
        )


def test_the_application_owns_its_database_and_is_no_superuser(lab: Lab) -> None:
    with psycopg.connect(secure(lab)) as connection:
        row = connection.execute(
            "select current_user, current_database(), rolsuper, rolcreaterole, rolcreatedb,"
            " pg_get_userbyid(datdba) from pg_roles, pg_database"
            " where rolname = current_user and datname = current_database()"
        ).fetchone()
        assert row == ("app", "app", False, False, False, "app")
        connection.execute("create table public.owned (n int)")
        connection.rollback()


@pytest.mark.parametrize("mode", ["disable", "require"])
@pytest.mark.parametrize("user", ["app", "postgres", "nosuch"])
def test_a_wrong_password_is_refused(lab: Lab, mode: str, user: str) -> None:
    port = urlsplit(lab.environment["DATABASE_URL"]).port
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host="localhost", port=port, user=user, password="wrong", dbname="app", sslmode=mode)


def test_it_listens_on_every_address_of_localhost_and_on_no_other(lab: Lab) -> None:
    parts = urlsplit(lab.environment["DATABASE_URL"])
    for address in localhost_addresses():
        with psycopg.connect(lab.environment["DATABASE_URL"], hostaddr=address) as connection:
            row = connection.execute("select host(inet_server_addr())").fetchone()
            assert row == (address,)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", parts.port or 0), timeout=5)


def test_a_server_without_tls_gets_a_front_that_clients_take_for_it(lab: Lab, tls_files: TlsFiles) -> None:
    """The front for builds without TLS, before a server of which only the plain side is used."""
    parts = urlsplit(lab.environment["DATABASE_URL"])

    def ask(port: int) -> list[object]:
        base = f"postgresql://app:{parts.password}@localhost:{port}/app"
        with (
            psycopg.connect(f"{base}?sslmode=verify-full&sslrootcert={tls_files.ca}") as tls,
            psycopg.connect(
                f"{base}?sslmode=verify-full&sslrootcert={tls_files.ca}&sslnegotiation=direct"
            ) as direct,
            psycopg.connect(f"{base}?sslmode=disable") as plain,
        ):
            text = "x" * 300_000
            return [each.execute("select %s = %s", (text, text)).fetchone() for each in (tls, direct, plain)]

    async def run() -> None:
        port = Port.reserve(localhost_addresses())
        context = tls_files.server_context()
        front = TlsFront("postgres", upstream=("127.0.0.1", parts.port or 0), port=port, context=context)
        await front.start()
        assert await asyncio.to_thread(ask, port.number) == [(True,), (True,), (True,)]
        await front.stop()
        port.close()

    asyncio.run(asyncio.wait_for(run(), 30))


def in_a_folder(guard: Guard, test: Callable[[Path], Awaitable[None]]) -> None:
    account = unprivileged_account()
    folder = LabFolder.create(data_parent(shared=account is not None))
    guard.folder(folder.path)
    try:
        asyncio.run(asyncio.wait_for(test(folder.path), 60))
    finally:
        folder.remove()


def postgres(folder: Path, guard: Guard, binaries: PostgresBinaries | None = None) -> Postgres:
    account = unprivileged_account()
    if binaries is None:
        programs = folder / "programs"
        programs.mkdir()
        binaries = for_account(find_postgres(), account, programs)
    return Postgres(
        binaries, folder=folder / "pg", account=account, addresses=localhost_addresses(), guard=guard
    )


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
def test_a_restart_keeps_the_port_and_what_was_committed(guard: Guard, *, kill: bool) -> None:
    async def test(folder: Path) -> None:
        server = postgres(folder, guard)
        server.begin()
        try:
            await server.ready(issue(["127.0.0.1"]))
            before = server.url
            with psycopg.connect(before) as open_session:
                open_session.execute("CREATE TABLE kept (n int)")
                open_session.commit()
                await server.restart(kill=kill)
                open_session.close()
            assert server.url == before
            with psycopg.connect(server.url) as connection:
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
        finally:
            await server.stop()

    in_a_folder(guard, test)


def test_a_restart_waits_for_what_a_killed_server_has_left_behind(guard: Guard) -> None:
    """A backend that is stopped keeps the shared memory of the killed server in use."""

    async def go_on_after_a_vain_attempt(server: Postgres, backend: int) -> None:
        for _ in range(2):
            seen = server.pid
            while server.pid == seen:
                await asyncio.sleep(0.005)
        os.kill(backend, signal.SIGCONT)

    async def test(folder: Path) -> None:
        server = postgres(folder, guard)
        server.begin()
        try:
            await server.ready(issue(["127.0.0.1"]))
            with psycopg.connect(server.url, autocommit=True) as left_behind:
                backend = left_behind.info.backend_pid
                os.kill(backend, signal.SIGSTOP)
                waking = asyncio.create_task(go_on_after_a_vain_attempt(server, backend))
                await server.restart(kill=True)
                await waking
                left_behind.close()
            with psycopg.connect(server.url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        finally:
            await server.stop()

    in_a_folder(guard, test)


def test_a_server_that_does_not_come_up_again_is_told_with_its_log(guard: Guard) -> None:
    async def test(folder: Path) -> None:
        server = postgres(folder, guard)
        server.begin()
        try:
            await server.ready(issue(["127.0.0.1"]))
            with (folder / "pg" / "data" / "postgresql.conf").open("a") as settings:
                settings.write("no_such_setting = 1\n")
            with pytest.raises(LabError, match="no_such_setting"):
                await server.restart()
        finally:
            await server.stop()

    in_a_folder(guard, test)


def test_a_port_that_is_taken_meanwhile_is_given_up_for_another(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    strangers: list[socket.socket] = []
    reserve = Port.reserve

    def taken_at_first(addresses: tuple[str, ...]) -> Port:
        port = reserve(addresses)
        if not strangers:
            strangers.extend(port.listen())
        return port

    async def test(folder: Path) -> None:
        server = postgres(folder, guard)
        monkeypatch.setattr("repro.lab.postgres.Port.reserve", taken_at_first)
        server.begin()
        try:
            await server.ready(issue(["127.0.0.1"]))
            assert server.port != strangers[0].getsockname()[1]
            assert server.version
        finally:
            await server.stop()
            for stranger in strangers:
                stranger.close()

    in_a_folder(guard, test)


def test_the_end_of_the_log_is_told_when_initdb_fails(guard: Guard) -> None:
    async def test(folder: Path) -> None:
        bindir = folder / "bin"
        bindir.mkdir()
        for name in ("initdb", "postgres"):
            (bindir / name).write_text("#!/bin/sh\necho 'no space left' >&2\nexit 1\n")
            (bindir / name).chmod(0o755)
        server = postgres(folder, guard, PostgresBinaries(bindir, folder))
        server.begin()
        with pytest.raises(LabError, match="initdb failed with status 1: no space left"):
            await server.ready(issue(["127.0.0.1"]))
        await server.stop()

    in_a_folder(guard, test)


def test_a_server_that_dies_at_its_start_is_told_with_its_log(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres_module._SETTINGS, "no_such_setting", "1")

    async def test(folder: Path) -> None:
        server = postgres(folder, guard)
        server.begin()
        with pytest.raises(LabError, match="no_such_setting"):
            await server.ready(issue(["127.0.0.1"]))
        await server.stop()

    in_a_folder(guard, test)


def test_its_certificate_is_that_of_the_lab(lab: Lab) -> None:
    """By the standard library's own check, after the request of Postgres's protocol."""
    parts = urlsplit(lab.environment["DATABASE_URL"])
    context = ssl.create_default_context(cafile=lab.environment["SSL_CERT_FILE"])
    with socket.create_connection(("localhost", parts.port or 0), timeout=10) as plain:
        plain.sendall((8).to_bytes(4) + (80877103).to_bytes(4))
        assert plain.recv(1) == b"S"
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
            assert tls.version() == "TLSv1.3"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's server has its own account")
def test_it_does_not_run_as_root(lab: Lab) -> None:
    (pid,) = (server["pid"] for server in lab.servers if server["name"] == "postgres")
    assert Path(f"/proc/{pid}").stat().st_uid != 0
