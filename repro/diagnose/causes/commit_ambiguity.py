"""A COMMIT whose answer was lost."""

from __future__ import annotations

from collections.abc import Sequence

from repro.diagnose.cause import Cause
from repro.diagnose.controls import in_the_lab
from repro.diagnose.sessions import sessions
from repro.diagnose.view import View, during, failed, is_of_the_database, over, says
from repro.document import Outcome

ROLLBACK_IN_ITS_PLACE = (
    "Failed query: rollback",
    "cannot call Transaction.__aexit__(): the underlying connection is closed",
    "cannot call Transaction.rollback(): the underlying connection is closed",
)
"""What a library says whose own clean-up failed, and hid the first error."""

_LOST = frozenset({"eof", "connection_reset", "ws_closed"})


def _in_doubt(outcome: Outcome) -> bool:
    """Whether its answer would have said that it was applied, and did not come."""
    return outcome.get("applied") == "unknown" and is_of_the_database(outcome)


def _commit_was_sent(view: View, outcome: Outcome) -> bool:
    """Whether COMMIT left the client and was not answered; taken for granted where no message was seen."""
    seen = [each for each in sessions(view.lines(outcome, "pg.msg")) if each.exchanges]
    asked = [each for session in seen for each in session.exchanges if each.commits]
    return not seen or any(each.unanswered for each in asked)


def _ack_lost(view: View) -> list[Outcome]:
    suspected = view.where(during("commit"), failed(*_LOST), over("tcp", "websocket"), _in_doubt)
    return [
        outcome
        for outcome in suspected
        if _commit_was_sent(view, outcome) and not says(*ROLLBACK_IN_ITS_PLACE)(outcome)
    ]


def _hangs(view: View) -> list[Outcome]:
    suspected = view.where(during("commit"), failed("timeout"), over("tcp", "websocket"), _in_doubt)
    return [outcome for outcome in suspected if _commit_was_sent(view, outcome)]


def _request_was_sent(view: View, outcome: Outcome) -> bool:
    """Whether the request left and no status came back; taken for granted where no request can be seen."""
    requests = view.lines(outcome, "http.request")
    if not requests:
        return not view.lines(outcome, "http.response")
    answered = [line for line in view.lines(outcome, "http.response") if line.get("http.status")]
    return len(answered) < len(requests)


def _response_lost(view: View) -> Sequence[Outcome]:
    lost = view.where(during("commit"), failed(*_LOST, "timeout"), over("http"), _in_doubt)
    # 507: Neon's proxy ran the statement, and its result was too large to hand on
    too_large = view.where(over("http"), says("response is too large"), is_of_the_database)
    return [outcome for outcome in lost if _request_was_sent(view, outcome)] + [
        outcome for outcome in too_large if outcome not in lost
    ]


def _replayed(view: View) -> list[Outcome]:
    """A COMMIT that nobody answered, and then one outside of any transaction on another connection."""
    return [
        outcome
        for outcome in view.where(failed("not_atomic"), is_of_the_database)
        if _lost_and_sent_again(view, outcome)
    ]


def _lost_and_sent_again(view: View, outcome: Outcome) -> bool:
    lost = False
    for session in sessions(view.lines(outcome, "pg.msg")):
        first = next(iter(session.exchanges), None)
        # 25P01: there is no transaction in progress, a warning of Postgres
        if lost and first is not None and first.commits and "25P01" in first.notices:
            return True
        lost = lost or session.any(lambda each: each.commits and each.unanswered)
    return False


CAUSES: tuple[Cause, ...] = (
    Cause(
        id="ca-commit-replayed",
        layer="commit-ambiguity",
        title="A COMMIT that was lost was sent again on a new connection, where it commits nothing",
        summary="COMMIT was sent and not answered. The client connected again and repeated it; outside of a transaction "
        "Postgres answers COMMIT with success and a warning (25P01), so that the loss of the rows went unnoticed.",
        suspects=_replayed,
        symptoms={"clients and pools that heal themselves": "no error; the rows are not there"},
        apart={
            "tx-commit-of-aborted": "COMMIT was the first statement of its session, not the end of a failed transaction",
            "tx-forgot-commit": "COMMIT was sent, twice",
        },
        ops=("connect",),
        fix=(
            "Never repeat a single statement of a transaction on another connection: repeat the whole transaction, under an idempotency key.",
            "Take the warning 25P01 for an error.",
        ),
        links=("https://github.com/TableProApp/TablePro/pull/2765",),
    ),
    Cause(
        id="ca-commit-ack-lost",
        layer="commit-ambiguity",
        title="The answer to COMMIT was lost: the transaction may be applied",
        summary="COMMIT left the client, and the connection ended before CommandComplete came back. The error reads the same "
        "whether the server had committed or not; only the database can say.",
        suspects=_ack_lost,
        symptoms={
            "psycopg": "OperationalError: consuming input failed: server closed the connection unexpectedly",
            "asyncpg": "ConnectionDoesNotExistError: connection was closed in the middle of operation",
            "pg": "read ECONNRESET, or Connection terminated unexpectedly",
            "SQLAlchemy": "the same, wrapped",
        },
        apart={
            "tx-drizzle-rollback-masks": "the error is that of COMMIT itself, and not of a rollback after it",
            "tx-admin-terminate": "the connection ended without a word of the server's",
            "ca-commit-hang": "the connection ended; it was not waited for",
        },
        ops=("connect",),
        fix=(
            "Repeat the whole transaction under an idempotency key with a unique constraint: a repeat then does nothing.",
            "Or keep pg_current_xact_id() from inside the transaction, and ask pg_xact_status() for it.",
            "Never repeat it blindly, and never report it as failed.",
        ),
        links=(
            "https://github.com/get-convex/convex-backend/pull/559",
            "https://github.com/apache/polaris/pull/5263",
            "https://www.postgresql.org/docs/current/functions-info.html",
        ),
        change=in_the_lab,
    ),
    Cause(
        id="ca-commit-hang",
        layer="commit-ambiguity",
        title="COMMIT is not answered in time: the transaction may be applied, now or later",
        summary="COMMIT left the client and no answer came within the client's limit. The network may have lost it, or the server "
        "waits for a standby or for its disk: the rows may appear after the error.",
        suspects=_hangs,
        symptoms={
            "asyncpg": "TimeoutError, without a text",
            "psycopg": "nothing until tcp_user_timeout, unless the application sets a limit",
        },
        apart={
            "ca-commit-ack-lost": "the connection did not end; its answer was waited for in vain",
            "tx-lock-wait": "every statement before COMMIT was answered",
        },
        ops=("connect",),
        fix=(
            "Ask again later, after more than the server's own timeouts, whether it was applied; repeat it only under an idempotency key.",
            "Look at synchronous_standby_names and pg_stat_replication, and at waits of type SyncRep in pg_stat_activity.",
        ),
        links=(
            "https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION",
            "https://www.postgresql.org/docs/current/functions-info.html",
        ),
        change=in_the_lab,
    ),
    Cause(
        id="ca-http-response-lost",
        layer="commit-ambiguity",
        title="The answer to SQL over HTTP was lost: the transaction may be applied",
        summary="The request left whole, and no answer came back, or none that could be handed on. The statements may have run: "
        "the error reads the same as that of a request that never arrived.",
        suspects=_response_lost,
        symptoms={
            "@neondatabase/serverless": "NeonDbError: Error connecting to database: fetch failed (other side closed)",
            "httpx": "RemoteProtocolError: Server disconnected without sending a response, or ReadTimeout",
        },
        apart={"ca-commit-ack-lost": "the transaction went as one HTTP request"},
        ops=("http.request", "http.response"),
        fix=(
            "Give each request an idempotency key under a unique constraint (INSERT … ON CONFLICT DO NOTHING), and repeat it.",
            "Do not read the word connecting in the error as a promise that nothing ran.",
        ),
        links=("https://github.com/neondatabase/neon/issues/5362",),
        change=in_the_lab,
    ),
)
