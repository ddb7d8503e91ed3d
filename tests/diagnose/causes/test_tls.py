"""Faults of TLS, and their look-alikes; and that no experiment gives a password away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID, tls
from repro.diagnose.view import View
from repro.document import Outcome
from repro.observe.peers import Speaker
from tests.diagnose.test_engine import URL, connect, outcome

NEAR, FAR = "127.0.0.1:5432", "203.0.113.7:5432"
KNOWN = {cause.id for cause in tls.CAUSES}
VERIFY = {"DATABASE_URL": f"{URL['DATABASE_URL']}?sslmode=verify-full&sslrootcert=/ca.pem"}
SYSTEM = {"DATABASE_URL": f"{URL['DATABASE_URL']}?sslmode=verify-full&sslrootcert=system"}


def failing(
    name: str, failure: str, message: str = "", *, address: str = NEAR, operation: str = "tls", **error: Any
) -> Outcome:
    return outcome(name, failure=failure, message=message, operation=operation, address=address, **error)


def answered(status: str) -> dict[str, Any]:
    return {
        "seq": 2,
        "op": "pg.msg",
        "peer": None,
        "failure": None,
        "pg.name": "SSLResponse",
        "pg.status": status,
    }


def handshake(failure: str | None = None, sni: str = "localhost") -> dict[str, Any]:
    return {"seq": 4, "op": "tls.handshake", "peer": None, "failure": failure, "tls.sni": sni}


def line(op: str) -> dict[str, Any]:
    return {"seq": 3, "op": op, "peer": None, "failure": None}


def found(
    outcomes: list[Outcome],
    events: dict[str, Any] | None = None,
    *,
    variables: dict[str, str] | None = None,
    environ: dict[str, str] | None = None,
    speaks: str | None = None,
) -> dict[str | None, list[str]]:
    peers = {} if speaks is None else {NEAR: Speaker(NEAR, speaks)}
    findings = engine.findings(View(outcomes, events or {}, variables or URL, environ or {}, peers))
    return {each["cause"]: each["probes"] for each in findings if each["cause"] in KNOWN}


LIBPQ_UNVERIFIED = failing("tcp.psycopg", "tls_protocol", "SSL error: certificate verify failed")


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        ("tls_unknown_authority", "tls-untrusted-ca"),
        ("tls_expired", "tls-expired"),
        ("tls_hostname_mismatch", "tls-hostname-mismatch"),
    ],
)
def test_a_certificate_by_its_reason_and_libpq_by_those_beside_it(failure: str, cause: str) -> None:
    telling = failing("tcp.asyncpg", failure)
    assert found([LIBPQ_UNVERIFIED, telling]) == {cause: ["tcp.psycopg", "tcp.asyncpg"]}
    assert found([LIBPQ_UNVERIFIED]) == {}, "libpq alone does not say why"
    elsewhere = failing("tcp.asyncpg", failure, address=FAR)
    assert found([LIBPQ_UNVERIFIED, elsewhere]) == {cause: ["tcp.asyncpg"]}


def test_where_others_disagree_nobody_knows_why_libpq_refused() -> None:
    told = [failing("tcp.asyncpg", "tls_expired"), failing("node.pg", "tls_unknown_authority")]
    assert found([LIBPQ_UNVERIFIED, *told]) == {
        "tls-expired": ["tcp.asyncpg"],
        "tls-untrusted-ca": ["node.pg"],
    }


def test_the_queue_has_a_cause_of_its_own() -> None:
    assert found([failing("push.redis-tcp", "tls_unknown_authority")]) == {}


NO_SSL = "server does not support SSL, but SSL was required"
REJECTED = 'PostgreSQL server at "127.0.0.1:5432" rejected SSL upgrade'


@pytest.mark.parametrize(
    ("message", "events", "speaks", "is_it"),
    [
        (NO_SSL, [], None, True),
        (NO_SSL, [answered("N")], "postgres", True),
        (REJECTED, [answered("N")], None, True),
        (REJECTED, [], "postgres", True),
        (REJECTED, [], None, False),
        (REJECTED, [answered("H")], "http", False),
        (REJECTED, [], "ssh", False),
        ("wrong version number", [answered("S")], None, False),
    ],
)
def test_a_server_without_tls(message: str, events: list[Any], speaks: str | None, is_it: bool) -> None:
    causes = found([failing("tcp.asyncpg", "tls_protocol", message)], {"tcp.asyncpg": events}, speaks=speaks)
    assert ("tls-server-no-ssl" in causes) is is_it


BEGUN = [connect(5432), answered("S")]
LIBPQ_EOF = "SSL error: unexpected eof while reading"


@pytest.mark.parametrize(
    ("failure", "events", "speaks", "cause"),
    [
        ("eof", [*BEGUN, handshake("eof")], "postgres", "tls-eof-mid-handshake"),
        ("connection_reset", [*BEGUN, handshake("connection_reset")], None, "tls-eof-mid-handshake"),
        ("eof", [*BEGUN, handshake("eof")], "ssh", None),
        ("eof", [*BEGUN, line("tls.alert"), handshake("eof")], "postgres", None),
        ("eof", [*BEGUN, handshake()], "postgres", None),
        ("eof", BEGUN, "postgres", None),
        ("eof", [connect(5432), handshake("eof")], "closes", None),
        ("timeout", [*BEGUN, handshake("timeout")], None, "tls-stall"),
        ("timeout", BEGUN, "postgres", "tls-stall"),
        ("timeout", [*BEGUN, line("tls.server_hello"), handshake("timeout")], None, None),
        ("timeout", [*BEGUN, handshake()], None, None),
        ("timeout", [connect(5432)], "silent", None),
        ("timeout", [connect(5432)], "redis", None),
        ("timeout", BEGUN, "redis", None),
    ],
)
def test_a_handshake_that_does_not_end(
    failure: str, events: list[Any], speaks: str | None, cause: str | None
) -> None:
    causes = found([failing("tcp.raw", failure)], {"tcp.raw": events}, speaks=speaks)
    assert causes == ({} if cause is None else {cause: ["tcp.raw"]})


def test_libpq_saw_the_same_end_at_the_same_address() -> None:
    libpq = failing("tcp.psycopg", "tls_protocol", LIBPQ_EOF)
    raw = failing("tcp.raw", "eof")
    events = {"tcp.raw": [*BEGUN, handshake("eof")]}
    assert found([libpq], speaks="postgres") == {"tls-eof-mid-handshake": ["tcp.psycopg"]}
    assert found([libpq, raw], events) == {"tls-eof-mid-handshake": ["tcp.psycopg", "tcp.raw"]}
    assert found([libpq]) == {}
    assert found([libpq], speaks="ssh") == {}


def test_libpq_waited_for_the_same_at_the_same_address() -> None:
    libpq = failing("tcp.psycopg", "timeout", operation="connect")
    raw = failing("tcp.raw", "timeout")
    events = {"tcp.raw": BEGUN}
    assert found([libpq, raw], events) == {"tls-stall": ["tcp.psycopg", "tcp.raw"]}
    assert found([libpq], {"tcp.psycopg": [connect(5432)]}) == {}, "nobody saw what it waited for"
    understood = {**events, "tcp.asyncpg": [connect(5432), {**answered("N"), "pg.name": "AuthenticationOk"}]}
    later = failing("tcp.asyncpg", "timeout", operation="authenticate")
    assert found([later, raw], understood) == {"tls-stall": ["tcp.raw"]}
    elsewhere = failing("tcp.psycopg", "timeout", operation="connect", address=FAR)
    assert found([elsewhere, raw], events) == {"tls-stall": ["tcp.raw"]}


@pytest.mark.parametrize(
    ("events", "speaks", "is_it"),
    [
        ([connect(5432), handshake("timeout")], "silent", True),
        ([connect(5432), handshake("timeout")], "http", False),
        ([connect(5432), handshake()], "tls", False),
        ([connect(5432)], "silent", False),
    ],
)
def test_a_stall_over_https(events: list[Any], speaks: str, is_it: bool) -> None:
    late = failing("http.neon", "timeout", protocol="https")
    assert ("tls-stall" in found([late], {"http.neon": events}, speaks=speaks)) is is_it


@pytest.mark.parametrize(
    ("name", "message", "variables", "environ", "is_it"),
    [
        ("tcp.psycopg", 'root certificate file "/h/root.crt" does not exist', URL, {}, True),
        ("tcp.psycopg", 'could not read root certificate file "/h/root.crt": no certificate', URL, {}, False),
        ("tcp.asyncpg", "[Errno 2] No such file or directory", SYSTEM, {}, True),
        ("tcp.asyncpg", "[Errno 2] No such file or directory", URL, {"PGSSLROOTCERT": "system"}, True),
        ("node.pg", "ENOENT: no such file or directory, open 'system'", SYSTEM, {}, True),
        ("tcp.asyncpg", "[Errno 2] No such file or directory", URL, {}, False),
        (
            "tcp.asyncpg",
            "[Errno 2] No such file or directory",
            {"DATABASE_URL": f"{SYSTEM['DATABASE_URL']}&sslkey=/k.pem"},
            {},
            False,
        ),
        ("http.neon", "[Errno 2] No such file or directory", SYSTEM, {}, False),
    ],
)
def test_no_root_file(
    name: str, message: str, variables: dict[str, str], environ: dict[str, str], is_it: bool
) -> None:
    protocol = "https" if name == "http.neon" else "postgresql"
    refused = failing(name, "unknown_failure: ENOENT", message, operation="connect", protocol=protocol)
    causes = found([refused], variables=variables, environ=environ)
    assert ("tls-root-file-missing" in causes) is is_it


def test_a_handshake_that_succeeded_had_its_root_file() -> None:
    later = failing("tcp.asyncpg", "unknown_failure: ENOENT", "[Errno 2] No such file or directory")
    assert found([later], {"tcp.asyncpg": [handshake()]}, variables=SYSTEM) == {}


PROXY = {"HTTPS_PROXY": "http://127.0.0.1:8888"}


@pytest.mark.parametrize(
    ("dialled", "sni", "environ", "cause"),
    [
        (8888, "localhost", PROXY, "tls-mitm"),
        (8888, "localhost", {}, "tls-untrusted-ca"),
        (443, "localhost", PROXY, "tls-untrusted-ca"),
        (8888, "127.0.0.1", PROXY, "tls-untrusted-ca"),  # the certificate of the proxy itself
    ],
)
def test_a_proxy_that_inspects(dialled: int, sni: str, environ: dict[str, str], cause: str) -> None:
    refused = failing("http.neon", "tls_unknown_authority", protocol="https", port=443)
    events = {"http.neon": [connect(dialled), handshake("tls_unknown_authority", sni)]}
    assert found([refused], events, environ=environ) == {cause: ["http.neon"]}


@pytest.mark.parametrize(
    ("environ", "cause"), [({}, "tls-untrusted-ca"), ({"HTTPS_PROXY": "http://127.0.0.1:443"}, "tls-mitm")]
)
def test_who_signed_is_told(environ: dict[str, str], cause: str) -> None:
    refused = failing("http.neon", "tls_unknown_authority", protocol="https", port=5433)
    shown = {**handshake("tls_unknown_authority"), "tls.issuer": "Acme Inspection"}
    (finding,) = engine.findings(View([refused], {"http.neon": [connect(443), shown]}, URL, environ, {}))
    assert finding["cause"] == cause
    told = "tls.handshake tls_unknown_authority (the certificate is signed by Acme Inspection)"
    assert told in [each["text"] for each in finding["evidence"]]


def test_neon_asks_for_the_endpoint() -> None:
    asked = failing("tcp.psycopg", "sql_error", "ERROR: Endpoint ID is not specified. Either please upgrade")
    refused = failing("tcp.psycopg", "sql_error", "ERROR: password authentication failed for user 'neon'")
    assert found([asked]) == {"tls-sni-missing": ["tcp.psycopg"]}
    assert found([refused]) == {}


def changed(cause: str, failing: Outcome, variables: dict[str, str], **environ: str) -> Any:
    return BY_ID[cause].change(View([failing], {}, variables, environ), failing)


@pytest.mark.parametrize(
    "cause",
    ["tls-server-no-ssl", "tls-eof-mid-handshake", "tls-stall", "tls-expired", "tls-untrusted-ca",
     "tls-hostname-mismatch"],
)  # fmt: skip
def test_tls_and_its_checks_are_taken_away_on_this_machine_only(cause: str) -> None:
    assert changed(cause, failing("tcp.raw", "tls_protocol", address=FAR), VERIFY) is None
    near = changed(cause, failing("tcp.raw", "tls_protocol"), VERIFY)
    assert near.variables["DATABASE_URL"].startswith(URL["DATABASE_URL"])
    assert "sslmode=verify-full" not in near.variables["DATABASE_URL"]
    assert ":p@" not in near.command


def test_only_the_name_is_left_unverified() -> None:
    near = changed("tls-hostname-mismatch", failing("tcp.raw", "tls_hostname_mismatch"), VERIFY)
    assert near.variables["DATABASE_URL"].endswith("?sslrootcert=/ca.pem&sslmode=verify-ca")


@pytest.mark.parametrize(("probe", "mode"), [("tcp.raw", "require"), ("node.pg", "no-verify")])
def test_libpq_verifies_where_it_has_a_root_file(probe: str, mode: str) -> None:
    near = changed("tls-expired", failing(probe, "tls_expired"), VERIFY)
    assert near.variables == {"DATABASE_URL": f"{URL['DATABASE_URL']}?sslmode={mode}"}
    assert near.environment == {"PGSSLROOTCERT": None}


def test_over_https_the_lab_stands_in() -> None:
    web = failing("http.neon", "tls_expired", protocol="https", address=FAR)
    assert changed("tls-expired", web, URL).in_the_lab


def test_another_root_file_verifies_as_much(tmp_path: Path) -> None:
    refused = failing("tcp.asyncpg", "unknown_failure: ENOENT", address=FAR)
    bundle = tmp_path / "bundle.pem"
    assert changed("tls-root-file-missing", refused, SYSTEM, SSL_CERT_FILE=str(bundle)) is None
    bundle.touch()
    change = changed("tls-root-file-missing", refused, SYSTEM, SSL_CERT_FILE=str(bundle))
    assert change.variables["DATABASE_URL"].endswith(f"?sslmode=verify-full&sslrootcert={bundle}")


@pytest.mark.parametrize(
    ("url", "into"),
    [
        ("postgresql://u:p@db.test/d?sslsni=0", "postgresql://u:p@db.test/d?sslsni=1"),
        ("postgresql://u:p@127.0.0.1:5/d", "postgresql://u:p@localhost:5/d"),
        ("postgresql://u:p@203.0.113.7/d", None),
        ("postgresql://u:p@db.test/d", None),
    ],
)
def test_the_name_in_the_handshake_is_given_back(url: str, into: str | None) -> None:
    change = changed("tls-sni-missing", failing("tcp.psycopg", "sql_error"), {"DATABASE_URL": url})
    assert (None if change is None else change.variables["DATABASE_URL"]) == into
