"""The first signal ends what can be ended, and nothing that was seen is lost; the second ends everything."""

from __future__ import annotations

import asyncio
import signal

import pytest

from repro.observe.interruption import (
    SIGNALS,
    interruptible,
    noting,
    though_cancelled,
    until_interrupted,
)


async def endless() -> None:
    await asyncio.Event().wait()


async def interrupting(number: signal.Signals) -> None:
    signal.raise_signal(number)
    await endless()


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_the_second_raised(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with noting() as noted:
        seen = [noted.happened]
        signal.raise_signal(number)
        assert [*seen, noted.happened] == [False, True]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)

    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_what_was_noted_ends_what_can_be_ended_at_once() -> None:
    with noting():
        signal.raise_signal(signal.SIGTERM)
        assert asyncio.run(until_interrupted(endless()))
        with pytest.raises(KeyboardInterrupt), interruptible():
            raise AssertionError("it was noted before")

    with noting() as fresh, interruptible():
        assert not fresh.happened


def test_where_nothing_is_noted_one_interruption_has_nothing_to_do_with_the_next() -> None:
    async def short() -> None:
        await asyncio.sleep(0)

    with interruptible(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)

    assert asyncio.run(until_interrupted(interrupting(signal.SIGTERM)))
    assert not asyncio.run(until_interrupted(short()))


def test_a_second_signal_ends_what_is_finished_although_it_was_cancelled() -> None:
    did: list[str] = []

    async def finishing() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            did.append("cleaned up")

    async def work() -> None:
        signal.raise_signal(signal.SIGINT)
        await though_cancelled(finishing())

    def told() -> None:
        did.append("told")
        asyncio.get_running_loop().call_later(0.01, signal.raise_signal, signal.SIGINT)

    assert asyncio.run(until_interrupted(work(), told))

    assert did == ["told", "cleaned up"]


@pytest.mark.parametrize("number", SIGNALS)
def test_what_was_ended_by_a_signal_is_ended_by_no_second_one_quietly(number: signal.Signals) -> None:
    with noting() as noted:
        assert asyncio.run(until_interrupted(interrupting(number)))
        assert noted.happened
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


@pytest.mark.parametrize(("cancels", "ends"), [(0, True), (1, True), (2, False)])
def test_what_was_cancelled_once_is_finished(cancels: int, ends: bool) -> None:
    async def main() -> tuple[bool, bool]:
        may_end = asyncio.Event()
        finished = asyncio.Event()

        async def work() -> None:
            await may_end.wait()
            finished.set()

        caller = asyncio.create_task(though_cancelled(work()))
        for _ in range(cancels):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            caller.cancel()
        if ends:
            await asyncio.sleep(0)
            may_end.set()
        await asyncio.wait({caller})
        return finished.is_set(), caller.cancelled()

    assert asyncio.run(main()) == (ends, cancels > 0)


def test_its_error_is_the_callers() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(though_cancelled(work()))
