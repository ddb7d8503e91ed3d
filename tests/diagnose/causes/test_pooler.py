"""What a pooler says and does, and what is nearly it."""

from __future__ import annotations

from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID
from repro.diagnose.causes.pooler import is_pooled
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import URL, connect, outcome

AT = "127.0.0.1:5432"
MADE_UP = 3_584_133_521
PROCESS = 4242


def message(name: str, **fields: Any) -> dict[str, Any]:
    told = {f"pg.{key}": value for key, value in fields.items()}
    peer = {"address": "127.0.0.1", "port": 5432}
    return {"op": "pg.msg", "seq": 2, "failure": None, "peer": peer, "pg.name": name, **told}


def login(pid: int, *, standby: str = "off", read_only: str = "off") -> list[dict[str, Any]]:
    """What was seen of a login: who answered, and how its sessions begin."""
    return [
        connect(5432),
        message("ParameterStatus", parameter="in_hot_standby", parameter_value=standby),
        message("ParameterStatus", parameter="default_transaction_read_only", parameter_value=read_only),
        message("BackendKeyData", pid=pid),
    ]


def failing(
    name: str = "tcp.asyncpg", *, operation: str = "insert", failure: str = "sql_error", **error: Any
) -> Outcome:
    return outcome(name, operation=operation, failure=failure, address=AT, **error)


def passing(name: str, *backends: int) -> Outcome:
    found = outcome(name)
    found["atomicity"]["backends"] = list(backends)
    return found


def found(
    outcomes: list[Outcome], events: dict[str, Any] | None = None, variables: dict[str, str] | None = None
) -> dict[str | None, list[str]]:
    findings = engine.findings(View(outcomes, events or {}, URL if variables is None else variables))
    return {finding["cause"]: finding["probes"] for finding in findings}


@pytest.mark.parametrize(
    ("key", "backends", "pooled"),
    [
        (PROCESS, [PROCESS], False),
        (PROCESS, [17], True),
        (MADE_UP, [], True),
        (PROCESS, [], None),
    ],
)
def test_a_pooler_is_known_by_a_key_that_is_no_process(
    key: int, backends: list[int], pooled: bool | None
) -> None:
    view = View([passing("tcp.raw", *backends)], {"tcp.raw": login(key)}, URL)
    assert is_pooled(view, AT) is pooled


def test_a_key_and_another_probes_process_say_nothing() -> None:
    outcomes = [failing("tcp.raw", sqlstate="25006"), passing("tcp.psycopg", 17)]
    events = {"tcp.raw": login(PROCESS), "tcp.psycopg": [connect(5432)]}
    assert is_pooled(View(outcomes, events, URL), AT) is None


ASYNCPG_EXISTS = 'prepared statement "__asyncpg_stmt_1__" already exists'
ASYNCPG_MISSING = 'prepared statement "__asyncpg_stmt_e__" does not exist'
OTHER = 'bind message supplies 4 parameters, but prepared statement "__asyncpg_stmt_5__" requires 0'
COLUMNS = "the number of columns in the result row (1) is different from what was described (2)"


@pytest.mark.parametrize(
    ("sqlstate", "text", "key", "cause"),
    [
        ("42P05", ASYNCPG_EXISTS, MADE_UP, "pool-prepared-duplicate"),
        ("42P05", 'prepared statement "q0" already exists', MADE_UP, "pool-prepared-duplicate"),
        ("42P05", 'prepared statement "_pg3_0" already exists', None, "pool-prepared-duplicate"),
        ("42P05", 'prepared statement "q0" already exists', None, None),
        ("26000", ASYNCPG_MISSING, MADE_UP, "pool-prepared-missing"),
        ("26000", ASYNCPG_MISSING, None, None),
        ("08P01", OTHER, MADE_UP, "pool-wrong-plan"),
        ("08P01", 'bind message supplies 1 parameters, but prepared statement "" requires 0', MADE_UP, None),
    ],
)
def test_prepared_statements(sqlstate: str, text: str, key: int | None, cause: str | None) -> None:
    events = {} if key is None else {"tcp.asyncpg": login(key)}
    assert found([failing(sqlstate=sqlstate, message=text)], events) == {cause: ["tcp.asyncpg"]}


@pytest.mark.parametrize(("sqlstate", "text"), [("42P05", ASYNCPG_EXISTS), ("26000", ASYNCPG_MISSING)])
def test_a_postgres_without_a_pooler_is_not_blamed_on_one(sqlstate: str, text: str) -> None:
    outcomes = [failing(sqlstate=sqlstate, message=text), passing("tcp.raw", PROCESS)]
    assert found(outcomes, {"tcp.raw": login(PROCESS), "tcp.asyncpg": [connect(5432)]}) == {
        None: ["tcp.asyncpg"]
    }


def test_who_takes_its_own_statements_back_misses_them() -> None:
    events = {"tcp.asyncpg": [*login(MADE_UP), message("Query", sql="DEALLOCATE ALL")]}
    assert found([failing(sqlstate="26000", message=ASYNCPG_MISSING)], events) == {None: ["tcp.asyncpg"]}


def test_columns_of_another_statement_behind_a_pooler() -> None:
    refused = failing(failure="protocol_mismatch", type="asyncpg.exceptions.ProtocolError", message=COLUMNS)
    assert found([refused], {"tcp.asyncpg": login(MADE_UP)}) == {"pool-wrong-plan": ["tcp.asyncpg"]}
    assert "pool-wrong-plan" not in found([refused], {"tcp.asyncpg": [connect(5432)]})


@pytest.mark.parametrize(
    ("query", "kind", "cause"),
    [
        (
            "prepared_statement_cache_size=0",
            "sqlalchemy.exc.ProgrammingError",
            "pool-sa-cache-flag-incomplete",
        ),
        ("prepared_statement_cache_size=100", "sqlalchemy.exc.ProgrammingError", "pool-prepared-duplicate"),
        (
            "prepared_statement_cache_size=0",
            "asyncpg.exceptions.DuplicatePreparedStatementError",
            "pool-prepared-duplicate",
        ),
    ],
)
def test_the_flag_of_sqlalchemy(query: str, kind: str, cause: str) -> None:
    refused = failing("orm.own", sqlstate="42P05", type=kind, message=ASYNCPG_EXISTS)
    url = {"DATABASE_URL": f"{URL['DATABASE_URL']}?{query}"}
    assert found([refused], {"orm.own": login(MADE_UP)}, url) == {cause: ["orm.own"]}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("unsupported startup parameter: options", "pool-startup-param"),
        ("unsupported startup parameter: statement_timeout", "pool-startup-param"),
        ("unsupported startup parameter: app.tenant", "pool-startup-param"),
        ("unsupported startup parameter: pgbouncer", None),
        ("unsupported startup parameter: channel_binding", None),
        ("unsupported startup parameter in options: search_path", "vr-pgbouncer-options"),
        ("no more connections allowed (max_client_conn)", "pool-max-client-conn"),
        ("MaxClientsInSessionMode: max clients reached - in Session mode", "pool-max-client-conn"),
        ("query_wait_timeout", "pool-query-wait-timeout"),
        ("password authentication failed", "pool-08p01-masks"),
        ("FATAL: SASL authentication failed", "pool-08p01-masks"),
        ("no such database: nodb", "pool-08p01-masks"),
        ("no such user: ghost", "pool-08p01-masks"),
        ('server login failed: FATAL password authentication failed for user "app"', None),
        ("invalid startup packet layout: expected terminator as last byte", None),
    ],
)
def test_a_refused_login(text: str, cause: str | None) -> None:
    refused = failing(operation="authenticate", sqlstate="08P01", message=text)
    assert found([refused]) == {cause: ["tcp.asyncpg"]}


def libpq(words: str, failure: str = "sql_error") -> Outcome:
    text = f'connection failed: connection to server at "127.0.0.1", port 5432 failed: FATAL: {words}'
    return failing("tcp.psycopg", operation="authenticate", failure=failure, message=text)


@pytest.mark.parametrize(
    ("refused", "masked"),
    [
        (libpq("password authentication failed", "auth_failed"), True),
        (libpq("SASL authentication failed"), True),
        (libpq("no such database: nodb"), True),
        (libpq('password authentication failed for user "app"', "auth_failed"), False),
        (libpq('database "nodb" does not exist'), False),
        (
            failing(operation="authenticate", sqlstate="28P01", message="password authentication failed"),
            False,
        ),
        (failing(operation="authenticate", sqlstate="3D000", message='database "x" does not exist'), False),
    ],
)
def test_who_refused_the_login(refused: Outcome, masked: bool) -> None:
    assert ("pool-08p01-masks" in found([refused])) is masked


DIRECT = {
    "DATABASE_URL": "postgresql://u:p@localhost:6432/d",
    "POSTGRES_URL_NON_POOLING": "postgresql://u:p@localhost:5432/d",
}


@pytest.mark.parametrize(
    ("events", "variables", "left"),
    [
        (login(MADE_UP), DIRECT, True),
        (login(MADE_UP), URL, False),
        (login(MADE_UP), {**URL, "POSTGRES_URL_NON_POOLING": URL["DATABASE_URL"]}, False),
        (login(MADE_UP, standby="on"), DIRECT, False),
        (login(MADE_UP, read_only="on"), DIRECT, False),
        (login(PROCESS), DIRECT, False),
        ([connect(5432), message("BackendKeyData", pid=MADE_UP)], DIRECT, False),
    ],
)
def test_read_only_by_somebody_else(
    events: list[dict[str, Any]], variables: dict[str, str], left: bool
) -> None:
    refused = failing(sqlstate="25006", message="cannot execute INSERT in a read-only transaction")
    causes = found([refused], {"tcp.asyncpg": events}, variables)
    assert ("pool-session-state" in causes) is left


def test_read_only_for_one_and_not_for_the_next() -> None:
    refused = failing(sqlstate="25006", message="cannot execute INSERT in a read-only transaction")
    events = {"tcp.asyncpg": login(MADE_UP), "tcp.raw": login(MADE_UP)}
    assert found([refused, passing("tcp.raw", 17)], events) == {"pool-session-state": ["tcp.asyncpg"]}


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("sslmode=require&options=-c%20search_path%3Dapp", "sslmode=require"),
        ("options=-c%20search_path%3Dapp", ""),
    ],
)
def test_the_experiment_takes_nothing_else_from_the_url(query: str, kept: str) -> None:
    base = URL["DATABASE_URL"]
    refused = libpq("unsupported startup parameter: options")
    change = BY_ID["pool-startup-param"].change(
        View([refused], {}, {"DATABASE_URL": f"{base}?{query}"}), refused
    )
    assert change is not None
    assert change.variables == {"DATABASE_URL": f"{base}?{kept}".rstrip("?")}
    assert "search_path" not in change.command


def test_options_of_the_environment_are_taken_away() -> None:
    refused = libpq("unsupported startup parameter: options")
    view = View([refused], {}, URL, {"PGOPTIONS": "-c search_path=app"})
    change = BY_ID["pool-startup-param"].change(view, refused)
    assert change is not None
    assert change.environment == {"PGOPTIONS": None}
    assert BY_ID["pool-startup-param"].change(View([refused], {}, URL), refused) is None


@pytest.mark.parametrize(
    ("host", "pooled", "direct", "tried"),
    [
        ("db.test", "?sslmode=require", "?sslmode=require", True),
        ("db.test", "?sslmode=require", "?sslmode=verify-full", True),
        ("db.test", "?sslmode=require", "", False),
        ("db.test", "?sslmode=require", "?sslmode=prefer", False),
        ("db.test", "", "", True),
        ("db.test", "?sslmode=require&channel_binding=require", "?sslmode=require", False),
        ("localhost", "?sslmode=require", "", True),
        ("localhost", "?sslmode=require", "?hostaddr=192.0.2.1", False),
    ],
)
def test_no_password_goes_past_the_pooler_with_less_than_it_asks_for(
    host: str, pooled: str, direct: str, tried: bool
) -> None:
    waited = failing(message="query_wait_timeout")
    urls = {
        "DATABASE_URL": f"postgresql://u:p@pool.test:6432/d{pooled}",
        "POSTGRES_URL_NON_POOLING": f"postgresql://u:p@{host}:5432/d{direct}",
    }
    change = BY_ID["pool-query-wait-timeout"].change(View([waited], {}, urls), waited)
    assert (change is not None) is tried


@pytest.mark.parametrize(
    ("direct", "tried"),
    [
        ("postgresql://u:p@localhost:5432/d", True),
        ("postgresql://other:p@localhost:5432/d", False),
        ("postgresql://u:p@localhost:5432/other", False),
        ("postgresql://u:q@localhost:5432/d", False),
        ("postgresql://u:p@localhost:6432/d", False),
        (":", False),
    ],
)
def test_a_login_is_tried_again_at_the_server_as_it_was(direct: str, tried: bool) -> None:
    refused = failing(operation="authenticate", sqlstate="08P01", message="SASL authentication failed")
    view = View([refused], {}, {**DIRECT, "POSTGRES_URL_NON_POOLING": direct})
    change = BY_ID["pool-08p01-masks"].change(view, refused)
    assert (change is not None) is tried
