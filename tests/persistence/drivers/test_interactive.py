"""A connection whose state is not known is ended and never used again, whatever left it so."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from repro.persistence.drivers import Driver, asyncpg, psycopg, raw, sqlalchemy
from repro.persistence.drivers.interactive import (
    AsyncInteractiveDriver,
    ConnectionEndedError,
    InteractiveDriver,
    TransactionFailedError,
)
from repro.persistence.errors import NotApplied
from repro.persistence.outcome import translated
from repro.persistence.settings import Settings, Timeouts
from repro.persistence.steps import Begin, Commit, Execute, Rows, Transaction
from repro.persistence.transaction import single

QUERY = Execute("SELECT 1")


class Answer(Exception):  # noqa: N818 - a server's refusal
    sqlstate = "23505"


class ReadOnly(Exception):  # noqa: N818 - a server's refusal
    sqlstate = "25006"


class Scripted(InteractiveDriver):
    """A driver that fails at one step with one error, once, and writes down what it was told."""

    def __init__(self, at: str, error: BaseException) -> None:
        super().__init__()
        self._at, self._error, self.told = at, error, list[str]()

    def _do(self, what: str) -> None:
        self.told.append(what)
        if what == self._at:
            self._at = ""
            raise self._error

    def _begin(self) -> None:
        self._do("begin")

    def _execute(self, step: Execute) -> Rows:
        self._do("execute")
        return Rows(())

    def _commit(self) -> None:
        self._do("commit")

    def _rollback(self) -> None:
        self._do("rollback")

    def _terminate(self) -> None:
        self.told.append("end")

    def close(self) -> None:
        """Nothing is open."""


class AsyncScripted(AsyncInteractiveDriver):
    """A `Scripted` that is awaited, used as a sync one."""

    def __init__(self, at: str, error: BaseException) -> None:
        super().__init__(rollback_s=60)
        self._inner = Scripted(at, error)
        self.told = self._inner.told

    async def _begin(self) -> None:
        self._inner._begin()

    async def _execute(self, step: Execute) -> Rows:
        return self._inner._execute(step)

    async def _commit(self) -> None:
        self._inner._commit()

    async def _rollback(self) -> None:
        self._inner._rollback()

    def _terminate(self) -> None:
        self._inner._terminate()

    async def close(self) -> None:
        """Nothing is open."""


def run(driver: Scripted | AsyncScripted, transaction: Transaction[object]) -> object:
    if isinstance(driver, Scripted):
        return driver.run(transaction)
    return asyncio.run(driver.run(transaction))


@pytest.mark.parametrize("kind", [Scripted, AsyncScripted])
@pytest.mark.parametrize(
    ("at", "error", "told"),
    [
        ("begin", TimeoutError(), ["begin", "end"]),
        ("begin", Answer(), ["begin", "end"]),
        ("execute", TimeoutError(), ["begin", "execute", "end"]),
        ("execute", asyncio.CancelledError(), ["begin", "execute", "end"]),
        ("commit", EOFError(), ["begin", "execute", "commit", "end"]),
        ("execute", ReadOnly(), ["begin", "execute", "end"]),
    ],
)
def test_what_is_not_answered_ends_the_connection(
    kind: type[Scripted | AsyncScripted], at: str, error: BaseException, told: list[str]
) -> None:
    driver = kind(at, error)
    with pytest.raises(type(error)):
        run(driver, single(QUERY))
    assert driver.told == told
    with pytest.raises(NotApplied, match="ConnectionEndedError"):
        run(driver, translated(single(QUERY), driver))
    assert driver.told == told


@pytest.mark.parametrize("kind", [Scripted, AsyncScripted])
@pytest.mark.parametrize(
    ("at", "told"),
    [("execute", ["begin", "execute", "rollback"]), ("commit", ["begin", "execute", "commit"])],
)
def test_a_refusal_leaves_the_connection_usable(
    kind: type[Scripted | AsyncScripted], at: str, told: list[str]
) -> None:
    driver = kind(at, Answer())
    with pytest.raises(Answer):
        run(driver, single(QUERY))
    assert driver.told == told
    run(driver, single(QUERY))
    assert driver.told == [*told, "begin", "execute", "commit"]


def left() -> Transaction[object]:
    yield Begin()
    raise KeyError


@pytest.mark.parametrize("kind", [Scripted, AsyncScripted])
@pytest.mark.parametrize(
    ("error", "raised"), [(OSError(), KeyError), (asyncio.CancelledError(), asyncio.CancelledError)]
)
def test_a_rollback_that_fails_ends_the_connection(
    kind: type[Scripted | AsyncScripted], error: BaseException, raised: type[BaseException]
) -> None:
    driver = kind("rollback", error)
    with pytest.raises(raised):
        run(driver, left())
    assert driver.told == ["begin", "rollback", "end"]
    with pytest.raises(ConnectionEndedError):
        run(driver, single(QUERY))


def swallowing() -> Transaction[None]:
    yield Begin()
    with suppress(Exception):
        yield Execute("SELECT 1 / $1::int", (0,))
    yield Commit()


def test_a_failed_transaction_is_not_committed(driver: Driver) -> None:
    if not driver.interactive:
        pytest.skip("its statements are sent with COMMIT")
    with pytest.raises(TransactionFailedError) as caught:
        driver.run(swallowing())
    assert isinstance(caught.value, driver.not_sent)
    assert driver.run(single(QUERY))[0] == (1,)


def mended() -> Transaction[Rows]:
    yield Begin()
    yield Execute("SAVEPOINT before")
    with suppress(Exception):
        yield Execute("SELECT 1 / $1::int", (0,))
    yield Execute("ROLLBACK TO SAVEPOINT before")
    rows = yield QUERY
    yield Commit()
    return rows


def test_a_savepoint_mends_a_transaction(driver: Driver) -> None:
    if driver.interactive:
        assert driver.run(mended())[0] == (1,)


def test_an_overdue_answer_ends_the_connection(
    connector: Callable[[Settings], Driver], settings: Settings
) -> None:
    hurried = replace(settings, timeouts=Timeouts(statement_s=0.3, close_s=0.3))
    with closing(connector(hurried)) as driver:
        if not driver.interactive:
            pytest.skip("it has no connection of its own")
        with pytest.raises(TimeoutError):
            driver.run(single(Execute("SELECT pg_sleep(2)::text")))
        with pytest.raises(ConnectionEndedError):
            driver.run(single(QUERY))


def test_a_driver_is_usable_until_it_is_closed(
    connector: Callable[[Settings], Driver], settings: Settings
) -> None:
    with closing(connector(settings)) as driver:
        assert driver.usable
        with pytest.raises(Exception, match="division by zero"):
            driver.run(single(Execute("SELECT 1 / $1::int", (0,))))
        assert driver.usable, "a refusal leaves it as it is"
        assert driver.run(single(QUERY))[0] == (1,)
    assert not driver.usable


def test_a_driver_whose_backend_has_ended_is_not_usable(driver: Driver) -> None:
    if not driver.interactive:
        pytest.skip("it has no connection of its own")
    with pytest.raises(Exception, match=r"(?i)terminating connection|closed"):
        driver.run(single(Execute("SELECT pg_terminate_backend(pg_backend_pid())::text")))
    assert not driver.usable


class Hold:
    """A proxy that keeps the answers to itself from a certain word of the client on."""

    def __init__(self, upstream: int, word: bytes) -> None:
        self._word, self._upstream = word, upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._held = threading.Event()
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(("localhost", self._upstream))
        back = threading.Thread(target=self._copy, args=(server, client, self._answer))
        back.start()
        self._copy(client, server, self._request)
        back.join()
        client.close()
        server.close()

    def _request(self, data: bytes) -> bytes:
        if self._word in data:
            self._held.set()
        return data

    def _answer(self, data: bytes) -> bytes:
        return b"" if self._held.is_set() else data

    def _copy(self, source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes]) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(change(data))
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def wait(self) -> None:
        """Until the word was sent."""
        assert self._held.wait(30)

    def close(self) -> None:
        self._listener.close()
        self._threads[0].join(10)
        assert not self._threads[0].is_alive()


@pytest.fixture
def held(settings: Settings) -> Iterator[str]:
    """The lab's database, which never answers a BEGIN."""
    with closing(Hold(port_of(settings), b"BEGIN")) as hold:
        yield through(hold, settings)


def port_of(settings: Settings) -> int:
    return urlsplit(settings.require_database()).port or 0


def through(hold: Hold, settings: Settings) -> str:
    url = urlsplit(settings.require_database())
    changed = url.netloc.replace(f"localhost:{url.port}", f"127.0.0.1:{hold.port}")
    return f"{url._replace(netloc=changed).geturl()}?sslmode=disable"


def test_asyncpg_never_says_success_after_a_begin_without_answer(held: str) -> None:
    async def scenario() -> None:
        driver = await asyncpg.connect(held, timeouts=Timeouts(statement_s=0.3, close_s=0.3))
        try:
            with pytest.raises((TimeoutError, ConnectionError)):
                await driver.run(single(QUERY))
            with pytest.raises(ConnectionEndedError):
                await driver.run(single(QUERY))
        finally:
            await driver.close()

    asyncio.run(scenario())


def test_raw_sends_nothing_more_after_a_begin_without_answer(held: str) -> None:
    timeouts = Timeouts(statement_s=0.3, close_s=0.3)
    with closing(raw.connect(held, timeouts=timeouts)) as driver:
        with pytest.raises(TimeoutError):
            driver.run(single(QUERY))
        with pytest.raises(ConnectionEndedError):
            driver.run(single(QUERY))


@pytest.mark.parametrize("library", [asyncpg, psycopg, sqlalchemy])
def test_a_cancellation_ends_at_once_on_a_silent_network(library: Any, settings: Settings) -> None:
    async def scenario(hold: Hold) -> None:
        url = through(hold, settings)
        if library is sqlalchemy:
            url = url.replace("sslmode", "ssl")  # it hands its parameters to asyncpg as they are
        connect = getattr(library, "connect_async", library.connect)
        driver = await connect(url, timeouts=Timeouts(statement_s=60, close_s=0.1))
        try:
            work = asyncio.create_task(driver.run(single(QUERY)))
            await asyncio.to_thread(hold.wait)
            work.cancel()
            done, _ = await asyncio.wait({work}, timeout=3)  # psycopg's own takes five seconds at the least
            assert done
            assert work.cancelled()
            assert not driver.usable
        finally:
            await driver.close()

    with closing(Hold(port_of(settings), b"SELECT 1" if library is sqlalchemy else b"BEGIN")) as hold:
        asyncio.run(scenario(hold))


def test_a_cancellation_that_a_library_has_replaced_is_one_all_the_same() -> None:
    class Replaced(AsyncScripted):
        async def _execute(self, step: Execute) -> Rows:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise ConnectionResetError from None
            return Rows(())

    async def scenario() -> None:
        work = asyncio.create_task(Replaced("", Answer()).run(single(QUERY)))
        await asyncio.sleep(0)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(scenario())


def test_what_sqlalchemy_asks_of_a_new_connection_has_a_limit(settings: Settings) -> None:
    limit = pytest.raises(TimeoutError, match=r"no answer within 0\.3 s")
    with closing(Hold(port_of(settings), b"pg_catalog.version")) as hold, limit:
        sqlalchemy.connect(through(hold, settings), timeouts=Timeouts(statement_s=0.3))


def test_what_sqlalchemy_asks_of_a_new_awaited_connection_has_a_limit(settings: Settings) -> None:
    async def scenario(url: str) -> None:
        with pytest.raises(TimeoutError):
            await sqlalchemy.connect_async(url, timeouts=Timeouts(connect_s=1, statement_s=0.3))

    with closing(Hold(port_of(settings), b"pg_catalog.version")) as hold:
        asyncio.run(asyncio.wait_for(scenario(through(hold, settings).replace("sslmode", "ssl")), 20))
