"""What a failing probe is compared with: one that does it right, or itself on servers that are well."""

from __future__ import annotations

from repro.diagnose.cause import Change
from repro.diagnose.view import View, types
from repro.document import Outcome

_BY_DRIVER = {
    "psycopg": "tcp.psycopg",
    "asyncpg": "tcp.asyncpg",
    "httpx": "http.neon",
    "pg": "node.pg",
    "drizzle-orm": "node.drizzle-pg",
}
_SQLALCHEMY = {True: "orm.sqlalchemy-asyncpg", False: "orm.sqlalchemy-psycopg"}


def control_of(outcome: Outcome) -> str | None:
    """The name of that probe; None where there is none, or the probe is one of them itself."""
    library = outcome["driver"]["name"] if "driver" in outcome else None
    if library == "SQLAlchemy":
        spoken = [*outcome.get("versions", {}), *types(outcome)]
        found: str | None = _SQLALCHEMY[any("asyncpg" in each for each in spoken)]
    else:
        found = _BY_DRIVER.get(library or "")
    return None if found == outcome["name"] else found


def done_right(_view: View, outcome: Outcome) -> Change | None:
    """The same transaction with the same library, by the probe that does it right."""
    probe = control_of(outcome)
    if probe is None:
        return None
    node = "--node " if probe.startswith("node.") else ""
    return Change(
        words=f"the same transaction as {probe} does it",
        probe=probe,
        command=f"repro run {node}--commit --only {probe}",
    )


def in_the_lab(_view: View, outcome: Outcome) -> Change | None:
    """The same probe with the lab's servers at the other end, which are known to be well.

    It tells what is at the target's address from all that is on this side: driver, versions, environment.
    """
    if outcome["name"].startswith("specimen."):
        return None
    node = "--node " if outcome["name"].startswith("node.") else ""
    return Change(
        words="the lab's server in the place of the target's",
        probe=outcome["name"],
        command=f"repro run --target lab {node}--only {outcome['name']}",
        in_the_lab=True,
    )
