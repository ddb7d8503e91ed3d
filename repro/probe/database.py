"""A database probe: the production transaction on one driver, and whether it was one transaction.

The conversation is written once, as a generator without I/O: it says what to open, run and close. A blocking
driver and an awaited one carry out the same text.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from repro.persistence import schema
from repro.persistence.model import CreatedJobs, Job, OrchestrationRequest
from repro.persistence.settings import Settings
from repro.persistence.steps import Execute, Transaction
from repro.persistence.transaction import count_jobs, create_jobs, single
from repro.probe import concurrency, network
from repro.probe.at_once import POOL_SIZE
from repro.probe.chain import sqlstate_of, walk
from repro.probe.conversation import Action, Conversation, Observe, Open, Run, Together
from repro.probe.outcome import CheckFailed
from repro.probe.recorder import Recorder
from repro.probe.request import Request
from repro.probe.transactions import (
    Abandoned,
    Sightings,
    abandoned,
    noting,
    observed,
    staged,
    staged_batch,
    with_tables,
)
from repro.probe.trial import Probe, RepeatableTrial, atomicity
from repro.stages import StageName

NEEDS_COMMIT = "needs the lab or --commit"

FAR_S = 0.5
"""A transaction that takes longer goes over a long way; dozens of them would take longer than a probe has."""

DUPLICATE_SCHEMA, UNIQUE_VIOLATION = "42P06", "23505"
"""The SQLSTATEs of a schema that is there already; the second where its maker commits meanwhile."""

DIVISION_BY_ZERO = "22012"
"""The SQLSTATE by which the rolled-back twin of a batch ends, on purpose."""


@dataclass(frozen=True, slots=True)
class DatabaseProbe(Probe):
    """A probe whose effect is a committed transaction; its arguments are those of `Probe`."""

    writing: ClassVar[StageName] = "commit"

    pool_size: int = POOL_SIZE
    """Connections of the pool on which transactions run at once; a driver's own may hold more."""

    @property
    def stages(self) -> tuple[StageName, ...]:
        """The network's stages of its transport, then those of the transaction."""
        network_stages = network.STAGES_OF_TRANSPORT[self.transport]
        return (*network_stages, "begin", "insert", "commit", "read_back", "atomicity", "cleanup")

    def not_configured(self, settings: Settings) -> str | None:
        """It needs a database."""
        return None if settings.database_url else "DATABASE_URL is not set"

    def trial(self, request: Request, recorder: Recorder) -> DatabaseTrial:
        """One run of it."""
        return DatabaseTrial(request, recorder, probe=self)


@dataclass(slots=True, kw_only=True)
class DatabaseTrial(RepeatableTrial):
    """One run of a database probe; its arguments are those of `Trial`.

    Args:
        probe: which one.
        interactive: whether the driver answers each statement by itself, known once it is open.
        tables_made: whether there may be tables to drop.
        at: the stage that a transaction which is run again has come to.
    """

    probe: DatabaseProbe
    interactive: bool = True
    tables_made: bool = False
    at: StageName = "begin"

    @property
    def schema(self) -> str:
        """Where the tables are: a schema of the run's own, or the session's temporary one."""
        if not self.request.commit:
            return "pg_temp"
        return (
            "txrepro_"
            + f"{self.request.run_id}_{self.probe.name}".replace("-", "_").replace(".", "_").lower()
        )

    @property
    def leavings(self) -> str | None:
        """The run's own schema, once its making has been asked for."""
        if not self.request.commit or not self.tables_made:
            return None
        return f"the schema {self.schema}; to remove it: {schema.drop_schema(self.schema)}"

    def converse(self) -> Conversation:
        """The whole probe, from opening the driver to the judgement of its atomicity."""
        yield from self.first()
        if self.request.commit:
            yield from self._read_back()
            yield from self._rolled_back_twin()
            yield from self._at_once()
        else:
            self._not_at_once(NEEDS_COMMIT)
        self._judge()

    def first(self) -> Conversation:
        """Open the driver and run the transaction once, observed."""
        driver = yield Open()
        self.interactive = driver.interactive
        self.notes = self.probe.notes(driver)
        if self.interactive:
            network.note_opened(self.recorder, self.probe.transport)
        yield from self._transaction()

    def greeting(self) -> Transaction[Any]:
        """A transaction that only selects a number."""
        return single(Execute("SELECT 1"))

    def again(self, number: int) -> Transaction[Any]:
        """The production transaction; on a target that is to keep nothing it makes its tables again."""
        transaction = create_jobs(self._orchestration(f"turn-{number}"), schema=self.schema)
        if not self.request.commit:
            transaction = with_tables(transaction, self._ddl())
        return noting(transaction, self._note_stage)

    def _note_stage(self, stage: StageName) -> None:
        self.at = stage

    def undo(self, number: int) -> Conversation:  # noqa: ARG002 - each turn's rows are its own
        """Nothing: the tables go as a whole."""
        yield from ()

    def take_over(self) -> Conversation:
        """The schema of an earlier process is this one's to drop.

        A COMMIT of that process may be under way, whose schema cannot be seen yet. Making the same one waits
        for it: two transactions cannot both insert a name into ``pg_namespace``. It is never committed.
        """
        driver = yield Open()
        if not self.request.commit:
            return
        making = single(Execute(f"CREATE SCHEMA {schema.quoted(self.schema)}"))
        try:
            yield Run(abandoned(making, by_statement=not driver.interactive))
        except Exception as error:
            if {DUPLICATE_SCHEMA, UNIQUE_VIOLATION} & {sqlstate_of(link) for link in walk(error)}:
                self.tables_made = True
            elif not _is_the_rollback(error):
                raise

    def clean_up(self) -> Conversation:
        """Drop what was made; safe to run after any failure."""
        if not self.request.commit or not self.tables_made:
            return
        self.recorder.begin("cleanup")
        yield Run(single(Execute(schema.drop_schema(self.schema))))
        self.recorder.end("cleanup")

    def _transaction(self) -> Conversation:
        sightings = Sightings()
        production = create_jobs(self._orchestration("committed"), schema=self.schema)
        around = with_tables(observed(production, sightings), self._ddl())
        told = staged if self.interactive else staged_batch
        created: CreatedJobs = yield Run(told(around, self.recorder))
        self._note(sightings)
        self._check_ids(created)

    def _ddl(self) -> Iterator[str]:
        """The statements that make the tables; before the first of them is sent it is told what they make."""
        self.tables_made = True  # a COMMIT whose answer is lost has made them
        self.tell_leavings()
        yield from (
            schema.create_schema(self.schema)
            if self.request.commit
            else schema.statements(self.schema, temporary=True)
        )

    def _orchestration(self, what: str) -> OrchestrationRequest:
        jobs = tuple(
            Job(kind="generate", payload={"probe": self.probe.name, "position": position})
            for position in range(self.request.jobs)
        )
        return OrchestrationRequest(
            idempotency_key=f"{self.request.run_id}/{self.probe.name}/{what}", jobs=jobs
        )

    def _note(self, sightings: Sightings) -> None:
        backends, xids = _unique(sightings.backends()), _unique(sightings.xids())
        self.atomicity = atomicity("not_checked", backends=backends, xids=xids)
        if version := sightings.server_version():
            self.versions["server"] = version
        tls = sightings.tls_version()
        if tls and self.probe.transport == "tcp" and "tls" not in self.recorder.stages:
            at = self.recorder.stages["connect"]["t"] if "connect" in self.recorder.stages else 0.0
            self.recorder.put(
                {
                    "name": "tls",
                    "status": "pass",
                    "t0": at,
                    "t": at,
                    "failure": None,
                    "detail": {"tls.version": tls, "seen_by": "the server"},
                }
            )

    def _check_ids(self, created: CreatedJobs) -> None:
        if len(created.job_ids) != self.request.jobs or not created.created:
            raise CheckFailed(
                "not_atomic",
                f"{self.request.jobs} new jobs expected, {len(created.job_ids)} reported as created",
            )

    def _read_back(self) -> Conversation:
        self.recorder.begin("read_back")
        found = yield from self._count("committed")
        if found != self.request.jobs:
            raise CheckFailed(
                "not_atomic", f"COMMIT succeeded, and {found} of {self.request.jobs} jobs are in the table"
            )
        self.recorder.end("read_back", detail={"jobs": found})

    def _count(self, what: str) -> Generator[Action, Any, int]:
        orchestration = self._orchestration(what)
        found = yield Run(count_jobs(orchestration.orchestration_id, schema=self.schema))
        return int(found)

    def _rolled_back_twin(self) -> Conversation:
        self.recorder.begin("atomicity")
        self.recorder.note("the rolled-back twin: the same transaction again, left before COMMIT on purpose")
        twin = create_jobs(self._orchestration("rolled-back"), schema=self.schema)
        try:
            yield Run(abandoned(twin, by_statement=not self.interactive))
        except Exception as error:
            if not _is_the_rollback(error):
                raise
        left = yield from self._count("rolled-back")
        self.atomicity["detail"]["rolled_back_twin"] = {"rows_left": left}
        if left:
            self.atomicity["status"] = "broken"
            raise CheckFailed(
                "not_atomic", f"the transaction was rolled back, and {left} of its rows are there"
            )

    def _at_once(self) -> Conversation:
        """Two transactions at once, then more than the pool has connections."""
        if not self.interactive:
            self.atomicity["detail"]["at_once"] = {"not_applicable": "each transaction is one request"}
            return
        if self._transaction_s() > FAR_S:
            self._not_at_once("the database is too far away for the time there is")
            return
        self.recorder.note("transactions at once: every second one is left before COMMIT on purpose")
        broken: dict[str, object] | None = None
        for name, count in (("two", 2), ("more_than_the_pool", self.probe.pool_size + 2)):
            found = yield from self._tried_at_once(name, count)
            self.atomicity["detail"].setdefault("at_once", {})[name] = found
            if concurrency.is_broken(found):
                broken = found
            elif found["raised"]:  # such as a server that has no connection left: nothing came apart
                self.notes.append(f"of {count} transactions at once some failed: {found['raised']}")
        if broken is not None:
            self.atomicity["status"] = "broken"
            raise CheckFailed("not_atomic", _came_apart(broken))

    def _not_at_once(self, why: str) -> None:
        """Say that the driver was tried with one transaction at a time only."""
        if not self.interactive:
            return
        self.atomicity["detail"]["at_once"] = {"not_checked": why}
        if (
            self.probe.driver is not None
        ):  # it has a pool of its own, which may not keep a transaction together
            self.notes.append(f"tried with one transaction at a time only; at once: {why}")

    def _transaction_s(self) -> float:
        """How long the production transaction took, in seconds."""
        stages = self.recorder.stages
        return stages["commit"]["t"] - stages["begin"]["t0"] if "begin" in stages else 0.0

    def _tried_at_once(self, name: str, count: int) -> Generator[Action, Any, dict[str, object]]:
        tried = concurrency.attempts(count, self._orchestration, f"at-once-{name}")
        works = [
            each.transaction(
                self.schema,
                gaps_by_statement=self.probe.asynchronous,
                collected=self.probe.driver is not None,
            )
            for each in tried
        ]
        raised = yield Together(works)
        for each, error in zip(tried, raised, strict=True):
            each.raised = error
        idle = yield Observe(concurrency.idle_in_transaction(tried))
        counted = yield Observe(concurrency.rows_of(tried, schema=self.schema))
        rows = {str(row[0]): int(row[1] or 0) for row in counted}
        for each in tried:
            each.rows = rows.get(each.request.orchestration_id, 0)
        return concurrency.verdict(tried, int(idle[0][0] or 0))

    def _judge(self) -> None:
        """Same backend and same transaction id around every statement?"""
        self.recorder.begin("atomicity")
        backends, xids = self.atomicity["backends"], self.atomicity["xids"]
        if not self.request.commit:
            self.atomicity["detail"]["rolled_back_twin"] = {"not_checked": NEEDS_COMMIT}
        if len(backends) > 1 or len(xids) > 1:
            self.atomicity["status"] = "broken"
            raise CheckFailed(
                "not_atomic",
                f"one transaction ran on {len(backends)} backends under {len(xids)} transaction ids",
            )
        self.atomicity["status"] = "held" if backends and xids else "not_checked"
        self.recorder.end("atomicity", detail={"backends": backends, "xids": xids})


def _came_apart(found: dict[str, object]) -> str:
    """One sentence with the numbers."""
    return (
        f"of {found['transactions']} transactions at once, {found['split']} ran on more than one connection, "
        f"{found['commits_lost']} commits are lost, {found['rollbacks_that_stayed']} rollbacks left rows, "
        f"{found['left_idle_in_transaction']} connections are left idle in a transaction"
    )


def _is_the_rollback(error: BaseException) -> bool:
    return any(isinstance(link, Abandoned) or sqlstate_of(link) == DIVISION_BY_ZERO for link in walk(error))


def _unique(values: Sequence[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
