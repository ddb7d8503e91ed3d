"""A real Postgres: throw-away data, SCRAM passwords only, TLS, on every address of ``localhost``."""

from __future__ import annotations

import asyncio
import secrets
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from repro.lab.account import Account
from repro.lab.certificates import Certificates
from repro.lab.children import Child
from repro.lab.errors import LabError
from repro.lab.guard import Guard
from repro.lab.listeners import Port
from repro.lab.postgres_binaries import PostgresBinaries
from repro.lab.tls_front import TlsFront

if TYPE_CHECKING:
    import psycopg

APP = "app"
"""The role that applications log in as, and the database that it owns. It is no superuser."""

_SUPERUSER = "postgres"
_INITDB_S = 60.0
_START_S = 30.0
_RETRY_S = 0.01
_BIND_ATTEMPTS = 5
_TAKEN = "could not bind"
_ON_THEIR_WAY_OUT = (_TAKEN, "lock file", "shared memory block")

# fsync off: the data need not outlive the machine. A killed server still loses no commit, as its writes are
# with the kernel by then; that would not hold with synchronous_commit off.
_SETTINGS = {
    "fsync": "off",
    "max_connections": "200",  # clients of the gateways send a hundred requests at once
    "dynamic_shared_memory_type": "mmap",  # in the data folder: killed, 56 bytes of SysV memory stay
    "full_page_writes": "off",
    "password_encryption": "scram-sha-256",
    "unix_socket_directories": "",
    "log_min_messages": "warning",
    "log_destination": "stderr",
    "logging_collector": "off",
}
_TLS_SETTINGS = {"ssl": "on", "ssl_min_protocol_version": "TLSv1.2"}


class Postgres:
    """One Postgres server. First `begin`, which returns at once, then `ready`; `stop` at any time."""

    def __init__(
        self,
        binaries: PostgresBinaries,
        *,
        folder: Path,
        account: Account | None,
        addresses: tuple[str, ...],
        guard: Guard,
    ) -> None:
        self.app_password = secrets.token_urlsafe(24)
        self.version = ""
        self._superuser_password = secrets.token_urlsafe(24)
        self._binaries = binaries
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._account = account
        self._addresses = addresses
        self._guard = guard
        self._initdb: Child | None = None
        self._server: Child | None = None
        self._port: Port | None = None
        self._front: TlsFront | None = None
        self._front_port: Port | None = None

    def begin(self) -> None:
        """Make the folder and start ``initdb``, which takes most of the time there is to wait for.

        Raises:
            LabError: it cannot be started.
        """
        self._folder.mkdir(mode=0o700)
        if self._account is not None:
            self._account.own(self._folder)
        self._initdb = self._child("initdb", _initdb_arguments(self._data, self._write_password()))

    async def ready(self, certificates: Certificates) -> None:
        """Wait until the server runs with ``certificates``, and has the application's role and database.

        Raises:
            LabError: it does not start, with the end of its log.
        """
        import psycopg  # noqa: F401, PLC0415 - slow to load: done while initdb works

        await self._finish_initdb()
        has_tls = await self._has_tls()
        self._configure(certificates, tls=has_tls)
        await self._serve(self._addresses if has_tls else self._addresses[:1])
        if not has_tls:
            await self._put_tls_in_front(certificates)

    async def restart(self, *, kill: bool = False) -> None:
        """End the server and its sessions, and start it again on its port with its data.

        Args:
            kill: end it by SIGKILL; it then recovers from its log. Its sessions end by themselves, once they
                have ended the statement that keeps them busy; until then it cannot start.

        Raises:
            LabError: it does not come up, with the end of its log.
        """
        if self._server is None or self._port is None:
            raise LabError("Postgres is not running")
        await (self._server.kill() if kill else self._server.stop())
        self._port.give_way()
        try:
            async with asyncio.timeout(_START_S):
                await self._start_again(self._port)
                if self._front is not None:
                    await self._front.opened.wait()
        except TimeoutError as error:
            raise self._server.failure(f"did not answer within {_START_S:.0f} s") from error

    async def _start_again(self, port: Port) -> None:
        """Start it, again and again while processes of a killed one are still on their way out."""
        while True:
            self._log.write_text("")
            self._server = self._child("postgres", _server_arguments(self._data, port))
            connection = await self._server.race(self._connect_persistently())
            if connection is not None:
                await connection.close()
                return
            if not any(reason in self._log.read_text(errors="replace") for reason in _ON_THEIR_WAY_OUT):
                raise self._server.failure("ended at its start")
            await asyncio.sleep(_RETRY_S)

    @property
    def pid(self) -> int:
        """The process id of the server."""
        if self._server is None:
            raise LabError("Postgres is not running")
        return self._server.pid

    @property
    def port(self) -> int:
        """The port that clients dial, with TLS or without."""
        port = self._front_port or self._port
        if port is None:
            raise LabError("Postgres is not running")
        return port.number

    @property
    def tls(self) -> Literal["own", "front"]:
        """Who ends TLS: the server, or a front before a build that has none."""
        return "own" if self._front is None else "front"

    @property
    def endpoint(self) -> tuple[str, int]:
        """The address and port of the server itself, for what stands before it."""
        if self._port is None:
            raise LabError("Postgres is not running")
        return self._port.endpoint

    @property
    def url(self) -> str:
        """The URL of an application: role, password and database of its own."""
        return f"postgresql://{APP}:{self.app_password}@localhost:{self.port}/{APP}"

    async def stop(self) -> None:
        """End the server, its sessions included."""
        if self._front is not None:
            await self._front.stop()
        for child in (self._initdb, self._server):
            if child is not None:
                await child.stop()
        for port in (self._port, self._front_port):
            if port is not None:
                port.close()

    def _child(self, program: str, arguments: list[str | Path]) -> Child:
        return Child.start(
            "Postgres" if program == "postgres" else program,
            [self._binaries.program(program), *arguments],
            folder=self._folder,
            log=self._log,
            guard=self._guard,
            account=self._account,
            stop_signal=signal.SIGINT,  # "fast": does not wait for clients
        )

    def _write_password(self) -> Path:
        path = self._folder / "superuser"
        path.touch(mode=0o600)
        path.write_text(self._superuser_password + "\n")
        if self._account is not None:
            self._account.own(path)
        return path

    async def _finish_initdb(self) -> None:
        if self._initdb is None:
            raise LabError("Postgres was not begun")
        try:
            status = await asyncio.wait_for(self._initdb.wait(), _INITDB_S)
        except TimeoutError as error:
            raise self._initdb.failure(f"has not ended after {_INITDB_S:.0f} s") from error
        finally:
            (self._folder / "superuser").unlink(missing_ok=True)
        if status != 0:
            raise self._initdb.failure(f"failed with status {status}")

    async def _has_tls(self) -> bool:
        """Ask the build itself: ``ssl_library`` is empty where there is none."""
        asked = self._folder / "ssl_library"
        child = Child.start(
            "postgres -C",
            [self._binaries.program("postgres"), "-D", self._data, "-C", "ssl_library"],
            folder=self._folder,
            log=asked,
            guard=self._guard,
            account=self._account,
        )
        if await child.wait() != 0:
            raise child.failure("failed")
        return bool(asked.read_text().strip())

    def _configure(self, certificates: Certificates, *, tls: bool) -> None:
        settings = dict(_SETTINGS)
        if tls:
            files = certificates.write(self._folder, self._account)
            settings |= _TLS_SETTINGS | {
                "ssl_cert_file": str(files.certificate),
                "ssl_key_file": str(files.key),
            }
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        (self._data / "pg_hba.conf").write_text(_host_rules(self._addresses))

    async def _serve(self, addresses: tuple[str, ...]) -> None:
        for _ in range(_BIND_ATTEMPTS):
            self._port = Port.reserve(addresses)
            self._port.give_way()
            self._server = self._child("postgres", _server_arguments(self._data, self._port))
            try:
                async with asyncio.timeout(_START_S):
                    await self._set_up(self._server)
            except TimeoutError as error:
                raise self._server.failure(f"did not answer within {_START_S:.0f} s") from error
            if not self._found_its_port_taken():
                return
            await self._server.stop()
            self._port.close()
            self._log.write_text("")
        raise LabError(
            "Postgres found its port taken every time: another program takes ports as fast as the lab"
        )

    async def _set_up(self, server: Child) -> None:
        """Create role and database as soon as the server answers; return early if its port is taken."""
        connection = await self._first_connection(server)
        if connection is None:
            return
        async with connection:
            self.version = connection.info.parameter_status("server_version") or ""
            verifier = connection.pgconn.encrypt_password(
                self.app_password.encode(), APP.encode(), b"scram-sha-256"
            )
            await connection.execute(f"CREATE ROLE {APP} LOGIN PASSWORD '{verifier.decode()}'")
            await connection.execute(f"CREATE DATABASE {APP} OWNER {APP}")

    async def _first_connection(self, server: Child) -> psycopg.AsyncConnection[Any] | None:
        """The first connection that is answered; None if the server found its port taken."""
        connection = await server.race(self._connect_persistently())
        if connection is None and not self._found_its_port_taken():
            raise server.failure("ended at its start")
        return connection

    async def _connect_persistently(self) -> psycopg.AsyncConnection[Any]:
        import psycopg  # noqa: PLC0415

        while True:
            try:
                return await psycopg.AsyncConnection.connect(**self._superuser(), autocommit=True)
            except psycopg.OperationalError:
                await asyncio.sleep(_RETRY_S)

    def _found_its_port_taken(self) -> bool:
        """On one address or all: Postgres goes on as long as it could bind any."""
        return _TAKEN in self._log.read_text(errors="replace")

    def _superuser(self) -> dict[str, Any]:
        host, port = self.endpoint
        return {
            "host": host,
            "port": port,
            "user": _SUPERUSER,
            "password": self._superuser_password,
            "dbname": "postgres",
            "sslmode": "disable",
            "gssencmode": "disable",
            "connect_timeout": int(_START_S),
        }

    async def _put_tls_in_front(self, certificates: Certificates) -> None:
        """For a build without TLS. Channel binding cannot work through it, nor any other terminator."""
        files = certificates.write(self._folder)
        self._front_port = Port.reserve(self._addresses)
        self._front = TlsFront(
            "postgres", upstream=self.endpoint, port=self._front_port, context=files.server_context()
        )
        await self._front.start()


def _initdb_arguments(data: Path, password_file: Path) -> list[str | Path]:
    return [
        "-D", data,
        "--username", _SUPERUSER,
        "--pwfile", password_file,
        "--auth-local=reject",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--wal-segsize=1",
        "--no-sync",
        "--no-instructions",
    ]  # fmt: skip


def _server_arguments(data: Path, port: Port) -> list[str | Path]:
    addresses = ",".join(port.addresses)
    return ["-D", data, "-c", f"listen_addresses={addresses}", "-c", f"port={port.number}"]


def _host_rules(addresses: tuple[str, ...]) -> str:
    """SCRAM for TCP from each address, with TLS and without ("host" is both); nothing else gets in."""
    masks = {address: 128 if ":" in address else 32 for address in addresses}
    rules = [f"host all all {address}/{bits} scram-sha-256\n" for address, bits in masks.items()]
    return "local all all reject\n" + "".join(rules)
