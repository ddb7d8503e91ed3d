"""The database and the queue, written one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from repro.diagnose.cause import Cause, Change
from repro.diagnose.causes.redis_tcp import PUSHES, redis_url
from repro.diagnose.controls import repeated, with_marks
from repro.diagnose.sessions import Exchange, Session, exchanges, sessions
from repro.diagnose.view import Line, View, failed, is_of_the_database, is_of_the_queue
from repro.document import Outcome


def _pushed_over_both(view: View) -> list[Outcome]:
    """A push that arrived more than once, over Redis TCP and over HTTP."""
    return [
        outcome
        for outcome in view.where(is_of_the_queue, failed("duplicate_effect"))
        if view.lines(outcome, "redis.cmd") and view.lines(outcome, "http.request")
    ]


@dataclass(frozen=True, slots=True)
class _Written:
    """A transaction that wrote, as the server answered it.

    Args:
        asked: when it was begun, in seconds since the run's start.
        ended: when its end was asked for; None where nobody did.
        committed: whether the server committed it; None where that is not known.
        failed: when the first statement was asked that failed; None where none did.
    """

    asked: float
    ended: float | None
    committed: bool | None
    failed: float | None


def _transactions(session: Session) -> Iterator[_Written]:
    """The transactions of a connection that wrote, also those of a single statement."""
    running: list[Exchange] = []
    for each in session.exchanges:
        running.append(each)
        if each.after not in {"T", "E"}:
            yield from _written(running, each, left=False)
            running = []
    yield from _written(running, None, left=session.left)


def _written(exchanges: Sequence[Exchange], last: Exchange | None, *, left: bool) -> Iterator[_Written]:
    if not any(each.wrote for each in exchanges):
        return
    committed: bool | None = None
    if last is not None and last.after == "I" and ("COMMIT" in last.tags or last.wrote):
        committed = True
    elif left or any(each.sqlstates or "ROLLBACK" in each.tags for each in exchanges):
        committed = False
    yield _Written(
        asked=exchanges[0].asked,
        ended=None if last is None else last.asked,
        committed=committed,
        failed=next((each.asked for each in exchanges if each.sqlstates), None),
    )


def _written_by(view: View, outcome: Outcome) -> list[_Written]:
    return [each for session in sessions(view.lines(outcome, "pg.msg")) for each in _transactions(session)]


def _pushes(view: View, outcome: Outcome) -> Iterator[tuple[float, float]]:
    """When the pushes of the probe over Redis TCP were sent, and when they were answered well."""
    replies = view.lines(outcome, "redis.reply")
    for push in view.lines(outcome, "redis.cmd"):
        if push.get("redis.cmd") not in PUSHES:
            continue
        there = [each for each in replies if _connection(each) == _connection(push)]
        later = [each for each in there if each["t"] >= push["t"]]
        if later and not later[0].get("redis.error"):
            yield push["t"], later[0]["t"]


def _connection(line: Line) -> tuple[Any, Any]:
    """Which one it is; each process has numbers of its own."""
    return line.get("pid"), line.get("conn")


def _pushed_for_nothing(view: View) -> list[Outcome]:
    """A push was answered well inside a transaction that had not failed yet, and that then did not commit."""

    def is_queued_without_a_row(outcome: Outcome) -> bool:
        return any(
            each.committed is False
            and each.asked < sent
            and answered < (each.ended or math.inf)
            and answered < (each.failed or math.inf)
            for each in _written_by(view, outcome)
            for sent, answered in _pushes(view, outcome)
        )

    failing = view.where(is_of_the_database, failed("sql_error", "not_atomic"))
    return [each for each in failing if is_queued_without_a_row(each)]


def _committed_for_nothing(view: View) -> list[Outcome]:
    """A transaction committed; what followed was a push, which failed.

    A relay asks the database for what is pending before it pushes, so that its push follows no COMMIT of rows.
    """

    def push_was_lost(outcome: Outcome) -> bool:
        tried = _tried_to_push(view, outcome)
        before = [each for each in _asked(view, outcome) if tried is not None and each < tried]
        done = {each.ended for each in _written_by(view, outcome) if each.committed}
        return bool(before) and max(before) in done

    lost = failed("connection_refused", "connection_reset", "eof", "timeout", "redis_error", "not_atomic")
    return [each for each in view.where(is_of_the_database, lost) if push_was_lost(each)]


def _tried_to_push(view: View, outcome: Outcome) -> float | None:
    """When a push was sent first, or the queue was dialled in vain; None where a push was answered well."""
    url = redis_url(view)
    if url is None or any(_pushes(view, outcome)):
        return None
    sent = [line["t"] for line in view.lines(outcome, "redis.cmd") if line.get("redis.cmd") in PUSHES]
    in_vain = [
        line["t0"]
        for line in view.lines(outcome, "connect")
        if line.get("failure") and line.get("peer") and line["peer"]["port"] == (url.port or _REDIS_PORT)
    ]
    return min(sent or in_vain, default=None)


def _asked(view: View, outcome: Outcome) -> list[float]:
    """When the database was asked for something."""
    return [each.asked for each in exchanges(view.lines(outcome, "pg.msg"))]


def _by_the_outbox(_view: View, outcome: Outcome) -> Change | None:
    """The same, written by the production outbox; an application's own writing is not for us to repeat."""
    probe = _CONTROLS.get(outcome["name"])
    if probe is None:
        return None
    return Change(
        words="an outbox entry in the transaction, and the push from there",
        probe=probe,
        command=repeated(probe),
    )


_REDIS_PORT = 6379
_CONTROLS = {
    "specimen.push-before-commit": "specimen.outbox-rolled-back",
    "specimen.commit-then-push": "specimen.outbox-committed",
}


_OUTBOX = (
    "Write a row of an outbox in the same transaction, and let a relay push it (repro.persistence does).",
    "Until then a sweeper: look for rows without their job, and push by a mark.",
)

CAUSES: tuple[Cause, ...] = (
    Cause(
        id="ob-fallback-duplicate",
        layer="outbox",
        title="The push was carried out over Redis TCP, its answer was lost, and the fallback pushed again over REST",
        summary="The same jobs went over both transports. A timeout or a lost connection after the push was sent does not say "
        "that it was not carried out.",
        suspects=_pushed_over_both,
        symptoms={"applications": "success, and each job is there twice"},
        apart={
            "redis-pyretry-duplicates": "it went over two transports: not the client repeated it, the application did",
            "up-retry-duplicates": "the first push went over Redis TCP",
        },
        fix=(
            "Fall back only where the push cannot have been carried out: refused, not found, not logged in.",
            "Or make a second push harmless: a mark per job (SET NX) in one script with it.",
        ),
        links=(
            "https://github.com/redis/redis-py/issues/3554",
            "https://github.com/upstash/redis-js/issues/1455",
        ),
        ops=("redis.cmd", "http.request", "close"),
        change=with_marks,
    ),
    Cause(
        id="ob-push-before-commit",
        layer="outbox",
        title="A job was pushed before its transaction committed, and the transaction was rolled back",
        summary="In one program's trace the push was answered inside a transaction that had written, and that failed afterwards: the "
        "worker gets an id that no table has.",
        suspects=_pushed_for_nothing,
        symptoms={
            "workers": "the job of an id is not found, or a foreign key is missing",
            "the API": "the database's error",
        },
        apart={"ob-commit-then-push-lost": "the job is queued, and its row is what is missing"},
        fix=("Push after COMMIT, never within the transaction's callback.", *_OUTBOX),
        links=("https://github.com/pathosDev/actor-ts/issues/180",),
        ops=("pg.msg", "redis.cmd"),
        change=_by_the_outbox,
    ),
    Cause(
        id="ob-commit-then-push-lost",
        layer="outbox",
        title="The transaction committed, and the push after it was lost",
        summary="In one program's trace COMMIT was answered, and the push right after it failed: the row is there and nobody works on "
        "it, and whoever tries again is told that it exists.",
        suspects=_committed_for_nothing,
        symptoms={"the API": "an error although the row exists; the retry: duplicate key value"},
        apart={"ob-push-before-commit": "the row is there, and its job is what is missing"},
        fix=_OUTBOX,
        links=(
            "https://github.com/getlago/lago-api/pull/6319",
            "https://github.com/talesofai/cohub/pull/106",
        ),
        ops=("connect", "redis.reply", "close"),
        change=_by_the_outbox,
    ),
    Cause(
        id="ob-relay-duplicate",
        layer="outbox",
        title="The outbox's relay pushed twice, or two relays pushed the same",
        summary="A relay ended between its push and its mark, or two of them read the same rows. The relay of repro.persistence "
        "claims rows by a lease and pushes by a mark, so that no run of it can show this: it is explained here and never claimed.",
        suspects=lambda _view: [],
        symptoms={"workers": "the same id twice, or a later version first"},
        apart={"ob-fallback-duplicate": "it is the relay that repeated, not a fallback"},
        fix=(
            "Claim rows in one statement, FOR UPDATE SKIP LOCKED with a lease, and push outside of any transaction.",
            "Consumers that take an id once: a mark per job.",
        ),
        links=("https://github.com/talesofai/cohub/pull/106",),
    ),
)
