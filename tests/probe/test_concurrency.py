"""Transactions at once: real ones, with a control that must hold and one that must be caught."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from repro.lab.process import Lab
from repro.persistence.drivers import raw
from repro.persistence.model import Job, OrchestrationRequest
from repro.persistence.schema import create_schema, drop_schema
from repro.persistence.settings import Settings
from repro.persistence.steps import Begin, Commit, Execute, Rows, Step, Transaction, drive
from repro.persistence.transaction import single
from repro.probe import concurrency
from repro.probe.at_once import POOL_SIZE, at_once, said
from repro.probe.concurrency import Attempt, idle_in_transaction, is_broken, rows_of, verdict


def request_of(what: str) -> OrchestrationRequest:
    return OrchestrationRequest(f"{what}-{uuid.uuid4()}", [Job("render", {"n": n}) for n in range(2)])


@pytest.fixture
def url(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("PGSSLMODE", "disable")
    return Settings.from_environment(lab.environment).require_database()


@pytest.fixture
def schema(url: str) -> Iterator[str]:
    name = f"at_once_{uuid.uuid4().hex[:12]}"
    with closing(raw.connect(url)) as driver:
        for statement in create_schema(name):
            driver.run(single(Execute(statement)))
        yield name
        driver.run(single(Execute(drop_schema(name))))


def tried(schema: str, run: Any, observer: raw.RawDriver, count: int) -> dict[str, object]:
    attempts = concurrency.attempts(count, request_of, "test")
    works = [each.transaction(schema, gaps_by_statement=False, collected=False) for each in attempts]
    for each, raised in zip(attempts, run(works), strict=True):
        each.raised = raised
    idle = observer.run(idle_in_transaction(attempts))
    rows = {str(row[0]): int(row[1] or 0) for row in observer.run(rows_of(attempts, schema=schema))}
    for each in attempts:
        each.rows = rows.get(each.request.orchestration_id, 0)
    return verdict(attempts, int(idle[0][0] or 0))


class Unpinned:
    """A client that takes whichever connection is free for each step: the negative control."""

    def __init__(self, url: str, size: int) -> None:
        self._free = [raw.connect(url) for _ in range(size)]
        self._all = list(self._free)
        self._places = threading.Semaphore(size)

    def _step(self, step: Step) -> Rows:
        with self._places:
            driver = self._free.pop()
            try:
                match step:
                    case Begin():
                        driver._simple("BEGIN") if hasattr(driver, "_simple") else driver._begin()
                    case Commit():
                        driver._commit()
                    case Execute():
                        return driver._execute(step)
                return Rows(())
            finally:
                self._free.append(driver)

    def together(self, works: list[Transaction[Any]]) -> list[str | None]:
        results: list[str | None] = [None] * len(works)

        def run(number: int) -> None:
            try:
                drive(works[number], self._step)
            except Exception as error:  # noqa: BLE001 - it is what is asked for
                results[number] = said(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def close(self) -> None:
        for driver in self._all:
            driver.close()


@pytest.mark.parametrize("count", [2, POOL_SIZE + 2, 12])
def test_pinned_transactions_hold(url: str, schema: str, count: int) -> None:
    with closing(raw.connect(url)) as observer:
        found = tried(schema, lambda works: at_once(lambda: raw.connect(url), works), observer, count)
    assert not is_broken(found), found
    assert (found["transactions"], found["raised"]) == (count, [])


def test_an_unpinned_client_is_caught(url: str, schema: str) -> None:
    with closing(raw.connect(url)) as observer, closing(Unpinned(url, 2)) as unpinned:
        found = tried(schema, unpinned.together, observer, 4)
    assert is_broken(found), found


def seen(*rows: tuple[int, str]) -> Attempt:
    attempt = Attempt(request_of("unit"), kept=True, rows=2)
    attempt.sightings.rows = [Rows([row]) for row in rows]
    return attempt


def test_what_came_apart_is_told_in_numbers() -> None:
    whole, split = seen((1, "7"), (1, "7")), seen((1, "7"), (2, "7"))
    lost, survivor, failed = seen((1, "8")), seen((1, "9")), seen((1, "9"))
    lost.rows = failed.rows = 0
    survivor.kept = False
    failed.raised = "Error: x"
    found = verdict([whole, split, lost, survivor, failed], idle=3)
    assert found == {
        "transactions": 5,
        "split": 1,
        "commits_lost": 1,
        "rollbacks_that_stayed": 1,
        "left_idle_in_transaction": 3,
        "raised": ["Error: x"],
    }
    assert is_broken(found)
    assert not is_broken(verdict([whole, failed], idle=0)), "an error is told as one"
