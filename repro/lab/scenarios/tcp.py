"""The way to the server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from repro.lab.faults.fronts import (
    carrying,
    drops_syns,
    greeting,
    never_accepting,
    refusing_logins,
    serving_by_address,
)
from repro.lab.faults.servers import fatal, hanging_up
from repro.lab.listeners import localhost_addresses
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import DATABASE, database_served_by, of_the_lab, url

_BOTH = {"127.0.0.1", "::1"}
_PYTHON = ("tcp.raw", "tcp.psycopg", "tcp.asyncpg")


def _at_port_of(variable: str, *, plain: bool) -> Stage:
    """The database's URL with the port of another of the lab's servers."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        port = urlsplit((lab.plain if plain else lab.environment)[variable]).port
        changed = url(lab.environment["DATABASE_URL"], port=port)
        yield of_the_lab(lab, *DATABASE, DATABASE_URL=changed)

    return stage


@contextlib.contextmanager
def _nobody(lab: Lab) -> Iterator[Scene]:
    with serving_by_address({"127.0.0.1": hanging_up}) as port:
        pass
    yield of_the_lab(lab, *DATABASE, DATABASE_URL=url(lab.environment["DATABASE_URL"], port=port))


@contextlib.contextmanager
def _blackhole(lab: Lab) -> Iterator[Scene]:
    with never_accepting() as port:
        changed = url(lab.environment["DATABASE_URL"], host="127.0.0.1", port=port)
        yield of_the_lab(lab, *DATABASE, DATABASE_URL=changed)


def _on_one_family(server: str, dialled: str) -> Stage:
    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        direct = lab.environment["DATABASE_URL"]
        with serving_by_address({server: carrying(urlsplit(direct).port or 0)}) as port:
            changed = url(direct, host=dialled, port=port, query="sslmode=disable")
            yield of_the_lab(lab, *DATABASE, DATABASE_URL=changed)

    return stage


@contextlib.contextmanager
def _another_on_the_first_family(lab: Lab) -> Iterator[Scene]:
    """Where localhost is looked up, another Postgres answers on its first address, the lab's on the next."""
    direct = lab.environment["DATABASE_URL"]
    first, second = localhost_addresses()[:2]
    refusal = fatal("28P01", 'password authentication failed for user "app"')
    handlers = {first: refusing_logins(refusal), second: carrying(urlsplit(direct).port or 0)}
    with serving_by_address(handlers) as port:
        changed = url(direct, host="localhost", port=port, query="sslmode=disable")
        yield of_the_lab(lab, *DATABASE, DATABASE_URL=changed)


def _lacks_ipv6() -> str | None:
    try:
        with serving_by_address({"::1": hanging_up}):
            return None
    except OSError as error:
        return f"::1 cannot be used: {error}"


def _lacks_two_addresses() -> str | None:
    found = set(localhost_addresses())
    return None if found >= _BOTH else f"localhost has one address here: {', '.join(sorted(found))}"


def _lacks_drops() -> str | None:
    return None if drops_syns() else "a full queue is no reason for this system to drop a SYN"


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="tcp-refused",
        cause="tcp-refused",
        title="nothing listens at the database's port",
        stage=_nobody,
        only=_PYTHON,
        proof="confirmed",
    ),
    Scenario(
        name="tcp-localhost-v6-refused",
        cause="tcp-localhost-v6-refused",
        title="the server listens on 127.0.0.1, and ::1 is dialled",
        stage=_on_one_family("127.0.0.1", "::1"),
        only=_PYTHON,
        proof="confirmed",
        lacks=_lacks_ipv6,
    ),
    Scenario(
        name="tcp-other-server-on-v6",
        cause="tcp-other-server-on-v6",
        title="two servers on one port of localhost, one an address family",
        stage=_another_on_the_first_family,
        only=_PYTHON,
        explains=("tcp.raw", "tcp.asyncpg"),
        proof="confirmed",
        lacks=_lacks_two_addresses,
    ),
    Scenario(
        name="tcp-syn-blackhole",
        cause="tcp-syn-blackhole",
        title="SYNs are dropped on the way",
        stage=_blackhole,
        only=(*_PYTHON, "node.pg"),
        lacks=_lacks_drops,
        proof="confirmed",
    ),
    Scenario(
        name="tcp-accept-then-close",
        cause="tcp-accept-then-close",
        title="whoever accepts ends the connection without a word",
        stage=database_served_by(hanging_up, query=""),
        only=(*_PYTHON, "node.pg"),
        proof="confirmed",
    ),
    Scenario(
        name="tcp-accept-then-close-plain",
        cause="tcp-accept-then-close",
        title="whoever accepts ends the connection without a word, and TLS is not asked for",
        stage=database_served_by(hanging_up),
        only=_PYTHON,
        proof="confirmed",
    ),
    Scenario(
        name="tcp-port-is-http",
        cause="tcp-port-is-http",
        title="the database's port is that of an HTTP server",
        stage=_at_port_of("NEON_FETCH_ENDPOINT", plain=True),
        only=(*_PYTHON, "node.pg"),
        proof="confirmed",
    ),
    Scenario(
        name="tcp-port-is-ssh",
        cause="tcp-port-is-ssh",
        title="the database's port is that of an SSH server",
        stage=database_served_by(greeting(b"SSH-2.0-OpenSSH_9.6\r\n"), query=""),
        only=(*_PYTHON, "node.pg"),
        proof="confirmed",
    ),
    Scenario(
        name="tcp-port-is-redis",
        cause="tcp-port-is-redis",
        title="the database's port is that of a Redis",
        stage=_at_port_of("UPSTASH_REDIS_URL", plain=True),
        only=_PYTHON,
        proof="confirmed",
    ),
    Scenario(
        name="tcp-pg-client-to-tls-port",
        cause="tcp-pg-client-to-tls-port",
        title="the database's port is that of an HTTPS server",
        stage=_at_port_of("NEON_FETCH_ENDPOINT", plain=False),
        only=(*_PYTHON, "node.pg"),
        proof="confirmed",
    ),
    Scenario(
        name="tcp-pg-client-to-tls-port-rediss",
        cause="tcp-pg-client-to-tls-port",
        title="the database's port is that of a Redis with TLS",
        stage=_at_port_of("UPSTASH_REDIS_URL", plain=False),
        only=_PYTHON,
        proof="confirmed",
    ),
)
