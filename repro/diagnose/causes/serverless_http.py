"""Drivers that were made for a serverless database: they derive where to dial, and dial something else."""

from __future__ import annotations

from repro.diagnose.cause import Cause
from repro.diagnose.view import View, failed_with, is_of_the_queue
from repro.document import Outcome
from repro.persistence.dsn import MalformedUrl, parse_url

_WEB = frozenset({"https", "wss"})


def _port_of_the_url(view: View) -> int | None:
    text = view.variables.get("DATABASE_URL") or view.variables.get("POSTGRES_URL")
    try:
        return None if text is None else parse_url(text).port or 5432
    except MalformedUrl:
        return None


def _predicted_web(outcome: Outcome) -> bool:
    """Whether a database driver is one that derives a web address from the URL."""
    return any(endpoint["protocol"] in _WEB for endpoint in outcome["predicted"]) and not is_of_the_queue(
        outcome
    )


def _refused_on_443(view: View) -> list[Outcome]:
    """A refused 443 that the URL does not name, while a driver that keeps the URL's port gets through."""
    port = _port_of_the_url(view)
    if port in {None, 443} or not any(
        not _predicted_web(each) and not is_of_the_queue(each) for each in view.passing()
    ):
        return []
    return [
        outcome
        for outcome in view.failing()
        if failed_with(outcome, "connection_refused", "connect")
        and _predicted_web(outcome)
        and {endpoint["port"] for endpoint in outcome["predicted"]} == {443}
        and all(line["peer"]["port"] == 443 for line in view.lines(outcome, "connect") if line["peer"])
        and view.lines(outcome, "connect")
    ]


def _derived_name(view: View) -> list[Outcome]:
    """The first label of the host became ``api``, and that is no name, or no URL."""
    return [
        outcome
        for outcome in view.failing()
        if any(endpoint["host"].startswith("api.") for endpoint in outcome["predicted"])
        and (
            failed_with(outcome, "dns_nxdomain")
            or failed_with(outcome, "dns_failure")
            or failed_with(outcome, "config_invalid")
        )
    ]


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
            "Take a TCP driver for this database: pg with drizzle-orm/node-postgres.",
            "Or run a proxy that speaks the serverless protocol, point neonConfig.wsProxy and fetchEndpoint to it, and with drizzle use createPool().",
        ),
        links=(
            "https://github.com/vercel/storage/issues/123",
            "https://github.com/neondatabase/serverless/issues/127",
        ),
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
    ),
)
