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


_MARKED = {
    "specimen.redis-py-retries": "specimen.redis-py-marked",
    "specimen.node-ioredis-resends": "specimen.node-ioredis-marked",
    "specimen.upstash-py-retries": "specimen.upstash-py-marked",
    "specimen.fallback-push": "specimen.fallback-marked",
}
"""Specimens that push twice, and the ones that do the same with marks."""


def repeated(probe: str, *flags: str) -> str:
    """The command that runs a probe once more.

    Args:
        probe: its name.
        flags: what else is said.
    """
    node = ["--node"] if probe.startswith(("node.", "specimen.node-")) else []
    return " ".join(["repro run", *node, *flags, "--only", probe])


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
    return Change(
        words=f"the same transaction as {probe} does it",
        probe=probe,
        command=repeated(probe, "--commit"),
    )


def in_the_lab(_view: View, outcome: Outcome) -> Change | None:
    """The same probe with the lab's servers at the other end, which are known to be well.

    It tells what is at the target's address from all that is on this side: driver, versions, environment.
    """
    if outcome["name"].startswith("specimen."):
        return None
    return Change(
        words="the lab's server in the place of the target's",
        probe=outcome["name"],
        command=repeated(outcome["name"], "--target lab"),
        in_the_lab=True,
    )


def with_marks(_view: View, outcome: Outcome) -> Change | None:
    """The same pushes, where a second one is harmless; an application's own push is not for us to repeat."""
    probe = _MARKED.get(outcome["name"])
    if probe is None:
        return None
    return Change(
        words="a mark for each job, set in one script with the push",
        probe=probe,
        command=repeated(probe),
    )
