"""Settings, and what each driver makes of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from repro.diagnose.cause import Cause, Change
from repro.diagnose.controls import done_right, repeated
from repro.diagnose.urls import is_of_this_machine
from repro.diagnose.view import (
    View,
    deepest,
    during,
    failed,
    is_a,
    is_of_the_database,
    said,
    says,
    sqlstate,
)
from repro.document import Outcome
from repro.persistence.dsn import Url

_URLS = ("DATABASE_URL", "POSTGRES_URL")

_NOTHING = frozenset({"undefined", "null", "none", "nil"})
"""What programs write when they mean that there is no value."""

_UNREACHED = failed("connection_refused", "timeout", "host_unreachable")

_KEYWORD = re.compile(r"connect\(\) got an unexpected keyword argument '(\w+)'")
_PARAMETER = re.compile(
    r"(?:unrecognized configuration parameter|invalid URI query parameter:|invalid connection option)"
    r' "([^"]+)"'
)

_OF_LIBPQ = frozenset(
    {
        *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "sslsni", "sslnegotiation"),
        *("channel_binding", "require_auth", "gssencmode", "connect_timeout", "application_name", "options"),
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
        *("hostaddr", "dbname", "client_encoding", "fallback_application_name"),
    }
)
"""Parameters that libpq knows, and that are no arguments of ``asyncpg.connect``."""

_OF_OTHERS = frozenset(
    {
        *(
            "pgbouncer",
            "schema",
            "connection_limit",
            "pool_timeout",
            "statement_cache_size",
            "socket_timeout",
        ),
        *("prepareThreshold", "supa", "workaround"),
    }
)
"""Parameters of Prisma, of JDBC and of dashboards, which libpq does not know."""

_NO_GUCS = _OF_OTHERS | {
    *("channel_binding", "require_auth", "gssencmode", "connect_timeout", "sslnegotiation", "sslsni"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
    *("hostaddr", "fallback_application_name"),
}
"""Parameters that asyncpg does not know either, and sends to the server, which has no setting of that name."""


def _undialled(view: View, outcome: Outcome) -> bool:
    return not view.lines(outcome, "connect") and not view.lines(outcome, "dns")


def _query(view: View) -> Mapping[str, str]:
    url = view.url()
    return {} if url is None else url.query


def _scheme(view: View) -> str:
    return (view.url_text() or "").partition("://")[0].lower()


def _variable(view: View) -> str:
    return next((name for name in _URLS if name in view.variables), _URLS[0])


def _with_scheme(view: View, outcome: Outcome) -> Change:
    name = _variable(view)
    return Change(
        words=f"postgresql:// in the place of {_scheme(view)}://",
        probe=outcome["name"],
        command=f'{name}="postgresql://${{{name}#*://}}" {repeated(outcome["name"])}',
        variables={name: "postgresql://" + view.variables[name].partition("://")[2]},
    )


def _is_near(url: Url | None) -> bool:
    """Whether a URL leads to this machine; parameters may lead elsewhere, whatever its host is."""
    if url is None or {"host", "hostaddr"} & set(url.query):
        return False
    return all(is_of_this_machine(each.host) for each in url.hosts)


def _says_nothing(view: View) -> list[Outcome]:
    """A host, a user, a password or a database that is the word for none, and is refused as such."""
    url = view.url()
    user, password, path = (
        (False, False, False)
        if url is None
        else (_is_no_value(url.user), _is_no_value(url.password), _is_no_value(url.path))
    )

    def refused(outcome: Outcome) -> bool:
        if failed("dns_nxdomain", "dns_failure")(outcome):
            return any(_is_no_value(endpoint["host"]) for endpoint in outcome["predicted"])
        if not is_of_the_database(outcome):
            return False
        login = sqlstate("28P01")(outcome) or says("password authentication failed for user")(outcome)
        return (login and (user or password)) or (path and _has_no_such_database(outcome))

    return view.where(refused)


def _is_no_value(text: str | None) -> bool:
    return (text or "").lower() in _NOTHING


def _has_no_such_database(outcome: Outcome) -> bool:
    # libpq gives no SQLSTATE for a login that was refused
    return is_of_the_database(outcome) and (
        sqlstate("3D000")(outcome)
        or re.search(r'FATAL: +database ".*" does not exist', said(outcome)) is not None
    )


def _scheme_refused(view: View) -> list[Outcome]:
    return view.where(is_a("NoSuchModuleError")) if _scheme(view) == "postgres" else []


def _scheme_crossed(view: View) -> list[Outcome]:
    if "+" not in _scheme(view):
        return []
    words = (
        'missing "="',
        "scheme is expected to be",
        "Can't load plugin: sqlalchemy.dialects",
        "not a valid URL",
        "the URL's scheme is neither postgresql nor postgres",
    )
    return [
        outcome
        for outcome in view.where(is_of_the_database, failed("config_invalid"), says(*words))
        if _undialled(view, outcome)
    ]


def _keyword_refused(view: View) -> list[Outcome]:
    """SQLAlchemy handed a parameter of the URL on as an argument."""

    def refused(outcome: Outcome) -> bool:
        match = _KEYWORD.search(deepest(outcome))
        return match is not None and (match[1] in _OF_LIBPQ or match[1] in _query(view))

    return [outcome for outcome in view.where(refused) if _undialled(view, outcome)]


def _with_ssl(view: View, outcome: Outcome) -> Change | None:
    if _weakens(view):
        return None
    name = _variable(view)
    known = [
        ("ssl" if key == "sslmode" else key, value)
        for key, value in _pairs(view.variables[name])
        if key == "sslmode" or key not in _OF_LIBPQ | _OF_OTHERS
    ]
    return Change(
        words="ssl= in the place of sslmode=, and none of libpq's other parameters",
        probe=outcome["name"],
        command=f'{name}="${{{name}%%\\?*}}?{_shown(known)}" {repeated(outcome["name"])}',
        variables={name: _with_query(view.variables[name], known)},
    )


def _shown(pairs: Iterable[tuple[str, str]]) -> str:
    """A query for a command: how TLS is done may be shown, and nothing else may."""
    return urlencode([pair for pair in pairs if pair[0] in {"ssl", "sslmode"}])


def _weakens(view: View) -> bool:
    """Whether a login that insists on its channel, or on its method, would go to another machine without."""
    query = _query(view)
    secured = query.get("sslmode") in {"require", "verify-ca", "verify-full"}
    insists = query.get("channel_binding") == "require" or query.get("gssencmode") == "require"
    return (insists or "require_auth" in query) and not secured and not _is_near(view.url())


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(text).query.replace("+", "%2B"), keep_blank_values=True)


def _with_query(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    return urlsplit(text)._replace(query=urlencode(list(pairs))).geturl()


def _parameter_refused(view: View) -> list[Outcome]:
    """The server, or libpq, names a parameter that it does not know, and the URL has it."""

    def refused(outcome: Outcome) -> bool:
        match = _PARAMETER.search(said(outcome))
        if match is None or match[1] not in _query(view):
            return False
        if sqlstate("42704")(outcome):
            return during("connect", "authenticate")(outcome)
        return failed("config_invalid")(outcome) and _undialled(view, outcome)

    return view.where(is_of_the_database, refused)


def _without_parameter(view: View, outcome: Outcome) -> Change | None:
    match = _PARAMETER.search(said(outcome))
    if match is None or _weakens(view):
        return None
    unknown = {match[1], *(_NO_GUCS if sqlstate("42704")(outcome) else _OF_OTHERS)}
    name, present = _variable(view), sorted(unknown & set(_query(view)))
    kept = [pair for pair in _pairs(view.variables[name]) if pair[0] not in unknown]
    removed = " ".join(f"-e 's/\\([?&]\\){each}=[^&]*&*/\\1/'" for each in present)
    return Change(
        words=f"the URL without {', '.join(present)}",
        probe=outcome["name"],
        command=f'{name}="$(printf %s "${name}" | sed {removed})" {repeated(outcome["name"])}',
        variables={name: _with_query(view.variables[name], kept)},
    )


def _hijacked_by(view: View, outcome: Outcome) -> str | None:
    """The variable of libpq that decided what a probe failed of, where the URL leaves it out."""
    url = view.url()
    if url is None or not is_of_the_database(outcome) or outcome["transport"] != "tcp":
        return None
    for name, decides in _HIJACKERS.items():
        if view.environ.get(name) and decides(view, outcome, url, view.environ[name]):
            return name
    return None


def _by_sslmode(view: View, outcome: Outcome, url: Url, mode: str) -> bool:
    if {"sslmode", "ssl", "requiressl"} & set(url.query):
        return False
    if mode == "disable":
        return during("authenticate", "connect")(outcome) and says(*_PLAIN_REFUSED)(outcome)
    if mode not in {"require", "verify-ca", "verify-full"} or not failed("tls_protocol")(outcome):
        return False
    # asyncpg says "rejected SSL upgrade" of whatever answers, also of HTTP: the N of Postgres must be seen
    return says("does not support SSL")(outcome) or any(
        line.get("pg.status") == "N" for line in view.lines(outcome, "pg.msg")
    )


def _by_port(view: View, outcome: Outcome, url: Url, port: str) -> bool:
    left_out = not any(each.port for each in url.hosts) and "port" not in url.query
    return left_out and port != "5432" and _UNREACHED(outcome) and _all_at(view, outcome, port=port)


def _by_address(view: View, outcome: Outcome, url: Url, address: str) -> bool:
    left_out = "hostaddr" not in url.query and all(each.host != address for each in url.hosts)
    elsewhere = any(
        line["peer"] and line["peer"]["address"] not in address.split(",")
        for passing in view.passing()
        for line in view.lines(passing, "connect")
        if is_of_the_database(passing)
    )
    return left_out and (_UNREACHED(outcome) or elsewhere) and _all_at(view, outcome, address=address)


def _all_at(view: View, outcome: Outcome, *, port: str | None = None, address: str | None = None) -> bool:
    """Whether a probe dialled, and nothing but this."""
    peers = [line["peer"] for line in view.lines(outcome, "connect") if line.get("peer")]
    return bool(peers) and all(
        (port is None or str(peer["port"]) in port.split(","))
        and (address is None or peer["address"] in address.split(","))
        for peer in peers
    )


_PLAIN_REFUSED = ("no encryption", "SSL off", "connection is insecure", "SSL connection is required")
"""What Postgres before and since 14, and poolers, say to a login without TLS."""

_HIJACKERS: Mapping[str, Callable[[View, Outcome, Url, str], bool]] = {
    "PGSSLMODE": _by_sslmode,
    "PGPORT": _by_port,
    "PGHOSTADDR": _by_address,
}


def _without_variable(view: View, outcome: Outcome) -> Change | None:
    name = _hijacked_by(view, outcome)
    wants_tls = name == "PGSSLMODE" and view.environ[name] != "disable"
    if name is None or (wants_tls and not _is_near(view.url())):
        return None  # without PGSSLMODE the login would go to another machine in clear
    return Change(
        words=f"{name} taken out of the environment",
        probe=outcome["name"],
        command=f"env -u {name} {repeated(outcome['name'])}",
        environment={name: None},
    )


def _not_pooled(view: View) -> list[Outcome]:
    return [
        outcome
        for outcome in view.where(is_a("VercelPostgresError"), says("invalid_connection_string"))
        if not view.lines(outcome, "connect")
    ]


def _as_localhost(view: View, outcome: Outcome) -> Change:
    """The one host that the check lets pass; where the database is not here, the driver that does not check."""
    name, url = _variable(view), view.url()
    if url is None or not _is_near(url):
        return Change(
            words="node.pg in the place of @vercel/postgres",
            probe="node.pg",
            command=f"repro run --node --only {outcome['name']},node.pg",
        )
    parts = urlsplit(view.variables[name])
    credentials, at, _ = parts.netloc.rpartition("@")
    where = f"{credentials}{at}localhost" + (f":{url.port}" if url.port else "")
    return Change(
        words="localhost in the place of the address",
        probe=outcome["name"],
        command=f'{name}="$(printf %s "${name}" | sed s/127.0.0.1/localhost/)" repro run --node --only {outcome["name"]}',
        variables={name: parts._replace(netloc=where).geturl()},
    )


def _malformed(view: View) -> list[Outcome]:
    """A URL that passed the judge, and that our own drivers cannot take apart."""
    return [
        outcome
        for outcome in view.where(is_a("MalformedUrl"))
        if _undialled(view, outcome) and not says("names no host")(outcome)
    ]


def _hostless(view: View) -> list[Outcome]:
    """A URL that leaves its host to PGHOST or to a folder, for a driver that needs one."""
    return [
        outcome
        for outcome in view.where(is_a("MalformedUrl"), says("names no host"))
        if _undialled(view, outcome)
    ]


def _seen_before_the_probes(_view: View) -> tuple[Outcome, ...]:
    """The command line refuses it (exit code 2), so that no probe fails of it."""
    return ()


def _is_of_another_loop(outcome: Outcome) -> bool:
    # redis-py and SQLAlchemy say "Event loop is closed" while they tidy up, too: there it is not the deepest
    return "attached to a different loop" in said(outcome) or "Event loop is closed" in deepest(outcome)


CAUSES: tuple[Cause, ...] = (
    Cause(
        id="cfg-url-missing",
        layer="config",
        title="A setting is missing, or holds the word for a missing value",
        summary="The URL is unset, empty, or was put together from variables that were: undefined, null or None stands where a "
        "host, a user or a database should. Drivers then dial a default of their own, such as 127.0.0.1:5432, or look "
        "up a host called undefined. What is empty or such a word as a whole is refused before anything is dialled.",
        suspects=_says_nothing,
        ops=("dns", "pg.msg"),
        symptoms={
            "psycopg, no URL": 'connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed',
            "asyncpg, pg, no URL": "connection refused at 127.0.0.1:5432, which nobody configured",
            "pg, the URL 'undefined'": "getaddrinfo ENOTFOUND base",
            "@neondatabase/serverless": "No database connection string was provided to neon()",
            "@vercel/postgres": "VercelPostgresError - 'missing_connection_string'",
            "all, the host undefined": "the name undefined is not known",
        },
        apart={
            "dns-nxdomain": "the name that was looked up is the word for no value, and not a misspelt host",
            "auth-wrong-password": "the user or the password in the URL is the word for no value",
            "tcp-refused": "no address was refused",
        },
        fix=(
            "Find out what wrote the URL, and set the variable that it lacked.",
            "Let the program end at its start when a setting is empty or says undefined.",
        ),
        links=(
            "https://github.com/redis/ioredis/issues/1726",
            "https://github.com/vercel/examples/issues/701",
        ),
    ),
    Cause(
        id="cfg-sa-postgres-scheme",
        layer="config",
        title="SQLAlchemy does not take postgres:// URLs",
        summary="SQLAlchemy 1.4 and later read the scheme as the name of a dialect, and there is none called postgres. "
        "Nothing was dialled.",
        suspects=_scheme_refused,
        symptoms={
            "SQLAlchemy": "NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgres",
            "psycopg, asyncpg, pg": "nothing: they take both",
        },
        apart={"cfg-scheme-crossed": "the scheme names no driver"},
        fix=("Write postgresql:// (with +psycopg or +asyncpg for the driver).",),
        links=(
            "https://github.com/sqlalchemy/sqlalchemy/issues/6083",
            "https://github.com/trotto/go-links/issues/100",
        ),
        change=_with_scheme,
    ),
    Cause(
        id="cfg-scheme-crossed",
        layer="config",
        title="A URL that is written for SQLAlchemy went to a raw driver",
        summary="The scheme names a dialect and a driver, as postgresql+asyncpg:// does. Only SQLAlchemy reads that; the "
        "drivers themselves refuse the URL, or the dialect does not exist. Nothing was dialled.",
        suspects=_scheme_crossed,
        ops=(),
        symptoms={
            "psycopg": 'missing "=" after "postgresql+psycopg://…" in connection info string (with the password)',
            "asyncpg": 'invalid DSN: scheme is expected to be either "postgresql" or "postgres"',
            "SQLAlchemy, an unknown driver": "NoSuchModuleError: Can't load plugin: sqlalchemy.dialects:postgresql.psycopg3",
        },
        apart={
            "cfg-sa-postgres-scheme": "the scheme names a driver, and it is not SQLAlchemy that refuses it"
        },
        fix=(
            "Keep one URL with postgresql://, and let the program that uses SQLAlchemy add the driver.",
            "Keep the password out of the log: psycopg prints the whole URL.",
        ),
        links=("https://github.com/encode/databases/issues/426",),
        change=_with_scheme,
    ),
    Cause(
        id="cfg-sa-asyncpg-sslmode",
        layer="config",
        title="asyncpg under SQLAlchemy does not take libpq's parameters in the URL",
        summary="SQLAlchemy hands the URL's parameters to asyncpg.connect() as they are. asyncpg by itself reads sslmode from "
        "a URL, and calls the argument ssl; channel_binding, application_name and others are no arguments at all. "
        "Nothing was dialled.",
        suspects=_keyword_refused,
        symptoms={
            "SQLAlchemy on asyncpg": "TypeError: connect() got an unexpected keyword argument 'sslmode' (or 'channel_binding')",
            "asyncpg, psycopg": "nothing, for sslmode: they read it themselves",
        },
        apart={
            "cfg-asyncpg-unknown-param": "the error came before anything was dialled, from a missing argument"
        },
        ops=(),
        fix=(
            "Write ?ssl=require in the place of ?sslmode=require, or pass connect_args={'ssl': ...}.",
            "Take the other parameters out, or connect by async_creator=lambda: asyncpg.connect(url).",
        ),
        links=(
            "https://github.com/MagicStack/asyncpg/issues/737",
            "https://github.com/sqlalchemy/sqlalchemy/issues/6275",
        ),
        change=_with_ssl,
    ),
    Cause(
        id="cfg-asyncpg-unknown-param",
        layer="config",
        title="The URL has a parameter that the driver does not know",
        summary="asyncpg sends each parameter that it does not know to the server as a setting, and the server answers SQLSTATE "
        "42704; libpq refuses it before it dials. URLs of dashboards carry such parameters: channel_binding, "
        "pgbouncer, connect_timeout, schema.",
        suspects=_parameter_refused,
        ops=("pg.msg",),
        symptoms={
            "asyncpg": 'UndefinedObjectError: unrecognized configuration parameter "channel_binding"',
            "psycopg": 'invalid URI query parameter: "pgbouncer"',
            "psycopg2 on an old libpq": 'invalid connection option "channel_binding"',
            "pg": "nothing: it ignores them",
        },
        apart={
            "pool-startup-param": "it is the server that has no setting of this name, not a pooler that lets none pass",
            "cfg-sa-asyncpg-sslmode": "the driver took the parameter; it was refused by its name",
        },
        fix=(
            "Take the parameter out of the URL for this driver.",
            "Keep one URL for each driver where several share a dashboard's.",
        ),
        links=(
            "https://github.com/neondatabase/neonctl/pull/366",
            "https://github.com/dalibo/temboard/issues/1019",
        ),
        change=_without_parameter,
    ),
    Cause(
        id="cfg-env-hijack",
        layer="config",
        title="A PG… variable of the environment decides what the URL leaves out",
        summary="libpq, asyncpg and node-postgres read PGSSLMODE, PGPORT and others for whatever the URL does not say, and libpq "
        "dials PGHOSTADDR whatever the URL's host is. The probe failed of what such a variable says, and the URL "
        "says nothing of it.",
        suspects=lambda view: [each for each in view.failing() if _hijacked_by(view, each)],
        ops=("connect", "tls.handshake"),
        symptoms={
            "psycopg, PGSSLMODE=require": "server does not support SSL, but SSL was required",
            "asyncpg, PGSSLMODE=require": "rejected SSL upgrade",
            "pg, PGSSLMODE=require": "The server does not support SSL connections",
            "all, PGPORT": "connection refused, at a port that the URL does not name",
        },
        apart={
            "tls-server-no-ssl": "the URL does not ask for TLS: PGSSLMODE does",
            "tcp-refused": "the address that was dialled is not the URL's: a variable gave it",
            "tcp-syn-blackhole": "the address that was dialled is not the URL's: a variable gave it",
        },
        fix=(
            "Take the variable out of the environment, where it was not meant for this program.",
            "Say it in the URL: what stands there goes before the environment.",
        ),
        links=("https://www.postgresql.org/docs/current/libpq-envars.html",),
        change=_without_variable,
    ),
    Cause(
        id="cfg-vercel-pooled-check",
        layer="config",
        title="@vercel/postgres refuses a URL that is not a pooled one",
        summary="The package looks for -pooler. in the URL before it dials anything; only the host localhost is exempt.",
        suspects=_not_pooled,
        ops=(),
        symptoms={
            "@vercel/postgres": "VercelPostgresError - 'invalid_connection_string'",
            "pg, psycopg, asyncpg": "nothing: they work",
        },
        apart={"sl-localhost-443": "nothing was dialled, and nothing looked up"},
        fix=(
            "Take pg with drizzle-orm/node-postgres for a database that is not Neon's.",
            "Or give the pooled URL to createPool(), and the direct one to createClient().",
        ),
        links=(
            "https://github.com/vercel/storage/issues/614",
            "https://github.com/vercel/next-learn/issues/344",
        ),
        change=_as_localhost,
    ),
    Cause(
        id="cfg-wrong-database",
        layer="config",
        title="The server has no database of that name",
        summary="The login succeeded, and the server answered SQLSTATE 3D000.",
        suspects=lambda view: view.where(_has_no_such_database),
        ops=("pg.msg",),
        symptoms={
            "psycopg": 'FATAL:  database "…" does not exist',
            "asyncpg": "InvalidCatalogNameError",
            "pg": 'database "…" does not exist, with the code 3D000',
        },
        apart={
            "auth-wrong-password": "the password was taken before the database was looked for",
            "pool-08p01-masks": "it is Postgres that answered, with a code of its own",
        },
        fix=("Correct the path of the URL; where it is missing, libpq takes the user's name.",),
        links=("https://github.com/brianc/node-postgres/issues/3313",),
    ),
    Cause(
        id="cfg-missing-greenlet",
        layer="config",
        title="SQLAlchemy's async session was made to read where nothing awaits",
        summary="An attribute that COMMIT expired was read from plain code, and the session had to ask the server for it. The "
        "transaction may well be committed: look for COMMIT in the trace before it is repeated.",
        suspects=lambda view: view.where(is_a("MissingGreenlet")),
        ops=(),
        symptoms={
            "SQLAlchemy, async": "MissingGreenlet: greenlet_spawn has not been called; can't call await_() here"
        },
        apart={
            "ca-commit-ack-lost": "the server's answer to COMMIT arrived; it is the read after it that failed"
        },
        fix=("Make the session with expire_on_commit=False, or load with selectinload or RETURNING.",),
        links=("https://docs.sqlalchemy.org/en/20/errors.html#missinggreenlet",),
        change=done_right,
    ),
    Cause(
        id="cfg-cross-event-loop",
        layer="config",
        title="A connection was made in one event loop and used in another",
        summary="A pool or an engine that lives longer than its asyncio.run(), as at the top of a module or in tests with a loop "
        "each, hands out connections of a loop that has ended. Nothing is sent for the call that fails.",
        suspects=lambda view: view.where(_is_of_another_loop),
        ops=(),
        symptoms={
            "SQLAlchemy on asyncpg": "RuntimeError: Task … got Future … attached to a different loop",
            "redis.asyncio": "RuntimeError: Event loop is closed",
            "asyncpg's pool": "InterfaceError: cannot perform operation: another operation is in progress",
        },
        apart={"tx-concurrent-use": "the error names the loop, and not another operation"},
        fix=(
            "Make pools and engines within the loop that uses them, and close them before it ends.",
            "In tests take one loop for the session, or poolclass=NullPool.",
        ),
        links=(
            "https://github.com/MagicStack/asyncpg/issues/863",
            "https://github.com/redis/redis-py/issues/3492",
        ),
        change=done_right,
    ),
    Cause(
        id="cfg-edge-runtime-net",
        layer="config",
        title="A driver that needs sockets was bundled for a runtime without any",
        summary="Edge runtimes and browsers have no net and tls of Node. The bundler, or the import, says so; nothing was "
        "dialled.",
        suspects=lambda view: [
            each
            for each in view.where(
                says(
                    "Can't resolve 'net'",
                    "not support Node.js 'net'",
                    'resolve "pg-cloudflare"',
                    "cloudflare:sockets",
                )
            )
            if _undialled(view, each)
        ],
        ops=(),
        symptoms={"pg, postgres": "Module not found: Can't resolve 'net'"},
        fix=(
            "Run this code in Node: export const runtime = 'nodejs'.",
            "Or take a driver over HTTP or WebSocket there.",
        ),
        links=("https://github.com/brianc/node-postgres/issues/3206",),
    ),
    Cause(
        id="cfg-windows-proactor",
        layer="config",
        title="psycopg cannot use the default event loop of Windows",
        summary="The ProactorEventLoop cannot watch a socket for psycopg, which says so before it dials.",
        suspects=lambda view: view.where(says("cannot use the 'ProactorEventLoop'")),
        ops=(),
        symptoms={"psycopg, async": "Psycopg cannot use the 'ProactorEventLoop' to run in async mode"},
        fix=("asyncio.run(main(), loop_factory=asyncio.SelectorEventLoop).",),
        links=("https://github.com/psycopg/psycopg/issues/882",),
    ),
    Cause(
        id="config-quoted",
        layer="config",
        title="A setting begins or ends with a quotation mark",
        summary="A shell takes quotation marks away; docker --env-file, dashboards and secret stores keep them, and the value "
        "is no URL any more. It is refused before anything is dialled.",
        suspects=_seen_before_the_probes,
        apart={"config-url-malformed": "without its marks the value is what it should be"},
        fix=("Write the value without quotation marks where it is set.",),
    ),
    Cause(
        id="config-url-malformed",
        layer="config",
        title="A setting cannot be read as a URL",
        summary="The value has not the shape of a URL, holds a space or a line break, its port is no number, or a % is not "
        "followed by two digits. Nothing is dialled for it.",
        suspects=_malformed,
        ops=(),
        apart={
            "config-url-unescaped": "it is not a character of the password that cuts the URL short",
            "config-host-missing": "it is not the host alone that is missing",
        },
        fix=("Write it as scheme://USER:PASSWORD@HOST:PORT/NAME, the password percent-encoded.",),
    ),
    Cause(
        id="config-url-unescaped",
        layer="config",
        title="The password holds a character that cuts the URL short",
        summary="@ / : # ? [ and % mean something in a URL. Written as they are, they end the password or the host too early: "
        "each driver then dials another host, and some print the rest of the password as its name. It is refused "
        "before anything is dialled.",
        suspects=_seen_before_the_probes,
        apart={"config-url-malformed": "the URL has its shape; it is read otherwise than it was meant"},
        fix=(
            "Percent-encode the password: @ as %40, / as %2F, : as %3A, # as %23, ? as %3F, [ as %5B, % as %25.",
        ),
    ),
    Cause(
        id="config-wrong-kind",
        layer="config",
        title="A setting holds a URL of another kind",
        summary="The scheme is not one of the service that the variable names: a web page's URL for a database, say. It is "
        "refused before anything is dialled.",
        suspects=_seen_before_the_probes,
        apart={"cfg-scheme-crossed": "the URL is no database's at all"},
        fix=("Copy the URL of the right service, whole, from the console that shows it.",),
    ),
    Cause(
        id="config-host-missing",
        layer="config",
        title="A URL names no host, and the driver needs one",
        summary="Drivers over Postgres's own protocol take the host from PGHOST or dial a Unix socket; those over HTTP and "
        "WebSocket derive where to dial from the URL's host alone. Nothing was dialled.",
        suspects=_hostless,
        ops=(),
        apart={"config-url-malformed": "but for its host the URL can be read"},
        fix=("Write the host into the URL.",),
    ),
)
