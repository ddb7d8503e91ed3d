"""Certificates and handshakes."""

from __future__ import annotations

from collections.abc import Callable

from repro.diagnose.cause import Cause
from repro.diagnose.causes.proxy import goes_to_a_proxy, without_proxies
from repro.diagnose.tls_changes import (
    with_a_root_file,
    with_sni,
    without_a_handshake,
    without_the_name,
    without_tls,
    without_verification,
)
from repro.diagnose.view import (
    Line,
    View,
    during,
    failed,
    is_of_the_database,
    over,
    said,
    says,
)
from repro.document import Outcome

_REASONS = frozenset({"tls_unknown_authority", "tls_expired", "tls_hostname_mismatch"})
_ENDED = ("eof", "connection_reset")
_ENDED_BY_LIBPQ = (
    "SSL error: unexpected eof while reading",
    "SSL SYSCALL error: EOF detected",
    "SSL SYSCALL error: Connection reset by peer",
)
_NO_FILE = ("No such file or directory", "ENOENT: no such file or directory")


def _certificate(failure: str) -> Callable[[View], list[Outcome]]:
    """The probes that say what is wrong with the certificate, and those of libpq that cannot at the same address.

    libpq prints one text whatever OpenSSL's reason is; where those beside it disagree, nobody knows its own.
    """

    def suspects(view: View) -> list[Outcome]:
        telling = view.where(is_of_the_database, failed(failure))
        disagrees = _at_one_of(view.where(is_of_the_database, failed(*_REASONS - {failure})))
        unsaid = says("certificate verify failed")
        silent = view.where(is_of_the_database, failed("tls_protocol"), unsaid, _at_one_of(telling))
        return _together(view, telling, [each for each in silent if not disagrees(each)])

    return suspects


def _at_one_of(outcomes: list[Outcome]) -> Callable[[Outcome], bool]:
    """Whether a probe failed at an address at which one of these did."""
    addresses = {_address(each) for each in outcomes} - {None}
    return lambda outcome: _address(outcome) in addresses


def _together(view: View, *groups: list[Outcome]) -> list[Outcome]:
    """The members of these groups, in the order of the run."""
    return [each for each in view.failing() if any(each in group for group in groups)]


def _address(outcome: Outcome) -> str | None:
    return outcome["error"]["address"] if outcome["error"] else None


def _answer_for_tls(view: View, outcome: Outcome) -> str | None:
    """The last answer to SSLRequest that a probe was seen to get: S, N, or None for none."""
    answers = [line for line in view.lines(outcome, "pg.msg") if line.get("pg.name") == "SSLResponse"]
    return answers[-1].get("pg.status") if answers else None


def _has_no_tls(view: View) -> list[Outcome]:
    """A Postgres that answered N; asyncpg says the same of any server that does not answer S."""

    def is_postgres(outcome: Outcome) -> bool:
        known = "N" if view.spoken_at(outcome) == "postgres" else _answer_for_tls(view, outcome)
        return known == "N" or (known is None and says("does not support SSL")(outcome))

    refused = says("does not support SSL", "rejected SSL upgrade")
    return view.where(is_of_the_database, failed("tls_protocol", "unsupported"), refused, is_postgres)


def _began(view: View, outcome: Outcome) -> bool:
    """Whether a TLS handshake was begun with a Postgres, and did not come to its end."""
    shaken = [line for line in view.lines(outcome, "tls.handshake") if not line.get("failure")]
    return not shaken and _answer_for_tls(view, outcome) == "S" and not view.lines(outcome, "tls.alert")


def _ended_early(view: View) -> list[Outcome]:
    """Consent to TLS, then the end of the connection in the place of a handshake, without an alert."""

    def broke_off(outcome: Outcome) -> bool:
        last = _last(view, outcome, "tls.handshake")
        return _began(view, outcome) and last is not None and last.get("failure") in _ENDED

    telling = view.where(is_of_the_database, over("tcp"), failed(*_ENDED), broke_off)
    words = says(*_ENDED_BY_LIBPQ)
    candidates = view.where(is_of_the_database, over("tcp"), failed(*_ENDED, "tls_protocol"), words)
    near = _at_one_of(telling)
    silent = [each for each in candidates if near(each) or view.spoken_at(each) == "postgres"]
    return [each for each in _together(view, telling, silent) if not _is_no_postgres(view, each)]


def _is_no_postgres(view: View, outcome: Outcome) -> bool:
    """Whether another kind of server was found there: the S of SSH's banner looks like consent to TLS."""
    return view.spoken_at(outcome) in {"ssh", "http", "redis", "smtp", "mysql", "tls"}


def _last(view: View, outcome: Outcome, op: str) -> Line | None:
    return next(reversed(view.lines(outcome, op)), None)


def _stalled(view: View) -> list[Outcome]:
    """Consent to TLS, or a port that has it from the start, and then no ServerHello in time."""

    def over_postgres(outcome: Outcome) -> bool:
        return _began(view, outcome) and not view.lines(outcome, "tls.server_hello")

    def over_the_web(outcome: Outcome) -> bool:
        last = _last(view, outcome, "tls.handshake")
        unanswered = last is not None and last.get("failure") == "timeout"
        return unanswered and view.spoken_at(outcome) in {None, "silent", "tls", "closes"}

    late = failed("timeout")
    told = view.where(is_of_the_database, over("tcp"), late, over_postgres)
    web = view.where(is_of_the_database, over("http", "websocket"), late, over_the_web)
    # psycopg waits in C: what it was waiting for nobody sees, but those beside it do
    blind = view.where(
        is_of_the_database,
        over("tcp"),
        late,
        during("connect", "tls", "authenticate"),
        _at_one_of(told),
        lambda outcome: not view.lines(outcome, "pg.msg"),
    )
    return [each for each in _together(view, told, web, blind) if not _is_no_postgres(view, each)]


def _lacks_root_file(view: View) -> list[Outcome]:
    """Libpq and asyncpg name the file; others fail to open what the URL says, such as ``system``."""
    named = says('root certificate file "')
    url = view.url()
    query = {} if url is None else url.query
    given = query.get("sslrootcert") or view.environ.get("PGSSLROOTCERT")
    others = {"sslcert", "sslkey", "sslcrl"} & set(query)

    def cannot_open(outcome: Outcome) -> bool:
        handshakes = view.lines(outcome, "tls.handshake")
        return bool(given) and not others and says(*_NO_FILE)(outcome) and not handshakes

    return view.where(
        is_of_the_database,
        over("tcp"),
        lambda outcome: (named(outcome) and "does not exist" in said(outcome)) or cannot_open(outcome),
    )


def _intercepted(view: View) -> list[Outcome]:
    """The host's own name was asked for through a proxy of the environment, and an unknown authority vouched."""

    def for_the_host(outcome: Outcome) -> bool:
        last = _last(view, outcome, "tls.handshake")
        hosts = {endpoint["host"] for endpoint in outcome["predicted"]}
        return last is not None and last.get("tls.sni") in hosts and goes_to_a_proxy(view, outcome)

    return view.where(failed("tls_unknown_authority"), for_the_host)


_TRUST = (
    "Trust the authority: sslrootcert in the URL for libpq, SSL_CERT_FILE for Python, NODE_EXTRA_CA_CERTS for Node.",
    "Look at who signed: a hosted database has a public authority, so a company's or a firewall's name there is the network's own.",
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
            "tcp-port-is-http": "who answered is a Postgres, and said N",
            "tcp-port-is-ssh": "who answered is a Postgres, and said N",
            "cfg-env-hijack": "it is the URL that requires TLS",
        },
        fix=("Locally: sslmode=disable or prefer. Elsewhere: switch TLS on in the server or the pooler.",),
        links=("https://github.com/outline/outline/issues/1501",),
        ops=("tls.handshake",),
        change=without_tls,
    ),
    Cause(
        id="tls-root-file-missing",
        layer="tls",
        title="The certificate is to be verified, and the file of authorities is not there",
        summary="sslmode=verify-ca or verify-full needs a root file. libpq and asyncpg look for ~/.postgresql/root.crt where "
        "sslrootcert names none; sslrootcert=system is a word of libpq 16, and the name of a file for all others. No "
        "handshake was begun.",
        suspects=_lacks_root_file,
        symptoms={
            "psycopg": 'root certificate file "~/.postgresql/root.crt" does not exist',
            "asyncpg": "ClientConfigurationError with the same text; for sslrootcert=system FileNotFoundError",
            "pg": "ENOENT: no such file or directory, open 'system'",
        },
        apart={"tls-untrusted-ca": "no certificate was judged: the client has no authorities to judge it by"},
        fix=(
            "Give sslrootcert the path of a file of authorities, such as certifi's or the system's.",
            "For libpq 16 and later alone: sslrootcert=system.",
        ),
        links=("https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-SSLROOTCERT",),
        ops=(),
        change=with_a_root_file,
    ),
    Cause(
        id="tls-eof-mid-handshake",
        layer="tls",
        title="The server says yes to TLS, and ends the connection in the handshake",
        summary="A Postgres, or a front of one, answered S, was sent a ClientHello, and ended the connection without an alert. "
        "Whoever ends TLS there has died, has no certificate that it can load, or takes no such version.",
        suspects=_ended_early,
        symptoms={
            "psycopg": "SSL error: unexpected eof while reading; with sslmode=prefer it may get through without TLS",
            "asyncpg": "ConnectionResetError without a text, or connection was closed in the middle of operation",
            "pg": "Client network socket disconnected before secure TLS connection was established",
        },
        apart={
            "tcp-port-is-ssh": "who answered is a Postgres; the S of SSH's banner looks like consent",
            "tcp-accept-then-close": "the server answered S before it ended the connection",
            "tls-stall": "the connection was ended",
        },
        fix=(
            "Read the log of whoever ends TLS: a front, a pooler, the server.",
            "Try another version: ssl_min_protocol_version in the URL, for libpq.",
        ),
        links=("https://www.postgresql.org/docs/current/protocol-flow.html",),
        ops=("tls.handshake", "close"),
        change=without_a_handshake,
    ),
    Cause(
        id="tls-stall",
        layer="tls",
        title="The TLS handshake gets no answer",
        summary="The connection was made, the client sent its ClientHello, and no ServerHello came in time. Something on the way "
        "drops it, for the host's name in it or for its size, or whoever ends TLS is overloaded.",
        suspects=_stalled,
        symptoms={
            "psycopg": "connection timeout expired: the text is that of a host that does not answer",
            "asyncpg": "TimeoutError without a text",
            "pg": "nothing, until its own timeout",
        },
        apart={
            "tcp-syn-blackhole": "the connection was made",
            "tcp-port-is-redis": "the server said yes to TLS first",
            "tls-eof-mid-handshake": "the connection was not ended",
        },
        fix=(
            "Try from another network, and by another name for the same server: some networks drop TLS by the host in it.",
            "Lower the MTU (1400): a large ClientHello or certificate may not get through.",
            "Look at the load of whoever ends TLS.",
        ),
        links=("https://www.rfc-editor.org/rfc/rfc2923",),
        ops=("tls.handshake",),
        change=without_a_handshake,
    ),
    Cause(
        id="tls-sni-missing",
        layer="tls",
        title="Neon cannot tell the endpoint: the TLS handshake names no host, or another one",
        summary="Neon's proxy finds the database by the name in the ClientHello (SNI). It was missing, or another one than "
        "in the options.",
        suspects=lambda view: view.where(
            is_of_the_database,
            says("Endpoint ID is not specified", "Inconsistent project name inferred from SNI"),
        ),
        symptoms={"libpq before 14, by address, or through a tunnel": "ERROR: Endpoint ID is not specified."},
        apart={
            "auth-wrong-password": "the text asks for the endpoint, not for another password",
            "tls-server-no-ssl": "the handshake succeeded; the refusal came through it",
        },
        fix=(
            "Dial the endpoint's own name, not an address or a tunnel, with libpq 14 or later, and without sslsni=0.",
            "Or options=endpoint%3D<endpoint-id> in the URL.",
        ),
        links=(
            "https://github.com/neondatabase/website/blob/main/content/docs/connect/connection-errors.md",
            "https://github.com/porsager/postgres/issues/705",
        ),
        ops=("pg.msg",),
        change=with_sni,
    ),
    Cause(
        id="tls-mitm",
        layer="tls",
        title="The proxy of the environment signs the certificates of HTTPS itself, and is not trusted",
        summary="The driver dialled the proxy of HTTPS_PROXY, asked it for the host, and was shown a certificate for it by an "
        "authority that it does not know: the proxy inspects what it carries. Browsers trust it by the system's own "
        "store; Python and Node have others.",
        suspects=_intercepted,
        symptoms={
            "fetch": "fetch failed, and below it SELF_SIGNED_CERT_IN_CHAIN",
            "httpx, websockets": "CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate",
            "psycopg, asyncpg, pg": "nothing: they read no proxy",
        },
        apart={
            "tls-untrusted-ca": "it was the proxy that was dialled, and who vouches is not the server's own authority",
            "redis-tls-trust": "it was the proxy that was dialled",
            "px-env-hijacks-local": "the proxy carried the call on",
        },
        fix=(
            "Trust the proxy's authority: SSL_CERT_FILE for Python, NODE_EXTRA_CA_CERTS or NODE_USE_SYSTEM_CA=1 for Node.",
            "Or name the hosts in NO_PROXY, where the network lets them through.",
        ),
        links=("https://github.com/upstash/context7/issues/2268",),
        ops=("tls.handshake",),
        change=without_proxies,
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
        change=without_verification,
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
        change=without_the_name,
    ),
    Cause(
        id="tls-untrusted-ca",
        layer="tls",
        title="The server's certificate is signed by an authority that is not trusted",
        summary="The handshake failed on the certificate's issuer, whom the evidence names where the driver tells. Who answered may "
        "still be the right server; or a network that inspects TLS signs in its place, with an authority of its own.",
        suspects=_certificate("tls_unknown_authority"),
        symptoms={
            "psycopg": "SSL error: certificate verify failed, without a reason",
            "asyncpg, httpx": "self-signed certificate in certificate chain, unable to get local issuer certificate",
            "pg": "SELF_SIGNED_CERT_IN_CHAIN, UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        },
        ops=("tls.handshake",),
        apart={
            "tls-expired": "the dates are not what was refused",
            "tls-hostname-mismatch": "the name is not what was refused",
            "tls-mitm": "no proxy of the environment was dialled; one that stands in the way unseen shows by who signed",
        },
        fix=_TRUST,
        links=(
            "https://github.com/brianc/node-postgres/issues/2009",
            "https://github.com/brianc/node-postgres/issues/2558",
        ),
        change=without_verification,
    ),
)
