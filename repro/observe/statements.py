"""The production transaction as the document says it: its statements, in the order in which they are sent."""

from __future__ import annotations

from repro.persistence.model import Job, OrchestrationRequest
from repro.persistence.steps import Begin, Commit, Execute, Rows, Step, drive
from repro.persistence.transaction import create_jobs


def of_the_transaction(schema: str) -> list[str]:
    """``BEGIN``, the statements, ``COMMIT``.

    Args:
        schema: the schema that the statements name.
    """
    said: list[str] = []

    def listen(step: Step) -> Rows:
        said.append(in_sql(step))
        return Rows(())

    example = OrchestrationRequest(idempotency_key="example", jobs=(Job(kind="generate", payload={}),))
    drive(create_jobs(example, schema=schema), listen)
    return said


def in_sql(step: Step) -> str:
    """What a step is on the wire, without its parameters."""
    match step:
        case Begin():
            return "BEGIN ISOLATION LEVEL READ COMMITTED"
        case Execute():
            return step.sql
        case Commit():
            return "COMMIT"
