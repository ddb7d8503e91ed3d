"""Nothing waits for ever: a statement whose answer is overdue ends with an error, on every driver."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import httpx
import psycopg
import pytest

from repro.persistence.deadline import LoopWatchdog, Watchdog, shut_down
from repro.persistence.drivers import Driver
from repro.persistence.settings import Settings, Timeouts
from repro.persistence.steps import Execute
from repro.persistence.transaction import single


def test_an_overdue_answer_ends_with_a_timeout(
    connector: Callable[[Settings], Driver], settings: Settings
) -> None:
    hurried = replace(settings, timeouts=Timeouts(statement_s=0.3, close_s=0.3))
    with closing(connector(hurried)) as driver, pytest.raises((TimeoutError, httpx.ReadTimeout)):
        driver.run(single(Execute("SELECT pg_sleep(2)::text")))


def test_a_watchdog_leaves_alone_what_is_in_time(settings: Settings) -> None:
    with (
        psycopg.connect(settings.require_database(), autocommit=True) as connection,
        closing(Watchdog(0.05, connection.fileno)) as watchdog,
    ):
        connection.execute("SELECT pg_sleep(0.2)")  # outside the watch
        with watchdog:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(TimeoutError, match=r"no answer within 0.05 s"), watchdog:
            connection.execute("SELECT pg_sleep(2)")
        assert connection.closed


def test_a_connection_that_comes_after_the_limit_is_ended_too() -> None:
    ours, theirs = socket.socketpair()
    asked: list[bool] = []

    def fileno() -> int:
        asked.append(True)
        return -1 if len(asked) == 1 else ours.fileno()

    def wait() -> None:
        with watchdog:
            assert ours.recv(1) == b"", "it was shut down on this side"
            raise ConnectionError

    with ours, theirs, closing(Watchdog(0.05, fileno)) as watchdog:
        ours.settimeout(20)
        with pytest.raises(TimeoutError, match="the connection was ended") as caught:
            wait()
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert len(asked) > 1


def test_another_error_within_the_watch_is_passed_on() -> None:
    with closing(Watchdog(60, lambda: -1)) as watchdog, pytest.raises(KeyError), watchdog:
        raise KeyError


def test_shutting_down_what_has_ended_is_no_error() -> None:
    shut_down(lambda: -1)


def test_the_timer_of_an_earlier_wait_gives_the_next_one_its_whole_time() -> None:
    limit_s = 0.2

    async def end_of(ended: asyncio.Event) -> None:
        await asyncio.wait_for(ended.wait(), 20)
        raise ConnectionError

    async def wait() -> float:
        ended = asyncio.Event()
        watchdog = LoopWatchdog(limit_s, ended.set)
        with watchdog:
            time.sleep(limit_s / 2)  # its timer is half-way when the next wait begins
        begun = time.monotonic()
        with pytest.raises(TimeoutError, match="the connection was ended") as caught, watchdog:
            await end_of(ended)
        assert isinstance(caught.value.__cause__, ConnectionError)
        return time.monotonic() - begun

    assert asyncio.run(wait()) >= limit_s


def test_nothing_is_ended_when_the_timer_is_up_between_two_waits() -> None:
    limit_s = 0.05

    async def wait() -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        watchdog = LoopWatchdog(limit_s, ended.set)
        with watchdog:
            pass
        later = loop.create_future()
        loop.call_later(limit_s, later.set_result, None)  # due after the watchdog's own
        await later
        assert not ended.is_set()
        with watchdog:
            pass
        watchdog.close()

    asyncio.run(wait())
