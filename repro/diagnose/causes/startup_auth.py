"""The login at the database."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from repro.diagnose.cause import Cause, Change
from repro.diagnose.controls import in_the_lab, repeated
from repro.diagnose.urls import is_of_this_machine, with_parameter
from repro.diagnose.view import View, is_of_the_database, over, said, says, sqlstate
from repro.document import Outcome
from repro.persistence.dsn import Url

_ASKED_FOR_ONE = (
    "no password supplied",
    "client password must be a",
    "missing authentication credentials: required password",
)
"""What libpq, pg, and Neon over HTTP say where they have no password to send."""


_SAID_BY_LIBPQ = "fe_sendauth: no password supplied"


def _refused(code: str, words: str = "") -> Callable[[Outcome], bool]:
    """Whether the server ended the login with this SQLSTATE, and a text in which this expression is found.

    libpq hands on the text of a refused login and not its SQLSTATE: after FATAL, and after ERROR from Neon's proxy.

    Args:
        code: the SQLSTATE.
        words: a regular expression; empty where the SQLSTATE says all.
    """
    pattern = re.compile(words)
    by_libpq = re.compile(f"(?:FATAL|ERROR): +(?:{words or '$.'})")

    def refused(outcome: Outcome) -> bool:
        given = outcome["error"]["sqlstate"] if outcome["error"] else None
        if given is None:
            return by_libpq.search(said(outcome)) is not None
        return given == code and pattern.search(said(outcome)) is not None

    return refused


def _no_password(view: View) -> list[Outcome]:
    """The driver says that it has none; or it sent an empty one, and there is nowhere that it can have had one from.

    What a pooler refuses under its one SQLSTATE, 08P01, is told apart elsewhere.
    """
    url = view.url()
    if url is None or url.password or url.query.get("password"):
        return []
    telling = view.where(is_of_the_database, says(*_ASKED_FOR_ONE))
    # libpq has looked into the files that asyncpg and pg look into, too; other drivers look into none
    looked = any(_SAID_BY_LIBPQ in said(each) for each in telling)
    elsewhere = view.environ.get("PGPASSWORD") or (_may_be_in_a_file(view, url) and not looked)
    empty = [] if elsewhere else view.where(is_of_the_database, sqlstate("28P01"))
    return [each for each in view.failing() if each in telling or each in empty]


def _no_such_role(view: View) -> list[Outcome]:
    """By the login's user; libpq has the same text, without its SQLSTATE, for a role that options set."""
    url = view.url()
    query = {} if url is None else url.query
    options = f"{query.get('options', '')} {view.environ.get('PGOPTIONS', '')}"
    sets_a_role = re.search(r"\brole\s*=", options) is not None
    return view.where(
        is_of_the_database,
        _refused("28000", r'role ".*" does not exist'),
        lambda outcome: not sets_a_role or sqlstate("28000")(outcome),
    )


def _may_be_in_a_file(view: View, url: Url) -> bool:
    """Whether there is a file that libpq, asyncpg or pg may have taken a password from."""
    home = view.environ.get("HOME")
    return bool(
        view.environ.get("PGPASSFILE")
        or view.environ.get("PGSERVICE")
        or {"passfile", "service"} & set(url.query)
        or (home and Path(home, ".pgpass").is_file())
    )


def _wrong_password(view: View) -> list[Outcome]:
    """Refused, and nobody else was let in at the same address: then drivers part on what the password is."""
    # a pooler's text names no user
    named = _refused("28P01", "password authentication failed for user")
    return view.where(
        is_of_the_database,
        lambda outcome: sqlstate("28P01")(outcome) or named(outcome),
        lambda outcome: not view.let_in_beside(outcome),
    )


def _without_binding(view: View, outcome: Outcome) -> Change | None:
    """With TLS, or on this machine: who insists on its channel gives its password to no other."""
    name, url = view.url_variable(), view.url()
    if name is None or url is None or outcome["transport"] != "tcp":
        return None
    dialled = (outcome["error"]["address"] or "") if outcome["error"] else ""
    near = is_of_this_machine(dialled.rpartition(":")[0].strip("[]"))
    if not near and url.query.get("sslmode") not in {"require", "verify-ca", "verify-full"}:
        return None
    return Change(
        words="channel_binding=prefer",
        probe=outcome["name"],
        command=f"{repeated(outcome['name'])}   # with channel_binding=prefer in {name}",
        variables={name: with_parameter(view.variables[name], "channel_binding", "prefer")},
    )


def _without_pipelining(_view: View, outcome: Outcome) -> Change | None:
    """The scripts of these probes read a variable for it; the package itself reads none."""
    if not outcome["name"].startswith("node."):
        return None
    return Change(
        words="neonConfig.pipelineConnect = false",
        probe=outcome["name"],
        command=f"NEON_PIPELINE_CONNECT=false repro run --node --only {outcome['name']}",
        environment={"NEON_PIPELINE_CONNECT": "false"},
    )


_LOOK = "Look which server answered: on localhost another one may listen on the other address family."

CAUSES: tuple[Cause, ...] = (
    Cause(
        id="auth-missing-password",
        layer="startup-auth",
        title="The URL has no password, and the server asks for one",
        summary="The server was reached and wants a password; neither the URL nor PGPASSWORD holds one. Some drivers say "
        "so, others send an empty one and report that it was refused.",
        suspects=_no_password,
        symptoms={
            "psycopg": "fe_sendauth: no password supplied",
            "asyncpg": "password authentication failed, for the empty one that it sends",
            "pg": "client password must be a string",
        },
        apart={
            "auth-wrong-password": "there is no password that could be wrong",
            "pool-08p01-masks": "nothing was refused, or with the SQLSTATE of Postgres itself",
        },
        fix=("Set the password; where it comes from a secret, look whether the secret was filled in.",),
        links=("https://github.com/brianc/node-postgres/pull/2899",),
        ops=("pg.msg",),
        change=in_the_lab,
    ),
    Cause(
        id="auth-channel-binding",
        layer="startup-auth",
        title="The URL demands channel binding, and it cannot be had",
        summary="channel_binding=require needs TLS up to Postgres itself and SCRAM. Here the connection is not encrypted, or "
        "whoever ends TLS does not offer SCRAM-SHA-256-PLUS.",
        suspects=lambda view: view.where(
            is_of_the_database, says("channel binding required", "channel binding is required")
        ),
        symptoms={"psycopg": "channel binding required, but SSL not in use", "pg": "nothing: it ignores it"},
        apart={"auth-wrong-password": "the password was never sent"},
        fix=(
            "channel_binding=prefer in the URL.",
            "Or TLS up to Postgres itself, without a proxy that ends it in between.",
        ),
        links=("https://github.com/neondatabase/neon/issues/2350",),
        ops=("pg.msg",),
        change=_without_binding,
    ),
    Cause(
        id="auth-pipelined-password-vs-scram",
        layer="startup-auth",
        title="The serverless driver sends its password before it was asked, and the server wants SCRAM",
        summary="@neondatabase/serverless sends a cleartext password in its first frame, which Neon's proxy takes. A Postgres "
        "behind a plain pipe reads it as the choice of a SASL mechanism, and refuses.",
        suspects=lambda view: view.where(
            is_of_the_database,
            over("websocket"),
            _refused("08P01", "client selected an invalid SASL authentication mechanism"),
        ),
        symptoms={
            "@neondatabase/serverless": "08P01 client selected an invalid SASL authentication mechanism"
        },
        apart={"auth-wrong-password": "the server refused the mechanism, and never saw a password"},
        fix=("neonConfig.pipelineConnect = false, where the proxy carries raw bytes.",),
        links=("https://github.com/neondatabase/serverless/blob/main/CONFIG.md",),
        ops=("pg.msg",),
        change=_without_pipelining,
    ),
    Cause(
        id="auth-pg-hba-ip",
        layer="startup-auth",
        title="The server's rules do not let this client in",
        summary="The server answered SQLSTATE 28000: pg_hba.conf has no rule for this address, user, database and encryption, "
        "or the role may not log in.",
        suspects=lambda view: view.where(
            is_of_the_database,
            _refused("28000", "no pg_hba.conf entry|pg_hba.conf rejects|role .+ is not permitted to log in"),
        ),
        symptoms={"all": 'no pg_hba.conf entry for host "…", user "…", database "…"'},
        apart={
            "auth-wrong-password": "the SQLSTATE is 28000: no password was judged",
            "auth-neon-ip-allow": "it is Postgres's own list, pg_hba.conf",
        },
        fix=(
            "Add a rule for this client, or put its address on the allow-list.",
            "Where the text ends in no encryption, require TLS.",
        ),
        links=("https://www.postgresql.org/docs/current/client-authentication-problems.html",),
        ops=("pg.msg",),
        change=in_the_lab,
    ),
    Cause(
        id="auth-neon-ip-allow",
        layer="startup-auth",
        title="The address of this machine is not on the endpoint's allow-list",
        summary="Neon's proxy refused the login because of the address that it came from.",
        suspects=lambda view: view.where(
            is_of_the_database,
            says("is not allowed to connect to this endpoint", "endpoint from a blocked network"),
        ),
        symptoms={
            "all through Neon's proxy": "This IP address … is not allowed to connect to this endpoint."
        },
        apart={"auth-wrong-password": "the text names the address, not the password"},
        fix=("Put the address on the list in Neon's console; mind IPv6 beside IPv4.",),
        links=("https://github.com/neondatabase/neon/blob/main/proxy/src/auth/mod.rs",),
        ops=("pg.msg",),
        change=in_the_lab,
    ),
    Cause(
        id="auth-tenant-not-found",
        layer="startup-auth",
        title="The shared pooler knows no such tenant",
        summary="Supavisor finds the project by the user's name, postgres.<ref>, and by its region. It answered before any "
        "password was asked for.",
        suspects=lambda view: view.where(is_of_the_database, says("Tenant or user not found")),
        symptoms={"all": "FATAL: Tenant or user not found"},
        apart={
            "auth-wrong-password": "no password was asked for",
            "cfg-wrong-database": "it is the pooler's tenant that is not there, not the database",
        },
        fix=("Copy the pooler's string whole: its user is postgres.<ref>, its host names the region.",),
        links=("https://github.com/supabase/cli/issues/4277",),
        ops=("pg.msg",),
        change=in_the_lab,
    ),
    Cause(
        id="auth-no-such-role",
        layer="startup-auth",
        title="The database has no such role",
        summary="The server was reached and answered the login with SQLSTATE 28000: the user of the URL is none of its roles. "
        "Where a password is asked for, Postgres says 28P01 instead, so as not to tell strangers who there is.",
        suspects=_no_such_role,
        symptoms={"all": 'role "…" does not exist'},
        apart={
            "auth-wrong-password": "no password was judged",
            "auth-pg-hba-ip": "a rule let the client in",
        },
        fix=("Correct the user of the URL; drivers without one take the name of the system's user.", _LOOK),
        links=("https://www.postgresql.org/docs/current/client-authentication-problems.html",),
        ops=("pg.msg",),
        change=in_the_lab,
    ),
    Cause(
        id="auth-too-many-connections",
        layer="startup-auth",
        title="The database has no connection left",
        summary="Postgres itself answered the login with SQLSTATE 53300: max_connections, or the limit of the role or the "
        "database, is reached. It is said before any password is judged, or right after.",
        suspects=lambda view: view.where(
            is_of_the_database,
            _refused(
                "53300",
                "sorry, too many clients already|remaining connection slots are reserved|too many connections for",
            ),
        ),
        symptoms={
            "all": "sorry, too many clients already; or: remaining connection slots are reserved for …"
        },
        apart={
            "pool-max-client-conn": "it is Postgres that has no room, not a pooler before it",
            "tx-client-pool-exhausted": "the client asked the server, and the server refused",
        },
        fix=(
            "Find who holds them: select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3.",
            "Smaller pools in each process, or one pooler before the database.",
        ),
        links=("https://www.postgresql.org/docs/current/runtime-config-connection.html",),
        ops=("pg.msg",),
        change=in_the_lab,
    ),
    Cause(
        id="auth-server-starting",
        layer="startup-auth",
        title="The database is starting up or shutting down",
        summary="Postgres answered the login with SQLSTATE 57P03: it runs, and takes nobody yet, or nobody any more.",
        suspects=lambda view: view.where(
            is_of_the_database,
            _refused("57P03", "the database system is"),
        ),
        symptoms={"all": "the database system is starting up"},
        apart={
            "tcp-refused": "somebody listens, and it is Postgres",
            "tx-admin-terminate": "no session was there that could be ended",
        },
        fix=(
            "Wait until it is ready: pg_isready, or a health check of the container.",
            "Try again with growing pauses; a recovery after a crash can take minutes.",
        ),
        links=("https://www.postgresql.org/docs/current/app-pg-isready.html",),
        ops=("pg.msg",),
        change=in_the_lab,
    ),
    Cause(
        id="auth-wrong-password",
        layer="startup-auth",
        title="The database refuses the password, or has no such role",
        summary="The server was reached and answered the login with SQLSTATE 28P01.",
        suspects=_wrong_password,
        symptoms={
            "psycopg, asyncpg, pg": 'password authentication failed for user "…"',
            "Neon's proxy": "the same with single quotes: it was refused by the proxy, not by Postgres",
        },
        apart={
            "auth-missing-password": "there is a password, and it was judged",
            "pool-08p01-masks": "the SQLSTATE is Postgres's own; a pooler's text names no user",
            "tcp-other-server-on-v6": "no probe got through on the other address family",
        },
        ops=("pg.msg",),
        change=in_the_lab,
        fix=("Correct user and password; percent-encode what a URL cannot hold.", _LOOK),
        links=("https://github.com/neondatabase/serverless/issues/140",),
    ),
)
