"""A pooler between the driver and Postgres."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

from repro.diagnose.cause import Cause, Change
from repro.diagnose.controls import repeated
from repro.diagnose.urls import is_of_this_machine
from repro.diagnose.view import (
    DATABASE_VARIABLES,
    Line,
    View,
    during,
    failed,
    is_a,
    is_of_the_database,
    said,
    says,
    sqlstate,
    types,
)
from repro.document import Outcome
from repro.events import Peer
from repro.persistence.dsn import MalformedUrl, Url, parse_url

_DIRECT = "POSTGRES_URL_NON_POOLING"

_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""Of libpq's sslmode, each safer than the one before it."""

_MOST_PROCESSES = 1 << 22
"""No process of Linux has a higher number (PID_MAX_LIMIT); a pooler makes its keys up from 32 bits."""

_DRIVER_MADE = re.compile(
    r'prepared statement "(?:__asyncpg_|_pg3_|S_\d|_auto\d|_p\d|sqlx_s_|stmtcache_|lrupsc_)[^"]*"'
)
"""Names that drivers make: asyncpg, psycopg, the JDBC driver, Npgsql, sqlx, pgx."""

_SETTINGS = frozenset(
    {
        *("options", "search_path", "statement_timeout", "lock_timeout", "transaction_timeout", "role"),
        *("idle_in_transaction_session_timeout", "idle_session_timeout", "extra_float_digits", "TimeZone"),
        *("timezone", "DateStyle", "datestyle", "IntervalStyle", "intervalstyle", "client_min_messages"),
        *("default_transaction_isolation", "default_transaction_read_only", "default_transaction_deferrable"),
        *(
            "application_name",
            "jit",
            "work_mem",
            "row_security",
            "synchronous_commit",
            "geqo",
            "bytea_output",
        ),
        *("standard_conforming_strings", "plan_cache_mode", "log_statement", "replication", "lc_messages"),
        *("log_min_duration_statement", "tcp_keepalives_idle", "tcp_user_timeout", "maintenance_work_mem"),
    }
)
"""Parameters that Postgres takes in a client's first message; others would be refused by it as well."""

_STARTUP = re.compile(r"unsupported startup parameter: ([\w.]+)")
_IN_OPTIONS = re.compile(r"unsupported startup parameter in options: ([\w.]+)")

_REFUSED_LOGIN = re.compile(
    # PgBouncer's own words. Postgres names the user: password authentication failed for user "app"
    r"(?:FATAL: +|^)(?:password authentication failed|SASL authentication failed|no such user"
    r"|no such user: \S+|no such database: [^\n]*)(?: \(|$)",
    re.MULTILINE,
)


# What is known of the one that answers


def is_pooled(view: View, address: str | None) -> bool | None:
    """Whether a pooler answers at an address; None where nothing tells.

    Postgres gives the number of its process with the login (BackendKeyData). A pooler, which hands its clients
    a process later and then another one, has to make something up.

    Args:
        view: what the run saw.
        address: as ``127.0.0.1:6432``.
    """
    if address is None:
        return None
    verdicts = {_is_made_up(view, outcome, address) for outcome in view.outcomes} - {None}
    return verdicts == {True} if verdicts else None


def _is_made_up(view: View, outcome: Outcome, address: str) -> bool | None:
    """Whether the keys that a probe was given are no processes; None where it does not know."""
    keys = _keys(view, outcome, address)
    if not keys:
        return None
    if max(keys) > _MOST_PROCESSES:
        return True
    backends = outcome["atomicity"]["backends"]
    return keys.isdisjoint(backends) if backends else None


def _keys(view: View, outcome: Outcome, address: str) -> set[int]:
    lines = view.lines(outcome, "pg.msg")
    here = [line for line in lines if line.get("pg.name") == "BackendKeyData" and _peer(line) == address]
    return {int(line["pg.pid"]) for line in here if "pg.pid" in line}


def _addresses(view: View, outcome: Outcome) -> set[str]:
    return {address for line in view.lines(outcome, "connect") if (address := _peer(line)) is not None}


def _peer(line: Line) -> str | None:
    peer = line.get("peer")
    return str(Peer(peer["address"], peer["port"])) if peer else None


def _address(outcome: Outcome) -> str | None:
    return None if outcome["error"] is None else outcome["error"]["address"]


def _pooled(view: View) -> Callable[[Outcome], bool]:
    return lambda outcome: is_pooled(view, _address(outcome)) is True


def _shared(view: View) -> Callable[[Outcome], bool]:
    """A pooler answers; or nothing tells, and the statement has a name that only drivers make."""

    def shared(outcome: Outcome) -> bool:
        pooled = is_pooled(view, _address(outcome))
        return pooled is True or (pooled is None and _DRIVER_MADE.search(said(outcome)) is not None)

    return shared


def _reported(view: View, address: str | None, setting: str) -> set[str]:
    """What was said of a setting at the logins at an address."""
    return {
        str(line.get("pg.parameter_value"))
        for outcome in view.outcomes
        for line in view.lines(outcome, "pg.msg")
        if line.get("pg.parameter") == setting and _peer(line) == address
    }


# What it says


def _duplicate(view: View) -> list[Outcome]:
    return view.where(sqlstate("42P05"), is_of_the_database, _shared(view))


def _missing(view: View) -> list[Outcome]:
    def took_back(outcome: Outcome) -> bool:
        asked = [str(line.get("pg.sql", "")).upper() for line in view.lines(outcome, "pg.msg")]
        return any(sql.startswith(("DEALLOCATE", "DISCARD")) for sql in asked)

    return [
        outcome
        for outcome in view.where(sqlstate("26000"), is_of_the_database, _pooled(view))
        if not took_back(outcome)
    ]


def _other_statement(view: View) -> list[Outcome]:
    """The server's words for parameters, with a name; or a driver's for columns."""

    def another(outcome: Outcome) -> bool:
        text = said(outcome)
        mismatch = "bind message supplies" in text and _DRIVER_MADE.search(text) is not None
        return mismatch or (
            is_a("ProtocolError")(outcome)
            and "number of columns in the result row" in text
            and is_pooled(view, _address(outcome)) is True
        )

    return [
        outcome
        for outcome in view.where(is_of_the_database, another)
        if is_pooled(view, _address(outcome)) is not False
    ]


def _flag_alone(view: View) -> list[Outcome]:
    url = view.url()
    if url is None or url.query.get("prepared_statement_cache_size") != "0":
        return []
    of_sqlalchemy = [
        outcome
        for outcome in view.where(sqlstate("42P05", "26000"), says('prepared statement "__asyncpg_stmt_'))
        if any(name.startswith("sqlalchemy.") for name in types(outcome))
    ]
    return [outcome for outcome in of_sqlalchemy if _shared(view)(outcome)]


def _parameter(view: View) -> list[Outcome]:
    def refused(outcome: Outcome) -> bool:
        match = _STARTUP.search(said(outcome))
        return match is not None and (match[1] in _SETTINGS or "." in match[1])

    return view.where(is_of_the_database, refused)


def _in_options(view: View) -> list[Outcome]:
    return view.where(is_of_the_database, lambda outcome: _IN_OPTIONS.search(said(outcome)) is not None)


def _masked(view: View) -> list[Outcome]:
    """A login that was refused without a SQLSTATE of a login, in the pooler's words."""

    def refused(outcome: Outcome) -> bool:
        codes = {sqlstate_ for link in _chain(outcome) if (sqlstate_ := link)}
        return codes <= {"08P01"} and any(map(_REFUSED_LOGIN.search, said(outcome).split("\n")))

    return view.where(is_of_the_database, during("authenticate"), refused)


def _chain(outcome: Outcome) -> list[str | None]:
    error = outcome["error"]
    return [] if error is None else [error["sqlstate"], *(link["code"] for link in error["chain"])]


def _left_behind(view: View) -> list[Outcome]:
    """Read-only, and neither a standby nor a setting that new sessions have: so the session was changed."""
    found = []
    for outcome in view.where(sqlstate("25006"), is_of_the_database, _pooled(view)):
        address = _address(outcome)
        fresh = _reported(view, address, "in_hot_standby") == {"off"} and _reported(
            view, address, "default_transaction_read_only"
        ) == {"off"}
        mixed = any(address in _addresses(view, other) for other in view.passing())
        if fresh and (mixed or _direct(view) is not None):
            found.append(outcome)
    return found


# What is tried


def _variable(view: View) -> str:
    return next((name for name in DATABASE_VARIABLES if name in view.variables), DATABASE_VARIABLES[0])


def _direct(view: View) -> Url | None:
    """The direct URL, where it is another one than the pooler's."""
    pooled = view.url()
    try:
        direct = parse_url(view.variables[_DIRECT])
    except (KeyError, MalformedUrl):
        return None
    return direct if pooled is not None and direct.hosts != pooled.hosts else None


def _past_the_pooler(view: View, outcome: Outcome) -> Change | None:
    """The direct URL: what differs is who answers, so user and database have to be the same."""
    pooled, direct = view.url(), _direct(view)
    if pooled is None or direct is None or (direct.user, direct.path) != (pooled.user, pooled.path):
        return None
    if not _is_as_safe(direct, pooled):
        return None
    name = _variable(view)
    return Change(
        words="the direct URL in the place of the pooler's",
        probe=outcome["name"],
        command=f'{name}="${_DIRECT}" {repeated(outcome["name"])}',
        variables={name: view.variables[_DIRECT]},
    )


def _is_as_safe(direct: Url, pooled: Url) -> bool:
    """Whether the direct URL takes no password to another machine with less than the pooler's asks for."""
    near = all(is_of_this_machine(each.host) for each in direct.hosts)
    if near and not {"host", "hostaddr"} & set(direct.query):
        return True
    insists = ("channel_binding", "require_auth")
    return _mode(direct) >= _mode(pooled) and all(
        pooled.query.get(name) in {None, direct.query.get(name)} for name in insists
    )


def _mode(url: Url) -> int:
    mode = url.query.get("sslmode", "prefer")
    return _MODES.index(mode) if mode in _MODES else -1


def _past_the_login(view: View, outcome: Outcome) -> Change | None:
    """The direct URL with the same password; it must not look alike where Postgres refuses it too."""
    pooled, direct = view.url(), _direct(view)
    if pooled is None or direct is None or direct.password != pooled.password:
        return None
    if not failed("sql_error")(outcome) or says("no such database")(outcome):
        return None
    return _past_the_pooler(view, outcome)


def _names_of_its_own(view: View, outcome: Outcome) -> Change | None:
    probe = "orm.sqlalchemy-asyncpg"
    if outcome["name"] == probe:
        return _past_the_pooler(view, outcome)
    return Change(
        words="statement_cache_size=0 and names of its own for prepared statements",
        probe=probe,
        command=f"repro run --only {probe}",
    )


def _without(*names: str) -> Callable[[View, Outcome], Change | None]:
    """The URL without some parameters, where that leaves all that secures it."""

    def change(view: View, outcome: Outcome) -> Change | None:
        name = _variable(view)
        if view.url() is None:
            return None
        match = _STARTUP.search(said(outcome))
        unwanted = {*names, match[1]} if match is not None else set(names)
        pairs = parse_qsl(
            urlsplit(view.variables.get(name, "")).query.replace("+", "%2B"), keep_blank_values=True
        )
        present = sorted(unwanted & {key for key, _ in pairs})
        if not present:
            return _without_variable(view, outcome) if "options" in unwanted else None
        kept = urlencode([pair for pair in pairs if pair[0] not in unwanted])
        removed = " ".join(f"-e 's/\\([?&]\\){each}=[^&]*&*/\\1/'" for each in present)
        return Change(
            words=f"the URL without {', '.join(present)}",
            probe=outcome["name"],
            command=f'{name}="$(printf %s "${name}" | sed {removed})" {repeated(outcome["name"])}',
            variables={name: urlsplit(view.variables[name])._replace(query=kept).geturl()},
        )

    return change


def _without_variable(view: View, outcome: Outcome) -> Change | None:
    if "PGOPTIONS" not in view.environ:
        return None
    return Change(
        words="no PGOPTIONS",
        probe=outcome["name"],
        command=f"env -u PGOPTIONS {repeated(outcome['name'])}",
        environment={"PGOPTIONS": None},
    )


_UNPREPARED = (
    "Prepare nothing: statement_cache_size=0 in asyncpg, prepare_threshold=None in psycopg, no named queries in pg.",
    "Have the pooler follow them: max_prepared_statements above 0, PgBouncer 1.21 or later.",
    "Take the direct URL, or a pool in session mode.",
)

CAUSES: tuple[Cause, ...] = (
    Cause(
        id="vr-pgbouncer-options",
        layer="version-regression",
        title="PgBouncer 1.20 and later reads the parameter options, and refuses what is in it",
        summary="Up to version 1.19 PgBouncer took options as one parameter, so that listing options in "
        "ignore_startup_parameters let everything in it pass. Since 1.20 it reads it and names what it refuses, "
        "as it did here.",
        suspects=_in_options,
        ops=("pg.msg",),
        symptoms={
            "psycopg": "FATAL:  unsupported startup parameter in options: statement_timeout",
            "asyncpg": "ProtocolViolationError[08P01]: unsupported startup parameter in options: statement_timeout",
        },
        apart={
            "pool-startup-param": "the pooler looked into options, as only 1.20 and later do, and named what it found there"
        },
        fix=(
            "List each parameter in ignore_startup_parameters, not only options.",
            "Set it after the login, inside the transaction (SET LOCAL), or for the role (ALTER ROLE ... SET).",
        ),
        links=(
            "https://github.com/pgbouncer/pgbouncer/issues/907",
            "https://github.com/pgbouncer/pgbouncer/issues/875",
        ),
        change=_without("options"),
    ),
    Cause(
        id="pool-startup-param",
        layer="pooler",
        title="The pooler refuses a parameter of the login",
        summary="A client may set parameters of its session in its first message. PgBouncer knows a few of them, and "
        "refuses the others by name before it asks for a password; Postgres would take this one.",
        suspects=_parameter,
        ops=("pg.msg",),
        symptoms={
            "psycopg": "FATAL:  unsupported startup parameter: options",
            "asyncpg": "ProtocolViolationError[08P01]: unsupported startup parameter: statement_timeout",
            "pg": "08P01 unsupported startup parameter: statement_timeout",
        },
        apart={
            "cfg-asyncpg-unknown-param": "the pooler refuses it, in words that Postgres does not have; Postgres knows it",
            "vr-pgbouncer-options": "the parameter is refused as a whole; what may be inside was not looked at",
        },
        fix=(
            "Set it for the role (ALTER ROLE ... SET), or inside the transaction (SET LOCAL).",
            "List it in the pooler's ignore_startup_parameters: it is then dropped in silence.",
            "Take the direct URL.",
        ),
        links=(
            "https://github.com/neondatabase/neon/issues/6291",
            "https://github.com/pgbouncer/pgbouncer/issues/674",
            "https://github.com/brianc/node-postgres/issues/2103",
        ),
        change=_without(),
    ),
    Cause(
        id="pool-max-client-conn",
        layer="pooler",
        title="The pooler takes no more clients",
        summary="The pooler has as many clients as it may have, and refused this one before any login. Postgres was not "
        "asked.",
        suspects=lambda view: view.where(
            is_of_the_database,
            during("authenticate", "connect"),
            says("no more connections allowed", "MaxClientsInSessionMode", "max clients reached"),
        ),
        ops=("pg.msg",),
        symptoms={
            "psycopg": "FATAL:  no more connections allowed (max_client_conn)",
            "asyncpg": "ProtocolViolationError[08P01]: no more connections allowed (max_client_conn)",
            "Supabase": "MaxClientsInSessionMode: max clients reached",
        },
        apart={
            "pool-query-wait-timeout": "refused at once and before the login, not after a wait for a server connection",
            "pool-08p01-masks": "it is the number of clients, not who this one is",
        },
        fix=(
            "Open fewer connections: one pool for each process, and close those of functions that ended.",
            "Raise max_client_conn, and the limit of open files with it.",
        ),
        links=("https://github.com/tankpkg/tank/pull/287", "https://www.pgbouncer.org/config.html"),
        change=_past_the_pooler,
    ),
    Cause(
        id="pool-query-wait-timeout",
        layer="pooler",
        title="The pooler has no server connection left",
        summary="The pooler took the login by itself, at once. The first query waited for a server connection until "
        "query_wait_timeout was over: transactions that are long, or idle, hold all of them.",
        suspects=lambda view: view.where(is_of_the_database, says("query_wait_timeout")),
        ops=("pg.msg",),
        symptoms={
            "psycopg": "ProtocolViolation[08P01]: query_wait_timeout",
            "asyncpg": "ConnectionDoesNotExistError[08003]: connection was closed in the middle of operation: "
            "query_wait_timeout",
        },
        apart={
            "tx-client-pool-exhausted": "the pooler's own word for it came over the wire; no pool of the client was asked",
            "pool-max-client-conn": "the login was taken; it is the server connections that are too few",
        },
        fix=(
            "End transactions sooner; set idle_in_transaction_session_timeout for the role.",
            "Raise default_pool_size, as far as the server's max_connections allow.",
        ),
        links=("https://www.pgbouncer.org/config.html",),
        change=_past_the_pooler,
    ),
    Cause(
        id="pool-08p01-masks",
        layer="pooler",
        title="The pooler refuses the login by itself",
        summary="The refusal has SQLSTATE 08P01, or none, where Postgres would say 28P01 or 3D000, and its words name no "
        "user. So it is the pooler that does not know this user, password or database; Postgres was not asked.",
        suspects=_masked,
        ops=("pg.msg",),
        symptoms={
            "psycopg": "FATAL:  password authentication failed (no user in it) | no such database: nodb",
            "asyncpg": "ProtocolViolationError[08P01]: SASL authentication failed | no such database: nodb",
        },
        apart={
            "auth-wrong-password": "SQLSTATE 08P01 or none, and no user in the words: Postgres says 28P01 and names the user",
            "cfg-wrong-database": "SQLSTATE 08P01 or none, not the 3D000 of Postgres",
        },
        fix=(
            "Bring the pooler's auth_file or auth_query, and its databases, in step with Postgres.",
            "Correct user, password and database of the URL where they are wrong for Postgres too.",
        ),
        links=("https://www.pgbouncer.org/config.html",),
        change=_past_the_login,
    ),
    Cause(
        id="pool-sa-cache-flag-incomplete",
        layer="pooler",
        title="prepared_statement_cache_size=0 alone does not keep SQLAlchemy from naming statements",
        summary="The flag turns off the cache of SQLAlchemy's dialect. The dialect still prepares every statement, under "
        "names that asyncpg counts from one in each process, and the pooler's server connection has them already.",
        suspects=_flag_alone,
        ops=("pg.msg",),
        symptoms={
            "SQLAlchemy on asyncpg": 'ProgrammingError: prepared statement "__asyncpg_stmt_1__" already exists '
            "[SQL: select pg_catalog.version()]"
        },
        apart={
            "pool-prepared-duplicate": "the URL has prepared_statement_cache_size=0, and the name is still asyncpg's own"
        },
        fix=(
            "Beside the flag, with poolclass=NullPool: connect_args={'statement_cache_size': 0, "  # noqa: ISC004
            "'prepared_statement_name_func': lambda: f'__asyncpg_{uuid4()}__'}.",
            "Or take the direct URL.",
        ),
        links=(
            "https://github.com/supabase/supabase/issues/35684",
            "https://github.com/sqlalchemy/sqlalchemy/issues/6467",
        ),
        change=_names_of_its_own,
    ),
    Cause(
        id="pool-prepared-duplicate",
        layer="pooler",
        title="Another client of the pooler has prepared a statement of this name",
        summary="Names of prepared statements belong to a server connection, which the pooler hands to one client after "
        "another. This client's name (SQLSTATE 42P05) was there before it: drivers count theirs from one in each "
        "process.",
        suspects=_duplicate,
        ops=("pg.msg",),
        symptoms={
            "asyncpg": 'DuplicatePreparedStatementError[42P05]: prepared statement "__asyncpg_stmt_1__" already exists',
            "psycopg": 'DuplicatePreparedStatement[42P05]: prepared statement "_pg3_0" already exists, after the fifth '
            "execution",
            "pg, named queries": 'prepared statement "q0" already exists',
        },
        apart={
            "pool-prepared-missing": "the name is there too often (42P05), not missing (26000)",
            "pool-wrong-plan": "preparing was refused, so that nobody else's statement was run",
        },
        fix=_UNPREPARED,
        links=(
            "https://github.com/MagicStack/asyncpg/issues/252",
            "https://github.com/supabase/supabase/issues/35684",
            "https://github.com/psycopg/psycopg/issues/280",
        ),
        change=_past_the_pooler,
    ),
    Cause(
        id="pool-prepared-missing",
        layer="pooler",
        title="The pooler's server connection does not have the prepared statement",
        summary="The statement was prepared on one server connection and executed on another, or taken back in between by "
        "somebody else's DEALLOCATE ALL (SQLSTATE 26000). A pooler answers here, and this client took nothing back.",
        suspects=_missing,
        ops=("pg.msg",),
        symptoms={
            "asyncpg": 'InvalidSQLStatementNameError[26000]: prepared statement "__asyncpg_stmt_e__" does not exist',
            "psycopg": 'InvalidSqlStatementName[26000]: prepared statement "_pg3_10" does not exist',
            "pg, named queries": 'prepared statement "q1" does not exist',
        },
        apart={"pool-prepared-duplicate": "the name is missing (26000), not there already (42P05)"},
        fix=(
            *_UNPREPARED,
            "psycopg with PgBouncer 1.22 or later: libpq 17 or later, or prepared_max=None.",
        ),
        links=(
            "https://github.com/MagicStack/asyncpg/issues/198",
            "https://github.com/psycopg/psycopg/issues/935",
            "https://github.com/porsager/postgres/issues/547",
        ),
        change=_past_the_pooler,
    ),
    Cause(
        id="pool-wrong-plan",
        layer="pooler",
        title="Behind the pooler the name of a prepared statement is another statement's",
        summary="The server executed what somebody else had prepared under the name that this client used: its parameters, or "
        "its columns, are not those of the statement that this client prepared. Where they happen to be alike, nobody "
        "notices, and rows are written that nobody asked for.",
        suspects=_other_statement,
        ops=("pg.msg",),
        symptoms={
            "asyncpg": "ProtocolError: the number of columns in the result row (1) is different from what was described (2)",
            "SQLAlchemy on asyncpg": 'bind message supplies 1 parameters, but prepared statement "__asyncpg_stmt_1__" '
            "requires 0 (08P01)",
        },
        apart={
            "pool-prepared-duplicate": "the name was not refused: it was executed, and was another statement"
        },
        fix=(
            "Never run named statements through a pooler in transaction mode that does not follow them.",
            *_UNPREPARED,
        ),
        links=("https://github.com/MagicStack/asyncpg/issues/198",),
        change=_past_the_pooler,
    ),
    Cause(
        id="pool-session-state",
        layer="pooler",
        title="Another client left its settings on the pooler's server connection",
        summary="The transaction was read-only, although a pooler answers that is before a primary, and new sessions are told "
        "that they may write. So an earlier client said SET without LOCAL: in transaction mode that stays on the server "
        "connection for whoever comes next.",
        suspects=_left_behind,
        ops=("pg.msg",),
        symptoms={
            "any driver": "cannot execute INSERT in a read-only transaction (25006), now and then; or rows in the wrong "
            "schema, or a relation that does not exist"
        },
        apart={
            "tx-read-only": "the server is no standby and its sessions begin writable (in_hot_standby and "
            "default_transaction_read_only are off at the login)"
        },
        fix=(
            "SET LOCAL inside the transaction, in every client of the pooler; ALTER ROLE ... SET for what should stay.",
            "Until then RECONNECT on the pooler's console, which gives every server connection up.",
        ),
        links=(
            "https://github.com/pgbouncer/pgbouncer/issues/674",
            "https://www.pgbouncer.org/features.html",
        ),
        change=_past_the_pooler,
    ),
)
