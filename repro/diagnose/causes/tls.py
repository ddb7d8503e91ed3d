"""Certificates and handshakes."""

from __future__ import annotations

from collections.abc import Callable

from repro.diagnose.cause import Cause, Change
from repro.diagnose.urls import with_parameter
from repro.diagnose.view import (
    DATABASE_VARIABLES,
    View,
    failed,
    failed_with,
    is_of_the_database,
    says,
)
from repro.document import Outcome

_LOOPBACK = ("127.", "[::1]")


def _certificate(failure: str) -> Callable[[View], list[Outcome]]:
    """The probes that say what is wrong with the certificate, and those of libpq that cannot at the same address.

    libpq prints one text whatever OpenSSL's reason is.
    """

    def suspects(view: View) -> list[Outcome]:
        telling = [each for each in view.where(is_of_the_database) if failed_with(each, failure)]
        addresses = {_address(each) for each in telling}
        silent = [
            each
            for each in view.where(
                is_of_the_database, failed("tls_protocol"), says("certificate verify failed")
            )
            if _address(each) in addresses
        ]
        return [each for each in view.failing() if each in telling or each in silent]

    return suspects


def _address(outcome: Outcome) -> str | None:
    return outcome["error"]["address"] if outcome["error"] else None


def _has_no_tls(view: View) -> list[Outcome]:
    """A Postgres that answered N; asyncpg says the same of any server that is none."""

    def is_postgres(outcome: Outcome) -> bool:
        speaker = view.speaker(outcome)
        return speaker is None or speaker.protocol == "postgres"

    refused = says("does not support SSL", "rejected SSL upgrade")
    return view.where(is_of_the_database, failed("tls_protocol", "unsupported"), refused, is_postgres)


def _without_tls(view: View, outcome: Outcome) -> Change | None:
    """Only on this machine: a password would go in clear."""
    name = next((each for each in DATABASE_VARIABLES if each in view.variables), None)
    if name is None or not (_address(outcome) or "").startswith(_LOOPBACK) or outcome["transport"] != "tcp":
        return None
    return Change(
        words="sslmode=disable",
        probe=outcome["name"],
        command=f"repro run --only {outcome['name']}   # with sslmode=disable in {name}",
        variables={name: with_parameter(view.variables[name], "sslmode", "disable")},
    )


def _web_only(view: View) -> list[Outcome]:
    """Every driver over 443 distrusts the certificate, and every one over TCP goes through on TLS."""
    over_443 = [
        each
        for each in view.where(failed("tls_unknown_authority"))
        if {endpoint["port"] for endpoint in each["predicted"]} == {443}
    ]
    others = [
        each
        for each in view.outcomes
        if each not in over_443 and each["status"] != "skip" and is_of_the_database(each)
    ]
    through = [each for each in others if each["status"] == "pass" and view.lines(each, "tls.handshake")]
    return over_443 if over_443 and through and len(through) == len(others) else []


_TRUST = (
    "Trust the authority: sslrootcert in the URL for libpq, SSL_CERT_FILE for Python, NODE_EXTRA_CA_CERTS for Node.",
    "Do not switch the verification off: then anybody may answer.",
)

CAUSES: tuple[Cause, ...] = (
    Cause(
        id="tls-server-no-ssl",
        layer="tls",
        title="TLS is required, and the server has none",
        summary="The server was asked for TLS and answered N. The URL, or PGSSLMODE, does not let the driver go on without.",
        suspects=_has_no_tls,
        symptoms={
            "psycopg": "server does not support SSL, but SSL was required",
            "asyncpg": 'PostgreSQL server at "…" rejected SSL upgrade',
            "pg": "The server does not support SSL connections",
        },
        apart={
            "tcp-port-is-http": "who answered is a Postgres",
            "tcp-port-is-ssh": "who answered is a Postgres",
            "cfg-env-hijack": "it is the URL that requires TLS",
        },
        fix=("Locally: sslmode=disable or prefer. Elsewhere: switch TLS on in the server or the pooler.",),
        links=("https://github.com/outline/outline/issues/1501",),
        ops=("tls.handshake",),
        change=_without_tls,
    ),
    Cause(
        id="tls-sni-missing",
        layer="tls",
        title="Neon cannot tell the endpoint: the client names no host in its TLS handshake",
        summary="Neon's proxy finds the database by the name in the ClientHello (SNI). It was missing, or another one than "
        "in the options.",
        suspects=lambda view: view.where(
            is_of_the_database,
            says("Endpoint ID is not specified", "Inconsistent project name inferred from SNI"),
        ),
        symptoms={"libpq before 14, by address, or through a tunnel": "ERROR: Endpoint ID is not specified."},
        apart={"auth-wrong-password": "the text asks for the endpoint, not for another password"},
        fix=(
            "libpq 14 or later, and the endpoint's own name as the host.",
            "Or options=endpoint%3D<endpoint-id> in the URL.",
        ),
        links=(
            "https://github.com/neondatabase/website/blob/main/content/docs/connect/connection-errors.md",
        ),
        ops=("tls.handshake",),
    ),
    Cause(
        id="tls-mitm",
        layer="tls",
        title="Something on the way signs the certificates of HTTPS itself",
        summary="Every driver that goes over 443 was shown a certificate of an unknown authority, while those over the "
        "database's own port were not: a proxy that inspects HTTPS.",
        suspects=_web_only,
        symptoms={
            "fetch": "fetch failed, and below it SELF_SIGNED_CERT_IN_CHAIN",
            "httpx, websockets": "CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate",
            "psycopg, pg": "nothing: they are not intercepted",
        },
        apart={"tls-untrusted-ca": "only what goes over 443 is concerned"},
        fix=(
            "Trust the proxy's authority: SSL_CERT_FILE for Python, NODE_EXTRA_CA_CERTS or NODE_USE_SYSTEM_CA=1 for Node.",
        ),
        links=("https://github.com/upstash/context7/issues/2268",),
        ops=("tls.handshake",),
    ),
    Cause(
        id="tls-expired",
        layer="tls",
        title="The server's certificate has expired, or is not valid yet",
        summary="The handshake failed on the certificate's dates: it ended, or this machine's clock is wrong.",
        suspects=_certificate("tls_expired"),
        symptoms={
            "psycopg": "SSL error: certificate verify failed, without a reason",
            "asyncpg": "certificate has expired",
            "pg": "CERT_HAS_EXPIRED",
        },
        apart={"tls-untrusted-ca": "the dates are what was refused"},
        fix=("Renew the certificate, or set the clock.",),
        links=("https://www.postgresql.org/docs/current/libpq-ssl.html",),
        ops=("tls.handshake",),
    ),
    Cause(
        id="tls-hostname-mismatch",
        layer="tls",
        title="The server's certificate is for another host",
        summary="The certificate is trusted, and the host of the URL is none of its names.",
        suspects=_certificate("tls_hostname_mismatch"),
        symptoms={
            "psycopg": 'server certificate for "…" does not match host name "…"',
            "asyncpg": "Hostname mismatch",
            "pg": "ERR_TLS_CERT_ALTNAME_INVALID",
        },
        apart={"tls-untrusted-ca": "the authority is trusted; it is the name that differs"},
        fix=("Dial the name that is in the certificate; an address or a tunnel's localhost is another one.",),
        links=("https://www.postgresql.org/docs/current/libpq-ssl.html",),
        ops=("tls.handshake",),
    ),
    Cause(
        id="tls-untrusted-ca",
        layer="tls",
        title="The server's certificate is signed by an authority that is not trusted",
        summary="The handshake failed on the certificate's issuer. Who answered may still be the right server.",
        suspects=_certificate("tls_unknown_authority"),
        symptoms={
            "psycopg": "SSL error: certificate verify failed, without a reason",
            "asyncpg, httpx": "self-signed certificate in certificate chain, unable to get local issuer certificate",
            "pg": "SELF_SIGNED_CERT_IN_CHAIN, UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        },
        ops=("tls.handshake",),
        apart={"tls-expired": "the dates are not what was refused"},
        fix=_TRUST,
        links=("https://github.com/brianc/node-postgres/issues/2009",),
    ),
)
