"""The probes there are, in the order of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from repro import plugins


@dataclass(frozen=True, slots=True)
class Entry:
    """One probe of the catalogue.

    Args:
        name: what a person calls it, such as ``tcp.psycopg``.
        script: its file in ``probes/``; one that is not Python is a program of its own, which its first line
            and its right to be run make it. Empty for one with a command.
        needs: the variables of which one must be set.
        command: the program of another package that is run in the place of a script.
        takes_turns: whether it can be asked to repeat itself.
    """

    name: str
    script: str
    needs: tuple[str, ...]
    command: tuple[str, ...] = ()
    takes_turns: bool = True

    @property
    def is_python(self) -> bool:
        """Whether it is a script that this project's kit carries out."""
        return self.script.endswith(".py")

    @property
    def is_node(self) -> bool:
        """Whether it asks a driver of Node, whose packages must be there."""
        return self.name.startswith(("node.", "specimen.node-"))


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

NODE = (
    Entry("node.pg", "node_pg.py", DATABASE),
    Entry("node.neon-ws", "node_neon_ws.py", DATABASE),
    Entry("node.neon-http", "node_neon_http.py", DATABASE),
    Entry("node.vercel", "node_vercel.py", DATABASE),
    Entry("node.drizzle-vercel-sql", "node_drizzle_vercel_sql.py", DATABASE),
    Entry("node.drizzle-vercel-pool", "node_drizzle_vercel_pool.py", DATABASE),
    Entry("node.drizzle-pg", "node_drizzle_pg.py", DATABASE),
    Entry("node.ioredis", "node_ioredis.py", ("UPSTASH_REDIS_URL",)),
    Entry("node.upstash", "node_upstash.py", ("UPSTASH_REDIS_REST_URL",)),
)
"""The original drivers. They need Node and packages from a cache, so that only ``--node`` runs them."""

SPECIMENS = (
    Entry("specimen.forgot-commit", "specimens/forgot_commit.py", DATABASE),
    Entry("specimen.commit-of-aborted", "specimens/commit_of_aborted.py", DATABASE),
    Entry("specimen.swallowed-error", "specimens/swallowed_error.py", DATABASE),
    Entry("specimen.idle-in-transaction", "specimens/idle_in_transaction.py", DATABASE),
    Entry("specimen.asyncpg-idle", "specimens/asyncpg_idle.py", DATABASE),
    Entry("specimen.concurrent-use", "specimens/concurrent_use.py", DATABASE),
    Entry("specimen.cross-event-loop", "specimens/cross_event_loop.py", DATABASE),
    Entry("specimen.missing-greenlet", "specimens/missing_greenlet.py", DATABASE),
    Entry("specimen.pool-exhausted", "specimens/pool_exhausted.py", DATABASE),
    Entry("specimen.stale-pooled-connection", "specimens/stale_pooled_connection.py", DATABASE),
    Entry("specimen.http-one-by-one", "specimens/http_one_by_one.py", DATABASE),
    Entry("specimen.commit-replayed", "specimens/commit_replayed.py", DATABASE),
    Entry("specimen.node-drizzle-pg", "specimens/node_drizzle_pg.py", DATABASE),
    Entry("specimen.node-neon-called", "specimens/node_neon_called.py", DATABASE),
    Entry("specimen.node-neon-no-constructor", "specimens/node_neon_no_constructor.py", DATABASE),
    Entry("specimen.node-vercel-other-config", "specimens/node_vercel_other_config.py", DATABASE),
    Entry("specimen.asyncpg-prepared", "specimens/asyncpg_prepared.py", DATABASE),
    Entry("specimen.asyncpg-deallocated", "specimens/asyncpg_deallocated.py", DATABASE),
    Entry("specimen.asyncpg-replaced", "specimens/asyncpg_replaced.py", DATABASE),
    Entry("specimen.sqlalchemy-cache-flag", "specimens/sqlalchemy_asyncpg_cache_flag.py", DATABASE),
    Entry("specimen.push-before-commit", "specimens/push_before_commit.py", DATABASE),
    Entry("specimen.commit-then-push", "specimens/commit_then_push.py", DATABASE),
    Entry("specimen.outbox-rolled-back", "specimens/outbox_rolled_back.py", DATABASE),
    Entry("specimen.outbox-committed", "specimens/outbox_committed.py", DATABASE),
    Entry("specimen.redis-py-retries", "specimens/redis_py_retries.py", ("UPSTASH_REDIS_URL",)),
    Entry("specimen.redis-py-defaults", "specimens/redis_py_defaults.py", ("UPSTASH_REDIS_URL",)),
    Entry("specimen.redis-py-marked", "specimens/redis_py_marked.py", ("UPSTASH_REDIS_URL",)),
    Entry("specimen.node-ioredis-resends", "specimens/node_ioredis_resends.py", ("UPSTASH_REDIS_URL",)),
    Entry("specimen.node-ioredis-marked", "specimens/node_ioredis_marked.py", ("UPSTASH_REDIS_URL",)),
    Entry("specimen.node-ioredis-forgets", "specimens/node_ioredis_forgets.py", ("UPSTASH_REDIS_URL",)),
    Entry("specimen.fallback-push", "specimens/fallback_push.py", ("UPSTASH_REDIS_URL",)),
    Entry("specimen.fallback-marked", "specimens/fallback_marked.py", ("UPSTASH_REDIS_URL",)),
    Entry("specimen.upstash-py-retries", "specimens/upstash_py_retries.py", ("UPSTASH_REDIS_REST_URL",)),
    Entry("specimen.rest-worker", "specimens/rest_worker.py", ("UPSTASH_REDIS_REST_URL",)),
    Entry("specimen.tcp-worker", "specimens/tcp_worker.py", ("UPSTASH_REDIS_URL",)),
    Entry("specimen.upstash-py-marked", "specimens/upstash_py_marked.py", ("UPSTASH_REDIS_REST_URL",)),
)
"""Probes that are wrong on purpose, as applications are; no run has them unless they are named."""

PACKAGES: Mapping[str, tuple[str, ...]] = {
    "tcp.raw": (),
    "tcp.psycopg": ("psycopg[binary]",),
    "tcp.psycopg-async": ("psycopg[binary]",),
    "tcp.asyncpg": ("asyncpg",),
    "orm.sqlalchemy-psycopg": ("sqlalchemy[asyncio]", "psycopg[binary]"),
    "orm.sqlalchemy-asyncpg": ("sqlalchemy[asyncio]", "asyncpg"),
    "http.neon": ("httpx",),
    "ws.neon": ("websockets", "psycopg[binary]"),
    "push.redis-tcp": ("redis",),
    "push.upstash-rest": ("httpx",),
    "specimen.redis-py-defaults": ("redis",),
}
"""What each Python probe needs installed, as requirements; the kit itself needs the standard library."""

NAMES = tuple(entry.name for entry in CATALOG)

NODE_NAMES = tuple(entry.name for entry in NODE)

QUEUE_NAMES = frozenset(entry.name for entry in (*CATALOG, *NODE, *SPECIMENS) if entry.needs != DATABASE)
"""The probes of the queue."""


def third_party() -> tuple[Entry, ...]:
    """The probes of other packages, without those whose name is taken."""
    taken = {entry.name for entry in (*CATALOG, *NODE, *SPECIMENS)}
    return tuple(
        Entry(found.name, "", tuple(found.needs), tuple(found.command), found.takes_turns)
        for _, found in plugins.loaded(plugins.PROBES)
        if isinstance(found, plugins.Probe) and found.name not in taken
    )


def every() -> tuple[Entry, ...]:
    """Every probe there is."""
    return (*CATALOG, *NODE, *SPECIMENS, *third_party())


def matching(patterns: Sequence[str], *, node: bool = False) -> tuple[Entry, ...]:
    """The probes that one of the patterns (shell globs) names; all of them when there is no pattern.

    Args:
        patterns: what is asked for; a specimen only by a pattern that begins as its name does.
        node: the Node probes too.
    """
    known = (*CATALOG, *(NODE if node else ()), *third_party())
    if not patterns:
        return known
    asked_for = [pattern for pattern in patterns if pattern.startswith(_SPECIMEN)]
    return (
        *(entry for entry in known if any(fnmatchcase(entry.name, pattern) for pattern in patterns)),
        *(entry for entry in SPECIMENS if any(fnmatchcase(entry.name, pattern) for pattern in asked_for)),
    )


_SPECIMEN = "specimen."
