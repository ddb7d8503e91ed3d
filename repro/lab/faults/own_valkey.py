"""A Valkey of a scenario's own, for faults that the lab's shared one must not have."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.lab.children import server_environment
from repro.lab.errors import LabError
from repro.lab.listeners import Port, localhost_addresses
from repro.lab.valkey import find_valkey

_READY_S = 15.0
_RETRY_S = 0.02
_ANSWERS = (b"+PONG", b"-MASTERDOWN", b"-LOADING")


@dataclass(frozen=True, slots=True)
class OwnValkey:
    """One that runs.

    Args:
        url: without TLS.
        port: on every address of ``localhost``.
        password: of its default user.
        folder: where it keeps its data.
    """

    url: str
    port: int
    password: str
    folder: Path

    def command(self, *words: str) -> bytes:
        """The first line of its answer to one command, sent on a connection of its own, after the login."""
        with self.connection() as stream:
            return asked(stream, *words)

    @contextlib.contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """A connection that has logged in."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as stream:
            asked(stream, "AUTH", self.password)
            yield stream


def lacks_valkey() -> str | None:
    """Why there can be none here, or None."""
    try:
        find_valkey()
    except LabError as error:
        return str(error)
    return None


@contextlib.contextmanager
def own_valkey(*settings: str) -> Iterator[OwnValkey]:
    """A server that ends with the block, as does what it wrote.

    Args:
        settings: further lines of its settings file.

    Raises:
        LabError: it does not start.
    """
    password = secrets.token_urlsafe(18)
    folder = Path(tempfile.mkdtemp(prefix="txrepro-valkey-"))
    try:
        port = Port.reserve(localhost_addresses())
        server = OwnValkey(
            f"redis://default:{password}@localhost:{port.number}", port.number, password, folder
        )
        port.give_way()
        process = _started(folder, _settings(server, port.addresses, settings))
        try:
            _wait(server, process)
            yield server
        finally:
            process.terminate()
            _ended(process)
            port.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def asked(stream: socket.socket, *words: str) -> bytes:
    """The first line of the answer to one command."""
    stream.sendall(
        b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in map(str.encode, words))
    )
    return stream.recv(65536).partition(b"\r\n")[0]


def _settings(server: OwnValkey, addresses: Sequence[str], more: Sequence[str]) -> str:
    lines = [
        f"bind {' '.join(addresses)}",
        f"port {server.port}",
        f'requirepass "{server.password}"',
        'save ""',
        f'dir "{server.folder}"',
        'logfile ""',
        *more,
    ]
    return "\n".join(lines) + "\n"


def _started(folder: Path, settings: str) -> subprocess.Popen[bytes]:
    """The settings come on standard input, for they hold the password."""
    process = subprocess.Popen(
        [find_valkey(), "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=server_environment(),
    )
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    with contextlib.suppress(BrokenPipeError):  # it has ended already: nobody will answer
        process.stdin.write(settings.encode())
        process.stdin.close()
    return process


def _wait(server: OwnValkey, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if server.command("PING").startswith(_ANSWERS):
                return
        time.sleep(_RETRY_S)
    raise LabError("a Valkey of a scenario's own does not start")


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
