"""Transactions that are none."""

from __future__ import annotations

from repro.diagnose.cause import Cause, Change
from repro.diagnose.view import View, failed_with
from repro.document import Outcome

_DEFAULT_CLIENT, _POOL = "node.drizzle-vercel-sql", "node.drizzle-vercel-pool"


def _split(view: View) -> list[Outcome]:
    """The default client came apart, and no other driver of the run did."""
    broken = [outcome for outcome in view.failing() if failed_with(outcome, "not_atomic", "atomicity")]
    return broken if [outcome["name"] for outcome in broken] == [_DEFAULT_CLIENT] else []


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
)
