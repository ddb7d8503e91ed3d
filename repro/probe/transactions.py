"""Transactions around the production transaction.

Each takes a transaction and gives one that does the same and something more: makes its tables, observes the
connection between its statements, tells its stages, or is abandoned before COMMIT. The production statements
stay as they are; the observer's are the probe's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from repro.persistence.steps import Begin, Commit, Execute, Rows, Step, Transaction
from repro.probe.recorder import Recorder
from repro.stages import StageName

T = TypeVar("T")

WHO_AND_WHICH = "SELECT pg_backend_pid()::bigint, coalesce(txid_current_if_assigned()::text, '')"
"""The backend that answers, and its transaction id once it has written (Postgres 10 and later)."""

SERVER_FACTS = """\
SELECT current_setting('server_version'),
       coalesce((SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl), '')"""
"""The server's version, and the TLS version of this connection as the server sees it."""


GAP_S = 0.005
"""Seconds between two statements of a transaction whose atomicity is tried."""


class Setup(Execute):
    """A statement that makes the tables; not part of the production transaction."""

    __slots__ = ()


class Observation(Execute):
    """A statement of the probe; not part of the production transaction."""

    __slots__ = ()


class Abandoned(Exception):  # noqa: N818 - no error: the application changed its mind
    """Raised in place of COMMIT, as an application does that changes its mind."""


def with_tables(transaction: Transaction[T], statements: Iterable[str]) -> Transaction[T]:
    """The transaction, with statements that make its tables right after BEGIN."""
    step = next(transaction)
    while True:
        answer = yield from _passed_on(transaction, step)
        if isinstance(step, Begin):
            for statement in statements:
                yield Setup(statement)
        try:
            step = transaction.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


@dataclass(slots=True)
class Sightings:
    """What the observer's statements answered, in order; read them after COMMIT."""

    rows: list[Rows] = field(default_factory=list)
    server: Rows | None = None

    def backends(self) -> list[int]:
        """The backend pid around each statement."""
        return [int(row[0] or 0) for rows in self.rows if rows.filled for row in rows]

    def xids(self) -> list[str]:
        """The transaction id around each statement; before the first write there is none."""
        return [str(row[1]) for rows in self.rows if rows.filled for row in rows if row[1]]

    def server_version(self) -> str | None:
        """The server's own word for its version."""
        return self._fact(0)

    def tls_version(self) -> str | None:
        """The TLS version of the connection as the server sees it."""
        return self._fact(1)

    def _fact(self, column: int) -> str | None:
        if self.server is None or not self.server.filled or not len(self.server):
            return None
        return str(self.server[0][column]) or None


def observed(transaction: Transaction[T], sightings: Sightings) -> Transaction[T]:
    """The transaction, with an observation after BEGIN and after each of its statements."""
    step = next(transaction)
    while True:
        answer = yield from _passed_on(transaction, step)
        if isinstance(step, Begin):
            sightings.server = yield Observation(SERVER_FACTS)
        if not isinstance(step, Commit):
            sightings.rows.append((yield Observation(WHO_AND_WHICH)))
        try:
            step = transaction.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def staged_batch(transaction: Transaction[T], recorder: Recorder) -> Transaction[T]:
    """`staged` for a transport that sends everything with COMMIT: before that nothing has begun."""
    step = next(transaction)
    while True:
        if isinstance(step, Commit):
            recorder.begin("commit")
        answer = yield from _passed_on(transaction, step)
        if isinstance(step, Commit):
            for name in ("authenticate", "begin", "insert"):
                recorder.end(name, detail={"sent_with": "commit"})
            recorder.end("commit")
        try:
            step = transaction.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def staged(transaction: Transaction[T], recorder: Recorder) -> Transaction[T]:
    """The transaction, its stages ``begin``, ``insert`` and ``commit`` told to a recorder.

    The stage ``insert`` lasts from its first statement to the answer of its last one; what the probe itself
    sends before and after that is no part of it.
    """
    step = next(transaction)
    answered = recorder.now()
    while True:
        name = _stage_of(step)
        if name == "commit":
            recorder.end("insert", t=answered)
        if name is not None:
            recorder.begin(name)
        answer = yield from _passed_on(transaction, step)
        if name is not None:
            answered = recorder.now()
        if name == "begin" or name == "commit":  # noqa: PLR1714 - narrows the type
            recorder.end(name)
        try:
            step = transaction.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def noting(transaction: Transaction[T], note: Callable[[StageName], object]) -> Transaction[T]:
    """The transaction, which says at which stage it is; unlike `staged` it costs next to nothing.

    Args:
        transaction: what is done.
        note: is told the stage before each step of it.
    """
    step = next(transaction)
    while True:
        if (name := _stage_of(step)) is not None:
            note(name)
        answer = yield from _passed_on(transaction, step)
        try:
            step = transaction.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def _stage_of(step: Step) -> Literal["begin", "insert", "commit"] | None:
    if isinstance(step, Setup | Observation):
        return None
    if isinstance(step, Begin):
        return "begin"
    return "commit" if isinstance(step, Commit) else "insert"


def with_gaps(transaction: Transaction[T], *, by_statement: bool) -> Transaction[T]:
    """The transaction, with something else waited for before each of its steps but the first.

    Args:
        transaction: what is done.
        by_statement: wait in the database; else outside it, as an application does that asks another service.
    """
    step = next(transaction)
    while True:
        answer = yield from _passed_on(transaction, step)
        if by_statement and not isinstance(step, Commit):
            yield Observation(f"SELECT pg_sleep({GAP_S})::text")
        else:
            time.sleep(GAP_S)
        try:
            step = transaction.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def abandoned(transaction: Transaction[T], *, by_statement: bool) -> Transaction[T]:
    """The rolled-back twin: the transaction up to COMMIT, which is never reached.

    Args:
        transaction: what would have been written.
        by_statement: end it with a statement that fails on the server, for a transport that sends the whole
            transaction as one batch; otherwise with an exception of the application's own.

    Raises:
        Abandoned: always, unless ``by_statement``; then the driver's own error.
    """
    step = next(transaction)
    while True:
        if isinstance(step, Commit):
            if not by_statement:
                raise Abandoned
            yield Observation("SELECT 1 / (length('a') - 1)")
        answer = yield from _passed_on(transaction, step)
        try:
            step = transaction.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def _passed_on(transaction: Transaction[T], step: Step) -> Transaction[Rows]:
    """Yield a step for another transaction, and throw its failure into it.

    A production transaction that answers a failure with another step is not among ours: it lets it pass.
    """
    try:
        return (yield step)
    except BaseException as error:
        transaction.throw(error)
        raise
