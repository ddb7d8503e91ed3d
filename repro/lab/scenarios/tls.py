"""Certificates and handshakes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from repro.lab.faults.authority import signed
from repro.lab.faults.fronts import before_postgres, tls_before, without_sni
from repro.lab.faults.interception import intercepting
from repro.lab.faults.servers import error_of_neon, serving, silent
from repro.lab.process import Lab
from repro.lab.scenarios.scenario import Scenario, Scene, Stage
from repro.lab.scenarios.targets import (
    DATABASE,
    QUEUE,
    database_served_by,
    of_the_lab,
    url,
    with_database_url,
    with_environment,
)

_PYTHON = ("tcp.raw", "tcp.psycopg", "tcp.asyncpg")
_OVER_TCP = (*_PYTHON, "node.pg")
_ON_THE_WEB = ("http.neon", "ws.neon")
_UNTRUSTED = {"SSL_CERT_FILE": None, "NODE_EXTRA_CA_CERTS": None}

_NO_ENDPOINT = error_of_neon(
    "Endpoint ID is not specified. Either please upgrade the postgres client library (libpq) for SNI support "
    "or pass the endpoint ID (first part of the domain name) as a parameter: "
    "'?options=endpoint%3D<endpoint-id>'. See more at https://neon.tech/sni",
)


def _port(lab: Lab) -> int:
    return urlsplit(lab.environment["DATABASE_URL"]).port or 0


def _verified(ca: Path) -> str:
    return f"sslmode=verify-full&sslrootcert={ca}"


@contextlib.contextmanager
def _inspected(lab: Lab) -> Iterator[Scene]:
    """A proxy in the environment that answers for localhost with a certificate of its own."""
    with signed("localhost") as shown, serving(intercepting(shown.context)) as port:
        scene = of_the_lab(lab, *DATABASE, *QUEUE)
        none = dict.fromkeys(("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"))
        yield Scene(scene.variables, {**scene.environment, **none, "HTTPS_PROXY": f"http://127.0.0.1:{port}"})


@contextlib.contextmanager
def _silent_gateway(lab: Lab) -> Iterator[Scene]:
    """At Neon's endpoints somebody accepts, and says nothing."""
    with serving(silent) as port:
        yield of_the_lab(
            lab,
            *DATABASE,
            NEON_FETCH_ENDPOINT=f"https://127.0.0.1:{port}/sql",
            NEON_WS_PROXY=f"127.0.0.1:{port}/v2",
        )


@contextlib.contextmanager
def _of_another_authority(lab: Lab) -> Iterator[Scene]:
    """The lab's Postgres, and a root file with an authority that did not sign its certificate."""
    with signed("localhost") as other:
        changed = url(lab.environment["DATABASE_URL"], query=_verified(other.ca))
        yield of_the_lab(lab, *DATABASE, DATABASE_URL=changed)


def _behind_a_front(*names: str, expired: bool = False) -> Stage:
    """The lab's Postgres behind TLS with another certificate, whose authority is trusted."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        with (
            signed(*names, expired=expired) as shown,
            tls_before("postgres", ("127.0.0.1", _port(lab)), shown.context) as port,
        ):
            changed = url(lab.environment["DATABASE_URL"], port=port, query=_verified(shown.ca))
            yield of_the_lab(lab, *DATABASE, DATABASE_URL=changed)

    return stage


def _gateway_behind_a_front(*names: str, expired: bool = False) -> Stage:
    """The lab's Neon gateway behind TLS with another certificate, whose authority is trusted."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        gateway = urlsplit(lab.plain["NEON_FETCH_ENDPOINT"]).port or 0
        with (
            signed(*names, expired=expired) as shown,
            tls_before("tls", ("127.0.0.1", gateway), shown.context) as port,
        ):
            scene = of_the_lab(
                lab,
                *DATABASE,
                NEON_FETCH_ENDPOINT=f"https://localhost:{port}/sql",
                NEON_WS_PROXY=f"localhost:{port}/v2",
            )
            trust = {"SSL_CERT_FILE": str(shown.ca), "NODE_EXTRA_CA_CERTS": str(shown.ca)}
            yield Scene(scene.variables, trust)

    return stage


def _asking_for_sni(**changes: str) -> Stage:
    """The lab's Postgres behind a front that must be told a host in the handshake, as Neon's proxy must."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        with signed("localhost") as shown:
            handler = without_sni(shown.context, _NO_ENDPOINT, _port(lab))
            with serving(handler) as port:
                changed = url(lab.environment["DATABASE_URL"], port=port, **changes)
                yield of_the_lab(lab, *DATABASE, DATABASE_URL=changed)

    return stage


def _answering_tls(answer: bytes, query: str = "sslmode=require", *, stalls: bool = False) -> Stage:
    """The lab's Postgres behind something that answers the question for TLS so."""

    @contextlib.contextmanager
    def stage(lab: Lab) -> Iterator[Scene]:
        handler = before_postgres(_port(lab), to_tls=answer, stalls=stalls)
        with database_served_by(handler, query)(lab) as scene:
            yield scene

    return stage


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="tls-server-no-ssl",
        cause="tls-server-no-ssl",
        title="the URL requires TLS, and the server has none",
        stage=_answering_tls(b"N"),
        only=(*_OVER_TCP, "orm.sqlalchemy-psycopg"),
        proof="confirmed",
    ),
    Scenario(
        name="tls-untrusted-ca",
        cause="tls-untrusted-ca",
        title="the root file of the URL holds another authority than the one that signed",
        stage=_of_another_authority,
        only=_OVER_TCP,
        proof="confirmed",
    ),
    Scenario(
        name="tls-untrusted-ca-web",
        cause="tls-untrusted-ca",
        title="the authority of Neon's endpoints is not trusted",
        stage=with_environment(with_database_url(), _UNTRUSTED),
        only=(*_ON_THE_WEB, "node.neon-http", "node.neon-ws"),
        proof="confirmed",
    ),
    Scenario(
        name="tls-expired",
        cause="tls-expired",
        title="the server's certificate ended a month ago",
        stage=_behind_a_front("localhost", expired=True),
        only=_OVER_TCP,
        proof="confirmed",
    ),
    Scenario(
        name="tls-expired-web",
        cause="tls-expired",
        title="the certificate of Neon's endpoints ended a month ago",
        stage=_gateway_behind_a_front("localhost", expired=True),
        only=(*_ON_THE_WEB, "node.neon-http", "node.neon-ws"),
        proof="confirmed",
    ),
    Scenario(
        name="tls-hostname-mismatch",
        cause="tls-hostname-mismatch",
        title="the server's certificate is for another host",
        stage=_behind_a_front("db.txrepro.test"),
        only=_OVER_TCP,
        proof="confirmed",
    ),
    Scenario(
        name="tls-hostname-mismatch-web",
        cause="tls-hostname-mismatch",
        title="the certificate of Neon's endpoints is for another host",
        stage=_gateway_behind_a_front("db.txrepro.test"),
        only=(*_ON_THE_WEB, "node.neon-http", "node.neon-ws"),
        proof="confirmed",
    ),
    Scenario(
        name="tls-mitm",
        cause="tls-mitm",
        title="the proxy of the environment inspects HTTPS",
        stage=_inspected,
        only=("tcp.psycopg", *_ON_THE_WEB, "push.upstash-rest", "push.redis-tcp"),
        proof="confirmed",
    ),
    Scenario(
        name="tls-sni-missing",
        cause="tls-sni-missing",
        title="the server finds the database by the name in the handshake, and libpq is told to leave it out",
        stage=_asking_for_sni(query="sslmode=require&sslsni=0"),
        only=("tcp.psycopg", "orm.sqlalchemy-psycopg"),
        proof="confirmed",
    ),
    Scenario(
        name="tls-sni-missing-by-address",
        cause="tls-sni-missing",
        title="the server finds the database by the name in the handshake, and is dialled by its address",
        stage=_asking_for_sni(query="sslmode=require", host="127.0.0.1"),
        only=_PYTHON,
        proof="confirmed",
    ),
    Scenario(
        name="tls-eof-mid-handshake",
        cause="tls-eof-mid-handshake",
        title="the server says yes to TLS, and ends the connection at the first word of it",
        stage=_answering_tls(b"S"),
        only=_OVER_TCP,
        proof="confirmed",
    ),
    Scenario(
        name="tls-stall",
        cause="tls-stall",
        title="the server says yes to TLS, and no answer comes to the first word of it",
        stage=_answering_tls(b"S", stalls=True),
        only=_PYTHON,
        proof="confirmed",
    ),
    Scenario(
        name="tls-stall-web",
        cause="tls-stall",
        title="at Neon's endpoints no answer comes to a ClientHello",
        stage=_silent_gateway,
        only=_ON_THE_WEB,
        proof="confirmed",
    ),
    Scenario(
        name="tls-root-file-missing",
        cause="tls-root-file-missing",
        title="the certificate is to be verified, and there is no root file",
        stage=with_environment(with_database_url(query="sslmode=verify-full"), {"HOME": "/nonexistent"}),
        only=("tcp.psycopg", "tcp.asyncpg", "orm.sqlalchemy-psycopg"),
        proof="confirmed",
    ),
    Scenario(
        name="tls-root-file-missing-system",
        cause="tls-root-file-missing",
        title="sslrootcert=system, which only libpq knows, is taken for the name of a file",
        stage=with_database_url(query="sslmode=verify-full&sslrootcert=system"),
        only=_OVER_TCP,
        explains=("tcp.asyncpg", "node.pg"),
        proof="confirmed",
    ),
)
