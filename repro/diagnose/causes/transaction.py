"""Transactions that are none, are refused, or are ended by somebody else."""

from __future__ import annotations

from collections.abc import Callable

from repro.diagnose.cause import Cause, Change
from repro.diagnose.causes.commit_ambiguity import ROLLBACK_IN_ITS_PLACE
from repro.diagnose.controls import done_right, in_the_lab
from repro.diagnose.sessions import Session, sessions
from repro.diagnose.view import (
    View,
    during,
    failed,
    failed_with,
    is_of_the_database,
    over,
    said,
    says,
    sqlstate,
)
from repro.document import Outcome

_DEFAULT_CLIENT, _POOL = "node.drizzle-vercel-sql", "node.drizzle-vercel-pool"

_IDLE_S = 1.0
"""A connection that nothing was asked of for so long was idle; what a library asks at its opening comes sooner."""

_TERMINATED = frozenset({"57P01", "57P05"})
"""SQLSTATEs by which a server ends a session: by an administrator, or because it was idle for too long."""

_ENDED = frozenset({"eof", "connection_reset", "ws_closed"})

_NO_TRANSACTIONS = (
    "No transactions support in neon-http driver",
    "Transactions are not supported in HTTP mode",
)


def _split(view: View) -> list[Outcome]:
    """The default client came apart, and no other driver of the run did."""
    broken = [outcome for outcome in view.failing() if failed_with(outcome, "not_atomic", "atomicity")]
    return broken if [outcome["name"] for outcome in broken] == [_DEFAULT_CLIENT] else []


def _sessions(view: View, outcome: Outcome) -> list[Session]:
    return sessions(view.lines(outcome, "pg.msg"))


def _where_a_session(
    view: View, holds: Callable[[Session], bool], *conditions: Callable[[Outcome], bool]
) -> list[Outcome]:
    return [
        outcome
        for outcome in view.where(is_of_the_database, *conditions)
        if any(map(holds, _sessions(view, outcome)))
    ]


def _one_by_one(view: View) -> list[Outcome]:
    """A transaction came apart whose statements were answered one by one over HTTP, and not as one batch."""
    apart = view.where(over("http"), failed("not_atomic"), is_of_the_database)
    return [
        *(outcome for outcome in apart if outcome["stages"] and not _went_as_one(outcome)),
        *view.where(says(*_NO_TRANSACTIONS), is_of_the_database),
    ]


def _went_as_one(outcome: Outcome) -> bool:
    return any(stage["detail"].get("sent_with") == "commit" for stage in outcome["stages"])


def _commits_a_failed_one(session: Session) -> bool:
    """Whether COMMIT was answered with ROLLBACK: Postgres says nothing else of a failed transaction."""
    return session.any(lambda each: each.commits and each.tags == ["ROLLBACK"] and not each.sqlstates)


def _is_left_uncommitted(session: Session) -> bool:
    """Whether it wrote inside a transaction, met no error, and was never asked to commit."""
    writes = [number for number, each in enumerate(session.exchanges) if each.wrote and each.after == "T"]
    if not writes or session.errors():
        return False
    after = session.exchanges[writes[-1] + 1 :]
    return not any(each.commits or "COMMIT" in each.tags for each in after) and (
        session.left or any(each.rolls_back for each in after)
    )


def _forgotten(view: View) -> list[Outcome]:
    return [
        outcome
        for outcome in _where_a_session(view, _is_left_uncommitted, failed("not_atomic"), during("read_back"))
        if not any(
            each.any(lambda asked: asked.commits and asked.unanswered) for each in _sessions(view, outcome)
        )
    ]


def _died_while_idle(session: Session) -> bool:
    """Whether what was asked last, after work was done and a rest, found the session ended."""
    if len(session.exchanges) > 1:
        last, rested = session.exchanges[-1], session.rested[-1]
        ended = last.unanswered or (last.after is None and _TERMINATED.issuperset(last.sqlstates))
        if ended and last.before == "I" and rested is not None and last.asked - rested >= _IDLE_S:
            return True
    return bool(session.exchanges) and session.exchanges[-1].after == "I" and _was_told(session.unasked)


def _was_told(sqlstates: list[str]) -> bool:
    return bool(_TERMINATED.intersection(sqlstates))


def _stale(view: View) -> list[Outcome]:
    gone = _where_a_session(view, _died_while_idle, during("begin", "insert"))
    return [each for each in gone if failed(*_ENDED)(each) or sqlstate(*_TERMINATED)(each)]


def _sent(code: str) -> Callable[[Session], bool]:
    """Whether a session was given an error of that SQLSTATE."""
    return lambda session: code in session.errors()


def _ended_by(view: View, code: str) -> list[Outcome]:
    """The server's word reached the driver; or the trace alone, and the driver knew of the end only."""
    inside = during("begin", "insert", "commit", "read_back", "atomicity")
    told = view.where(sqlstate(code), inside, is_of_the_database)
    dropped = [
        outcome
        for outcome in _where_a_session(view, _sent(code), inside, failed(*_ENDED))
        if outcome not in told
    ]
    return [*told, *dropped]


def _refused(*codes: str) -> Callable[[View], list[Outcome]]:
    """A statement was refused with one of these SQLSTATEs, after the login."""
    inside = during("begin", "insert", "commit", "read_back", "atomicity")
    return lambda view: view.where(sqlstate(*codes), inside, is_of_the_database)


def _at_commit(view: View) -> list[Outcome]:
    return [
        outcome
        for outcome in view.where(during("commit"), failed("sql_error"), is_of_the_database)
        if outcome["error"] is not None and str(outcome["error"]["sqlstate"]).startswith("23")
    ]


def _concurrent(view: View) -> list[Outcome]:
    shared = view.where(
        says("another operation is in progress", "concurrent operations are not permitted"),
        is_of_the_database,
    )
    return [
        each for each in shared if "different loop" not in said(each) and "loop is closed" not in said(each)
    ]


def _pool_is_empty(view: View) -> list[Outcome]:
    """SQLAlchemy says so itself; the pools of others say the same where no connection can be made."""
    by_itself = view.where(says("QueuePool limit of size"), is_of_the_database)
    waited = [
        outcome
        for outcome in view.where(
            says("couldn't get a connection after", "timeout exceeded when trying to connect"),
            is_of_the_database,
        )
        if _only_good_connections(view, outcome)
    ]
    return [*by_itself, *(each for each in waited if each not in by_itself)]


def _only_good_connections(view: View, outcome: Outcome) -> bool:
    connects = view.lines(outcome, "connect")
    ready = {
        line.get("conn") for line in view.lines(outcome, "pg.msg") if line.get("pg.name") == "ReadyForQuery"
    }
    # one that was accepted and is not ready may be what was waited for
    all_ready = len(ready) >= len(connects) > 0
    return all_ready and not any(line.get("failure") for line in connects)


def _masked(view: View) -> list[Outcome]:
    """A rollback that failed is what was heard, and no deeper link tells the server's reason."""
    return [
        outcome
        for outcome in view.where(says(*ROLLBACK_IN_ITS_PLACE), failed(*_ENDED), is_of_the_database)
        if outcome["error"] is not None and outcome["error"]["sqlstate"] in {None, "08003", "08006"}
    ]


CAUSES: tuple[Cause, ...] = (
    Cause(
        id="tx-drizzle-sql-proxy-split",
        layer="transaction",
        title="drizzle over the default client of @vercel/postgres splits its transactions",
        summary="drizzle pins a transaction to a connection only if its client is a VercelPool. The default client, sql, is a "
        "proxy over a function: BEGIN, each statement and COMMIT take whichever connection of the pool is free.",
        suspects=_split,
        symptoms={
            "drizzle-orm": "nothing: the transaction resolves, and its rows are not there, or stay after a rollback"
        },
        apart={
            "tx-http-not-interactive": "the statements went over connections of a pool, and not as HTTP requests",
            "tx-commit-of-aborted": "no statement failed",
        },
        ops=(),
        fix=(
            "Pass a pool: drizzle(createPool()).",
            "Or take drizzle-orm/node-postgres with pg.",
        ),
        links=("https://github.com/drizzle-team/drizzle-orm/issues/1723",),
        change=lambda _view, _outcome: Change(
            words="drizzle(createPool()) in the place of drizzle(sql)",
            probe=_POOL,
            command=f"repro run --node --only {_DEFAULT_CLIENT},{_POOL}",
        ),
    ),
    Cause(
        id="tx-http-not-interactive",
        layer="transaction",
        title="SQL over HTTP has no session: each request is a transaction of its own",
        summary="BEGIN, the statements and COMMIT were sent as requests of their own, and each was committed by itself: "
        "a rollback undoes nothing. Only the batch form is one transaction. drizzle and Prisma refuse it in words.",
        suspects=_one_by_one,
        symptoms={
            "drizzle-orm/neon-http": "Error: No transactions support in neon-http driver",
            "Prisma over HTTP": "Transactions are not supported in HTTP mode",
            "BEGIN through neon() or any HTTP client": "nothing: the rows stay after a rollback",
        },
        apart={
            "tx-drizzle-sql-proxy-split": "the statements went over HTTP, which has no connection to keep"
        },
        ops=(),
        fix=(
            "Send the whole transaction as one batch: sql.transaction([…]), or one POST with queries.",
            "Or take a driver over WebSocket or TCP where statements depend on each other.",
        ),
        links=(
            "https://github.com/neondatabase/serverless/issues/31",
            "https://github.com/neondatabase/neon/pull/4654",
            "https://github.com/prisma/orm/issues/21722",
        ),
        change=done_right,
    ),
    Cause(
        id="tx-commit-of-aborted",
        layer="transaction",
        title="A failed transaction was committed, and COMMIT answered ROLLBACK without an error",
        summary="A statement failed, its error was swallowed, and COMMIT was sent as a statement. Postgres rolls back and says so "
        "only in the command tag: ROLLBACK in the place of COMMIT.",
        suspects=lambda view: _where_a_session(view, _commits_a_failed_one, failed("not_atomic")),
        symptoms={
            "psycopg": "no error; cursor.statusmessage is ROLLBACK",
            "asyncpg": "no error; execute('COMMIT') returns ROLLBACK",
            "pg": "no error; result.command is ROLLBACK",
        },
        apart={
            "tx-forgot-commit": "COMMIT was sent, and answered",
            "tx-drizzle-sql-proxy-split": "a statement had failed on the same connection before COMMIT",
            "ca-commit-replayed": "COMMIT ended the failed transaction on its own connection",
        },
        ops=("connect",),
        fix=(
            "Let no error pass inside a transaction; where one is expected, put a savepoint around it.",
            "Commit through the driver (conn.commit(), transaction()), or compare the command tag with COMMIT.",
        ),
        links=(
            "https://github.com/pgjdbc/pgjdbc/issues/1697",
            "https://github.com/feldera/feldera/pull/6868",
        ),
        change=done_right,
    ),
    Cause(
        id="tx-forgot-commit",
        layer="transaction",
        title="The transaction was never committed",
        summary="The library began a transaction by itself, its statements succeeded, and the connection was given back or closed "
        "without COMMIT among its messages. The server rolled it back.",
        suspects=_forgotten,
        symptoms={
            "psycopg": "no error: INSERT … RETURNING gave an id, and the row is gone",
            "SQLAlchemy, connect()": "the same; its pool sends ROLLBACK",
        },
        apart={
            "tx-commit-of-aborted": "no statement failed, and COMMIT was not sent",
            "ca-commit-replayed": "COMMIT was not sent at all",
        },
        ops=("connect",),
        fix=(
            "Use the connection or the engine as a context manager: with psycopg.connect(…), with engine.begin().",
            "Or call commit(), or open the connection in autocommit mode.",
        ),
        links=(
            "https://www.psycopg.org/psycopg3/docs/basic/transactions.html",
            "https://github.com/drizzle-team/drizzle-orm/issues/1704",
        ),
        change=done_right,
    ),
    Cause(
        id="tx-stale-pooled-connection",
        layer="transaction",
        title="The pool handed out a connection that had died while it was idle",
        summary="The connection had done its work and rested; the server, or something between, ended it meanwhile. The first "
        "statement after the rest found that out. Nothing of the transaction was applied.",
        suspects=_stale,
        symptoms={
            "SQLAlchemy on psycopg": "OperationalError: (AdminShutdown) terminating connection due to administrator command",
            "pg": "Connection terminated unexpectedly, often as an 'error' event that nobody listens for",
            "asyncpg": "ConnectionDoesNotExistError, or InterfaceError: connection is closed",
        },
        apart={
            "tx-admin-terminate": "the session was idle and outside of a transaction when it ended",
            "tx-idle-in-transaction": "the session was idle outside of a transaction",
        },
        ops=("connect",),
        fix=(
            "Let the pool test a connection before it hands it out: pool_pre_ping in SQLAlchemy, check in psycopg_pool.",
            "Recycle connections sooner than the server, the proxy or the load balancer ends them: pool_recycle, idleTimeoutMillis.",
            "With pg, listen for the pool's 'error' event.",
        ),
        links=(
            "https://github.com/brianc/node-postgres/issues/2112",
            "https://github.com/MagicStack/asyncpg/issues/385",
            "https://github.com/sqlalchemy/sqlalchemy/issues/11522",
        ),
        change=done_right,
    ),
    Cause(
        id="tx-idle-in-transaction",
        layer="transaction",
        title="The server ended a transaction that waited for something else",
        summary="The transaction stood open while the application waited elsewhere, longer than "
        "idle_in_transaction_session_timeout. The server said so (SQLSTATE 25P03) and closed the connection.",
        suspects=lambda view: _ended_by(view, "25P03"),
        symptoms={
            "psycopg": "IdleInTransactionSessionTimeout: terminating connection due to idle-in-transaction timeout",
            "asyncpg": "InterfaceError: connection is closed; the reason is in the trace and in the server's log only",
        },
        apart={
            "tx-admin-terminate": "the server's reason is 25P03 and not 57P01",
            "tx-stale-pooled-connection": "a transaction was open",
            "tcp-idle-nat-drop": "the server itself said why it ended the connection",
        },
        ops=("connect",),
        fix=(
            "Do slow work (HTTP calls, language models, files) before BEGIN or after COMMIT.",
            "Raise idle_in_transaction_session_timeout only where the wait is bounded.",
        ),
        links=(
            "https://github.com/langgenius/dify/issues/27439",
            "https://github.com/supabase/supabase/issues/22666",
            "https://github.com/Ontos-AI/knowhere/issues/399",
        ),
        change=done_right,
    ),
    Cause(
        id="tx-admin-terminate",
        layer="transaction",
        title="The server ended the session in the middle of the transaction",
        summary="The server answered SQLSTATE 57P01: a restart, a deploy, a suspended compute, or pg_terminate_backend. Where that was "
        "the answer to COMMIT it is not known whether the transaction was applied; before COMMIT nothing was.",
        suspects=lambda view: _ended_by(view, "57P01"),
        symptoms={
            "psycopg": "AdminShutdown: terminating connection due to administrator command",
            "asyncpg": "ConnectionDoesNotExistError: connection was closed in the middle of operation: terminating connection …",
            "asyncpg, transaction()": "InterfaceError: cannot call Transaction.__aexit__(): the underlying connection is closed",
        },
        apart={
            "tx-stale-pooled-connection": "the session had not rested before the statement that failed",
            "tx-idle-in-transaction": "the server's reason is 57P01 and not 25P03",
            "ca-commit-ack-lost": "the server said why it ended the connection",
        },
        ops=("connect",),
        fix=(
            "Repeat the whole transaction, under an idempotency key.",
            "Look in the server's log for who ended it: a restart, a scale to zero, an administrator.",
        ),
        links=(
            "https://github.com/neondatabase/serverless/issues/162",
            "https://github.com/freqtrade/freqtrade/issues/11148",
            "https://github.com/neondatabase/website/blob/main/content/docs/connect/connection-errors.md",
        ),
    ),
    Cause(
        id="tx-aborted-25p02",
        layer="transaction",
        title="A statement was sent in a transaction that had failed already",
        summary="An earlier statement of the transaction failed and its error was swallowed, here or by who used the pooled "
        "connection before. The server refuses everything until ROLLBACK (SQLSTATE 25P02); the first error is the one to look for.",
        suspects=_refused("25P02"),
        symptoms={
            "psycopg": "InFailedSqlTransaction: current transaction is aborted, commands ignored until end of transaction block",
            "asyncpg": "InFailedSQLTransactionError",
            "SQLAlchemy": "InternalError: (psycopg.errors.InFailedSqlTransaction) …",
        },
        apart={"tx-commit-of-aborted": "a statement met the failed transaction, and not COMMIT"},
        ops=("connect",),
        fix=(
            "Report the first error of the transaction, and roll back.",
            "Put a savepoint around a statement that may fail.",
            "Roll back a connection before it goes back to its pool.",
        ),
        links=(
            "https://github.com/psycopg/psycopg2/issues/1779",
            "https://github.com/lsst/daf_butler/pull/190",
        ),
        change=done_right,
    ),
    Cause(
        id="tx-serialization",
        layer="transaction",
        title="The transaction could not be serialized with another one",
        summary="The server answered SQLSTATE 40001, perhaps only to COMMIT. It is a definite rollback: nothing was applied, and the "
        "same transaction may succeed when it is repeated.",
        suspects=_refused("40001"),
        symptoms={
            "psycopg": "SerializationFailure: could not serialize access due to read/write dependencies among transactions",
            "asyncpg": "SerializationError: could not serialize access due to concurrent update",
        },
        apart={
            "tx-deferred-at-commit": "the SQLSTATE is 40001; no constraint is named",
            "ca-commit-ack-lost": "COMMIT was answered: nothing was applied",
        },
        ops=("connect",),
        fix=(
            "Repeat the whole transaction, a few times, with a pause that grows.",
            "Touch rows in one order, or keep the transaction shorter.",
        ),
        links=(
            "https://github.com/jackc/pgx/issues/780",
            "https://www.postgresql.org/docs/current/transaction-iso.html",
        ),
    ),
    Cause(
        id="tx-read-only",
        layer="transaction",
        title="The session is read-only: a replica, or a setting",
        summary="The server answered SQLSTATE 25006. It is a standby, or default_transaction_read_only is on for the role, the database "
        "or the session; the startup messages in_hot_standby and default_transaction_read_only tell which.",
        suspects=_refused("25006"),
        symptoms={
            "psycopg": "ReadOnlySqlTransaction: cannot execute INSERT in a read-only transaction",
            "asyncpg": "ReadOnlySQLTransactionError",
        },
        apart={"tx-insufficient-privilege": "it is the transaction that may not write, and not the role"},
        ops=("connect",),
        fix=(
            "Connect to the primary: the read-write endpoint, or target_session_attrs=read-write with several hosts.",
            "After a failover recycle the pool's connections.",
            "SHOW default_transaction_read_only and pg_db_role_setting tell who set it.",
        ),
        links=(
            "https://github.com/cloudnative-pg/cloudnative-pg/issues/1254",
            "https://github.com/npgsql/efcore.pg/issues/1306",
        ),
        change=in_the_lab,
    ),
    Cause(
        id="tx-deferred-at-commit",
        layer="transaction",
        title="A deferred constraint fired at COMMIT",
        summary="Every statement succeeded, and COMMIT was answered with an integrity violation (SQLSTATE class 23): a constraint is "
        "DEFERRABLE INITIALLY DEFERRED. It is a definite rollback.",
        suspects=_at_commit,
        symptoms={
            "psycopg": "UniqueViolation, raised by commit()",
            "asyncpg": "UniqueViolationError at COMMIT",
        },
        apart={
            "tx-serialization": "the SQLSTATE is of class 23: a constraint was violated",
            "ca-commit-ack-lost": "COMMIT was answered: nothing was applied",
        },
        ops=("connect",),
        fix=(
            "Take an error of COMMIT of class 23 for definite: correct the rows, and do not repeat them.",
            "SET CONSTRAINTS ALL IMMEDIATE before COMMIT shows which statement it is.",
        ),
        links=("https://github.com/pgjdbc/r2dbc-postgresql/issues/274",),
    ),
    Cause(
        id="tx-lock-wait",
        layer="transaction",
        title="Another transaction holds the lock that was waited for",
        summary="The server answered SQLSTATE 55P03: the statement waited for a lock for as long as lock_timeout allows, or did not "
        "want to wait. Nothing was applied.",
        suspects=_refused("55P03"),
        symptoms={
            "psycopg": "LockNotAvailable: canceling statement due to lock timeout",
            "all, without lock_timeout": "a hang, until the client's own limit",
        },
        apart={"tcp-idle-nat-drop": "the server answered, and said what it waited for"},
        ops=("connect",),
        fix=(
            "Find who holds it: pg_blocking_pids(pid) and pg_stat_activity.",
            "Keep transactions short, and lock_timeout set.",
        ),
        links=("https://www.postgresql.org/docs/current/runtime-config-client.html",),
    ),
    Cause(
        id="tx-insufficient-privilege",
        layer="transaction",
        title="The role may not do that",
        summary="The login succeeded, and a statement was refused with SQLSTATE 42501: a GRANT is missing, often the one on the "
        "sequence of a serial column, or on the schema public since Postgres 15.",
        suspects=_refused("42501"),
        symptoms={"all": "permission denied for table, for schema, for sequence, for database"},
        apart={"tx-read-only": "it is the role that may not, and not the transaction"},
        ops=("connect",),
        fix=(
            "GRANT what the message names: on the table and on its sequence, or CREATE on the schema or the database.",
        ),
        links=("https://www.postgresql.org/docs/current/ddl-priv.html",),
        change=in_the_lab,
    ),
    Cause(
        id="tx-concurrent-use",
        layer="transaction",
        title="Two tasks use one connection at the same time",
        summary="The driver was asked for a second statement while the first was not answered, and refused it; it sent nothing for it. "
        "One connection serves one task at a time.",
        suspects=_concurrent,
        symptoms={
            "asyncpg": "InterfaceError: cannot perform operation: another operation is in progress",
            "SQLAlchemy, async": "This session is provisioning a new connection; concurrent operations are not permitted",
        },
        apart={"cfg-cross-event-loop": "no link of the error speaks of an event loop"},
        ops=("connect",),
        fix=(
            "Give each task a connection of its own from the pool, or a session of its own.",
            "Await statements of one transaction one after the other, not in asyncio.gather().",
        ),
        links=(
            "https://github.com/MagicStack/asyncpg/issues/258",
            "https://github.com/python-gino/gino/issues/713",
        ),
        change=done_right,
    ),
    Cause(
        id="tx-client-pool-exhausted",
        layer="transaction",
        title="The client's pool has no free connection",
        summary="Every connection of the pool was in use and none came back in time. The server was reachable: nothing was dialled "
        "in vain, and nothing was asked of it meanwhile.",
        suspects=_pool_is_empty,
        symptoms={
            "SQLAlchemy": "TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out",
            "psycopg_pool": "PoolTimeout: couldn't get a connection after 30.00 sec",
            "pg": "timeout exceeded when trying to connect",
        },
        apart={"tcp-syn-blackhole": "no connection was refused or unanswered: none was dialled"},
        ops=("connect",),
        fix=(
            "Find what is not given back: a session without a with block, a stream that was not read to its end.",
            "Only then make the pool larger, below the server's max_connections.",
        ),
        links=(
            "https://github.com/MagicStack/asyncpg/issues/385",
            "https://docs.sqlalchemy.org/en/20/errors.html#error-3o7r",
        ),
        change=done_right,
    ),
    Cause(
        id="tx-drizzle-rollback-masks",
        layer="transaction",
        title="A rollback that failed hides the error before it",
        summary="The connection ended during the transaction, perhaps after COMMIT was sent; the library then tried to roll back and "
        "reports the failure of that. The rollback never reached the server: whether COMMIT was applied is not known.",
        suspects=_masked,
        symptoms={
            "drizzle-orm on pg": "Failed query: rollback (Client has encountered a connection error and is not queryable)",
            "asyncpg": "InterfaceError: cannot call Transaction.__aexit__(): the underlying connection is closed",
        },
        apart={
            "ca-commit-ack-lost": "the error that is told is that of the rollback",
            "tx-admin-terminate": "no link of the error holds a reason of the server's",
        },
        ops=("connect",),
        fix=(
            "Treat it as a COMMIT whose outcome is unknown: ask the database, or repeat under an idempotency key.",
            "Log the first error of the transaction, also when its rollback fails.",
        ),
        links=(
            "https://github.com/vm0-ai/vm0/pull/35137",
            "https://github.com/drizzle-team/drizzle-orm/issues/6341",
        ),
    ),
    Cause(
        id="tx-drizzle-wrapper-hides-cause",
        layer="transaction",
        title="Failed query: … hides the error below it",
        summary="drizzle wraps each error of its driver since 0.44: the message is the same for a refused port, a wrong password and a "
        "statement that failed. The error itself is links below, in cause, error, sourceError or errors.",
        # A property of every chain of drizzle's, and no root cause: the link below is found by a cause of its own.
        suspects=lambda _view: [],
        symptoms={"drizzle-orm since 0.44": "DrizzleQueryError: Failed query: begin; err.code is undefined"},
        apart={
            "sl-localhost-443": "the deepest link is a refused connection",
            "auth-wrong-password": "the deepest link holds SQLSTATE 28P01",
        },
        fix=(
            "Walk the chain of the error, with a guard against cycles, and log its deepest link.",
            "Read err.cause.code in the place of err.code.",
        ),
        links=(
            "https://github.com/drizzle-team/drizzle-orm/issues/4691",
            "https://github.com/drizzle-team/drizzle-orm/issues/5238",
        ),
    ),
)
