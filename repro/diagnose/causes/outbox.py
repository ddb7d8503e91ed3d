"""The database and the queue, written one after the other."""

from __future__ import annotations

from repro.diagnose.cause import Cause, Change
from repro.diagnose.causes.redis_tcp import PUSHES, redis_url
from repro.diagnose.view import Line, View, failed, is_of_the_database, is_of_the_queue
from repro.document import Outcome


def _pushed_over_both(view: View) -> list[Outcome]:
    """A push that arrived more than once, over Redis TCP and over HTTP."""
    return [
        outcome
        for outcome in view.where(is_of_the_queue, failed("duplicate_effect"))
        if view.lines(outcome, "redis.cmd") and view.lines(outcome, "http.request")
    ]


def _committed(view: View, outcome: Outcome) -> list[Line]:
    """The server's word that a transaction of the probe committed."""
    return [line for line in view.lines(outcome, "pg.msg") if line.get("pg.tag") == "COMMIT"]


def _pushed(view: View, outcome: Outcome) -> list[Line]:
    """The pushes of the probe over Redis TCP that were answered well."""
    pushes = [line for line in view.lines(outcome, "redis.cmd") if line.get("redis.cmd") in PUSHES]
    replies = view.lines(outcome, "redis.reply")
    return [
        push
        for push in pushes
        if any(
            each["conn"] == push["conn"] and each["t"] >= push["t"] and not each.get("redis.error")
            for each in replies
        )
    ]


def _pushed_for_nothing(view: View) -> list[Outcome]:
    """A push was answered well; the transaction around it failed afterwards, and none had committed before."""
    return [
        outcome
        for outcome in view.where(is_of_the_database, failed("sql_error"))
        if _pushed(view, outcome) and not _committed(view, outcome)
    ]


def _committed_for_nothing(view: View) -> list[Outcome]:
    """A transaction committed; the push after it failed, and that is what the probe failed with."""

    def push_was_lost(outcome: Outcome) -> bool:
        committed = _committed(view, outcome)
        url = redis_url(view)
        if not committed or url is None or _pushed(view, outcome):
            return False
        at_the_queue = [
            line
            for op in ("connect", "redis.cmd")
            for line in view.lines(outcome, op)
            if line.get("peer") and line["peer"]["port"] == url.port
        ]
        return any(line["t"] >= committed[0]["t"] for line in at_the_queue)

    lost = failed("connection_refused", "connection_reset", "eof", "timeout", "redis_error")
    return [each for each in view.where(is_of_the_database, lost) if push_was_lost(each)]


def _with_marks(_view: View, outcome: Outcome) -> Change | None:
    """An application's own push is not for us to repeat."""
    if outcome["name"] != "specimen.fallback-push":
        return None
    probe = "specimen.fallback-marked"
    return Change(
        words="a mark for each job, set in one script with the push",
        probe=probe,
        command=f"repro run --only {probe}",
    )


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
        change=_with_marks,
    ),
    Cause(
        id="ob-push-before-commit",
        layer="outbox",
        title="A job was pushed before its transaction committed, and the transaction was rolled back",
        summary="In one program's trace the push was answered, and the transaction around it failed afterwards: the worker gets an "
        "id that no table has. The production code of the probes pushes from its outbox, after COMMIT.",
        suspects=_pushed_for_nothing,
        symptoms={
            "workers": "the job of an id is not found, or a foreign key is missing",
            "the API": "the database's error",
        },
        apart={"ob-commit-then-push-lost": "the job is queued, and its row is what is missing"},
        fix=("Push after COMMIT, never within the transaction's callback.", *_OUTBOX),
        links=("https://github.com/pathosDev/actor-ts/issues/180",),
        ops=("pg.msg", "redis.cmd"),
    ),
    Cause(
        id="ob-commit-then-push-lost",
        layer="outbox",
        title="The transaction committed, and the push after it was lost",
        summary="In one program's trace COMMIT was answered, and the push after it failed: the row is there and nobody works on it, "
        "and whoever tries again is told that it exists. The production code of the probes has an outbox, and a relay that repeats.",
        suspects=_committed_for_nothing,
        symptoms={"the API": "an error although the row exists; the retry: duplicate key value"},
        apart={"ob-push-before-commit": "the row is there, and its job is what is missing"},
        fix=_OUTBOX,
        links=(
            "https://github.com/getlago/lago-api/pull/6319",
            "https://github.com/talesofai/cohub/pull/106",
        ),
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
