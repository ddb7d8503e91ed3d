"""Whether transactions that run at once stay whole: each on one connection, committed whole or not at all.

A client that takes another connection of its pool for each statement looks well as long as one transaction
runs alone. It comes apart when something else is awaited inside, or when there are more transactions than the
pool has connections.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from repro.persistence.model import OrchestrationRequest
from repro.persistence.schema import quoted
from repro.persistence.steps import Begin, Commit, Execute, Rows, Transaction
from repro.persistence.transaction import create_jobs, single
from repro.probe.transactions import Sightings, abandoned, observed, with_gaps

STAYS_S = 0.3
"""A transaction that was left is there for longer; one of another probe through the same pooler is over."""


@dataclass(slots=True)
class Attempt:
    """One of the transactions.

    Args:
        request: what it writes.
        kept: whether it commits; else it is left before COMMIT, on purpose.
        sightings: the backend and the transaction id around each statement.
        raised: what its driver raised, as text.
        rows: how many of its jobs are there afterwards.
    """

    request: OrchestrationRequest
    kept: bool
    sightings: Sightings = field(default_factory=Sightings)
    raised: str | None = None
    rows: int = 0

    @property
    def split(self) -> bool:
        """Whether its statements ran on several backends, or under several transaction ids."""
        return len(set(self.sightings.backends())) > 1 or len(set(self.sightings.xids())) > 1

    @property
    def lost(self) -> bool:
        """Whether it was said to have committed, and its rows are not there."""
        return self.kept and self.raised is None and self.rows < len(self.request.jobs)

    @property
    def survived(self) -> bool:
        """Whether it was rolled back, and rows of it are there."""
        return not self.kept and self.rows > 0

    def transaction(self, schema: str, *, gaps_by_statement: bool, collected: bool) -> Transaction[object]:
        """What is run.

        Args:
            schema: where the tables are.
            gaps_by_statement: see `with_gaps`.
            collected: the driver waits by itself between the statements.
        """
        production = observed(create_jobs(self.request, schema=schema), self.sightings)
        work = production if self.kept else abandoned(production, by_statement=False)
        return work if collected else with_gaps(work, by_statement=gaps_by_statement)


def attempts(count: int, request: Callable[[str], OrchestrationRequest], name: str) -> list[Attempt]:
    """As many transactions; every second one is left before COMMIT."""
    return [Attempt(request(f"{name}-{number}"), kept=number % 2 == 0) for number in range(count)]


def rows_of(tried: Sequence[Attempt], *, schema: str) -> Transaction[Rows]:
    """How many jobs of each orchestration there are."""
    return single(
        Execute(
            f"""SELECT orchestration_id::text, count(*)::int FROM {quoted(schema)}.jobs
WHERE orchestration_id = ANY ($1::uuid[]) GROUP BY orchestration_id""",  # noqa: S608 - a quoted identifier
            ([each.request.orchestration_id for each in tried],),
        )
    )


def idle_in_transaction(tried: Sequence[Attempt]) -> Transaction[Rows]:
    """How many of the connections that were used are left idle in a transaction.

    Behind a pooler another client may use the same connection by now. So a transaction with an id that is
    none of ours does not count, nor does one that is over a moment later.
    """
    yield Begin()
    rows = yield _idle(tried)
    if len(rows):
        yield Execute(f"SELECT pg_sleep({STAYS_S})::text, pg_stat_clear_snapshot()::text")
        again = yield _idle(tried)
        rows = Rows([row for row in again if row in list(rows)])
    yield Commit()
    return Rows([(len(rows),)])


def _idle(tried: Sequence[Attempt]) -> Execute:
    """The process and the transaction's start of each."""
    backends = sorted({str(pid) for each in tried for pid in each.sightings.backends()})
    # pg_stat_activity has an id without its epoch
    xids = sorted({str(int(xid) % 2**32) for each in tried for xid in each.sightings.xids()})
    return Execute(
        """SELECT pid::text, xact_start::text FROM pg_stat_activity
WHERE pid::text = ANY ($1::text[]) AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()
AND (backend_xid IS NULL OR backend_xid::text = ANY ($2::text[]))""",
        (backends, xids),
    )


def verdict(tried: Sequence[Attempt], idle: int) -> dict[str, object]:
    """What was found, for the outcome's ``atomicity.detail``."""
    return {
        "transactions": len(tried),
        "split": sum(each.split for each in tried),
        "commits_lost": sum(each.lost for each in tried),
        "rollbacks_that_stayed": sum(each.survived for each in tried),
        "left_idle_in_transaction": idle,
        "raised": sorted({each.raised for each in tried if each.raised}),
    }


def is_broken(found: dict[str, object]) -> bool:
    """Whether a verdict says that transactions came apart."""
    names = ("split", "commits_lost", "rollbacks_that_stayed", "left_idle_in_transaction")
    return any(found[name] for name in names)
