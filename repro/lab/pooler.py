"""A real PgBouncer in front of the lab's Postgres, for what only happens behind a pooler.

It comes from the system (``apt-get install pgbouncer``), and runs in a folder of its own, on one port of
loopback that the system chose. It refuses to run as root, as Postgres does.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from repro.lab.account import popen_arguments, unprivileged_account
from repro.lab.children import server_environment
from repro.lab.errors import LabError
from repro.lab.folders import data_parent
from repro.lab.guard import Guard
from repro.lab.listeners import Port

_ADDRESS = "127.0.0.1"
_START_S = 10.0
_RETRY_S = 0.01
_STOP_S = 3.0
_BIND_ATTEMPTS = 5
_TAKEN = "Address already in use"
_VERSION = re.compile(r"PgBouncer (\d+)\.(\d+)")
_PREPARED_SINCE = (1, 21)


@dataclass(frozen=True, slots=True)
class Pooling:
    """How the pooler pools; the names are those of its settings, where what is None keeps its default.

    Args:
        pool_mode: when a client gives its server connection back.
        default_pool_size: server connections for each user and database.
        max_client_conn: clients in all.
        query_wait_timeout: seconds that a client may wait for a server connection.
        max_prepared_statements: prepared statements that it follows; PgBouncer 1.21 and later.
        ignore_startup_parameters: parameters of a client's first message that it does not mind.
        auth_type: how clients say their password.
    """

    pool_mode: Literal["session", "transaction", "statement"] = "transaction"
    default_pool_size: int = 20
    max_client_conn: int | None = None
    query_wait_timeout: int | None = None
    max_prepared_statements: int | None = None
    ignore_startup_parameters: tuple[str, ...] = ()
    auth_type: Literal["plain", "scram-sha-256"] = "scram-sha-256"

    def settings(self, version: tuple[int, int]) -> dict[str, str]:
        """The lines of its settings file that this comes to."""
        lines: dict[str, object] = {
            "pool_mode": self.pool_mode,
            "default_pool_size": self.default_pool_size,
            "max_client_conn": self.max_client_conn,
            "query_wait_timeout": self.query_wait_timeout,
            "ignore_startup_parameters": ",".join(self.ignore_startup_parameters) or None,
            "auth_type": self.auth_type,
        }
        if version >= _PREPARED_SINCE:  # 1.24 follows prepared statements unless it is told not to
            lines["max_prepared_statements"] = self.max_prepared_statements or 0
        return {name: str(value) for name, value in lines.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Pooler:
    """One that runs.

    Args:
        port: on 127.0.0.1.
        version: major and minor.
        log: its log file, which ends with it.
        pid: its process.
    """

    port: int
    version: tuple[int, int]
    log: Path = field(repr=False)
    pid: int


def lacks_pooler(since: tuple[int, int] = (1, 0), before: tuple[int, int] = (99, 0)) -> str | None:
    """Why there can be none here, or None.

    Args:
        since: the oldest version that will do.
        before: the oldest version that will not do any more.
    """
    program = find_pooler()
    if program is None:
        return "pgbouncer is not installed: apt-get install pgbouncer"
    version = version_of(program)
    if not since <= version < before:
        return f"pgbouncer is {version[0]}.{version[1]} here, and it takes another version"
    return None


def find_pooler() -> Path | None:
    """The program: on the path, or where Debian keeps what is for administrators."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    return None if found is None else Path(found)


@lru_cache(maxsize=1)
def version_of(program: Path) -> tuple[int, int]:
    """Its major and minor version; 0.0 where it does not say.

    Args:
        program: the pooler.
    """
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=5
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return (0, 0)
    match = _VERSION.search(said)
    return (0, 0) if match is None else (int(match[1]), int(match[2]))


@contextlib.contextmanager
def pooler(url: str, pooling: Pooling = Pooling()) -> Iterator[Pooler]:
    """A pooler in front of a Postgres on this machine, which ends with the block, as does what it wrote.

    Args:
        url: of the Postgres; clients of the pooler log in with its user and password.
        pooling: how it pools.

    Raises:
        LabError: there is no such program, or it does not start, with the end of its log.
    """
    program = find_pooler()
    if program is None:
        raise LabError("pgbouncer is not installed: apt-get install pgbouncer")
    with (
        _folder() as folder,
        _guarding(folder) as guard,
        _running(program, folder, url, pooling, guard) as running,
    ):
        yield running


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder that its account can reach."""
    parent = data_parent(shared=unprivileged_account() is not None)
    folder = Path(tempfile.mkdtemp(prefix="txrepro-pooler-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _guarding(folder: Path) -> Iterator[Guard]:
    """Who ends it and removes its folder if this process is killed."""
    guard = Guard.start()
    try:
        guard.folder(folder)
        yield guard
    finally:
        guard.dismiss()


@contextlib.contextmanager
def _running(program: Path, folder: Path, url: str, pooling: Pooling, guard: Guard) -> Iterator[Pooler]:
    version, log = version_of(program), folder / "pgbouncer.log"
    for _ in range(_BIND_ATTEMPTS):
        port = Port.reserve((_ADDRESS,))
        try:
            files = _written(folder, url, port.number, pooling.settings(version))
            port.give_way()
            process = _started(program, folder, files, log)
            try:
                guard.process(process.pid, signal.SIGTERM)
                if _answers(process, port.number, log):
                    yield Pooler(port.number, version, log, process.pid)
                    return
            finally:
                _end(process)
                guard.ended(process.pid)
        finally:
            port.close()
    raise LabError(
        "PgBouncer found its port taken every time: another program takes ports as fast as the lab"
    )


def _written(folder: Path, url: str, port: int, settings: Mapping[str, str]) -> Path:
    """Its settings and its users, readable to its own account alone: they hold the password."""
    server = urlsplit(url)
    users, file = folder / "users", folder / "pgbouncer.ini"
    lines = {
        "listen_addr": _ADDRESS,
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_file": str(users),
        "logfile": "",
        "pidfile": "",
        "server_tls_sslmode": "disable",
        "client_tls_sslmode": "disable",
        **settings,
    }
    text = (
        f"[databases]\n{unquote(server.path.lstrip('/'))} = host={_ADDRESS} port={server.port}\n[pgbouncer]\n"
    )
    _secretly(file, text + "".join(f"{name} = {value}\n" for name, value in lines.items()))
    _secretly(users, f"{_quoted(server.username)} {_quoted(server.password)}\n")
    account = unprivileged_account()
    if account is not None:
        account.own(folder, file, users)
    return file


def _quoted(text: str | None) -> str:
    return '"' + unquote(text or "").replace('"', '""') + '"'


def _secretly(file: Path, text: str) -> None:
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)


def _started(program: Path, folder: Path, settings: Path, log: Path) -> subprocess.Popen[bytes]:
    log.write_bytes(b"")
    try:
        with log.open("ab") as output:
            return subprocess.Popen(
                [program, settings],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env=server_environment(),
                **popen_arguments(unprivileged_account()),
            )
    except (OSError, subprocess.SubprocessError) as error:
        raise LabError(f"PgBouncer cannot be started: {program}: {error}") from error


def _answers(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    """Whether it listens; False when its port was taken."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((_ADDRESS, port), timeout=1):
            return True
        time.sleep(_RETRY_S)
    said = log.read_text(errors="replace")
    if process.poll() is not None and _TAKEN in said:
        return False
    raise LabError(f"PgBouncer does not start: {' / '.join(said.splitlines()[-3:]) or 'its log is empty'}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """At once: SIGTERM of PgBouncer before 1.23, and its SIGINT since, wait for no client or for all."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
            return
