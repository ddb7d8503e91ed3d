"""Connections are kept, replaced when they have ended, and never more than allowed; errors are translated."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

import pytest

from repro.persistence.carrier import DATABASE
from repro.persistence.errors import NotApplied, OutcomeUnknown, Unreachable
from repro.persistence.pool import AsyncPool, Pool
from repro.persistence.queue import Command
from repro.persistence.steps import Begin, Commit, Execute, Rows, drive, drive_async

STATEMENT = Execute("SELECT 1")


class Refused(Exception):  # noqa: N818 - a server's answer
    sqlstate = "28P01"


class Connection:
    """A connection that fails at steps of one kind, once, and says what it was asked."""

    server = DATABASE
    not_sent: tuple[type[BaseException], ...] = (Refused,)
    not_reached: tuple[type[BaseException], ...] = ()

    def __init__(self, fails_at: type | None = None, error: Exception | None = None) -> None:
        self.usable = True
        self.closed = 0
        self.asked: list[type] = []
        self._fails_at, self._error = fails_at, error or EOFError()

    def run(self, generator: Generator[Any, Any, Any]) -> Any:
        return drive(generator, self.carry_out)

    def carry_out(self, step: Any) -> Rows:
        self.asked.append(type(step))
        if self._fails_at is not None and isinstance(step, self._fails_at):
            self._fails_at, self.usable = None, isinstance(self._error, Refused)
            raise self._error
        return Rows(())

    def close(self) -> None:
        self.closed += 1


class Awaited:
    """A `Connection` that is awaited."""

    server = DATABASE
    not_sent: tuple[type[BaseException], ...] = Connection.not_sent
    not_reached: tuple[type[BaseException], ...] = ()

    def __init__(self, inner: Connection) -> None:
        self._inner = inner

    @property
    def usable(self) -> bool:
        return self._inner.usable

    async def run(self, generator: Generator[Any, Any, Any]) -> Any:
        async def carry_out(step: Any) -> Rows:
            await asyncio.sleep(0)
            return self._inner.carry_out(step)

        return await drive_async(generator, carry_out)

    async def close(self) -> None:
        self._inner.close()


class Opener:
    """Hands out connections in order; an exception in their place is raised."""

    def __init__(self, *connections: Connection | Exception) -> None:
        self.left = list(connections)

    def __call__(self) -> Connection:
        found = self.left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    async def awaited(self) -> Awaited:
        return Awaited(self())


class Sync:
    """An `AsyncPool` used as a sync one."""

    def __init__(self, opener: Opener, **options: Any) -> None:
        self.runner = asyncio.Runner()
        self._pool = AsyncPool(opener.awaited, **options)

    def run(self, generator: Any) -> Any:
        return self.runner.run(self._pool.run(generator))

    def close(self) -> None:
        self.runner.run(self._pool.close())


Make = Callable[..., Any]


@pytest.fixture(params=[Pool, Sync], ids=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Any:
    made: list[Any] = []

    def build(*connections: Connection | Exception, **options: Any) -> Any:
        made.append(request.param(Opener(*connections), **options))
        return made[-1]

    yield build
    for pool in made:
        pool.close()
        if isinstance(pool, Sync):
            pool.runner.close()


def transaction() -> Generator[Any, Any, str]:
    yield Begin()
    yield STATEMENT
    yield Commit()
    return "done"


def command() -> Generator[Any, Any, str]:
    yield Command(("PING",))
    return "done"


WHOLE = [Begin, Execute, Commit]


def test_one_connection_serves_one_call_after_the_other(make: Make) -> None:
    connection = Connection()
    pool = make(connection)
    assert [pool.run(transaction()) for _ in range(3)] == ["done"] * 3
    assert connection.asked == WHOLE * 3
    pool.close()
    assert connection.closed == 1


def test_nothing_is_opened_for_nothing(make: Make) -> None:
    def steps(count: int) -> Generator[Any, Any, str]:
        for _ in range(count):
            yield Command(("PING",))
        return "done"

    assert make().run(steps(0)) == "done"


@pytest.mark.parametrize("at", [Begin, Execute])
def test_a_kept_connection_that_has_ended_is_replaced_and_nobody_notices(make: Make, at: type) -> None:
    ended, fresh = Connection(), Connection()
    pool = make(ended, fresh)
    pool.run(transaction())
    ended._fails_at = at
    assert pool.run(transaction()) == "done"
    assert (ended.asked, ended.closed) == ([*WHOLE, *WHOLE[: WHOLE.index(at) + 1]], 1)
    assert fresh.asked == WHOLE


def test_a_kept_connection_that_refuses_or_is_slow_has_not_ended(make: Make) -> None:
    for error in (Refused(), TimeoutError()):
        connection = Connection()
        pool = make(connection)
        pool.run(transaction())
        connection._fails_at, connection._error = Execute, error
        with pytest.raises(NotApplied):
            pool.run(transaction())


def test_a_new_connection_that_fails_is_not_replaced(make: Make) -> None:
    broken = Connection(Begin)
    with pytest.raises(NotApplied) as caught:
        make(broken).run(transaction())
    assert isinstance(caught.value.__cause__, EOFError)
    assert broken.closed == 1


class Second(Execute):
    """Another statement."""


def two_statements() -> Generator[Any, Any, str]:
    yield Begin()
    yield STATEMENT
    yield Second("SELECT 2")
    yield Commit()
    return "done"


@pytest.mark.parametrize(("at", "told"), [(Second, NotApplied), (Commit, OutcomeUnknown)])
def test_what_comes_later_is_never_sent_again(make: Make, at: type, told: type[Exception]) -> None:
    ended, fresh = Connection(), Connection()
    pool = make(ended, fresh)
    assert pool.run(two_statements()) == "done"
    ended._fails_at = at
    with pytest.raises(told):
        pool.run(two_statements())
    assert (ended.closed, fresh.asked) == (1, [])


def test_a_transaction_of_one_statement_can_be_left_at_any_step(make: Make) -> None:
    def short(steps: int) -> Generator[Any, Any, str]:
        for step in [Begin(), STATEMENT, STATEMENT][:steps]:  # noqa: UP028 - a list takes no answers
            yield step
        return "done"

    pool = make(Connection())
    assert [pool.run(short(steps)) for steps in (1, 1, 2, 3)] == ["done"] * 4


def test_a_command_is_never_sent_again(make: Make) -> None:
    ended, fresh = Connection(), Connection()
    pool = make(ended, fresh)
    pool.run(command())
    ended._fails_at = Command
    with pytest.raises(OutcomeUnknown):
        pool.run(command())
    assert (ended.closed, fresh.asked) == (1, [])
    assert pool.run(command()) == "done"


def test_an_unknown_outcome_leaves_no_connection_behind(make: Make) -> None:
    broken = Connection(Commit)
    with pytest.raises(OutcomeUnknown):
        make(broken).run(transaction())
    assert broken.closed == 1


def test_a_refusal_keeps_the_connection(make: Make) -> None:
    connection = Connection(Execute, Refused())
    pool = make(connection)
    with pytest.raises(NotApplied) as caught:
        pool.run(transaction())
    assert caught.value.code == "28P01"
    assert pool.run(transaction()) == "done"
    assert connection.closed == 0


def test_nobody_there_is_unreachable_and_a_refused_login_is_not(make: Make) -> None:
    pool = make(ConnectionRefusedError(), Refused(), Connection())
    with pytest.raises(Unreachable) as caught:
        pool.run(transaction())
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    with pytest.raises(NotApplied) as refused:
        pool.run(transaction())
    assert not isinstance(refused.value, Unreachable)
    assert refused.value.code == "28P01"
    assert pool.run(transaction()) == "done"


def test_a_connection_that_became_useless_while_it_was_kept_is_not_used(make: Make) -> None:
    useless, fresh = Connection(), Connection()
    pool = make(useless, fresh)
    pool.run(command())
    useless.usable = False
    assert pool.run(command()) == "done"
    assert (useless.closed, len(fresh.asked)) == (1, 1)


def test_a_closed_pool_opens_nothing(make: Make) -> None:
    pool = make(Connection())
    pool.close()
    with pytest.raises(Unreachable, match="closed"):
        pool.run(command())


def test_a_lent_connection_is_never_closed_nor_replaced() -> None:
    connection = Connection()
    pool = Pool.of(connection)
    assert pool.run(command()) == "done"
    connection.usable = False
    with pytest.raises(Unreachable, match="no way to make another"):
        pool.run(command())
    pool.close()
    assert connection.closed == 0


def test_a_lent_connection_is_never_closed_by_an_async_pool_either() -> None:
    connection = Connection()

    async def scenario() -> None:
        pool = AsyncPool.of(Awaited(connection))
        assert await pool.run(command()) == "done"
        await pool.close()

    asyncio.run(scenario())
    assert connection.closed == 0


def test_more_callers_than_connections_wait_and_then_give_up() -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow() -> Generator[Any, Any, None]:
        yield Begin()
        inside.set()
        leave.wait(20)

    with closing(Pool(Opener(Connection()), size=1, wait_s=0.05)) as pool:
        first = threading.Thread(target=lambda: pool.run(slow()))
        first.start()
        assert inside.wait(20)
        with pytest.raises(NotApplied, match=r"to the database are in use, none came free in 0.05 s"):
            pool.run(command())
        leave.set()
        first.join()
        assert pool.run(command()) == "done"


def test_more_tasks_than_connections_wait_and_then_give_up() -> None:
    async def scenario() -> None:
        leave = asyncio.Event()
        inside = asyncio.Event()

        class Slow(Awaited):
            async def run(self, generator: Generator[Any, Any, Any]) -> Any:
                inside.set()
                await leave.wait()
                return await super().run(generator)

        async def connect() -> Awaited:
            return Slow(Connection())

        pool = AsyncPool(connect, size=1, wait_s=0.05)
        first = asyncio.create_task(pool.run(command()))
        await inside.wait()
        with pytest.raises(NotApplied, match="all 1 connections to the database are in use"):
            await pool.run(command())
        leave.set()
        assert await first == "done"
        await pool.close()

    asyncio.run(scenario())


def test_a_generator_that_answers_a_failure_goes_on() -> None:
    def stubborn() -> Generator[Any, Any, str]:
        try:
            yield Command(("PING",))
        except OutcomeUnknown:
            yield Command(("PING",))
        return "done"

    with closing(Pool(Opener(Connection(Command)))) as pool:
        assert pool.run(stubborn()) == "done"


def test_an_error_without_a_code_makes_no_second_connection(make: Make) -> None:
    """Such as a text that cannot be encoded: the connection goes on, and is the one to be used again."""
    connection = Connection()
    pool = make(connection)
    pool.run(transaction())
    connection._fails_at, connection._error = Execute, UnicodeError()

    def keeps(step: Any) -> Rows:
        try:
            return Connection.carry_out(connection, step)
        finally:
            connection.usable = True

    connection.carry_out = keeps  # type: ignore[method-assign]
    assert pool.run(transaction()) == "done"
    assert connection.closed == 0


def test_several_that_have_ended_are_replaced_by_a_new_one(make: Make) -> None:
    dead, fresh = Connection(), Connection()
    pool = make(dead, fresh)
    pool.run(transaction())
    dead._fails_at = Begin
    assert pool.run(transaction()) == "done"
    assert fresh.asked == WHOLE


def nested(pool: Pool, depth: int) -> None:
    """Use as many connections at once."""

    def deeper() -> Generator[Any, Any, None]:
        yield Begin()
        if depth > 1:
            nested(pool, depth - 1)

    pool.run(deeper())


def test_what_ends_one_connection_has_ended_the_idle_ones_too() -> None:
    first, second, third = Connection(Command), Connection(), Connection()
    pool = Pool(Opener(first, second, third))
    nested(pool, 2)  # both are kept now
    with pytest.raises(OutcomeUnknown):
        pool.run(command())
    assert (first.closed, second.closed) == (1, 1)
    assert pool.run(command()) == "done"
    assert third.asked == [Command]


def test_a_connection_that_comes_back_after_the_end_is_closed() -> None:
    connection = Connection()
    pool = Pool(Opener(connection))

    def closing_meanwhile() -> Generator[Any, Any, str]:
        yield Command(("PING",))
        pool.close()
        return "done"

    assert pool.run(closing_meanwhile()) == "done"
    assert connection.closed == 1


def test_connections_say_goodbye_side_by_side() -> None:
    together = threading.Barrier(3)

    class Polite(Connection):
        def close(self) -> None:
            together.wait(10)
            super().close()

    connections = [Polite(), Polite(), Polite()]
    pool = Pool(Opener(*connections))
    nested(pool, 3)
    pool.close()
    assert [each.closed for each in connections] == [1, 1, 1]


@pytest.mark.parametrize("kind", [Pool, AsyncPool])
def test_a_pool_of_nothing_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match="at least one"):
        kind(Opener(), size=0)
