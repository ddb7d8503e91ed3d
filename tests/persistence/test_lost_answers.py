"""Answers that are lost between real clients and servers: each ends right, or with an honest *unknown*."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from repro.lab.faults import (
    Cut,
    Fault,
    FaultRelay,
    after_commit_was_applied,
    answer_lost,
    answered_instead,
    answered_wrongly,
    before_commit_arrives,
)
from repro.lab.process import Lab
from repro.persistence import (
    CreatedJobs,
    Job,
    NotApplied,
    OrchestrationPersistence,
    OrchestrationRequest,
    OutcomeUnknown,
    Pool,
    Pushed,
    Settings,
    Timeouts,
    Unreachable,
    connect,
    connect_async,
)
from repro.persistence.drivers import Driver, psycopg
from repro.persistence.model import Claim
from repro.persistence.opening import ASYNC_DRIVERS, DRIVERS
from repro.persistence.queue import Command, Conversation, fingerprint, read_back
from repro.persistence.schema import quoted
from repro.persistence.steps import Commit, Execute, Transaction
from repro.persistence.transaction import (
    claim_pending,
    count_jobs,
    create_jobs,
    delete_orchestration,
    mark_pushed,
    release,
    single,
    take_back,
)
from repro.persistence.transports import Transport, redis_tcp

ALL = [*DRIVERS, *(f"async:{name}" for name in ASYNC_DRIVERS)]
INTERACTIVE = [name for name in ALL if "neon_http" not in name]

HURRIED = Timeouts(lock_s=0.2, settle_s=1.0)


def request_of(jobs: int = 3) -> OrchestrationRequest:
    return OrchestrationRequest(f"key-{uuid.uuid4()}", [Job("render", {"n": n}) for n in range(jobs)])


class Application:
    """A store over one driver, sync or awaited, used as a sync one."""

    def __init__(self, name: str, settings: Settings, schema: str, queue_name: str) -> None:
        awaited, _, driver = name.rpartition(":")
        options: dict[str, Any] = {"schema": schema, "queue_name": queue_name}
        self._runner = asyncio.Runner() if awaited else None
        self._store: Any = (connect_async if awaited else connect)(settings, driver, **options)

    def _done(self, result: Any) -> Any:
        return result if self._runner is None else self._runner.run(result)

    def create_jobs(self, request: OrchestrationRequest) -> CreatedJobs:
        created: CreatedJobs = self._done(self._store.create_jobs(request))
        return created

    def push_pending(self) -> Pushed:
        pushed: Pushed = self._done(self._store.push_pending())
        return pushed

    def close(self) -> None:
        self._done(self._store.close())
        if self._runner is not None:
            self._runner.close()


def port_of(url: str) -> int:
    return urlsplit(url if "://" in url else f"ws://{url}").port or 0


def local(url: str, port: int) -> str:
    """The URL with another address in the place of its own, which is ``localhost``."""
    return url.replace(f"localhost:{port_of(url)}", f"127.0.0.1:{port}")


Broken = Callable[[str, Fault | None], tuple[Settings, FaultRelay]]


@pytest.fixture
def broken_database(lab: Lab, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broken]:
    """Makes settings in which one driver reaches the database through a fault."""
    monkeypatch.setenv("PGSSLMODE", "disable")
    with ExitStack() as stack:

        def place(name: str, fault: Fault | None) -> tuple[Settings, FaultRelay]:
            field, where = {
                "neon_http": ("neon_fetch_endpoint", lab.plain["NEON_FETCH_ENDPOINT"]),
                "neon_websocket": ("neon_ws_proxy", lab.plain["NEON_WS_PROXY"]),
            }.get(name.rpartition(":")[2], ("database_url", settings.require_database()))
            relay = stack.enter_context(FaultRelay(("127.0.0.1", port_of(where)), fault))
            changed = {field: local(where, relay.port), "timeouts": HURRIED}
            return replace(settings, **changed), relay  # type: ignore[arg-type]

        yield place


def lost_commit(name: str, *, times: int | None = 1) -> Fault:
    """A COMMIT that was applied, and its answer cut."""
    if "neon_http" in name:
        return answer_lost(b"INSERT INTO", times=times)
    return after_commit_was_applied(times=times)


@pytest.mark.parametrize("name", ALL)
def test_a_commit_whose_answer_is_lost_is_settled(
    name: str, broken_database: Broken, schema: str, queue_name: str, observer: Driver
) -> None:
    settings, relay = broken_database(name, lost_commit(name))
    request = request_of()
    with closing(Application(name, settings, schema, queue_name)) as application:
        created = application.create_jobs(request)
        again = application.create_jobs(request)
    assert relay.fired == 1
    assert created.job_ids == again.job_ids == request.job_ids
    # over HTTP the transaction's id is lost with the answer: that it was this call's own cannot be known
    assert created.status == ("already_created" if "neon_http" in name else "created")
    assert again.status == "already_created"
    assert observer.run(count_jobs(request.orchestration_id, schema=schema)) == 3


@pytest.mark.parametrize("fault", [after_commit_was_applied, before_commit_arrives])
def test_a_claim_whose_answer_is_lost_is_pushed_without_waiting_for_its_lease(
    fault: Callable[[], Fault], broken_database: Broken, schema: str, queue_name: str, observer: Driver
) -> None:
    observer.run(create_jobs(request_of(), schema=schema))
    settings, relay = broken_database("psycopg", fault())
    with closing(Application("psycopg", settings, schema, queue_name)) as application:
        assert application.push_pending() == Pushed(orchestrations=1, jobs=3, queued=3)
    assert relay.fired == 1


def test_a_claim_is_taken_back_when_the_transaction_in_doubt_has_ended(
    settings: Settings, schema: str, observer: Driver
) -> None:
    observer.run(create_jobs(request_of(), schema=schema))
    url = settings.require_database()
    with (
        closing(psycopg.connect(url)) as relay,
        closing(psycopg.connect(url)) as other,
        ThreadPoolExecutor(1) as thread,
    ):
        [(pid,)] = other.run(single(Execute("SELECT pg_backend_pid()::int")))
        waits = Execute("SELECT cardinality(pg_blocking_pids($1::int)) > 0", (pid,))

        def doubtful() -> Transaction[Future[None]]:
            claiming = claim_pending(lease_s=60, schema=schema)
            answer = yield next(claiming)
            answer = yield claiming.send(answer)
            claim = Claim(str(answer[0][0]), answer[0][1], answer[0][2], ())
            taking = thread.submit(other.run, take_back(claim, schema=schema))
            assert any(observer.run(single(waits))[0][0] for _ in range(20_000)), "it waited for nothing"
            yield claiming.send(answer)
            return taking

        taking = relay.run(doubtful())
        taking.result(20)
        assert observer.run(claim_pending(lease_s=60, schema=schema)) is not None


@pytest.mark.parametrize("name", [name for name in INTERACTIVE if "websocket" not in name])
def test_a_commit_that_never_arrived_is_made_up_for(
    name: str, broken_database: Broken, schema: str, queue_name: str, observer: Driver
) -> None:
    settings, relay = broken_database(name, before_commit_arrives())
    request = request_of()
    with closing(Application(name, settings, schema, queue_name)) as application:
        assert application.create_jobs(request).status == "created"
    assert relay.fired == 1
    assert observer.run(count_jobs(request.orchestration_id, schema=schema)) == 3


@pytest.mark.parametrize(
    "fault",
    [
        answered_wrongly(b"INSERT INTO", "500 Internal Server Error", "<h1>executed</h1>"),
        answered_wrongly(b"INSERT INTO", "502 Bad Gateway", "<h1>executed</h1>"),
        answered_wrongly(b"INSERT INTO", "200 OK", "<h1>executed</h1>"),
        answered_wrongly(b"INSERT INTO", "429 Too Many Requests", "{}", kind="application/json"),
        answered_instead(b"INSERT INTO", "503 Service Unavailable", "<h1>not executed</h1>"),
        answer_lost(b"INSERT INTO", Cut(reset=True)),
    ],
)
@pytest.mark.parametrize("name", ["neon_http", "async:neon_http"])
def test_whatever_stands_in_the_place_of_a_batchs_answer_is_settled(
    name: str, fault: Fault, broken_database: Broken, schema: str, queue_name: str, observer: Driver
) -> None:
    settings, relay = broken_database(name, fault)
    request = request_of()
    with closing(Application(name, settings, schema, queue_name)) as application:
        assert application.create_jobs(request).job_ids == request.job_ids
    assert relay.fired == 1
    assert observer.run(count_jobs(request.orchestration_id, schema=schema)) == 3


@pytest.mark.parametrize("name", ALL)
def test_what_cannot_be_settled_is_unknown_and_the_same_call_settles_it_later(
    name: str, broken_database: Broken, schema: str, queue_name: str, observer: Driver
) -> None:
    everything = answer_lost(b"queries", times=None) if "neon_http" in name else lost_commit(name, times=None)
    settings, relay = broken_database(name, everything)
    request = request_of()
    with closing(Application(name, settings, schema, queue_name)) as application:
        with pytest.raises(OutcomeUnknown, match=r"(?i)may have been applied") as caught:
            application.create_jobs(request)
        assert caught.value.__cause__ is not None
        relay.place(None)
        assert application.create_jobs(request).status == "already_created"
    assert observer.run(count_jobs(request.orchestration_id, schema=schema)) == 3


@pytest.mark.parametrize("name", ALL)
def test_a_server_that_is_gone_before_commit_has_applied_nothing(
    name: str, broken_database: Broken, schema: str, queue_name: str
) -> None:
    settings, relay = broken_database(name, None)
    with closing(Application(name, settings, schema, queue_name)) as application:
        application.create_jobs(request_of())
        relay.refuse()
        with pytest.raises(Unreachable):
            application.create_jobs(request_of())
        relay.accept_again()
        assert application.create_jobs(request_of()).status == "created"


@pytest.mark.parametrize("name", INTERACTIVE)
def test_a_connection_that_the_server_has_ended_meanwhile_is_replaced_and_nobody_notices(
    name: str, broken_database: Broken, schema: str, queue_name: str
) -> None:
    settings, relay = broken_database(name, None)
    with closing(Application(name, settings, schema, queue_name)) as application:
        application.create_jobs(request_of())
        relay.refuse()
        relay.accept_again()
        assert application.create_jobs(request_of()).status == "created"
    assert relay.connections == 2


def held_open(request: OrchestrationRequest, schema: str, during: Callable[[], None]) -> Transaction[None]:
    """A transaction under the request's key that is open while something else happens."""
    inner = create_jobs(request, schema=schema)
    step = next(inner)
    while not isinstance(step, Commit):
        step = inner.send((yield step))
    during()
    yield step


@pytest.mark.parametrize("name", ALL)
def test_a_key_whose_transaction_is_still_open_is_unknown_and_not_refused(
    name: str, settings: Settings, schema: str, queue_name: str, observer: Driver
) -> None:
    request = request_of()
    hurried = replace(settings, timeouts=replace(HURRIED, settle_s=0.3))
    with closing(Application(name, hurried, schema, queue_name)) as application:

        def meanwhile() -> None:
            with pytest.raises(OutcomeUnknown, match="still open"):
                application.create_jobs(request)

        observer.run(held_open(request, schema, meanwhile))
        assert application.create_jobs(request).status == "already_created"


QUEUES = ["tcp", "rest", "async:tcp", "async:rest"]


@pytest.fixture
def broken_queue(lab: Lab, settings: Settings) -> Iterator[Broken]:
    """Makes settings in which one transport alone reaches the queue, through a fault."""
    with ExitStack() as stack:

        def place(name: str, fault: Fault | None) -> tuple[Settings, FaultRelay]:
            over_tcp = name.endswith("tcp")
            where = lab.plain["UPSTASH_REDIS_URL" if over_tcp else "UPSTASH_REDIS_REST_URL"]
            relay = stack.enter_context(FaultRelay(("127.0.0.1", port_of(where)), fault))
            reached = local(where, relay.port)
            return replace(
                settings,
                redis_url=reached if over_tcp else None,
                rest_url=None if over_tcp else reached,
                timeouts=HURRIED,
            ), relay

        yield place


def application_of(name: str, settings: Settings, schema: str, queue_name: str) -> Application:
    """An application whose transport is named; its driver is psycopg."""
    return Application(f"{name.rpartition(':')[0]}:psycopg".lstrip(":"), settings, schema, queue_name)


@pytest.mark.parametrize("reset", [False, True], ids=["end", "reset"])
@pytest.mark.parametrize("name", QUEUES)
def test_a_push_whose_answer_is_lost_is_settled_and_comes_once(
    name: str, broken_queue: Broken, schema: str, queue_name: str, tcp: Transport, *, reset: bool
) -> None:
    settings, relay = broken_queue(name, answer_lost(b"EVAL", Cut(reset=reset)))
    request = request_of()
    with closing(application_of(name, settings, schema, queue_name)) as application:
        application.create_jobs(request)
        assert application.push_pending() == Pushed(1, 3, queued=0)
        assert application.push_pending() == Pushed()
    assert relay.fired == 1
    assert tcp.run(read_back(queue_name)) == list(request.job_ids)


WRONG_ANSWERS = {
    "500": ("500 Internal Server Error", '{"error":"ERR internal"}', "application/json"),
    "429": ("429 Too Many Requests", '{"error":"ERR max requests limit exceeded"}', "application/json"),
    "html": ("502 Bad Gateway", "<html><h1>Bad Gateway</h1></html>", "text/html"),
    "html-200": ("200 OK", "<html>Sign in to this network</html>", "text/html"),
    "another": ("200 OK", '{"result":"OK"}', "application/json"),
}


@pytest.mark.parametrize("place", [answered_wrongly, answered_instead], ids=["executed", "not-executed"])
@pytest.mark.parametrize("answer", WRONG_ANSWERS)
@pytest.mark.parametrize("name", ["rest", "async:rest"])
def test_whatever_stands_in_the_place_of_a_replys_answer_is_settled(
    name: str,
    answer: str,
    place: Callable[..., Fault],
    broken_queue: Broken,
    schema: str,
    queue_name: str,
    tcp: Transport,
) -> None:
    status, body, kind = WRONG_ANSWERS[answer]
    settings, relay = broken_queue(name, place(b"EVAL", status, body, kind=kind))
    request = request_of()
    with closing(application_of(name, settings, schema, queue_name)) as application:
        application.create_jobs(request)
        assert application.push_pending() == Pushed(1, 3, queued=3 if place is answered_instead else 0)
    assert relay.fired == 1
    assert tcp.run(read_back(queue_name)) == list(request.job_ids)


def test_a_rejection_after_the_server_had_executed_doubles_nothing(
    broken_queue: Broken, schema: str, queue_name: str, tcp: Transport
) -> None:
    lie = answered_wrongly(b"EVAL", "400 Bad Request", '{"error":"ERR no"}', kind="application/json")
    settings, relay = broken_queue("rest", lie)
    request = request_of()
    with closing(application_of("rest", settings, schema, queue_name)) as application:
        application.create_jobs(request)
        with pytest.raises(NotApplied) as caught:
            application.push_pending()
        assert caught.value.code == "ERR"
        assert application.push_pending() == Pushed(1, 3, queued=0)
    assert relay.fired == 1
    assert tcp.run(read_back(queue_name)) == list(request.job_ids)


@pytest.mark.parametrize("name", QUEUES)
def test_a_push_that_cannot_be_settled_is_unknown_and_the_next_relay_settles_it(
    name: str, broken_queue: Broken, schema: str, queue_name: str, tcp: Transport
) -> None:
    settings, relay = broken_queue(name, answer_lost(b"EVAL", times=None))
    request = request_of()
    with closing(application_of(name, settings, schema, queue_name)) as application:
        application.create_jobs(request)
        with pytest.raises(OutcomeUnknown):
            application.push_pending()
        assert relay.fired > 1
        relay.place(None)
        assert application.push_pending() == Pushed(1, 3, queued=0)
    assert tcp.run(read_back(queue_name)) == list(request.job_ids)


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_that_is_gone_is_unreachable_and_its_jobs_wait(
    name: str, broken_queue: Broken, schema: str, queue_name: str
) -> None:
    settings, relay = broken_queue(name, None)
    with closing(application_of(name, settings, schema, queue_name)) as application:
        application.create_jobs(request_of())
        relay.refuse()
        with pytest.raises(Unreachable):
            application.push_pending()
        relay.accept_again()
        assert application.push_pending() == Pushed(1, 3, 3)


def both(settings: Settings, lab: Lab, relay: FaultRelay) -> Settings:
    """Redis TCP through a relay, and REST beside it."""
    return replace(
        settings,
        redis_url=local(lab.plain["UPSTASH_REDIS_URL"], relay.port),
        rest_url=lab.plain["UPSTASH_REDIS_REST_URL"],
        timeouts=HURRIED,
    )


@pytest.fixture
def tcp_relay(lab: Lab) -> Iterator[FaultRelay]:
    with FaultRelay(("127.0.0.1", port_of(lab.plain["UPSTASH_REDIS_URL"]))) as relay:
        yield relay


@pytest.mark.parametrize("name", ["psycopg", "async:psycopg"])
def test_the_fallback_takes_over_where_it_has_proved_to_be_the_same_database(
    name: str,
    settings: Settings,
    lab: Lab,
    tcp_relay: FaultRelay,
    schema: str,
    queue_name: str,
    tcp: Transport,
) -> None:
    first, second = request_of(), request_of()
    with closing(Application(name, both(settings, lab, tcp_relay), schema, queue_name)) as application:
        application.create_jobs(first)
        assert application.push_pending() == Pushed(1, 3, 3)
        tcp_relay.refuse()
        application.create_jobs(second)
        assert application.push_pending() == Pushed(1, 3, 3, by_fallback=3)
    with closing(Application(name, both(settings, lab, tcp_relay), schema, queue_name)) as another:
        third = request_of()
        another.create_jobs(third)
        assert another.push_pending() == Pushed(1, 3, 3, by_fallback=3), (
            "the proof does not depend on the process"
        )
    queued = tcp.run(read_back(queue_name))
    assert queued == [*first.job_ids, *second.job_ids, *third.job_ids]


def test_a_fallback_that_was_never_proved_gets_nothing(
    settings: Settings, lab: Lab, tcp_relay: FaultRelay, schema: str, queue_name: str, tcp: Transport
) -> None:
    request = request_of()
    with closing(Application("psycopg", both(settings, lab, tcp_relay), schema, queue_name)) as application:
        tcp_relay.refuse()
        application.create_jobs(request)
        with pytest.raises(Unreachable, match="has not proved to be the same database"):
            application.push_pending()
        assert tcp.run(read_back(queue_name)) == []
        tcp_relay.accept_again()
        assert application.push_pending() == Pushed(1, 3, 3)


def test_a_queue_that_refuses_the_password_is_no_reason_to_fall_back(
    settings: Settings, lab: Lab, tcp_relay: FaultRelay, schema: str, queue_name: str
) -> None:
    working = both(settings, lab, tcp_relay)
    with closing(Application("psycopg", working, schema, queue_name)) as application:
        application.create_jobs(request_of())
        application.push_pending()
    wrong = replace(working, redis_url=str(working.redis_url).replace("@", "x@"))
    with closing(Application("psycopg", wrong, schema, queue_name)) as application:
        application.create_jobs(request_of())
        with pytest.raises(NotApplied, match="refuses the password") as caught:
            application.push_pending()
    assert not isinstance(caught.value, Unreachable)
    assert caught.value.code == "WRONGPASS"


def test_a_push_lost_on_one_way_is_settled_on_the_other(
    settings: Settings, lab: Lab, tcp_relay: FaultRelay, schema: str, queue_name: str, tcp: Transport
) -> None:
    """The answer is lost, then the preferred endpoint cannot be reached: a plain push would double."""
    tcp_relay.place(answer_lost(b"EVAL"))
    ways = both(settings, lab, tcp_relay)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        nowhere = f"redis://127.0.0.1:{nobody.getsockname()[1]}"

    def preferred() -> redis_tcp.RedisTransport:
        return redis_tcp.connect(nowhere if tcp_relay.fired else str(ways.redis_url))

    request = request_of()
    with connect(replace(ways, redis_url=None), schema=schema, queue_name=queue_name) as rest_only:
        store = OrchestrationPersistence(
            rest_only._database,
            Pool(preferred, server=redis_tcp.SERVER),
            fallback=rest_only._queue,
            endpoint=fingerprint(str(ways.redis_url)),
            schema=schema,
            queue_name=queue_name,
            timeouts=HURRIED,
        )
        store.create_jobs(request)
        assert store.push_pending() == Pushed(1, 3, queued=0, by_fallback=3)
        store.close()
    assert tcp_relay.fired == 1
    assert tcp.run(read_back(queue_name)) == list(request.job_ids)


def ask(*args: str) -> Conversation[Any]:
    return (yield Command(args))


RIGHTS = {
    "no scripts": "+rpush +set +exists +del",
    "no RPUSH": "+eval +set +exists +del",
    "no SET": "+eval +rpush +exists +del",
    "neither RPUSH nor DEL": "+eval +set +exists",
}


@pytest.mark.parametrize("rights", RIGHTS)
def test_a_user_who_may_not_do_all_of_it_does_nothing_of_it(
    rights: str, settings: Settings, lab: Lab, schema: str, queue_name: str, tcp: Transport
) -> None:
    user = f"user-{uuid.uuid4().hex}"
    tcp.run(ask("ACL", "SETUSER", user, "on", ">word", "~*", *RIGHTS[rights].split()))
    limited = f"redis://{user}:word@127.0.0.1:{port_of(lab.plain['UPSTASH_REDIS_URL'])}"
    request = request_of()
    try:
        refused = replace(settings, redis_url=limited, rest_url=None)
        with closing(Application("psycopg", refused, schema, queue_name)) as application:
            application.create_jobs(request)
            with pytest.raises(NotApplied, match="a plain RPUSH is no replacement") as caught:
                application.push_pending()
        assert caught.value.code == "NOPERM"
        assert tcp.run(ask("KEYS", f"*{queue_name}*")) == []
    finally:
        tcp.run(ask("ACL", "DELUSER", user))
    with closing(Application("psycopg", settings, schema, queue_name)) as application:
        assert application.push_pending() == Pushed(1, 3, 3)


def test_a_read_only_token_is_told_what_it_lacks(
    settings: Settings, lab: Lab, schema: str, queue_name: str, tcp: Transport
) -> None:
    refused = replace(settings, redis_url=None, rest_token=lab.read_only_token)
    with closing(Application("psycopg", refused, schema, queue_name)) as application:
        application.create_jobs(request_of())
        with pytest.raises(NotApplied, match="a plain RPUSH is no replacement"):
            application.push_pending()
    assert tcp.run(read_back(queue_name)) == []


def test_an_orchestration_whose_jobs_were_deleted_does_not_stop_the_relay(
    settings: Settings, schema: str, queue_name: str, observer: Driver, tcp: Transport
) -> None:
    emptied, whole = request_of(), request_of()
    with closing(Application("psycopg", settings, schema, queue_name)) as application:
        application.create_jobs(emptied)
        application.create_jobs(whole)
        sql = f"DELETE FROM {quoted(schema)}.jobs WHERE orchestration_id = $1::uuid"
        observer.run(single(Execute(sql, (emptied.orchestration_id,))))
        assert application.push_pending() == Pushed(2, 3, 3)
    assert tcp.run(read_back(queue_name)) == list(whole.job_ids)


def test_an_orchestration_that_was_deleted_and_created_again_is_queued_again(
    settings: Settings, schema: str, queue_name: str, observer: Driver, tcp: Transport
) -> None:
    request = request_of()
    with closing(Application("psycopg", settings, schema, queue_name)) as application:
        for _ in range(2):
            assert application.create_jobs(request).created
            assert application.push_pending() == Pushed(1, 3, 3)
            observer.run(delete_orchestration(request.orchestration_id, schema=schema))
    assert tcp.run(read_back(queue_name)) == [*request.job_ids, *request.job_ids]


def test_a_relay_marks_no_later_entry_under_the_same_id(
    settings: Settings, schema: str, queue_name: str, observer: Driver, tcp: Transport
) -> None:
    request = request_of()
    with closing(Application("psycopg", settings, schema, queue_name)) as application:
        application.create_jobs(request)
        late = observer.run(claim_pending(lease_s=60, schema=schema))
        assert late is not None
        observer.run(delete_orchestration(request.orchestration_id, schema=schema))
        application.create_jobs(request)
        other = observer.run(claim_pending(lease_s=60, schema=schema))
        assert other is not None
        assert (other.orchestration_id, other.token) == (late.orchestration_id, late.token)
        assert not observer.run(mark_pushed(late, schema=schema))
        assert not observer.run(release(late, schema=schema))
        assert observer.run(release(other, schema=schema))
        assert application.push_pending() == Pushed(1, 3, 3)
    assert tcp.run(read_back(queue_name)) == list(request.job_ids)
