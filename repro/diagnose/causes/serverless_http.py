"""Drivers that were made for a serverless database: they derive where to dial, and dial something else."""

from __future__ import annotations

from collections.abc import Callable

from repro.diagnose.cause import Cause, Change
from repro.diagnose.controls import in_the_lab, repeated
from repro.diagnose.urls import is_of_this_machine
from repro.diagnose.view import View, failed, failed_with, is_of_the_database, over, says
from repro.document import Outcome

_WEB = frozenset({"https", "wss"})
_POSTGRES_PORT = 5432
_HTTPS_PORT = 443
_QUOTAS = (
    "exceeded the compute time quota",
    "exceeded the data transfer quota",
    "exceeded the written data quota",
    "COMPUTE_TIME_QUOTA_EXCEEDED",
    "ACTIVE_TIME_QUOTA_EXCEEDED",
    "DATA_TRANSFER_QUOTA_EXCEEDED",
    "WRITTEN_DATA_QUOTA_EXCEEDED",
    "NON_PRIMARY_BRANCH_COMPUTE_TIME_EXCEEDED",
)
"""Codes of Neon's control plane, and the words around them (neon, proxy/src/control_plane)."""

_UNKNOWN = failed("dns_nxdomain", "dns_failure")

_LIMITS = (
    "Too many connections attempts",
    "Too many connections to this endpoint",
    "Failed to acquire permit to connect to the database",
)
"""What Neon's proxy says where it limits a rate (neon, proxy/src/compute)."""


def _ports_of_the_url(view: View) -> set[int]:
    """One for each of its hosts, which may be several."""
    url = view.url()
    return set() if url is None else {each.port or _POSTGRES_PORT for each in url.hosts}


def _predicted_web(outcome: Outcome) -> bool:
    """Whether a database driver is one that derives a web address from the URL."""
    web = any(endpoint["protocol"] in _WEB for endpoint in outcome["predicted"])
    return web and is_of_the_database(outcome)


def _somebody_reached(view: View, port: int) -> bool:
    """Whether a driver that keeps the URL's port was accepted there, whatever came of it."""
    return any(
        line["peer"]["port"] == port and not line.get("failure")
        for outcome in view.outcomes
        if is_of_the_database(outcome) and not _predicted_web(outcome)
        for line in view.lines(outcome, "connect")
        if line.get("peer")
    )


def ports_dialled(view: View, outcome: Outcome) -> set[int]:
    """The ports that a probe tried, whatever came of it."""
    return {line["peer"]["port"] for line in view.lines(outcome, "connect") if line.get("peer")}


def _refused_on_443(view: View) -> list[Outcome]:
    """A refused 443 that the URL does not name, while a driver that keeps the URL's port gets through."""
    ports = _ports_of_the_url(view)
    if _HTTPS_PORT in ports or not any(_somebody_reached(view, port) for port in ports):
        return []
    return [
        outcome
        for outcome in view.failing()
        if failed_with(outcome, "connection_refused", "connect")
        and _predicted_web(outcome)
        and {endpoint["port"] for endpoint in outcome["predicted"]} == {_HTTPS_PORT}
        and ports_dialled(view, outcome) == {_HTTPS_PORT}
    ]


def _derived_name(view: View) -> list[Outcome]:
    """The first label of the host became ``api``, and that is no name, or no URL; the host itself is one."""
    if "NEON_FETCH_ENDPOINT" in view.variables or view.where(is_of_the_database, over("tcp"), _UNKNOWN):
        return []
    return [
        outcome
        for outcome in view.where(is_of_the_database, over("http"), failed("dns_nxdomain", "config_invalid"))
        if any(endpoint["host"].startswith("api.") for endpoint in outcome["predicted"])
    ]


def through_a_gateway(view: View, outcome: Outcome) -> Change | None:
    """Neon's gateway before the same database, where that is on this machine: nothing else is changed."""
    url = view.url()
    if url is None or len(url.hosts) > 1 or not is_of_this_machine(url.host):
        return None  # of several hosts nobody knows which one has the database
    return Change(
        words="a gateway for the serverless protocol before the same database",
        probe=outcome["name"],
        command=f"repro lab gateway   # then, with the variables that it prints: {repeated(outcome['name'])}",
        gateway_before=(url.host, url.port or _POSTGRES_PORT),
    )


def at_another_gateway(view: View, outcome: Outcome) -> Change | None:
    """Another gateway before the same database; where none may be put before it, the lab's before the lab's."""
    return through_a_gateway(view, outcome) or in_the_lab(view, outcome)


def _hangs_up(view: View) -> list[Outcome]:
    """No answer came; and whoever is there, asked afterwards, ends every connection without a word."""

    def ends_every_connection(outcome: Outcome) -> bool:
        # it may end those alone that name no host in their handshake, as the one that asked afterwards
        shaken = any(not line.get("failure") for line in view.lines(outcome, "tls.handshake"))
        return view.spoken_at(outcome) == "closes" and not shaken

    return view.where(
        is_of_the_database, over("http"), failed("eof", "connection_reset"), ends_every_connection
    )


def _said(*words: str) -> Callable[[View], list[Outcome]]:
    return lambda view: view.where(is_of_the_database, says(*words))


CAUSES: tuple[Cause, ...] = (
    Cause(
        id="sl-localhost-443",
        layer="serverless-http",
        title="A serverless driver dials port 443 of the database's host",
        summary="The driver keeps the host of the URL and drops its port: it dials https://<host>/sql or wss://<host>/v2. "
        "Nothing listens there, while drivers that keep the URL's port reach the database.",
        suspects=_refused_on_443,
        symptoms={
            "drizzle-orm on @vercel/postgres": "Failed query: begin (the refused connection is links below)",
            "@vercel/postgres, its pool": "an ErrorEvent, without a message where the host has two addresses",
            "@neondatabase/serverless over HTTP": "Error connecting to database: TypeError: fetch failed",
            "pg, psycopg, asyncpg": "nothing: they work",
        },
        apart={
            "tcp-refused": "the refused port is not the URL's, and another driver reaches the URL's",
            "sl-derived-endpoint": "the name was found; it is the port that is wrong",
        },
        fix=(
            "Take a TCP driver for this database: pg with drizzle-orm/node-postgres, psycopg or asyncpg in Python.",
            "Or run a proxy for the serverless protocol, such as repro lab gateway, and point neonConfig to it.",
            "With drizzle-orm on @vercel/postgres use createPool() then: the default client is not atomic.",
        ),
        links=(
            "https://github.com/vercel/storage/issues/123",
            "https://github.com/neondatabase/serverless/issues/127",
        ),
        change=through_a_gateway,
    ),
    Cause(
        id="sl-derived-endpoint",
        layer="serverless-http",
        title="The HTTP endpoint derived from the host does not exist",
        summary="Neon's HTTP driver replaces the first label of the host by api. For a host that is not Neon's that is "
        "another name, or, for an address such as 127.0.0.1, no URL at all.",
        suspects=_derived_name,
        ops=("dns",),
        apart={
            "dns-nxdomain": "the name that was looked up is not the URL's: it begins with api",
            "sl-localhost-443": "no address was dialled",
        },
        fix=(
            "Set neonConfig.fetchEndpoint (here: NEON_FETCH_ENDPOINT) for a database that is not Neon's.",
            "Or take a TCP driver.",
        ),
        links=("https://github.com/neondatabase/serverless/blob/main/CONFIG.md",),
        change=through_a_gateway,
    ),
    Cause(
        id="sl-rate-limited",
        layer="serverless-http",
        title="Neon's proxy takes no more connections for now",
        summary="The proxy limits how many connections are opened at once and in a while, and said so. Postgres's own limit, "
        "SQLSTATE 53300, is another one.",
        suspects=_said(*_LIMITS),
        symptoms={
            "over HTTP": "Server error (HTTP status 429): Too many connections attempts",
            "over TCP": "Too many connections to this endpoint. Please try again later.",
        },
        apart={
            "auth-too-many-connections": "the proxy said it, and Postgres was not asked",
            "pool-max-client-conn": "it is a rate that is limited, and passes",
        },
        fix=("Try again with growing pauses.", "One pool a process in the place of a connection a request."),
        links=("https://github.com/neondatabase/neon/blob/main/proxy/src/compute/mod.rs",),
        ops=("http.response",),
        change=in_the_lab,
    ),
    Cause(
        id="sl-quota",
        layer="serverless-http",
        title="The project has used up what its plan allows",
        summary="Neon's control plane refused: compute time, active time, or transferred or written data of the plan are used "
        "up. It says the same over TCP and over HTTP, and to every try.",
        suspects=_said(*_QUOTAS),
        symptoms={"all": "Your account or project has exceeded the compute time quota"},
        apart={"sl-rate-limited": "it does not pass by waiting a moment"},
        fix=("Upgrade the plan, or wait for the next period.",),
        links=("https://github.com/neondatabase/neon/pull/7057",),
        ops=("http.response",),
        change=in_the_lab,
    ),
    Cause(
        id="sl-fetch-dropped",
        layer="serverless-http",
        title="Whoever answers at the HTTP endpoint ends every connection without an answer",
        summary="The request was sent and the connection ended before a status line came; asked afterwards, whoever is there "
        "ends every connection. Drivers say that they could not connect, although they were.",
        suspects=_hangs_up,
        symptoms={
            "@neondatabase/serverless": "Error connecting to database: fetch failed (below it: other side closed)",
            "httpx": "Server disconnected without sending a response.",
        },
        apart={
            "ca-http-response-lost": "nobody there answers any request, so that nothing was carried out behind it",
            "tcp-refused": "the connection was accepted",
        },
        fix=(
            "Look at what is behind the endpoint: a load balancer without a server answers so.",
            "Use an idempotency key: where it is only sometimes so, the request may have been carried out.",
        ),
        links=("https://github.com/neondatabase/neon/issues/5362",),
        ops=("close", "connect"),
        change=at_another_gateway,
    ),
    Cause(
        id="sl-suspended-cold-start",
        layer="serverless-http",
        title="The first call wakes a suspended compute, and takes longer than the client waits",
        summary="After some minutes without work Neon suspends the compute; the next login waits until it is up, some seconds. "
        "The second try works, so that one run cannot show it: it is explained here and never claimed.",
        suspects=lambda _view: [],
        symptoms={
            "psycopg, pg with a short timeout": "connection timeout expired, timeout expired",
            "Prisma": "P1001: Can't reach database server",
        },
        apart={"tcp-syn-blackhole": "the connection was accepted at once; it is the login that waited"},
        fix=("connect_timeout of 15 s and one retry.", "Or no suspension: autosuspend off on a paid plan."),
        links=("https://github.com/neondatabase/neon/issues/5156",),
    ),
    Cause(
        id="sl-dsn-leak-in-error",
        layer="serverless-http",
        title="The driver's error holds the whole connection string",
        summary="Some drivers print the URL that they could not read, with its password, and SQLAlchemy and drizzle the values of "
        "a statement. It is no cause of a failure, but of a leak: every report of this tool has them taken out.",
        suspects=lambda _view: [],
        symptoms={
            "@neondatabase/serverless": "Database connection string provided to neon() is not a valid URL (connection string: …)",
            "psycopg": 'missing "=" after "…"',
            "@upstash/redis": "UrlError: … Received: …",
            "drizzle-orm": "DrizzleQueryError: Failed query: …, with params",
        },
        apart={"cfg-url-missing": "that is why the URL could not be read"},
        fix=("Log the type and the SQLSTATE of an error, not its text; change a password that was logged.",),
        links=("https://github.com/drizzle-team/drizzle-orm/issues/5939",),
    ),
    Cause(
        id="sl-http-session-state",
        layer="serverless-http",
        title="What one call over HTTP has set, the next one does not have",
        summary="Each call of SQL over HTTP has a session of its own: SET, search_path, advisory locks and temporary tables end with "
        "it. The production transaction needs none, so it is explained here and never claimed.",
        suspects=lambda _view: [],
        symptoms={"all over HTTP": "no error: a setting has no effect, a temporary table does not exist"},
        apart={"tx-http-not-interactive": "no transaction was open; it is a session that was expected"},
        fix=("Send them as one batch, with set_config(name, value, true).", "Or take the WebSocket, or TCP."),
        links=("https://github.com/neondatabase/neon/pull/4654",),
    ),
)
