"""The login at the database."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from repro.lab.faults.authority import signed
from repro.lab.faults.fronts import refusing_logins, tls_before
from repro.lab.faults.pipes import websocket_pipe
from repro.lab.faults.servers import Handler, carry, closing, error_of_neon, fatal
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import (
    DATABASE,
    database_served_by,
    of_the_lab,
    url,
    with_database_url,
    with_environment,
)

_PYTHON = ("tcp.raw", "tcp.psycopg", "tcp.asyncpg")
_OVER_TCP = (*_PYTHON, "orm.sqlalchemy-psycopg", "node.pg")
_NEON = ("http.neon", "ws.neon")

_STRANGER = "127.0.0.2"
"""An address of loopback that the lab's rules do not let in."""

_NO_PASSWORD_ELSEWHERE = {"PGPASSWORD": None, "PGPASSFILE": "/nonexistent/pgpass"}


def _port(lab: Lab) -> int:
    return urlsplit(lab.environment["DATABASE_URL"]).port or 0


def _from_elsewhere(query: str) -> Stage:
    """The lab's Postgres, dialled from an address that no rule of its pg_hba.conf has."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        with database_served_by(_carrying_from(_STRANGER, _port(lab)), query)(lab) as scene:
            yield scene

    return stage


def _carrying_from(address: str, port: int) -> Handler:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        with closing(writer), closing(outer):
            await asyncio.gather(carry(reader, outer), carry(inner, writer), return_exceptions=True)

    return serve


def _lacks_a_stranger() -> str | None:
    try:
        with socket.socket() as tried:
            tried.bind((_STRANGER, 0))
    except OSError as error:
        return f"{_STRANGER} cannot be used ({error.strerror})"
    return None


@contextlib.contextmanager
def _tls_ends_before_postgres(lab: Lab) -> Iterator[Scene]:
    """A front ends TLS, and Postgres behind it sees none: it offers no SCRAM-SHA-256-PLUS."""
    with (
        signed("localhost") as shown,
        tls_before("postgres", ("127.0.0.1", _port(lab)), shown.context) as port,
    ):
        query = "sslmode=require&channel_binding=require"
        changed = url(lab.environment["DATABASE_URL"], port=port, query=query)
        yield of_the_lab(lab, *DATABASE, DATABASE_URL=changed)


@contextlib.contextmanager
def _raw_pipe(lab: Lab) -> Iterator[Scene]:
    """A WebSocket that carries bytes to Postgres, and knows nothing of them."""
    with signed("localhost") as shown, websocket_pipe(_port(lab), shown.context) as port:
        scene = of_the_lab(lab, *DATABASE, NEON_WS_PROXY=f"localhost:{port}/v1")
        trust = {"SSL_CERT_FILE": str(shown.ca), "NODE_EXTRA_CA_CERTS": str(shown.ca)}
        yield Scene(scene.variables, trust)


def _refused(answer: bytes) -> Stage:
    """Whoever is at the database's address answers every login so."""
    return database_served_by(refusing_logins(answer))


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="auth-wrong-password",
        cause="auth-wrong-password",
        title="the URL holds a wrong password",
        stage=with_database_url(password="wrong"),  # noqa: S106 - it is
        only=(*_OVER_TCP, *_NEON),
        proof="confirmed",
    ),
    Scenario(
        name="auth-unknown-role",
        cause="auth-wrong-password",
        title="the URL names a role that does not exist",
        stage=with_database_url(user="nobody-of-this-name"),
        only=_PYTHON,
        proof="confirmed",
    ),
    Scenario(
        name="auth-wrong-password-neon",
        cause="auth-wrong-password",
        title="Neon's proxy refuses the password in its own words",
        stage=_refused(error_of_neon("password authentication failed for user 'app'", "28P01")),
        only=_OVER_TCP,
        proof="confirmed",
    ),
    Scenario(
        name="auth-missing-password",
        cause="auth-missing-password",
        title="the URL holds no password",
        stage=with_environment(with_database_url(password=""), _NO_PASSWORD_ELSEWHERE),
        only=(*_OVER_TCP, *_NEON, "node.neon-ws"),
        proof="confirmed",
    ),
    Scenario(
        name="auth-pg-hba-ip",
        cause="auth-pg-hba-ip",
        title="the server has no rule for the client's address",
        stage=_from_elsewhere("sslmode=require"),
        only=_OVER_TCP,
        lacks=_lacks_a_stranger,
        proof="confirmed",
    ),
    Scenario(
        name="auth-pg-hba-ip-plain",
        cause="auth-pg-hba-ip",
        title="the server has no rule for the client's address, and TLS is not used",
        stage=_from_elsewhere("sslmode=disable"),
        only=_PYTHON,
        lacks=_lacks_a_stranger,
        proof="confirmed",
    ),
    Scenario(
        name="auth-pg-hba-nologin",
        cause="auth-pg-hba-ip",
        title="the role may not log in",
        stage=_refused(fatal("28000", 'role "app" is not permitted to log in')),
        only=_PYTHON,
        proof="confirmed",
    ),
    Scenario(
        name="auth-channel-binding",
        cause="auth-channel-binding",
        title="channel_binding=require, and a front ends TLS before Postgres",
        stage=_tls_ends_before_postgres,
        only=("tcp.psycopg", "orm.sqlalchemy-psycopg"),
        proof="confirmed",
    ),
    Scenario(
        name="auth-channel-binding-plain",
        cause="auth-channel-binding",
        title="channel_binding=require, and no TLS",
        stage=with_database_url(query="sslmode=disable&channel_binding=require"),
        only=("tcp.raw", "tcp.psycopg", "orm.sqlalchemy-psycopg"),
        explains=("tcp.psycopg", "orm.sqlalchemy-psycopg"),
        proof="confirmed",
    ),
    Scenario(
        name="auth-pipelined-password-vs-scram",
        cause="auth-pipelined-password-vs-scram",
        title="a WebSocket carries raw bytes to Postgres, and the driver sends its password unasked",
        stage=_raw_pipe,
        only=("ws.neon", "node.neon-ws"),
        explains=("node.neon-ws",),
        proof="confirmed",
    ),
    Scenario(
        name="auth-neon-ip-allow",
        cause="auth-neon-ip-allow",
        title="this machine's address is not on the endpoint's allow-list",
        stage=_refused(
            error_of_neon(
                "This IP address 203.0.113.7 is not allowed to connect to this endpoint. Please add it to "
                "the allowed list in the Neon console. Make sure to check for IPv4 or IPv6 addresses."
            )
        ),
        only=_OVER_TCP,
        proof="confirmed",
    ),
    Scenario(
        name="auth-tenant-not-found",
        cause="auth-tenant-not-found",
        title="the shared pooler knows no such tenant",
        stage=_refused(fatal("XX000", "Tenant or user not found")),
        only=_OVER_TCP,
        proof="confirmed",
    ),
    Scenario(
        name="auth-no-such-role",
        cause="auth-no-such-role",
        title="the URL's user is no role of the server",
        stage=_refused(fatal("28000", 'role "nobody" does not exist')),
        only=_PYTHON,
        proof="confirmed",
    ),
    Scenario(
        name="auth-too-many-connections",
        cause="auth-too-many-connections",
        title="the server has no connection left",
        stage=_refused(fatal("53300", "sorry, too many clients already")),
        only=_PYTHON,
        proof="confirmed",
    ),
    Scenario(
        name="auth-server-starting",
        cause="auth-server-starting",
        title="the server is starting up",
        stage=_refused(fatal("57P03", "the database system is starting up")),
        only=_PYTHON,
        proof="confirmed",
    ),
)
