"""All that one lab runs: the servers side by side, TLS and gateways before them, and the end of it all."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import repro
from repro.lab import folders
from repro.lab.account import unprivileged_account
from repro.lab.certificates import issue
from repro.lab.errors import LabError
from repro.lab.folders import LabFolder
from repro.lab.guard import Guard
from repro.lab.listeners import localhost_addresses
from repro.lab.messages import LabConfig, Ready, ServerInfo
from repro.lab.postgres import Postgres
from repro.lab.postgres_binaries import PostgresBinaries, find_postgres, for_account, needs_relocation
from repro.lab.valkey import Valkey, find_valkey

if TYPE_CHECKING:
    from repro.lab.gateways import Gateway

_PACKAGES = ("starlette", "trustme", "uvicorn")


def require_packages() -> None:
    """Check that the lab's own packages are installed, which the base installation leaves out.

    Raises:
        LabError: one is missing.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise LabError(f"the lab needs more packages ({', '.join(missing)}): pip install 'txrepro[all]'")


class Services:
    """The servers of one lab. `start` it once, then `stop` it, also after a start that failed.

    Args:
        config: which programs to take.
        guard: is told of every process and folder.
    """

    def __init__(self, config: LabConfig, guard: Guard) -> None:
        self._config = config
        self._guard = guard
        self._account = unprivileged_account()
        self._addresses = localhost_addresses()
        self._token = secrets.token_urlsafe(32)
        self._read_only_token = secrets.token_urlsafe(32)
        self._folders: list[LabFolder] = []
        self._postgres: Postgres | None = None
        self._valkey: Valkey | None = None
        self._gateways: list[Gateway] = []

    async def start(self) -> Ready:
        """Start everything.

        The order hides the slow parts behind ``initdb``, the slowest of them: it works in a process of its
        own while this one loads a web framework and makes certificates.

        Returns:
            What clients need to know.

        Raises:
            LabError: something does not start.
        """
        folders.sweep()
        base = self._new_folder(folders.data_parent(shared=self._account is not None))
        postgres, valkey = self._begin_servers(base)
        from repro.lab import gateways  # noqa: PLC0415 - slow to load; both servers are under way now

        factories = gateways.load_applications()
        certificates = issue(self._addresses)
        files = certificates.write(base)
        await valkey.ready(files)
        await postgres.ready(certificates)
        applications = {
            "neon": factories.neon(postgres=postgres.endpoint),
            "upstash": factories.upstash(
                redis=valkey.endpoint,
                password=valkey.password,
                token=self._token,
                read_only_token=self._read_only_token,
            ),
        }
        for name, application in applications.items():
            gateway = gateways.Gateway(name, application, addresses=self._addresses, tls=files)
            self._gateways.append(gateway)
            await gateway.start()
        return self._describe(postgres, valkey, files.ca)

    async def stop(self) -> None:
        """End every server and remove every folder."""
        servers = [server for server in (self._postgres, self._valkey) if server is not None]
        await asyncio.gather(*(each.stop() for each in [*self._gateways, *servers]))
        for folder in self._folders:
            folder.remove()

    def _begin_servers(self, base: Path) -> tuple[Postgres, Valkey]:
        """Start both servers' first processes, and do not wait for them."""
        self._postgres = Postgres(
            self._postgres_binaries(),
            folder=base / "postgres",
            account=self._account,
            addresses=self._addresses,
            guard=self._guard,
        )
        self._valkey = Valkey(
            find_valkey(self._config.redis_server),
            folder=base / "valkey",
            addresses=self._addresses,
            guard=self._guard,
        )
        self._postgres.begin()
        self._valkey.begin()
        return self._postgres, self._valkey

    def _postgres_binaries(self) -> PostgresBinaries:
        binaries = find_postgres(self._config.postgres_bindir)
        if not needs_relocation(binaries, self._account):
            return binaries
        return for_account(binaries, self._account, self._new_folder(folders.program_parent(shared=True)))

    def _new_folder(self, parent: Path) -> Path:
        folder = LabFolder.create(parent)
        self._folders.append(folder)
        self._guard.folder(folder.path)
        return folder.path

    def _describe(self, postgres: Postgres, valkey: Valkey, ca: Path) -> Ready:
        return Ready(
            environment=self._environment(postgres, valkey, ca),
            plain=self._plain(valkey),
            servers=self._servers(postgres, valkey),
            read_only_token=self._read_only_token,
            pid=os.getpid(),
            watchdog_pid=self._guard.pid,
            folders=[str(folder.path) for folder in self._folders],
        )

    def _environment(self, postgres: Postgres, valkey: Valkey, ca: Path) -> dict[str, str]:
        neon, upstash = self._gateways
        return {
            "DATABASE_URL": postgres.url,
            "POSTGRES_URL": postgres.url,
            "POSTGRES_URL_NON_POOLING": postgres.url,
            "NEON_FETCH_ENDPOINT": f"https://localhost:{neon.port}/sql",
            "NEON_WS_PROXY": f"localhost:{neon.port}/v2",
            "UPSTASH_REDIS_URL": valkey.url,
            "UPSTASH_REDIS_REST_URL": f"https://localhost:{upstash.port}",
            "UPSTASH_REDIS_REST_TOKEN": self._token,
            "SSL_CERT_FILE": str(ca),
            "NODE_EXTRA_CA_CERTS": str(ca),
        }

    def _plain(self, valkey: Valkey) -> dict[str, str]:
        neon, upstash = self._gateways
        return {
            "NEON_FETCH_ENDPOINT": f"http://localhost:{neon.plain_port}/sql",
            "NEON_WS_PROXY": f"ws://localhost:{neon.plain_port}/v2",
            "UPSTASH_REDIS_URL": valkey.plain_url,
            "UPSTASH_REDIS_REST_URL": f"http://localhost:{upstash.plain_port}",
        }

    def _servers(self, postgres: Postgres, valkey: Valkey) -> list[ServerInfo]:
        return [
            ServerInfo(
                name="postgres",
                version=postgres.version,
                pid=postgres.pid,
                port=postgres.port,
                plain_port=postgres.port,
                tls=postgres.tls,
            ),
            ServerInfo(
                name=valkey.name,
                version=valkey.version,
                pid=valkey.pid,
                port=valkey.tls_port,
                plain_port=valkey.endpoint[1],
                tls="front",
            ),
            *(
                ServerInfo(
                    name=gateway.name,
                    version=repro.__version__,
                    pid=os.getpid(),
                    port=gateway.port,
                    plain_port=gateway.plain_port,
                    tls="own",
                )
                for gateway in self._gateways
            ),
        ]
