"""Transactions that are none, are refused, or are ended by somebody else."""

from __future__ import annotations

import struct

from repro.lab.faults import Cut, Fault, PostgresMessage, Replace, after_commit_was_applied
from repro.lab.faults.servers import fatal
from repro.lab.scenarios.scenario import Scenario, Stage
from repro.lab.scenarios.targets import database_behind, with_database_url

_PYTHON = ("tcp.raw", "tcp.psycopg", "tcp.asyncpg", "orm.sqlalchemy-psycopg")

_SQL, _POOL = "node.drizzle-vercel-sql", "node.drizzle-vercel-pool"

_READY = b"Z\0\0\0\x05I"
"""ReadyForQuery, outside of a transaction (protocol 3.0)."""


def _error(sqlstate: str, message: str) -> bytes:
    """An ErrorResponse after which the session goes on (protocol 3.0, message type E)."""
    fields = f"SERROR\0VERROR\0C{sqlstate}\0M{message}\0\0".encode()
    return b"E" + struct.pack("!I", len(fields) + 4) + fields + _READY


def _with_option(setting: str) -> Stage:
    """The lab, a setting of the session's in its URL."""
    return with_database_url(query=f"options=-c%20{setting.replace('=', '%3D')}")


def _insert_answered_by(answer: bytes) -> Stage:
    return database_behind(
        Fault(lambda: PostgresMessage("server", b"C", b"INSERT"), Replace(answer), times=None)
    )


def _commit_answered_by(answer: bytes) -> Stage:
    return database_behind(after_commit_was_applied(Replace(answer), times=None))


def _mistake(
    cause: str, specimen: str, title: str, stage: Stage, *, control: str, suffix: str = ""
) -> Scenario:
    """A mistake of an application's: the probe beside it does the same right, and passes."""
    return Scenario(
        name=cause + suffix,
        cause=cause,
        title=title,
        stage=stage,
        only=(specimen, control),
        explains=(specimen,),
        proof="confirmed",
        commit=True,
    )


_AS_IT_IS = with_database_url()
_TIMEOUT_1_S = _with_option("idle_in_transaction_session_timeout=1000")

_TERMINATED = fatal("57P01", "terminating connection due to administrator command")

SCENARIOS: tuple[Scenario, ...] = (
    _mistake(
        "tx-forgot-commit",
        "specimen.forgot-commit",
        "psycopg began the transaction, and nobody committed it",
        _AS_IT_IS,
        control="tcp.psycopg",
    ),
    _mistake(
        "tx-commit-of-aborted",
        "specimen.commit-of-aborted",
        "an error was swallowed, and COMMIT sent as a statement",
        _AS_IT_IS,
        control="tcp.psycopg",
    ),
    _mistake(
        "tx-aborted-25p02",
        "specimen.swallowed-error",
        "an error was swallowed, and the next statement sent",
        _AS_IT_IS,
        control="tcp.psycopg",
    ),
    _mistake(
        "tx-idle-in-transaction",
        "specimen.idle-in-transaction",
        "the transaction waits for 2 s where the server allows 1 s",
        _TIMEOUT_1_S,
        control="tcp.psycopg",
    ),
    _mistake(
        "tx-idle-in-transaction",
        "specimen.asyncpg-idle",
        "the same on asyncpg, which drops the reason",
        _TIMEOUT_1_S,
        control="tcp.asyncpg",
        suffix="-asyncpg",
    ),
    _mistake(
        "tx-concurrent-use",
        "specimen.concurrent-use",
        "two tasks use one connection of asyncpg's",
        _AS_IT_IS,
        control="tcp.asyncpg",
    ),
    _mistake(
        "tx-client-pool-exhausted",
        "specimen.pool-exhausted",
        "a pool of one connection, and it is never given back",
        _AS_IT_IS,
        control="orm.sqlalchemy-psycopg",
    ),
    _mistake(
        "tx-stale-pooled-connection",
        "specimen.stale-pooled-connection",
        "the server ended a pooled connection while it was idle",
        _AS_IT_IS,
        control="orm.sqlalchemy-psycopg",
    ),
    _mistake(
        "tx-http-not-interactive",
        "specimen.http-one-by-one",
        "BEGIN, statements and COMMIT are HTTP requests of their own",
        _AS_IT_IS,
        control="http.neon",
    ),
    Scenario(
        name="tx-drizzle-sql-proxy-split",
        cause="tx-drizzle-sql-proxy-split",
        title="drizzle on the default client of @vercel/postgres",
        stage=_AS_IT_IS,
        only=(_SQL, _POOL),
        explains=(_SQL,),
        proof="confirmed",
        commit=True,
    ),
    Scenario(
        name="tx-drizzle-rollback-masks",
        cause="tx-drizzle-rollback-masks",
        title="the answer to COMMIT is lost, and drizzle tells of its rollback",
        stage=database_behind(after_commit_was_applied(Cut(), times=None)),
        only=("specimen.node-drizzle-pg",),
    ),
    Scenario(
        name="ca-commit-replayed",
        cause="ca-commit-replayed",
        title="a COMMIT that was lost is sent again on a new connection",
        stage=database_behind(Fault(lambda: PostgresMessage("client", b"Q", b"commit"), Cut())),
        only=("specimen.commit-replayed",),
        commit=True,
    ),
    Scenario(
        name="tx-admin-terminate",
        cause="tx-admin-terminate",
        title="the server ends the session at INSERT",
        stage=_insert_answered_by(_TERMINATED),
        only=_PYTHON,
    ),
    Scenario(
        name="tx-admin-terminate-at-commit",
        cause="tx-admin-terminate",
        title="the server ends the session at COMMIT, and may have committed",
        stage=_commit_answered_by(_TERMINATED),
        only=_PYTHON,
    ),
    Scenario(
        name="tx-serialization",
        cause="tx-serialization",
        title="COMMIT meets another transaction's rows",
        stage=_commit_answered_by(
            _error("40001", "could not serialize access due to read/write dependencies among transactions")
        ),
        only=_PYTHON,
    ),
    Scenario(
        name="tx-deferred-at-commit",
        cause="tx-deferred-at-commit",
        title="a deferred constraint fires at COMMIT",
        stage=_commit_answered_by(
            _error("23505", 'duplicate key value violates unique constraint "jobs_position_key"')
        ),
        only=_PYTHON,
    ),
    Scenario(
        name="tx-lock-wait",
        cause="tx-lock-wait",
        title="INSERT waits for a lock until lock_timeout",
        stage=_insert_answered_by(_error("55P03", "canceling statement due to lock timeout")),
        only=_PYTHON,
    ),
    Scenario(
        name="tx-read-only",
        cause="tx-read-only",
        title="default_transaction_read_only is on",
        stage=_with_option("default_transaction_read_only=on"),
        only=("tcp.psycopg", "tcp.asyncpg", "orm.sqlalchemy-psycopg", "http.neon", "ws.neon"),
        proof="confirmed",
    ),
    Scenario(
        name="tx-insufficient-privilege",
        cause="tx-insufficient-privilege",
        title="the role may not create a schema in that database",
        stage=with_database_url(path="/postgres"),
        only=("tcp.*", "orm.*", "http.neon"),
        commit=True,
        proof="confirmed",
    ),
)
