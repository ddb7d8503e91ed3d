"""The production transactions: what they say without a server, and how they meet on one."""

from __future__ import annotations

import re
import threading
import time
import uuid
from contextlib import closing, suppress

import pytest

from repro.persistence.drivers import Driver, raw
from repro.persistence.model import Claim, CreatedJobs, Job, OrchestrationRequest
from repro.persistence.schema import quoted
from repro.persistence.settings import Settings
from repro.persistence.steps import (
    Begin,
    Commit,
    Execute,
    InteractiveTransactionRequired,
    Rows,
    Step,
    Transaction,
    drive,
)
from repro.persistence.transaction import (
    claim_pending,
    count_jobs,
    create_jobs,
    delete_orchestration,
    mark_pushed,
    release,
    same_request,
    single,
)

DEADLINE_S = 20


def request_of(key: str = "key", jobs: int = 2) -> OrchestrationRequest:
    return OrchestrationRequest(key, [Job("render", {"n": number}) for number in range(jobs)])


def spoken(transaction: Transaction[object]) -> list[Step]:
    """The steps of a transaction whose rows are filled at COMMIT only, as a batch has them."""
    steps: list[Step] = []
    waiting: list[Rows] = []

    def carry_out(step: Step) -> Rows:
        steps.append(step)
        if isinstance(step, Commit):
            for rows in waiting:
                rows.fill([])
        waiting.append(Rows())
        return waiting[-1]

    with suppress(IndexError):  # an empty answer to a count
        drive(transaction, carry_out)
    return steps


CLAIM = Claim("00000000-0000-0000-0000-000000000001", 1, "first", ())


@pytest.mark.parametrize("schema", ["public", "pg_temp", 'odd "name"'])
def test_every_transaction_can_be_sent_as_one_batch_and_names_its_tables_in_full(schema: str) -> None:
    transactions = [
        create_jobs(request_of(), schema=schema),
        same_request(request_of(), schema=schema),
        count_jobs("x", schema=schema),
        claim_pending(lease_s=1, schema=schema),
        mark_pushed(CLAIM, schema=schema),
        release(CLAIM, schema=schema),
        delete_orchestration("x", schema=schema),
    ]
    for transaction in transactions:
        begin, *statements, commit = spoken(transaction)
        assert (begin, commit) == (Begin(), Commit())
        for step in statements:
            assert isinstance(step, Execute)
            assert ";" not in step.sql
            assert f"{quoted(schema)}." in step.sql
            assert not re.search(r"(?:FROM|INTO|UPDATE|JOIN) (?:orchestrations|jobs|outbox)\b", step.sql)
            assert len(set(re.findall(r"\$\d+", step.sql))) == len(step.params)


def test_the_production_transaction_is_four_steps() -> None:
    begin, jobs, outbox, commit = spoken(create_jobs(request_of(jobs=5_000)))
    assert (begin, commit) == (Begin(), Commit())
    assert isinstance(jobs, Execute)
    assert isinstance(outbox, Execute)
    assert jobs.sql.endswith("RETURNING id::text")
    assert outbox.sql.startswith('INSERT INTO "public".outbox (orchestration_id)\nSELECT id')


def test_rows_cannot_be_read_before_they_are_there() -> None:
    rows = Rows()
    assert not rows.filled
    for read in (len, list, bool):
        with pytest.raises(InteractiveTransactionRequired, match="COMMIT"):
            read(rows)
    rows.fill([(1,), (2,)])
    assert (rows.filled, len(rows), rows[1], list(rows)) == (True, 2, (2,), [(1,), (2,)])


def held_open(transaction: Transaction[CreatedJobs], until_waiting: object) -> Transaction[CreatedJobs]:
    """A transaction that commits only when somebody waits for it."""
    step = next(transaction)
    while True:
        if isinstance(step, Commit):
            until_waiting()  # type: ignore[operator]
        rows = yield step
        try:
            step = transaction.send(rows)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def wait_for_a_waiter(observer: Driver, schema: str) -> None:
    sql = """SELECT count(*)::int FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND state = 'active' AND position($1::text in query) > 0"""
    due = time.monotonic() + DEADLINE_S
    while observer.run(single(Execute(sql, (schema,))))[0] == (0,):
        assert time.monotonic() < due, "nobody waits for the transaction that is open"


def test_two_at_once_create_once(driver: Driver, observer: Driver, settings: Settings, schema: str) -> None:
    """The second one waits for the first, on its unique key, and then finds that nothing is left to do."""
    request = request_of(f"key-{uuid.uuid4()}", jobs=3)
    found: list[CreatedJobs] = []
    second = threading.Thread(target=lambda: found.append(driver.run(create_jobs(request, schema=schema))))

    def meet() -> None:
        second.start()
        wait_for_a_waiter(observer, schema)

    with closing(raw.connect(settings.require_database())) as first:
        created = first.run(held_open(create_jobs(request, schema=schema), meet))
    second.join(DEADLINE_S)
    assert created.created
    assert found == [CreatedJobs(created.orchestration_id, created.job_ids, created=False)]
    assert observer.run(count_jobs(request.orchestration_id, schema=schema)) == 3


def test_deleting_an_orchestration_leaves_nothing(driver: Driver, schema: str) -> None:
    request = request_of(f"key-{uuid.uuid4()}")
    driver.run(create_jobs(request, schema=schema))
    driver.run(delete_orchestration(request.orchestration_id, schema=schema))
    assert driver.run(count_jobs(request.orchestration_id, schema=schema)) == 0
    assert driver.run(claim_pending(lease_s=1, schema=schema)) is None
