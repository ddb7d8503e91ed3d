"""One suite over every driver, on a real server."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from repro.persistence.drivers import Driver
from repro.persistence.model import CreatedJobs, Job, OrchestrationRequest
from repro.persistence.schema import TEMPORARY, quoted, statements
from repro.persistence.steps import (
    Begin,
    Commit,
    Execute,
    InteractiveTransactionRequired,
    Rows,
    Step,
    Transaction,
    Value,
)
from repro.persistence.transaction import count_jobs, create_jobs, same_request, single

AWKWARD = [
    "plain",
    "",
    "ünïcödé — 日本語 🎉",
    'it\'s "quoted"',
    "back\\slash\\",
    "{braces},{more}",
    "NULL",
    "100 % %s %(p1)s $1 :name",
    "line\nbreak\ttab\r",
    "  spaces  ",
    ",",
]


def request_of(jobs: int = 3, **changes: str) -> OrchestrationRequest:
    key = changes.get("key") or f"key-{uuid.uuid4()}"
    return OrchestrationRequest(key, [Job("render", {"number": number}) for number in range(jobs)])


def echo(sql: str, *params: str | int | bool | list[str] | None) -> Transaction[list[tuple[Value, ...]]]:
    rows = yield from single(Execute(sql, params))
    return list(rows)


def test_a_committed_transaction_is_seen_by_others(driver: Driver, observer: Driver, schema: str) -> None:
    request = request_of(3)
    created = driver.run(create_jobs(request, schema=schema))
    assert created == CreatedJobs(request.orchestration_id, request.job_ids, created=True)
    assert observer.run(count_jobs(created.orchestration_id, schema=schema)) == 3
    stored = observer.run(
        echo(f"SELECT id::text, kind, payload::text, position FROM {quoted(schema)}.jobs ORDER BY position")
    )
    assert stored == [
        (job_id, "render", f'{{"number": {number}}}', number + 1)
        for number, job_id in enumerate(request.job_ids)
    ]
    assert observer.run(echo(f"SELECT orchestration_id::text FROM {quoted(schema)}.outbox")) == [
        (request.orchestration_id,)
    ]


def test_a_repeat_returns_the_same_ids_and_writes_nothing(
    driver: Driver, observer: Driver, schema: str
) -> None:
    request = request_of(3)
    first = driver.run(create_jobs(request, schema=schema))
    again = driver.run(create_jobs(request, schema=schema))
    assert again == CreatedJobs(first.orchestration_id, first.job_ids, created=False)
    assert observer.run(count_jobs(first.orchestration_id, schema=schema)) == 3
    assert driver.run(same_request(request, schema=schema)) is True
    assert driver.run(same_request(request_of(2, key=request.idempotency_key), schema=schema)) is False


class LeftError(Exception):
    """Raised between two steps."""


def broken_off(transaction: Transaction[CreatedJobs], *, before: type[Step]) -> Transaction[CreatedJobs]:
    """A transaction that an application leaves by an exception of its own."""
    step = next(transaction)
    while not isinstance(step, before):
        step = transaction.send((yield step))
    raise LeftError


def test_a_transaction_left_by_an_exception_leaves_nothing(
    driver: Driver, observer: Driver, schema: str
) -> None:
    request = request_of()
    with pytest.raises(LeftError):
        driver.run(broken_off(create_jobs(request, schema=schema), before=Commit))
    assert observer.run(count_jobs(request.orchestration_id, schema=schema)) == 0
    assert driver.run(create_jobs(request, schema=schema)).created


def without_commit(request: OrchestrationRequest, schema: str) -> Transaction[None]:
    yield from broken_off_quietly(create_jobs(request, schema=schema))


def broken_off_quietly(transaction: Transaction[CreatedJobs]) -> Transaction[None]:
    step = next(transaction)
    while not isinstance(step, Commit):
        step = transaction.send((yield step))
    transaction.close()


def test_a_transaction_that_ends_without_commit_leaves_nothing(
    driver: Driver, observer: Driver, schema: str
) -> None:
    request = request_of()
    driver.run(without_commit(request, schema))
    assert observer.run(count_jobs(request.orchestration_id, schema=schema)) == 0
    assert driver.run(create_jobs(request, schema=schema)).created


def failing(request: OrchestrationRequest, schema: str) -> Transaction[None]:
    transaction = create_jobs(request, schema=schema)
    step = next(transaction)
    while not isinstance(step, Commit):
        step = transaction.send((yield step))
    transaction.close()
    yield Execute("SELECT 1 / $1::int", (0,))
    yield Commit()


def sqlstate_of(error: BaseException | None) -> str | None:
    while error is not None:
        state = getattr(error, "sqlstate", None)
        if isinstance(state, str):
            return state
        error = error.__cause__
    return None


def test_an_error_of_the_server_rolls_all_back(driver: Driver, observer: Driver, schema: str) -> None:
    request = request_of()
    with pytest.raises(Exception, match="division by zero") as caught:
        driver.run(failing(request, schema))
    assert sqlstate_of(caught.value) == "22012"
    assert observer.run(count_jobs(request.orchestration_id, schema=schema)) == 0
    assert driver.run(create_jobs(request, schema=schema)).created


def test_ten_thousand_jobs_go_in_the_same_statements(driver: Driver, observer: Driver, schema: str) -> None:
    request = request_of(10_000)
    steps: list[type[Step]] = []
    driver.run(recorded(create_jobs(request, schema=schema), steps))
    assert steps == [Begin, Execute, Execute, Commit]
    assert observer.run(count_jobs(request.orchestration_id, schema=schema)) == 10_000


def recorded(transaction: Transaction[CreatedJobs], steps: list[type[Step]]) -> Transaction[CreatedJobs]:
    step = next(transaction)
    while True:
        steps.append(type(step))
        answer = yield step
        try:
            step = transaction.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def test_awkward_values_come_back_as_they_went(driver: Driver, observer: Driver, schema: str) -> None:
    kinds = [text for text in AWKWARD if text]
    jobs = [Job(kind, {text: [text, 1.5, None, True]}) for kind in kinds for text in AWKWARD]
    request = OrchestrationRequest(f"key {uuid.uuid4()} {'|'.join(AWKWARD)}", jobs)
    driver.run(create_jobs(request, schema=schema))
    rows = observer.run(
        echo(
            f"""SELECT kind, (SELECT key FROM jsonb_object_keys(payload) AS key), payload -> 'x' IS NULL
FROM {quoted(schema)}.jobs ORDER BY position"""
        )
    )
    assert rows == [(kind, text, True) for kind in kinds for text in AWKWARD]
    assert observer.run(echo(f"SELECT idempotency_key FROM {quoted(schema)}.orchestrations")) == [
        (request.idempotency_key,)
    ]


def test_a_nul_is_refused_and_nothing_written(driver: Driver, observer: Driver, schema: str) -> None:
    request = request_of()
    insert = f"INSERT INTO {quoted(schema)}.orchestrations VALUES ($1::uuid, $2::text, 'x')"
    with pytest.raises(Exception, match=r"(?i)NUL|0x00"):
        driver.run(single(Execute(insert, (request.orchestration_id, "a\0b"))))
    assert observer.run(echo(f"SELECT 1 FROM {quoted(schema)}.orchestrations")) == []
    assert driver.run(create_jobs(request, schema=schema)).created


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@effort(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS, number=st.integers(-(2**62), 2**62), flag=st.booleans(), array=st.lists(TEXTS, max_size=5))
def test_values_come_back_alike_from_every_driver(
    driver: Driver, text: str, number: int, flag: bool, array: list[str]
) -> None:
    rows = driver.run(
        echo(
            "SELECT $1::text, $2::bigint, $3::bool, $4::text IS NULL, each.value, each.position::int "
            "FROM unnest($5::text[] || 'end'::text) WITH ORDINALITY AS each (value, position) ORDER BY 6",
            text,
            number,
            flag,
            None,
            array,
        )
    )
    assert rows == [
        (text, number, flag, True, value, position) for position, value in enumerate([*array, "end"], 1)
    ]
    assert [type(value) for value in rows[0]] == [str, int, bool, bool, str, int]


def temporary(request: OrchestrationRequest) -> Transaction[CreatedJobs]:
    """The production transaction on tables that its COMMIT drops."""
    inner = create_jobs(request, schema=TEMPORARY)
    yield next(inner)
    for sql in statements(TEMPORARY, temporary=True):
        yield Execute(sql)
    step: Step = inner.send(Rows(()))
    while True:
        answer = yield step
        try:
            step = inner.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def test_temporary_tables_leave_nothing(driver: Driver, observer: Driver) -> None:
    request = request_of()
    created = driver.run(temporary(request))
    assert created.created
    left = "SELECT relname::text FROM pg_class WHERE relname = 'jobs' AND relpersistence = 't'"
    assert observer.run(echo(left)) == []
    assert driver.run(temporary(request)).created


def isolation() -> Transaction[list[tuple[Value, ...]]]:
    yield Begin()
    rows = yield Execute("SELECT current_setting('transaction_isolation'), pg_backend_pid()")
    again = yield Execute("SELECT current_setting('transaction_isolation'), pg_backend_pid()")
    yield Commit()
    return [*rows, *again]


def test_the_isolation_level_is_read_committed_on_one_backend(driver: Driver) -> None:
    first, second = driver.run(isolation())
    assert first[0] == "read committed"
    assert first == second


def read_early() -> Transaction[object]:
    yield Begin()
    rows = yield Execute("SELECT 1")
    first = rows[0][0]
    yield Commit()
    return first


def test_only_a_batching_driver_refuses_to_read_before_commit(driver: Driver) -> None:
    if driver.interactive:
        assert driver.run(read_early()) == 1
    else:
        with pytest.raises(InteractiveTransactionRequired):
            driver.run(read_early())
