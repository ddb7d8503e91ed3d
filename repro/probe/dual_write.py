"""Specimens that write the database and the queue while something goes wrong, and then count both.

One orchestration is saved and its jobs are queued; its transaction fails at its end, or the queue cannot be
reached. Whatever happens, no id may be queued whose job is in no table, and no job may be in a table that is
neither queued nor in the outbox. The tables are temporary, so that nothing durable is left anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Literal, TypeAlias, TypeVar

from repro.persistence import creation, endpoints, queue, relay, schema, transaction
from repro.persistence.errors import Unreachable
from repro.persistence.model import Job, OrchestrationRequest
from repro.persistence.plan import OnDatabase, OnQueue, Part, Pause, Plan
from repro.persistence.pool import Pool
from repro.persistence.queue import Command
from repro.persistence.schema import TEMPORARY
from repro.persistence.settings import Settings
from repro.persistence.steps import Begin, Commit, Execute, Transaction, drive
from repro.persistence.transports import redis_tcp
from repro.probe import network
from repro.probe.chain import sqlstate_of, walk
from repro.probe.conversation import Action, Conversation, Open, Run
from repro.probe.database import DIVISION_BY_ZERO
from repro.probe.outcome import CheckFailed
from repro.probe.recorder import Recorder
from repro.probe.request import Request
from repro.probe.retrying import alone
from repro.probe.transactions import abandoned, staged
from repro.probe.trial import Probe, Trial, atomicity
from repro.stages import StageName

T = TypeVar("T")

Order: TypeAlias = Literal["push first", "commit first", "outbox"]
"""How an application writes both: it pushes inside its transaction, after it, or by the production outbox."""

_COUNT_WAITING = f"SELECT count(*)::int FROM {schema.quoted(TEMPORARY)}.outbox WHERE pushed_at IS NULL"  # noqa: S608
_DROPPED_BY_COMMIT = " ON COMMIT DROP"


class Application:
    """An application's database and queue.

    Args:
        database: one open connection; the temporary tables are its own.
        redis_url: the queue's; it is dialled when something is said to it.
    """

    def __init__(self, database: Any, redis_url: str) -> None:
        self._connection = database
        self._database = Pool.of(database)
        self._queue = Pool(lambda: redis_tcp.connect(redis_url))

    def run(self, plan: Plan[T]) -> T:
        """Carry out a plan."""
        return drive(plan, self._carry_out)

    def _carry_out(self, part: Part) -> Any:
        match part:
            case OnDatabase(work):
                return self._database.run(work)
            case OnQueue(conversation):
                return self._queue.run(conversation)
            case Pause():
                return None

    def close(self) -> None:
        """Give back the connections. Safe to repeat."""
        self._queue.close()
        self._connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class DualWriteProbe(Probe):
    """A probe that writes both; its arguments are those of `Probe`.

    Args:
        order: how.
        fails: whether the transaction fails at its end.
    """

    writing: ClassVar[StageName] = "push"

    order: Order
    fails: bool

    @property
    def stages(self) -> tuple[StageName, ...]:
        """The network's stages, then those of the transaction, then the push."""
        written: tuple[StageName, ...] = ("begin", "insert", "commit", "push", "read_back", "cleanup")
        return (*network.STAGES_OF_TRANSPORT[self.transport], *written)

    def not_configured(self, settings: Settings) -> str | None:
        """It needs a database and a queue."""
        if not settings.database_url:
            return "DATABASE_URL is not set"
        return None if settings.redis_url else "UPSTASH_REDIS_URL is not set"

    def trial(self, request: Request, recorder: Recorder) -> DualWriteTrial:
        """One run of it."""
        return DualWriteTrial(request, recorder, atomicity("not_applicable"), probe=self)


@dataclass(slots=True, kw_only=True)
class DualWriteTrial(Trial):
    """One run; its arguments are those of `Trial`.

    Args:
        probe: which one.
        pushed: whether something may be in the queue.
    """

    probe: DualWriteProbe
    pushed: bool = False

    @property
    def key(self) -> str:
        """The run's own queue; it is removed at the end."""
        return f"txrepro:{self.request.run_id}:{self.probe.name}"

    @property
    def leavings(self) -> str | None:
        """The run's own queue, where something may be in it."""
        return f"the queue {self.key} and its marks" if self.pushed else None

    @property
    def orchestration(self) -> OrchestrationRequest:
        """What is saved."""
        jobs = tuple(Job(kind="generate", payload={"position": index}) for index in range(self.request.jobs))
        return OrchestrationRequest(idempotency_key=self.key, jobs=jobs)

    def converse(self) -> Conversation:
        """The whole probe: save, push, count."""
        application = yield Open()
        network.note_opened(self.recorder, self.probe.transport)
        yield Run(_made())
        failed = yield from self._saved(application)
        lost = None if self.probe.order == "push first" else (yield from self._pushed())
        yield from self._counted(failed or lost)

    def take_over(self) -> Conversation:
        """The queue of an earlier process is this one's to remove; its tables went with its connection."""
        yield Open()
        self.pushed = True

    def clean_up(self) -> Conversation:
        """Remove the run's own queue; safe to run after any failure."""
        if not self.pushed:
            return
        self.recorder.begin("cleanup")
        yield Run(_asked(queue.remove(self.key, self.orchestration.job_ids)))
        self.recorder.end("cleanup")

    def _saved(self, application: Application) -> Generator[Action, Any, Exception | None]:
        """Run the transaction; answers with the error by which it fails on purpose."""
        try:
            yield Run(_with_each_transaction(self._saving(application), self._observed))
        except Exception as error:
            if not (self.probe.fails and _is_on_purpose(error)):
                raise
            self.recorder.end("insert")
            return error
        return None

    def _saving(self, application: Application) -> Plan[Any]:
        if self.probe.order == "outbox":
            return creation.create_jobs(self.orchestration, schema=TEMPORARY)
        first = self.probe.order == "push first"
        before = (lambda: self._push_within(application)) if first else (lambda: None)
        return _alone(_without_outbox(self.orchestration, before))

    def _push_within(self, application: Application) -> None:
        self.recorder.begin("push")
        self._will_push()
        application.run(_asked(self._plain_push()))
        self.recorder.end("push")

    def _observed(self, work: Transaction[T]) -> Transaction[T]:
        if not self.probe.fails:
            return staged(work, self.recorder)
        self.recorder.note("the transaction fails at its end on purpose")
        return staged(abandoned(work, by_statement=True), self.recorder)

    def _pushed(self) -> Generator[Action, Any, Exception | None]:
        """Push what is saved; answers with the error of a push that failed, which the count judges."""
        self.recorder.begin("push")
        outbox = self.probe.order == "outbox"
        if not (outbox and self.probe.fails):  # of a transaction that failed a relay finds nothing
            self._will_push()
        pending = relay.push_pending(relay.Destination(self.key), schema=TEMPORARY)
        try:
            yield Run(pending if outbox else _asked(self._plain_push()))
        except Exception as error:  # noqa: BLE001 - whatever it is: the count tells what it did
            self.pushed = self.pushed and not isinstance(error, Unreachable)
            return error
        self.recorder.end("push")
        return None

    def _will_push(self) -> None:
        self.pushed = True
        self.tell_leavings()

    def _plain_push(self) -> queue.Conversation[Any]:
        """As applications push."""
        return alone(Command(("RPUSH", self.key, *self.orchestration.job_ids)))

    def _counted(self, error: Exception | None) -> Conversation:
        """Is everything that is queued in a table, and the reverse?"""
        saved = yield Run(
            _alone(transaction.count_jobs(self.orchestration.orchestration_id, schema=TEMPORARY))
        )
        entries = yield Run(_alone(transaction.single(Execute(_COUNT_WAITING))))
        waiting = int(entries[0][0] or 0)
        queued = yield from self._queued()
        if saved and not queued and not waiting:
            away = "the queue cannot be read" if queued is None else "none of them is queued"
            raise CheckFailed(
                "not_atomic", f"{saved} jobs are in the table, {away}, and no outbox entry will queue them"
            ) from error
        if not self.recorder.passed("push"):
            self.recorder.end("push", "skip", detail={"outbox entries that wait": waiting})
        self.recorder.begin("read_back")
        if queued and not saved:
            raise CheckFailed(
                "not_atomic", f"{queued} ids are in the queue, and none of their jobs is in the table"
            ) from error
        self.recorder.end("read_back", detail={"saved": saved, "queued": queued, "waiting": waiting})

    def _queued(self) -> Generator[Action, Any, int | None]:
        """How many ids are in the queue; None where it cannot be asked."""
        try:
            found = yield Run(_asked(queue.read_back(self.key)))
        except Exception:  # noqa: BLE001 - a queue that is away is one of the situations
            return None
        return len(found)


def _made() -> Plan[None]:
    """The tables, which outlive a transaction and not the connection."""
    for text in schema.statements(TEMPORARY, temporary=True):
        yield OnDatabase(transaction.single(Execute(text.removesuffix(_DROPPED_BY_COMMIT))))


def _alone(work: Transaction[T]) -> Plan[T]:
    return (yield OnDatabase(work))  # type: ignore[no-any-return]


def _asked(conversation: queue.Conversation[T]) -> Plan[T]:
    return (yield OnQueue(conversation))  # type: ignore[no-any-return]


def _without_outbox(request: OrchestrationRequest, before_commit: Callable[[], None]) -> Transaction[None]:
    yield Begin()
    yield transaction.insert_jobs(request, schema=TEMPORARY)
    before_commit()
    yield Commit()


def _with_each_transaction(plan: Plan[T], change: Callable[[Transaction[Any]], Transaction[Any]]) -> Plan[T]:
    """The plan, each of its transactions changed."""
    try:
        part = next(plan)
        while True:
            changed = OnDatabase(change(part.transaction)) if isinstance(part, OnDatabase) else part
            try:
                answer = yield changed
            except Exception as error:  # noqa: BLE001 - it belongs to the plan
                part = plan.throw(error)
            else:
                part = plan.send(answer)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


def _is_on_purpose(error: BaseException) -> bool:
    return any(sqlstate_of(link) == DIVISION_BY_ZERO for link in walk(error))


def probe(name: str, order: Order, *, fails: bool) -> DualWriteProbe:
    """The specimen.

    Args:
        name: the probe's name.
        order: as for `DualWriteProbe`.
        fails: as for `DualWriteProbe`.
    """

    def connect(driver: ModuleType, request: Request) -> Application:
        return Application(driver.connect(request.database_url), request.redis_url)

    return DualWriteProbe(
        name=name,
        transport="tcp",
        package="psycopg",
        uses="repro.persistence.drivers.psycopg",
        predict=lambda request: [
            *endpoints.tcp_endpoints(request.database_url, os.environ),
            endpoints.redis_endpoint(request.redis_url),
        ],
        connect=connect,
        order=order,
        fails=fails,
    )
