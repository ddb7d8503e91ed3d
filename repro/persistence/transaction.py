"""The production transactions, written once, without I/O.

Nothing is read before COMMIT, so that each runs as well over a transport that sends the whole transaction as
one batch. Parameters are cast in the statements and results are text, integers and booleans: every driver
gives equal rows.
"""

# ruff: noqa: S608 - the only thing put into a statement is a quoted identifier

from __future__ import annotations

from repro.persistence.errors import OutcomeUnknown
from repro.persistence.model import Claim, CreatedJobs, OrchestrationRequest
from repro.persistence.schema import quoted
from repro.persistence.steps import Begin, Commit, Execute, Rows, Transaction

DEFAULT_LOCK_MS = 4_000
"""Milliseconds to wait for another transaction under the same key."""


def create_jobs(
    request: OrchestrationRequest, *, schema: str = "public", lock_ms: int = DEFAULT_LOCK_MS
) -> Transaction[CreatedJobs]:
    """Save an orchestration, its jobs and its outbox entry: BEGIN, INSERT, INSERT, COMMIT, however many jobs.

    A repeat inserts nothing: its INSERT waits on the unique key until the first one has ended, and then does
    nothing.

    Args:
        request: what to save.
        schema: where the tables are.
        lock_ms: for how many milliseconds it waits for another transaction under the same key; the server
            then answers with SQLSTATE 55P03.

    Returns:
        The ids, the same for every repeat, and whether this call created them.

    Raises:
        OutcomeUnknown: thrown in at COMMIT; it leaves with the transaction's id, where that is known.
    """
    jobs = insert_jobs(request, schema=schema, lock_ms=lock_ms)  # made before BEGIN, so as to keep that short
    outbox = insert_outbox(request, schema=schema)
    yield Begin()
    inserted = yield jobs
    entered = yield outbox
    try:
        yield Commit()
    except OutcomeUnknown as lost:
        if entered.filled and len(entered):
            lost.transaction_id = str(entered[0][0])
        raise
    return CreatedJobs(request.orchestration_id, request.job_ids, created=len(inserted) > 0)


def insert_jobs(request: OrchestrationRequest, *, schema: str, lock_ms: int = DEFAULT_LOCK_MS) -> Execute:
    """The statement that inserts the orchestration and all its jobs, and returns the ids it has inserted.

    It limits its own wait: a ``SET LOCAL`` before it would be one more round trip. The setting ends with the
    transaction.
    """
    name = quoted(schema)
    return Execute(
        f"""WITH orchestration AS (
    INSERT INTO {name}.orchestrations (id, idempotency_key, fingerprint)
    SELECT $1::uuid, $2::text, $3::text
    WHERE set_config('lock_timeout', $7::text, true) IS NOT NULL
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO {name}.jobs (id, orchestration_id, position, kind, payload)
SELECT job.id, orchestration.id, job.position, job.kind, job.payload::jsonb
FROM orchestration
CROSS JOIN unnest($4::uuid[], $5::text[], $6::text[]) WITH ORDINALITY AS job (id, kind, payload, position)
RETURNING id::text""",
        (
            request.orchestration_id,
            request.idempotency_key,
            request.fingerprint,
            list(request.job_ids),
            [job.kind for job in request.jobs],
            [job.payload_json for job in request.jobs],
            str(lock_ms),
        ),
    )


def insert_outbox(request: OrchestrationRequest, *, schema: str) -> Execute:
    """The statement that enters the orchestration in the outbox, if it is not there yet.

    It returns the transaction's id. ``txid_current`` and ``txid_status`` are ``pg_current_xact_id`` and
    ``pg_xact_status`` under the names that servers before Postgres 13 know too.
    """
    name = quoted(schema)
    return Execute(
        f"""INSERT INTO {name}.outbox (orchestration_id)
SELECT id FROM {name}.orchestrations WHERE id = $1::uuid
ON CONFLICT (orchestration_id) DO NOTHING
RETURNING txid_current()::text""",
        (request.orchestration_id,),
    )


def single(statement: Execute) -> Transaction[Rows]:
    """A transaction of one statement; its rows can be read when it has ended."""
    yield Begin()
    rows = yield statement
    yield Commit()
    return rows


def same_request(request: OrchestrationRequest, *, schema: str = "public") -> Transaction[bool]:
    """Whether what is stored under the request's key is this request, and no other one."""
    rows = yield from single(
        Execute(
            f"SELECT fingerprint = $2::text FROM {quoted(schema)}.orchestrations WHERE id = $1::uuid",
            (request.orchestration_id, request.fingerprint),
        )
    )
    return len(rows) == 1 and rows[0][0] is True


def commit_status(transaction_id: str) -> Transaction[str | None]:
    """What became of a transaction.

    Args:
        transaction_id: its 64-bit id, as text.

    Returns:
        ``in progress``, ``committed`` or ``aborted``; None if the server does not know that id: it is too
        old, the newest of all and still open, or another server's.
    """
    rows = yield from single(
        Execute(
            """SELECT CASE WHEN $1::bigint < txid_snapshot_xmax(txid_current_snapshot())
    THEN txid_status($1::bigint) END""",
            (int(transaction_id),),
        )
    )
    status = rows[0][0]
    return None if status is None else str(status)


def count_jobs(orchestration_id: str, *, schema: str = "public") -> Transaction[int]:
    """How many jobs of an orchestration are stored: to read back what was committed."""
    rows = yield from single(
        Execute(
            f"SELECT count(*)::int FROM {quoted(schema)}.jobs WHERE orchestration_id = $1::uuid",
            (orchestration_id,),
        )
    )
    return int(rows[0][0] or 0)


def delete_orchestration(orchestration_id: str, *, schema: str = "public") -> Transaction[None]:
    """Delete an orchestration with its jobs and its outbox entry, as a probe does with its own."""
    yield from single(
        Execute(f"DELETE FROM {quoted(schema)}.orchestrations WHERE id = $1::uuid", (orchestration_id,))
    )


def claim_pending(*, lease_s: int, schema: str = "public") -> Transaction[Claim | None]:
    """Claim the oldest orchestration that nobody is pushing, in one statement.

    The subselect is compared with ``=``: under ``IN`` the planner may run it again for each row, which would
    lock more than one.

    Args:
        lease_s: for how many seconds nobody else may claim it; from the server's clock.
        schema: where the tables are.

    Returns:
        The claim; None if nothing is pending.

    Raises:
        ClaimInDoubt: from an `OutcomeUnknown` that was thrown in at COMMIT, where the claim is known.
    """
    name = quoted(schema)
    yield Begin()
    rows = yield Execute(
        f"""WITH claimed AS (
    UPDATE {name}.outbox
    SET claimed_until = clock_timestamp() + make_interval(secs => $1::int), claim_token = claim_token + 1
    WHERE orchestration_id = (
        SELECT orchestration_id FROM {name}.outbox
        WHERE pushed_at IS NULL AND (claimed_until IS NULL OR claimed_until <= clock_timestamp())
        ORDER BY created_at, orchestration_id
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING orchestration_id, claim_token, generation
)
SELECT claimed.orchestration_id::text, claimed.claim_token::bigint, claimed.generation::text, jobs.id::text
FROM claimed LEFT JOIN {name}.jobs ON jobs.orchestration_id = claimed.orchestration_id
ORDER BY jobs.position""",
        (lease_s,),
    )
    try:
        yield Commit()
    except OutcomeUnknown as lost:
        if not rows.filled:
            raise
        claim = _claim_in(rows)
        if claim is None:
            return None
        raise ClaimInDoubt(str(lost), claim) from lost.__cause__
    return _claim_in(rows)


class ClaimInDoubt(OutcomeUnknown):
    """The COMMIT of a claim may have been applied; nobody else may claim the same until its lease ends.

    Args:
        message: what happened.
        claim: what was claimed, if it was.
    """

    def __init__(self, message: str, claim: Claim) -> None:
        super().__init__(message)
        self.claim = claim


def _claim_in(rows: Rows) -> Claim | None:
    if not rows:
        return None
    orchestration_id, token, generation, _ = rows[0]
    jobs = tuple(str(row[3]) for row in rows if row[3])
    return Claim(str(orchestration_id), int(token or 0), str(generation), jobs)


def mark_pushed(claim: Claim, *, schema: str = "public") -> Transaction[bool]:
    """Say that a claimed orchestration is queued.

    Returns:
        False if another relay has taken it over meanwhile: its token is higher, and it says so itself. Or if
        it was deleted, even if it was created again: that one has still to be queued.
    """
    return (
        yield from _settle(
            claim,
            f"UPDATE {quoted(schema)}.outbox SET pushed_at = clock_timestamp(), claimed_until = NULL",
        )
    )


def release(claim: Claim, *, schema: str = "public") -> Transaction[bool]:
    """Give a claim back, so that nobody has to wait for the end of its lease.

    Returns:
        False if another relay has taken it over meanwhile.
    """
    return (yield from _settle(claim, f"UPDATE {quoted(schema)}.outbox SET claimed_until = NULL"))


def take_back(claim: Claim, *, schema: str = "public") -> Transaction[None]:
    """Undo a claim of which nobody knows whether it took effect.

    It updates the entry under whatever token it has: where the transaction in doubt is still open, that
    waits for its end, and the token is compared with what it has left. A condition on the token would find
    the entry as it was before, and wait for nothing.
    """
    yield from single(
        Execute(
            f"""UPDATE {quoted(schema)}.outbox SET claimed_until = CASE
    WHEN claim_token = $2::bigint AND generation = $3::text THEN NULL ELSE claimed_until END
WHERE orchestration_id = $1::uuid AND pushed_at IS NULL""",
            (claim.orchestration_id, claim.token, claim.generation),
        )
    )


def _settle(claim: Claim, update: str) -> Transaction[bool]:
    rows = yield from single(
        Execute(
            f"""{update}
WHERE orchestration_id = $1::uuid AND claim_token = $2::bigint AND generation = $3::text AND pushed_at IS NULL
RETURNING orchestration_id::text""",
            (claim.orchestration_id, claim.token, claim.generation),
        )
    )
    return len(rows) == 1
