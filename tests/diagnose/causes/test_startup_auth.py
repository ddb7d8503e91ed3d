"""Refused logins, by what refused them, and their look-alikes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from repro.diagnose import engine
from repro.diagnose.causes import BY_ID, startup_auth
from repro.diagnose.view import View
from repro.document import Outcome
from tests.diagnose.test_engine import URL, connect, outcome

KNOWN = {cause.id for cause in startup_auth.CAUSES}
WITHOUT = {"DATABASE_URL": "postgresql://u@localhost:5432/d"}
SERVER = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: '
WRONG = 'password authentication failed for user "u"'


def refused(message: str, sqlstate: str | None = None, name: str = "tcp.asyncpg", **more: Any) -> Outcome:
    return outcome(
        name,
        failure=more.pop("failure", "auth_failed"),
        operation="authenticate",
        message=message,
        sqlstate=sqlstate,
        **more,
    )


def libpq(message: str, name: str = "tcp.psycopg") -> Outcome:
    return refused(SERVER + message, name=name)


def found(
    outcomes: list[Outcome], variables: dict[str, str] | None = None, **environ: str
) -> dict[str | None, list[str]]:
    findings = engine.findings(View(outcomes, {}, variables or URL, environ))
    return {each["cause"]: each["probes"] for each in findings if each["cause"] in KNOWN}


NO_RULE = 'no pg_hba.conf entry for host "10.0.0.5", user "u", database "d", SSL encryption'
NO_LOGIN = 'role "u" is not permitted to log in'
NO_MECHANISM = "client selected an invalid SASL authentication mechanism"
NO_BINDING = "channel binding is required, but server did not offer an authentication method that supports it"
NOT_ALLOWED = "This IP address 203.0.113.7 is not allowed to connect to this endpoint."


@pytest.mark.parametrize(
    ("failing", "cause"),
    [
        (refused(WRONG, "28P01"), "auth-wrong-password"),
        (refused("password authentication failed for user 'neon'", "28P01"), "auth-wrong-password"),
        (libpq(f"FATAL: {WRONG}"), "auth-wrong-password"),
        (libpq("FATAL: password authentication failed"), None),  # a pooler's
        (libpq("ERROR:  password authentication failed for user 'neon'"), "auth-wrong-password"),
        (libpq(f'could not read the service "{NO_LOGIN}"'), None),
        (refused("password authentication failed", "08P01"), None),
        (libpq('FATAL: database "password authentication failed for user" does not exist'), None),
        (refused('role "nobody" does not exist', "28000"), "auth-no-such-role"),
        (libpq('FATAL:  role "nobody" does not exist'), "auth-no-such-role"),
        (refused("sorry, too many clients already", "53300"), "auth-too-many-connections"),
        (libpq("FATAL:  sorry, too many clients already"), "auth-too-many-connections"),
        (refused("no more connections allowed (max_client_conn)", "53300"), None),  # a pooler's
        (refused("the database system is starting up", "57P03"), "auth-server-starting"),
        (refused("terminating connection due to administrator command", "57P01"), None),
        (refused(NO_RULE, "28000"), "auth-pg-hba-ip"),
        (libpq(f"FATAL: {NO_RULE}"), "auth-pg-hba-ip"),
        (libpq(f"FATAL: {NO_LOGIN}"), "auth-pg-hba-ip"),
        (refused(NO_LOGIN, "28000"), "auth-pg-hba-ip"),
        (refused(NO_RULE, "P0001", failure="sql_error"), None),
        (libpq("channel binding required, but SSL not in use"), "auth-channel-binding"),
        (libpq(NO_BINDING), "auth-channel-binding"),
        (refused(NOT_ALLOWED, "XX000", failure="sql_error"), "auth-neon-ip-allow"),
        (libpq("FATAL: Tenant or user not found"), "auth-tenant-not-found"),
        (refused("Tenant or user not found", "XX000", failure="sql_error"), "auth-tenant-not-found"),
        (refused(NO_MECHANISM, "08P01", "node.neon-ws", protocol="wss"), "auth-pipelined-password-vs-scram"),
        (refused(NO_MECHANISM, "08P01", "tcp.asyncpg"), None),
        (refused("WRONGPASS", None, "push.redis-tcp"), None),
    ],
)
def test_who_refused_the_login(failing: Outcome, cause: str | None) -> None:
    assert found([failing]) == ({} if cause is None else {cause: [failing["name"]]})


TOLD = libpq("fe_sendauth: no password supplied")
UNREAD = refused("no password supplied, and the server asks for one", name="tcp.raw")
EMPTY = refused(WRONG, "28P01")


@pytest.mark.parametrize(
    ("outcomes", "variables", "environ", "missing"),
    [
        ([TOLD], WITHOUT, {}, ["tcp.psycopg"]),
        ([EMPTY], WITHOUT, {}, ["tcp.asyncpg"]),
        ([TOLD, EMPTY], WITHOUT, {}, ["tcp.psycopg", "tcp.asyncpg"]),
        ([EMPTY], URL, {}, []),
        ([EMPTY], WITHOUT, {"PGPASSWORD": "q"}, []),
        ([EMPTY], WITHOUT, {"PGPASSFILE": "/f"}, []),
        ([EMPTY], WITHOUT, {"PGSERVICE": "s"}, []),
        ([TOLD, EMPTY], WITHOUT, {"PGPASSFILE": "/f"}, ["tcp.psycopg", "tcp.asyncpg"]),
        ([UNREAD, EMPTY], WITHOUT, {"PGPASSFILE": "/f"}, ["tcp.raw"]),
        ([refused("SASL: client password must be a string", None, "node.pg")], WITHOUT, {}, ["node.pg"]),
        ([EMPTY], {"DATABASE_URL": f"{WITHOUT['DATABASE_URL']}?password=p"}, {}, []),
        ([EMPTY], {"DATABASE_URL": f"{WITHOUT['DATABASE_URL']}?passfile=/f"}, {}, []),
        ([refused("password authentication failed", "08P01")], WITHOUT, {}, []),
        ([libpq("FATAL: password authentication failed")], WITHOUT, {}, []),
    ],
)
def test_no_password(
    outcomes: list[Outcome], variables: dict[str, str], environ: dict[str, str], missing: list[str]
) -> None:
    assert found(outcomes, variables, **environ).get("auth-missing-password", []) == missing


def test_a_password_file_that_is_there_may_hold_the_wrong_one(tmp_path: Path) -> None:
    assert found([EMPTY], WITHOUT, HOME=str(tmp_path)) == {"auth-missing-password": ["tcp.asyncpg"]}
    (tmp_path / ".pgpass").touch()
    assert found([EMPTY], WITHOUT, HOME=str(tmp_path)) == {"auth-wrong-password": ["tcp.asyncpg"]}


@pytest.mark.parametrize(
    ("dialled", "protocol", "known"),
    [
        ("127.0.0.1", "postgresql", None),
        ("127.0.0.2", "postgresql", "auth-wrong-password"),
        ("127.0.0.1", "https", "auth-wrong-password"),
    ],
)
def test_a_password_that_another_driver_was_let_in_with_is_not_wrong(
    dialled: str, protocol: str, known: str | None
) -> None:
    passing = outcome("tcp.psycopg", protocol=protocol)
    failing = refused(WRONG, "28P01", address="127.0.0.1:5432")
    view = View([passing, failing], {"tcp.psycopg": [connect(5432, address=dialled)]}, URL)
    (finding,) = engine.findings(view)
    assert finding["cause"] == known


@pytest.mark.parametrize(
    ("address", "query", "tried"),
    [
        ("203.0.113.7:5432", "channel_binding=require", False),
        ("203.0.113.7:5432", "channel_binding=require&sslmode=prefer", False),
        ("203.0.113.7:5432", "channel_binding=require&sslmode=require", True),
        ("127.0.0.1:5432", "channel_binding=require", True),
        ("[::1]:5432", "channel_binding=require", True),
    ],
)
def test_who_insists_on_its_channel_goes_without_it_to_nobody_in_clear(
    address: str, query: str, *, tried: bool
) -> None:
    failing = refused(NO_BINDING, address=address)
    view = View([failing], {}, {"DATABASE_URL": f"{URL['DATABASE_URL']}?{query}"})
    assert (BY_ID["auth-channel-binding"].change(view, failing) is not None) is tried


@pytest.mark.parametrize(
    ("failing", "known"),
    [
        (libpq('FATAL:  role "r" does not exist'), False),
        (refused('role "r" does not exist', "22023", failure="sql_error"), False),
        (refused('role "u" does not exist', "28000"), True),
    ],
)
def test_a_role_of_the_options_is_not_the_user(failing: Outcome, *, known: bool) -> None:
    url = {"DATABASE_URL": f"{URL['DATABASE_URL']}?options=-c%20role%3Dr"}
    assert ("auth-no-such-role" in found([failing], url)) is known
    environment = found([failing], URL, PGOPTIONS="-c role=r")
    assert ("auth-no-such-role" in environment) is known


def test_a_poolers_own_sqlstate_stays_the_poolers_without_a_password() -> None:
    masked = refused("password authentication failed", "08P01")
    (finding,) = engine.findings(View([masked], {}, WITHOUT))
    assert finding["cause"] == "pool-08p01-masks"


def test_the_experiments() -> None:
    binding = libpq(NO_BINDING)
    url = {"DATABASE_URL": f"{URL['DATABASE_URL']}?sslmode=require&channel_binding=require"}
    change = BY_ID["auth-channel-binding"].change(View([binding], {}, url), binding)
    assert change is not None
    assert change.variables["DATABASE_URL"].endswith("?sslmode=require&channel_binding=prefer")
    pipelined = refused(NO_MECHANISM, "08P01", "node.neon-ws", protocol="wss")
    change = BY_ID["auth-pipelined-password-vs-scram"].change(View([pipelined], {}, URL), pipelined)
    assert change is not None
    assert (change.probe, change.environment) == ("node.neon-ws", {"NEON_PIPELINE_CONNECT": "false"})
    change = BY_ID["auth-wrong-password"].change(View([EMPTY], {}, URL), EMPTY)
    assert change is not None
    assert change.in_the_lab
