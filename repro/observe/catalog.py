"""The probes there are, in the order of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Entry:
    """One probe of the catalogue.

    Args:
        name: what a person calls it, such as ``tcp.psycopg``.
        script: its file in ``probes/``.
        needs: the variables of which one must be set.
    """

    name: str
    script: str
    needs: tuple[str, ...]


DATABASE = ("DATABASE_URL", "POSTGRES_URL")

CATALOG = (
    Entry("tcp.raw", "tcp_raw.py", DATABASE),
    Entry("tcp.psycopg", "tcp_psycopg.py", DATABASE),
    Entry("tcp.psycopg-async", "tcp_psycopg_async.py", DATABASE),
    Entry("tcp.asyncpg", "tcp_asyncpg.py", DATABASE),
    Entry("orm.sqlalchemy-psycopg", "orm_sqlalchemy_psycopg.py", DATABASE),
    Entry("orm.sqlalchemy-asyncpg", "orm_sqlalchemy_asyncpg.py", DATABASE),
    Entry("http.neon", "http_neon.py", DATABASE),
    Entry("ws.neon", "ws_neon.py", DATABASE),
    Entry("push.redis-tcp", "push_redis_tcp.py", ("UPSTASH_REDIS_URL",)),
    Entry("push.upstash-rest", "push_upstash_rest.py", ("UPSTASH_REDIS_REST_URL",)),
)

NAMES = tuple(entry.name for entry in CATALOG)


def matching(patterns: Sequence[str]) -> tuple[Entry, ...]:
    """The probes that one of the patterns (shell globs) names; all of them when there is no pattern."""
    if not patterns:
        return CATALOG
    return tuple(entry for entry in CATALOG if any(fnmatchcase(entry.name, pattern) for pattern in patterns))
