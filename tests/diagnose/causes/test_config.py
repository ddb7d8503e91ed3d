"""Faults of settings, and their look-alikes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import repro
from repro.diagnose import engine
from repro.diagnose.causes import BY_ID, config
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import connect, outcome

PLAIN = "postgresql://u@localhost:5432/d"


def found(
    failing: Outcome, url: str = PLAIN, events: Any = (), environ: dict[str, str] | None = None
) -> str | None:
    view = View([failing], {failing["name"]: events}, {"DATABASE_URL": url}, environ or {})
    return engine.findings(view)[0]["cause"]


def config_invalid(name: str, message: str, kind: str = "Error") -> Outcome:
    return outcome(name, failure="config_invalid", message=message, type=kind)


def no_setting(name: str) -> Outcome:
    message = f'unrecognized configuration parameter "{name}"'
    return outcome(
        "tcp.asyncpg", failure="sql_error", operation="authenticate", sqlstate="42704", message=message
    )


def unresolved(host: str) -> Outcome:
    return outcome("x", host=host, failure="dns_nxdomain", operation="resolve")


def login(text: str, **error: Any) -> Outcome:
    return outcome("tcp.psycopg", operation="authenticate", message=text, **error)


BAD_PASSWORD = login('FATAL: password authentication failed for user "x"', failure="auth_failed")
NO_DATABASE = login('FATAL:  database "null" does not exist', failure="sql_error")
NO_MODULE = config_invalid("orm.x", "Can't load plugin: sqlalchemy.dialects:postgres", "NoSuchModuleError")
NO_EQUALS = config_invalid("tcp.psycopg", 'missing "=" after "postgresql+x://" in connection info string')
NO_TLS = outcome(
    "tcp.psycopg", operation="tls", failure="tls_protocol", message="server does not support SSL, but"
)
REJECTED = outcome("tcp.asyncpg", operation="tls", failure="tls_protocol", message="rejected SSL upgrade")
REFUSED = outcome("tcp.raw", failure="connection_refused", port=5999)
AN_N = [{"seq": 1, "op": "pg.msg", "pg.name": "SSLResponse", "pg.status": "N"}]
AN_H = [{"seq": 1, "op": "pg.msg", "pg.name": "SSLResponse", "pg.status": "H"}]
REQUIRED = {"PGSSLMODE": "require"}


@pytest.mark.parametrize(
    ("failing", "url", "cause"),
    [
        (unresolved("undefined"), PLAIN, "cfg-url-missing"),
        (unresolved("undefined.example"), PLAIN, "dns-nxdomain"),
        (BAD_PASSWORD, "postgresql://undefined:undefined@h/d", "cfg-url-missing"),
        (NO_DATABASE, "postgresql://u@h/null", "cfg-url-missing"),
        (NO_DATABASE, PLAIN, "cfg-wrong-database"),
        (login("FATAL:  no such database: d", failure="sql_error", sqlstate="08P01"), PLAIN, "not"),
        (NO_MODULE, "postgres://u@h/d", "cfg-sa-postgres-scheme"),
        (NO_MODULE, PLAIN, "not"),
        (NO_EQUALS, "postgresql+asyncpg://u@h/d", "cfg-scheme-crossed"),
        (NO_EQUALS, PLAIN, "not"),
        (config_invalid("tcp.raw", "the URL's scheme is neither postgresql nor postgres"),
         "postgresql+asyncpg://u@h/d", "cfg-scheme-crossed"),
        (config_invalid("o", "connect() got an unexpected keyword argument 'channel_binding'"), PLAIN,
         "cfg-sa-asyncpg-sslmode"),
        (config_invalid("o", "connect() got an unexpected keyword argument 'x'"), PLAIN + "?x=1",
         "cfg-sa-asyncpg-sslmode"),
        (config_invalid("o", "connect() got an unexpected keyword argument 'x'"), PLAIN, "not"),
        (no_setting("channel_binding"), PLAIN + "?channel_binding=require", "cfg-asyncpg-unknown-param"),
        (no_setting("channel_binding"), PLAIN, "not"),
        (no_setting("x.y"), PLAIN + "?options=-c%20x.y%3D1", "not"),
        (config_invalid("tcp.psycopg", 'invalid URI query parameter: "pgbouncer"'), PLAIN + "?pgbouncer=true",
         "cfg-asyncpg-unknown-param"),
        (login("x", failure="sql_error", sqlstate="08P01"), PLAIN + "?pgbouncer=true", "not"),
        (outcome("o", failure="x", type="MissingGreenlet"), PLAIN, "cfg-missing-greenlet"),
        (outcome("o", failure="x", message="got Future attached to a different loop"), PLAIN,
         "cfg-cross-event-loop"),
        (outcome("o", failure="x", message="another operation is in progress"), PLAIN, "not"),
        (outcome("o", failure="x", message="Module not found: Can't resolve 'net'"), PLAIN,
         "cfg-edge-runtime-net"),
        (outcome("o", failure="x", message="Psycopg cannot use the 'ProactorEventLoop' to run in"), PLAIN,
         "cfg-windows-proactor"),
        (config_invalid("ws.neon", "it names no host", "MalformedUrl"), "postgresql:///d",
         "config-host-missing"),
        (config_invalid("ws.neon", "its host is malformed", "MalformedUrl"), PLAIN, "config-url-malformed"),
    ],
)  # fmt: skip
def test_settings_by_their_evidence(failing: Outcome, url: str, cause: str) -> None:
    cause_found = found(failing, url)
    assert cause_found == cause if cause != "not" else cause_found not in {each.id for each in config.CAUSES}


@pytest.mark.parametrize(
    ("failing", "url", "events", "environ", "hijacked"),
    [
        (NO_TLS, PLAIN, [], REQUIRED, True),
        (NO_TLS, PLAIN, [], {}, False),
        (NO_TLS, PLAIN, [], {"PGSSLMODE": "prefer"}, False),
        (NO_TLS, PLAIN + "?sslmode=require", [], REQUIRED, False),
        (REJECTED, PLAIN, AN_N, REQUIRED, True),
        (REJECTED, PLAIN, AN_H, REQUIRED, False),
        (login("no pg_hba.conf entry for host, no encryption", failure="auth_failed"), PLAIN, [],
         {"PGSSLMODE": "disable"}, True),
        (REFUSED, "postgresql://u@localhost/d", [connect(5999, "ECONNREFUSED")], {"PGPORT": "5999"}, True),
        (REFUSED, "postgresql://u@localhost:5999/d", [connect(5999, "ECONNREFUSED")], {"PGPORT": "5999"},
         False),
        (REFUSED, "postgresql://u@localhost/d", [connect(5432, "ECONNREFUSED")], {"PGPORT": "5999"}, False),
        (REFUSED, PLAIN, [connect(5432, "ECONNREFUSED", "10.0.0.9")], {"PGHOSTADDR": "10.0.0.9"}, True),
        (REFUSED, PLAIN, [connect(5432, "ECONNREFUSED")], {"PGHOSTADDR": "10.0.0.9"}, False),
    ],
)  # fmt: skip
def test_a_variable_that_decides_what_the_url_leaves_out(
    failing: Outcome, url: str, events: Any, environ: dict[str, str], hijacked: bool
) -> None:
    assert (found(failing, url, events, environ) == "cfg-env-hijack") is hijacked


def test_no_experiment_sends_a_login_in_clear_to_another_machine() -> None:
    far = "postgresql://u:p@db.example.com/d"
    cause = BY_ID["cfg-env-hijack"]
    assert cause.change(View([NO_TLS], {}, {"DATABASE_URL": far}, REQUIRED), NO_TLS) is None
    near = cause.change(View([NO_TLS], {}, {"DATABASE_URL": PLAIN}, REQUIRED), NO_TLS)
    assert near is not None
    assert near.environment == {"PGSSLMODE": None}
    bound = far + "?channel_binding=require"
    failing = no_setting("channel_binding")
    change = BY_ID["cfg-asyncpg-unknown-param"].change
    assert change(View([failing], {}, {"DATABASE_URL": bound}), failing) is None
    assert change(View([failing], {}, {"DATABASE_URL": bound + "&sslmode=require"}), failing) is not None
    near_by_its_host_alone = f"{PLAIN}?channel_binding=require&hostaddr=203.0.113.7"
    assert change(View([failing], {}, {"DATABASE_URL": near_by_its_host_alone}), failing) is None
    by_method = f"{far}?channel_binding=prefer&require_auth=scram-sha-256"
    assert change(View([failing], {}, {"DATABASE_URL": by_method}), failing) is None


@pytest.mark.parametrize("secret", ["s3cret"])
def test_no_command_holds_the_password(secret: str) -> None:
    url = f"postgres://u:{secret}@127.0.0.1:5432/d?sslmode=require&password={secret}"
    failing = [
        NO_MODULE,
        no_setting("channel_binding"),
        config_invalid("o", "connect() got an unexpected keyword argument 'sslmode'"),
        outcome("node.vercel", failure="config_invalid", type="VercelPostgresError"),
    ]
    view = View(failing, {}, {"DATABASE_URL": url})
    for cause in config.CAUSES:
        for each in failing:
            change = cause.change(view, each)
            assert change is None or secret not in change.command + change.words


def test_every_id_that_the_command_line_prints_of_a_setting_is_known() -> None:
    package = Path(repro.__file__).parent
    texts = [(package / name).read_text() for name in ("persistence/settings.py", "cli/target.py")]
    printed = set(re.findall(r"[\"\[]((?:cfg|config)-[a-z-]+)[\"\]]", "".join(texts)))
    assert printed
    assert printed <= set(BY_ID)
