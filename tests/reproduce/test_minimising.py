"""The search over programs, with a bench that says at once what each would come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from repro.diagnose.undiagnosed import Identity
from repro.document import Outcome
from repro.reproduce import minimising
from repro.reproduce.bench import Bench, Interrupted, OutOfTime
from repro.reproduce.case import Case, at_once, having, whole
from repro.reproduce.checking import Checked
from repro.reproduce.drivers import DRIVERS
from repro.reproduce.minimising import CONFIRMATIONS, FailsOtherwise, Minimised, minimise, proved
from repro.reproduce.place import Place
from repro.reproduce.program import Program
from repro.reproduce.sameness import failure_of
from tests.diagnose.test_engine import outcome

TARGET = {"DATABASE_URL": "postgresql://u:p@h:5432/d?sslmode=require&channel_binding=prefer"}
ENVIRON = {"PGHOST": "h", "HTTPS_PROXY": "http://x"}

Judge = Callable[[Program], Outcome]


class Staged:
    """A bench that judges programs by their parts."""

    left_s = 100.0

    def __init__(self, judge: Judge, *, trials: int = 10_000, end: type[Exception] = OutOfTime) -> None:
        self._judge = judge
        self._left = trials
        self._end = end

    def keep(self, seconds: float) -> None:
        self.kept_s = seconds

    def tried(self, program: Program) -> Outcome:
        if not self._left:
            raise self._end
        self._left -= 1
        return self._judge(program)


def at(judge: Judge, **limits: Any) -> Bench:
    return cast("Bench", Staged(judge, **limits))


def program(probe: str = "tcp.asyncpg") -> Program:
    driver = DRIVERS[probe]
    return Program(driver, whole(driver, TARGET, ENVIRON), Place(driver.variable), {})


def failing(**error: Any) -> Outcome:
    return outcome(
        "tcp.asyncpg", **{"failure": "sql_error", "operation": "authenticate", "sqlstate": "42704", **error}
    )


def identity_of(found: Outcome) -> Identity:
    made = failure_of(found)
    assert made is not None
    return made


REFUSED = failing()
OTHERWISE = failing(sqlstate="42P01")
FINE = outcome("tcp.asyncpg")
WANTED = identity_of(REFUSED)


def names(found: Minimised) -> list[str]:
    return [part.name for part in found.program.case]


def silent(_what: str) -> None:
    pass


def test_only_the_parameter_that_it_needs_is_left() -> None:
    def judge(tried: Program) -> Outcome:
        return REFUSED if any(part.name == "channel_binding" for part in tried.case) else FINE

    found = minimise(at(judge), program(), WANTED, silent)

    assert names(found) == ["channel_binding"]
    assert found.outcome is REFUSED
    assert found.stopped == ""
    assert found.program.place.stand_in is None


def test_another_failure_is_not_the_same() -> None:
    def judge(tried: Program) -> Outcome:
        statements = {part.name for part in tried.case}
        if "INSERT INTO outbox" not in statements:
            return FINE
        return REFUSED if "CREATE TEMPORARY TABLE outbox" in statements else OTHERWISE

    found = minimise(at(judge), program(), WANTED, silent)

    assert names(found) == ["CREATE TEMPORARY TABLE outbox", "INSERT INTO outbox"]


def test_the_shortest_statements_are_tried_before_the_production_ones() -> None:
    def judge(tried: Program) -> Outcome:
        return REFUSED if having(tried.case, "insert") and having(tried.case, "transaction") else FINE

    assert names(minimise(at(judge), program(), WANTED, silent)) == ["BEGIN … COMMIT", "SELECT 1"]


@pytest.mark.parametrize(("found", "says"), [(FINE, "passes"), (OTHERWISE, "42P01")])
def test_a_whole_that_does_not_fail_like_that_is_no_start(found: Outcome, says: str) -> None:
    with pytest.raises(FailsOtherwise, match=says):
        minimise(at(lambda _tried: found), program(), WANTED, silent)


@pytest.mark.parametrize(("end", "says"), [(OutOfTime, "the deadline"), (Interrupted, "an interruption")])
def test_ended_early_the_smallest_so_far_is_kept(end: type[Exception], says: str) -> None:
    def judge(tried: Program) -> Outcome:
        return REFUSED if any(part.name == "channel_binding" for part in tried.case) else FINE

    found = minimise(at(judge, trials=3, end=end), program(), WANTED, silent)

    assert found.stopped == says
    assert 1 < len(names(found)) < len(program().case)
    assert found.trials == 3


def test_before_the_whole_was_tried_there_is_nothing_to_keep() -> None:
    with pytest.raises(OutOfTime):
        minimise(at(lambda _tried: REFUSED, trials=0), program(), WANTED, silent)


NOT_ATOMIC = failing(failure="not_atomic", operation="atomicity", sqlstate=None)


def test_as_few_transactions_at_once_as_always_fail() -> None:
    lucky = iter([True] * 10_000)

    def judge(tried: Program) -> Outcome:
        count = at_once(tried.case)
        if count < 3 or not having(tried.case, "observe"):
            return FINE
        return NOT_ATOMIC if count > 3 or next(lucky) else FINE

    found = minimise(at(judge), program("node.pg"), identity_of(NOT_ATOMIC), silent)
    assert names(found) == ["one connection for each transaction?", "3 transactions at once"]

    # three that fail only sometimes are too few
    lucky = iter([True] * (CONFIRMATIONS - 1) + [False] + [True] * 100)
    found = minimise(at(judge), program("node.pg"), identity_of(NOT_ATOMIC), silent)
    assert names(found) == ["one connection for each transaction?", "4 transactions at once"]


def test_something_stands_in_for_a_server_that_is_not_needed() -> None:
    silence = failing(failure="timeout", sqlstate=None)

    def judge(tried: Program) -> Outcome:
        return silence if tried.place.stand_in in {None, "silent"} else FINE

    found = minimise(at(judge), program(), identity_of(silence), silent)

    assert found.program.place.stand_in == "silent"
    assert names(found) == []


def test_a_port_that_is_the_drivers_own_needs_no_server_at_all() -> None:
    refused = failing(failure="connection_refused", operation="connect", address="127.0.0.1:443")

    found = minimise(at(lambda _tried: refused), program("ws.neon"), identity_of(refused), silent)

    assert found.program.place == Place("DATABASE_URL", "nobody", keeps_its_port=True, host="localhost")
    assert "postgresql://user:password@localhost:5432/name" in found.program.text


def test_what_does_not_fail_by_itself_each_time_gets_more_transactions_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check(_bench: Bench, tried: Program, _expected: Outcome) -> Checked:
        return Checked(5, 5, 5 if at_once(tried.case) >= 8 else 4, "")

    monkeypatch.setattr(minimising, "checked", check)
    whole_case = program("node.pg").case
    two: Case = tuple(replace(part, text="2") if part.role == "at_once" else part for part in whole_case)
    found = Minimised(replace(program("node.pg"), case=two), NOT_ATOMIC, 3)

    better, result = proved(at(lambda _tried: FINE), found, 12)

    assert at_once(better.program.case) == 8
    assert result.every_time


def test_settings_that_do_not_matter_go_in_one_trial() -> None:
    tried: list[int] = []

    def judge(one: Program) -> Outcome:
        tried.append(len(one.case))
        return REFUSED if having(one.case, "insert") else FINE

    minimise(at(judge), program(), WANTED, silent)

    settings = sum(part.kind in {"option", "variable"} for part in program().case)
    assert settings > 1
    assert tried[1] == tried[0] - settings
