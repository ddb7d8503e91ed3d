"""How long a driver waits when it is left alone: where a probe gave up, an application would still wait.

The probes have limits of their own (`repro.persistence.settings.Timeouts`), so that a run ends. What the
drivers do without them was read from the packages named here, as they are installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from repro.document import Evidence, Outcome

FOR_EVER = "for ever"

_OF_CONNECTING = frozenset({"resolve", "connect", "tls", "upgrade", "authenticate"})


@dataclass(frozen=True, slots=True)
class Patience:
    """What a driver does without a limit of the application's.

    Args:
        driver: which, by the name of its package.
        connection: how long it waits until it has a connection, its login included where it has one.
        answer: how long it waits for the answer to a statement, a request or a command.
        setting: what limits it, in the driver's own words.
    """

    driver: str
    connection: str
    answer: str
    setting: str


_PSYCOPG = Patience(
    "psycopg", "130 s for each address", FOR_EVER, "connect_timeout, and for answers tcp_user_timeout"
)
_ASYNCPG = Patience("asyncpg", "60 s", FOR_EVER, "timeout and command_timeout")
_HTTPX = Patience("httpx", "5 s", "5 s", "timeout")
_FETCH = Patience("Node's fetch", "10 s", "300 s", "the signal of fetch")

PATIENCE: Mapping[str, Patience] = {
    "tcp.psycopg": _PSYCOPG,
    "tcp.psycopg-async": _PSYCOPG,
    "tcp.asyncpg": _ASYNCPG,
    "orm.sqlalchemy-psycopg": _PSYCOPG,
    "orm.sqlalchemy-asyncpg": _ASYNCPG,
    "http.neon": _HTTPX,
    "ws.neon": Patience(
        "websockets", "10 s", "40 s, by its pings", "open_timeout, ping_interval and ping_timeout"
    ),
    "push.redis-tcp": Patience(
        "redis-py", "5 s, eleven times", "5 s, eleven times", "socket_timeout and retry"
    ),
    "push.upstash-rest": _HTTPX,
    "node.pg": Patience(
        "pg", "as long as the system, about 130 s", FOR_EVER, "connectionTimeoutMillis and query_timeout"
    ),
    "node.neon-http": _FETCH,
    "node.upstash": _FETCH,
    "node.ioredis": Patience(
        "ioredis", "10 s, again and again", FOR_EVER, "connectTimeout and commandTimeout"
    ),
}
"""By probe. psycopg 3.3.9, asyncpg 0.32.0, httpx 0.28.1, websockets 17.4, redis 8.1.0; pg 8, ioredis 5, and
the fetch of Node 20 (undici 6.24.1)."""


def beside(outcomes: Iterable[Outcome]) -> list[Evidence]:
    """For each driver whose probe ran into a timeout, how long it would have waited by itself.

    Args:
        outcomes: the failing probes of a finding; drivers that wait alike are told of once.
    """
    found: dict[str, Evidence] = {}
    for outcome in outcomes:
        error, patience = outcome["error"], PATIENCE.get(outcome["name"])
        if error is not None and error["failure"] == "timeout" and patience is not None:
            text = _told(patience, connecting=error["operation"] in _OF_CONNECTING)
            found.setdefault(text, {"probe": outcome["name"], "seq": None, "text": text})
    return list(found.values())


def _told(patience: Patience, *, connecting: bool) -> str:
    what, how_long = ("a connection", patience.connection) if connecting else ("an answer", patience.answer)
    return f"by itself {patience.driver} waits {how_long} for {what}; its setting: {patience.setting}"
